"""Auth as it is started for real, and what it writes to its log."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from callboard_testkit.waiting import free_port, wait_for_port

PASSWORD = "Tr0ub4dor-and-3"
PASSPHRASE = "correct-horse-battery-staple-0123456789"


class Process:
    """``python -m callboard_auth serve`` over a fresh database; everything it writes is in one file."""

    def __init__(self, directory: Path, redis_url: str) -> None:
        self.port, self.internal_port = free_port(), free_port()
        self.log = directory / "auth.log"
        self.environment = os.environ | {
            "AUTH_DATABASE_URL": f"sqlite+aiosqlite:///{directory}/auth.db",
            "AUTH_KEY_PASSPHRASE": PASSPHRASE,
            "AUTH_PORT": str(self.port),
            "AUTH_INTERNAL_PORT": str(self.internal_port),
            "AUTH_ARGON2_MEMORY_KIB": "8",
            "REDIS_URL": redis_url,
            "LOG_LEVEL": "debug",
        }

    def run(self, command: str) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            arguments = [sys.executable, "-m", "callboard_auth", command]
            return subprocess.Popen(arguments, env=self.environment, stdout=log, stderr=subprocess.STDOUT)


@pytest.fixture
def process(tmp_path: Path, redis_url: str) -> Process:
    process = Process(tmp_path, redis_url)
    assert process.run("migrate").wait() == 0
    return process


@pytest.fixture
def serving(process: Process) -> Iterator[subprocess.Popen[bytes]]:
    serving = process.run("serve")
    wait_for_port(process.port)
    yield serving
    if serving.poll() is None:
        serving.kill()
    serving.wait()


def client_of(process: Process) -> httpx.Client:
    return httpx.Client(base_url=f"http://127.0.0.1:{process.port}", headers={"Origin": "http://localhost:8080"})


def test_process_serves_health_inside_and_ends_when_told(process: Process, serving: subprocess.Popen[bytes]) -> None:
    internal = f"http://127.0.0.1:{process.internal_port}"
    with client_of(process) as client:
        client.post("/api/login", json={"login": "nobody", "password": "nothing"})
        assert client.get("/readyz").status_code == 404
    assert httpx.get(f"{internal}/readyz").json() == {"status": "ready"}
    assert 'callboard_auth_logins_total{outcome="invalid-credentials"} 1.0' in httpx.get(f"{internal}/metrics").text

    serving.send_signal(signal.SIGTERM)

    assert serving.wait(timeout=15) == 0


def test_no_secret_reaches_the_log(process: Process, serving: subprocess.Popen[bytes]) -> None:
    secrets = [PASSWORD, PASSPHRASE]
    with client_of(process) as client:
        body = {"login": "ada", "email": "ada@example.com", "password": PASSWORD, "organizationName": "Engines"}
        secrets.append(client.post("/api/signup", json=body).json()["token"])
        secrets += client.cookies.values()
        secrets.append(client.post("/api/login", json={"login": "ada", "password": PASSWORD}).json()["token"])
        client.post("/api/login", json={"login": PASSWORD, "password": PASSWORD})
        client.post("/api/login", content=f'{{"login": "{PASSWORD}"')
        secrets.append(client.post("/api/refresh").json()["token"])
        secrets += client.cookies.values()
        api_token = client.post("/api/v1/tokens", json={"name": "ci"}).json()["token"]
        secrets.append(api_token)
        secrets.append(client.post("/api/v1/sessions", json={"token": api_token}).json()["token"])
        client.get(f"/api/users/me?token={api_token}", headers={"Authorization": f"Bearer {api_token}"})
        assert client.post("/api/logout").status_code == 204
    serving.send_signal(signal.SIGTERM)
    serving.wait(timeout=15)

    written = process.log.read_text()

    assert '"path": "/api/v1/sessions"' in written
    assert [secret for secret in secrets if secret in written] == []
    # Nor a part that would do: the signature of a token, the secret of an API token.
    assert [part for secret in secrets for part in secret.split(".")[2:] if part in written] == []
    assert api_token.split("_")[-1] not in written
    assert "$argon2id$" not in written


def test_process_does_not_start_with_another_passphrase(process: Process, serving: subprocess.Popen[bytes]) -> None:
    serving.send_signal(signal.SIGTERM)
    serving.wait(timeout=15)
    process.environment["AUTH_KEY_PASSPHRASE"] = "another-passphrase-0123456789-abcdef"

    refused = process.run("serve")

    assert refused.wait(timeout=15) != 0
    assert "AUTH_KEY_PASSPHRASE does not open the signing key" in process.log.read_text()
    assert "another-passphrase" not in process.log.read_text()


def test_replicas_that_start_at_once_as_processes_share_one_key(tmp_path: Path, redis_url: str) -> None:
    first, second = Process(tmp_path, redis_url), Process(tmp_path, redis_url)
    assert first.run("migrate").wait() == 0
    replicas = [first.run("serve"), second.run("serve")]
    try:
        key_sets = []
        for process in (first, second):
            wait_for_port(process.port)
            with client_of(process) as client:
                key_sets.append(client.get("/.well-known/jwks.json").json())
    finally:
        for replica in replicas:
            replica.terminate()
            replica.wait(timeout=15)

    assert key_sets[0] == key_sets[1]
    assert len(key_sets[0]["keys"]) == 1

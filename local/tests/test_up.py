"""The suite as `make up` runs it: what refuses to start, what comes back, what is left behind."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 60.0
SERVICES = ("redis", "auth", "social", "producer", "gateway")


class Started:
    """A suite in a directory of its own, on free ports; `settings` are variables beside the defaults."""

    def __init__(self, directory: Path, *options: str, **settings: str) -> None:
        self.directory = directory
        command = [sys.executable, "-m", "local.up", "--run-dir", str(directory), "--port", "0", *options]
        pipe, together = subprocess.PIPE, subprocess.STDOUT
        environment = os.environ | settings
        self.process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=pipe, stderr=together, text=True)
        wait_until(lambda: (directory / "suite.json").exists() or self.process.poll() is not None)
        assert self.process.poll() is None, self.process.communicate()[0]
        self.described: dict[str, Any] = json.loads((directory / "suite.json").read_text(encoding="utf-8"))

    def answers(self) -> bool:
        with httpx.Client(trust_env=False, timeout=5) as http:
            try:
                keys = http.get(self.described["addresses"]["gateway"] + "/auth/.well-known/jwks.json")
                ready = [
                    http.get(self.described["addresses"][f"{name}_internal"] + "/readyz") for name in SERVICES[1:4]
                ]
            except httpx.TransportError:
                return False
        return all(answer.is_success for answer in (keys, *ready))

    def stop(self) -> str:
        """End it as Ctrl-C does; gives what it printed."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        printed: str = self.process.communicate(timeout=PATIENCE_SECONDS)[0]
        return printed


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.05)


def is_heard(address: str) -> bool:
    """Whether something answers there, whatever it says."""
    try:
        httpx.get(address, trust_env=False, timeout=5)
    except httpx.TransportError:
        return False
    return True


def processes_of(directory: Path) -> set[int]:
    """Pids of all programs whose environment or command names this directory."""
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and int(entry.name) != os.getpid():
            try:
                known = (entry / "environ").read_bytes() + (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if str(directory).encode() in known:
                found.add(int(entry.name))
    return found


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Started]]:
    started: list[Started] = []

    def start_one(*options: str, **settings: str) -> Started:
        started.append(Started(tmp_path / "suite", *options, **settings))
        return started[-1]

    yield start_one
    for suite in started:
        suite.stop()


@pytest.mark.timeout(180)
def test_every_program_comes_back_after_a_kill_and_none_is_left_after_ctrl_c(
    start: Callable[..., Started],
) -> None:
    suite = start("--no-demo")
    assert suite.described["pids"].keys() == set(SERVICES)
    for pid in suite.described["pids"].values():
        os.kill(pid, signal.SIGKILL)
    wait_until(suite.answers)
    assert set(suite.described["pids"].values()).isdisjoint(processes_of(suite.directory))
    assert len(processes_of(suite.directory)) >= len(SERVICES)
    suite.stop()
    assert suite.process.returncode == 0
    assert processes_of(suite.directory) == set()
    assert not (suite.directory / "suite.json").exists()


@pytest.mark.timeout(180)
def test_a_second_start_keeps_data_and_login_and_the_demo_lives(start: Callable[..., Started]) -> None:
    first = start()
    account = (first.directory / "demo.json").read_bytes()
    token = (first.directory / "demo-token").read_bytes()
    assert json.loads(account)["password"] in first.stop()
    second = start()
    assert (second.directory / "demo.json").read_bytes() == account
    assert (second.directory / "demo-token").read_bytes() == token
    gateway = second.described["addresses"]["gateway"]
    with httpx.Client(trust_env=False, base_url=gateway) as http:
        session = http.post("/auth/api/login", json=json.loads(account)).raise_for_status().json()
        bearer = {"Authorization": f"Bearer {session['token']}"}
        http.cookies.clear()
        wait_until(lambda: bool(http.get("/producer/executions", headers=bearer).raise_for_status().json()))


@pytest.mark.timeout(180)
def test_several_processes_of_social_are_all_ready_used_by_the_gateway_and_started_again(
    start: Callable[..., Started],
) -> None:
    suite = start("--no-demo", CALLBOARD_SOCIAL_PROCESSES="3")
    addresses, pids = suite.described["addresses"], suite.described["pids"]
    assert pids.keys() == {*SERVICES, "social-2", "social-3"}
    assert len(set(addresses["socials"])) == 3
    assert addresses["social"] == addresses["socials"][0]
    assert addresses["social_internal"] == addresses["socials_internal"][0]
    with httpx.Client(trust_env=False, timeout=5) as http:
        assert all(http.get(f"{internal}/readyz").is_success for internal in addresses["socials_internal"])
        for name in ("social", "social-2"):
            os.kill(pids[name], signal.SIGKILL)
        token = f"{addresses['gateway']}/social/api/socials/connect-token"
        assert {http.post(token).status_code for _ in range(6)} == {401}
    wait_until(lambda: is_heard(addresses["socials"][1]))
    suite.stop()
    assert processes_of(suite.directory) == set()


def test_a_number_of_processes_that_makes_no_sense_is_said_before_anything_is_started(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "local.up", "--run-dir", str(tmp_path), "--port", "0"]
    for number in ("0", "17", "-1", "two"):
        environment = os.environ | {"CALLBOARD_SOCIAL_PROCESSES": number}
        refused = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        assert refused.returncode == 1
        assert "CALLBOARD_SOCIAL_PROCESSES is a number from 1 to 16" in refused.stderr
        assert "Traceback" not in refused.stderr
    assert not (tmp_path / "log").exists()


@pytest.mark.timeout(120)
def test_a_second_suite_in_the_same_directory_is_refused(start: Callable[..., Started]) -> None:
    suite = start("--no-demo")
    command = [sys.executable, "-m", "local.up", "--run-dir", str(suite.directory), "--port", "0"]
    second = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert second.returncode == 1
    assert f"process {suite.described['supervisor']}" in second.stderr
    assert "Traceback" not in second.stderr
    assert suite.answers()


def test_a_port_in_use_is_said_before_anything_is_started(tmp_path: Path) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = str(holder.getsockname()[1])
        command = [sys.executable, "-m", "local.up", "--run-dir", str(tmp_path), "--port", port]
        refused = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert f"127.0.0.1:{port}: Address already in use" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert not (tmp_path / "log").exists()


def test_a_setting_that_a_service_refuses_is_said_and_leaves_nothing_running(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "local.up", "--run-dir", str(tmp_path), "--port", "0"]
    environment = os.environ | {"JWT_SECRET": "short-and-weak"}
    refused = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert "JWT_SECRET" in refused.stderr
    assert "short-and-weak" not in refused.stderr
    assert processes_of(tmp_path) == set()

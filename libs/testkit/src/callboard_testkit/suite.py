"""A whole suite, as its users see it: through the gateway, or at the ports behind it."""

import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from callboard_testkit.native_client import Json, NativeClient, native_client

PASSWORD = "correct horse battery staple"
START_SECONDS = 60.0
STOP_SECONDS = 60.0


@dataclass(frozen=True)
class Addresses:
    """Where the parts of a running suite listen; each is ``http://host:port``, and of several social the first.

    ``socials`` and ``socials_internal`` have all of them, in the same order.
    """

    gateway: str
    auth: str
    social: str
    producer: str
    auth_internal: str
    social_internal: str
    producer_internal: str
    socials: Sequence[str] = ()
    socials_internal: Sequence[str] = ()


@dataclass(frozen=True)
class Door:
    """One way to the same routes: through the gateway, or straight to a service's port."""

    name: str
    auth: str
    social: str
    producer: str

    @classmethod
    def gateway(cls, addresses: Addresses) -> "Door":
        base = addresses.gateway
        return cls("gateway", f"{base}/auth", f"{base}/social", f"{base}/producer")

    @classmethod
    def services(cls, addresses: Addresses) -> "Door":
        return cls("services", addresses.auth, addresses.social, addresses.producer)

    @property
    def socket(self) -> str:
        return self.social.replace("http://", "ws://") + "/api/socials/ws"

    @property
    def root(self) -> str:
        """Where ``/socket.io/`` and ``/ws`` are: the gateway strips nothing from them."""
        return self.social.removesuffix("/social")

    @property
    def connect_token(self) -> str:
        return self.social + "/api/socials/connect-token"

    @property
    def updates(self) -> str:
        return self.producer + "/executions/update"


class Account:
    """A user who has just signed up and owns an organisation; every call goes through one door."""

    def __init__(self, http: httpx.AsyncClient, door: Door, login: str, session: Json) -> None:
        self.http = http
        self.door = door
        self.login = login
        self.token: str = session["token"]
        self.user: Json = session["user"]
        self.organization: Json = session["organization"]

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    async def get(self, url: str, **options: Any) -> httpx.Response:
        return await self.http.get(url, headers=self.bearer, **options)

    async def post(self, url: str, **options: Any) -> httpx.Response:
        return await self.http.post(url, headers=self.bearer, **options)

    async def update(self, task_id: str, status: str, **fields: Any) -> httpx.Response:
        body = {"taskId": task_id, "organizationId": self.organization["id"], "status": status} | fields
        return await self.post(self.door.updates, json=body)

    async def ticket(self) -> str:
        answer = await self.post(self.door.connect_token)
        answer.raise_for_status()
        return str(answer.json()["token"])

    @asynccontextmanager
    async def socket(self, query: str = "") -> AsyncIterator[NativeClient]:
        async with native_client(self.door.socket + query, await self.ticket()) as client:
            yield client

    async def api_token(self, name: str = "worker") -> Json:
        answer = await self.post(f"{self.door.auth}/api/v1/tokens", json={"name": name})
        answer.raise_for_status()
        created: Json = answer.json()
        return created


def new_login() -> str:
    return f"u{uuid.uuid4().hex[:12]}"


def sign_up_body(login: str) -> Json:
    return {
        "login": login,
        "email": f"{login}@example.org",
        "password": PASSWORD,
        "organizationName": f"Organisation of {login}",
    }


async def sign_up(http: httpx.AsyncClient, addresses: Addresses, door: Door) -> Account:
    """A fresh account. Signs up behind the gateway, which limits sign-ups by address."""
    login = new_login()
    answer = await http.post(f"{addresses.auth}/api/signup", json=sign_up_body(login))
    answer.raise_for_status()
    http.cookies.clear()
    return Account(http, door, login, answer.json())


@dataclass(frozen=True)
class RunningSuite:
    """``pids`` are the processes by program name (``gateway``, ``social``, ...) as they were at the start."""

    addresses: Addresses
    log_directory: Path
    pids: Mapping[str, int]


@contextmanager
def start_suite(root: Path, run_directory: Path, settings: Mapping[str, str] | None = None) -> Iterator[RunningSuite]:
    """The suite of the checkout at `root`, started as ``make up`` starts it, without the demo.

    It runs on free ports and keeps everything in `run_directory`; `settings` are variables beside the defaults. It is
    stopped at the end of the block.
    """
    command = [sys.executable, "-m", "local.up", "--run-dir", str(run_directory), "--port", "0", "--no-demo"]
    # Clauses present bad credentials by the hundred, all from one address; the limit has tests of its own.
    environment = os.environ | {"SOCIAL_FAILED_UPGRADES_PER_MINUTE": "1000000"} | dict(settings or {})
    process = subprocess.Popen(command, cwd=root, env=environment, start_new_session=True)
    try:
        yield _wait_for_suite(process, run_directory)
    finally:
        process.terminate()
        process.wait(timeout=STOP_SECONDS)


def _wait_for_suite(process: subprocess.Popen[bytes], run_directory: Path) -> RunningSuite:
    described = run_directory / "suite.json"
    deadline = time.monotonic() + START_SECONDS
    while not described.is_file():
        if process.poll() is not None:
            raise RuntimeError(f"the suite did not start: it ended with {process.returncode}")
        if time.monotonic() > deadline:
            raise TimeoutError("the suite did not become ready")
        time.sleep(0.05)
    fields = json.loads(described.read_text())
    addresses = Addresses(**fields["addresses"])
    return RunningSuite(addresses, run_directory / "log", fields["pids"])

"""Sockets that a cookie of another system opens, and keeps open."""

import asyncio
import os
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import socketio
from callboard_contracts.identity import Role
from callboard_social.cookie_authority import authority
from callboard_social.cookie_authority.authority import Rhythm
from callboard_testkit.native_client import NativeClient, open_socket
from callboard_testkit.running import declare_revocations_complete
from callboard_testkit.signing import TokenMinter
from callboard_testkit.social_under_test import SocialUnderTest
from callboard_testkit.waiting import eventually, free_port
from redis.asyncio import Redis
from websockets.exceptions import InvalidStatus

from .conftest import TICKET_SECRET
from .user_system import SESSION_COOKIE, USER, UserSystem, answer, user_system

OWN_ORIGIN = "http://localhost:8080"
COOKIE = f"{SESSION_COOKIE}=s-1"
QUICK = Rhythm(timedelta(milliseconds=100), timedelta(milliseconds=20), timedelta(milliseconds=300))

StartSocial = Callable[..., AbstractAsyncContextManager[SocialUnderTest]]


@pytest.fixture
async def system() -> AsyncIterator[UserSystem]:
    async with user_system() as system:
        yield system


@pytest.fixture
async def social(start_social: StartSocial, redis_url: str, system: UserSystem) -> AsyncIterator[SocialUnderTest]:
    settings = {"cookie_authority_url": system.url, "cookie_authority_organization": "org-1"}
    async with start_social(redis_url, **settings) as social:
        yield social


@asynccontextmanager
async def browser(
    social: SocialUnderTest, cookie: str | None = COOKIE, origin: str | None = OWN_ORIGIN
) -> AsyncIterator[NativeClient]:
    """Connects as a page does: with the cookies it has, and the origin it is of."""
    headers = {} if cookie is None else {"Cookie": cookie}
    if origin is not None:
        headers["Origin"] = origin
    async with open_socket(social.socket_url, additional_headers=headers) as client:
        client.connected = await client.receive()
        yield client


async def refusal(social: SocialUnderTest, **options: Any) -> tuple[int, str]:
    """Status and code of an upgrade that is refused."""
    with pytest.raises(InvalidStatus) as refused:
        async with browser(social, **options):
            pass
    response = refused.value.response
    assert response.body is not None
    return response.status_code, httpx.Response(200, content=bytes(response.body)).json()["code"]


@pytest.mark.clause("WS-AUTH-12")
async def test_a_cookie_of_the_other_system_opens_a_socket(social: SocialUnderTest, system: UserSystem) -> None:
    async with browser(social, f"auth_token=mine; {COOKIE}; theme=dark; __Host-refresh_token=mine") as client:
        told = {name: client.connected[name] for name in ("userId", "login", "organizationId", "role", "expiresAt")}
        assert told == {
            "userId": USER["id"],
            "login": USER["email"],
            "organizationId": "org-1",
            "role": Role.VIEWER,
            "expiresAt": None,
        }
        position = await social.publish(taskId="task-1")
        assert (await client.receive_until("execution-updated"))["position"] == position
    assert system.cookies == [f"{COOKIE}; theme=dark"]


async def test_the_other_system_is_not_asked_for_who_presented_too_much_that_is_bad(
    start_social: StartSocial, redis_url: str, system: UserSystem
) -> None:
    settings = {"cookie_authority_url": system.url, "cookie_authority_organization": "org-1"}
    async with start_social(redis_url, failed_upgrades_per_minute=2, **settings) as social:
        refused = [await refusal(social, cookie=f"{SESSION_COOKIE}=wrong") for _ in range(4)]
        assert [status for status, _ in refused] == [401, 401, 429, 429]
        assert len(system.requests) == 2


@pytest.mark.clause("WS-AUTH-12")
async def test_who_the_other_system_does_not_know_is_refused(social: SocialUnderTest, system: UserSystem) -> None:
    assert await refusal(social, cookie=f"{SESSION_COOKIE}=unknown") == (401, "invalid-token")
    system.sessions["s-1"] = {"data": None}
    assert await refusal(social) == (401, "invalid-token")


@pytest.mark.clause("WS-AUTH-12")
async def test_without_a_cookie_for_it_the_other_system_is_not_asked(
    social: SocialUnderTest, system: UserSystem, minter: TokenMinter
) -> None:
    for cookie in (None, f"auth_token={minter.mint()}"):
        assert await refusal(social, cookie=cookie) == (401, "token-required")
    assert system.requests == []


@pytest.mark.clause("WS-AUTH-12")
@pytest.mark.parametrize("origin", [None, "http://evil.example", "null"])
async def test_a_page_of_another_origin_is_refused_before_the_other_system_is_asked(
    social: SocialUnderTest, system: UserSystem, origin: str | None
) -> None:
    assert await refusal(social, origin=origin) == (403, "origin-refused")
    assert system.requests == []


@pytest.mark.clause("WS-AUTH-13")
async def test_while_the_other_system_does_not_say_an_upgrade_is_temporarily_refused(
    social: SocialUnderTest, system: UserSystem
) -> None:
    system.fail_with(answer("500 Internal Server Error", b"{}"))
    with pytest.raises(InvalidStatus) as refused:
        async with browser(social):
            pass
    assert refused.value.response.status_code == 503
    assert int(refused.value.response.headers["Retry-After"]) > 0
    system.fault = None
    async with browser(social) as client:
        assert await client.hears_nothing()


@pytest.mark.clause("WS-AUTH-12")
async def test_tokens_and_tickets_are_ours_as_ever(social: SocialUnderTest, system: UserSystem) -> None:
    headers = {"Authorization": f"Bearer {social.minter.mint()}", "Cookie": COOKIE}
    async with (
        social.client(sub="user-7") as by_ticket,
        open_socket(social.socket_url, additional_headers=headers) as by_token,
    ):
        assert by_ticket.connected["userId"] == "user-7"
        assert (await by_token.receive())["userId"] == "user-1"
    assert system.requests == []


@pytest.mark.parametrize("transport", ["websocket", "polling"])
async def test_a_socketio_client_is_let_in_by_the_cookie_too(
    social: SocialUnderTest, system: UserSystem, transport: str
) -> None:
    told: asyncio.Queue[Any] = asyncio.Queue()
    client = socketio.AsyncClient()
    client.on("auth-success", told.put)
    await client.connect(social.url, headers={"Cookie": COOKIE, "Origin": OWN_ORIGIN}, transports=[transport])
    success = await asyncio.wait_for(told.get(), 10)
    await client.shutdown()
    assert (success["userId"], success["organizationId"]) == (USER["id"], "org-1")
    assert system.cookies == [COOKIE]


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """The other system is asked again after a tenth of a second instead of a quarter of an hour."""
    monkeypatch.setattr(authority, "RHYTHM", QUICK)


@pytest.mark.clause("WS-AUTH-14")
@pytest.mark.usefixtures("hurried")
async def test_a_socket_lives_for_as_long_as_the_other_system_says_the_same(
    start_social: StartSocial, redis_url: str, system: UserSystem
) -> None:
    settings = {"cookie_authority_url": system.url, "cookie_authority_organization_path": "data.company"}
    system.sessions["s-1"] = {"data": USER | {"company": "org-1"}}
    async with start_social(redis_url, **settings) as social:
        async with browser(social) as client:
            await eventually(lambda: len(system.requests) >= 4)
            assert await client.hears_nothing()
            system.sessions["s-1"] = {"data": USER | {"company": "org-2"}}
            assert await client.closed() == (4001, "identity expired")
        async with browser(social) as client:
            assert client.connected["organizationId"] == "org-2"
            system.sessions.clear()
            assert await client.closed() == (4001, "identity expired")


@pytest.mark.clause("WS-AUTH-14")
@pytest.mark.usefixtures("hurried")
async def test_a_socket_ends_when_the_other_system_is_silent_for_too_long(
    start_social: StartSocial, redis_url: str, system: UserSystem
) -> None:
    settings = {"cookie_authority_url": system.url, "cookie_authority_organization": "org-1"}
    async with start_social(redis_url, **settings) as social, browser(social) as client:
        system.fail_with(b"")
        assert await client.closed() == (4001, "identity expired")
    assert len(system.requests) > 5


@asynccontextmanager
async def social_process(environment: dict[str, str], output: Path) -> AsyncIterator[str]:
    """A social as it runs in production; gives its address."""
    port, internal_port = free_port(), free_port()
    ports = {"SOCIAL_PORT": str(port), "SOCIAL_INTERNAL_PORT": str(internal_port)}
    command = (sys.executable, "-m", "callboard_social", "serve")
    with output.open("wb") as file:
        process = await asyncio.create_subprocess_exec(
            *command, env=os.environ | environment | ports, stdout=file, stderr=file
        )
    try:
        async with httpx.AsyncClient() as http:
            await eventually(lambda: _is_ready(http, f"http://127.0.0.1:{internal_port}/readyz", process))
        yield f"http://127.0.0.1:{port}"
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _is_ready(http: httpx.AsyncClient, url: str, process: Process) -> bool:
    assert process.returncode is None
    try:
        return (await http.get(url)).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


@pytest.fixture
async def environment(
    migrated_url: str, redis: Redis, redis_url: str, jwks_url: str, system: UserSystem
) -> dict[str, str]:
    """Of a social that asks the system, and logs all that it can."""
    await declare_revocations_complete(redis)
    return {
        "SOCIAL_DATABASE_URL": migrated_url,
        "SOCIAL_TICKET_SECRET": TICKET_SECRET,
        "SOCIAL_COOKIE_AUTHORITY_URL": system.url,
        "SOCIAL_COOKIE_AUTHORITY_ORGANIZATION": "org-1",
        "REDIS_URL": redis_url,
        "CALLBOARD_JWKS_URL": jwks_url,
        "LOG_LEVEL": "debug",
    }


@pytest.mark.clause("WS-AUTH-15")
async def test_no_cookie_is_in_the_output(
    environment: dict[str, str], minter: TokenMinter, system: UserSystem, tmp_path: Path
) -> None:
    output = tmp_path / "output.log"
    secret = "a-secret-of-the-browser"
    system.sessions[secret] = {"data": USER}
    async with social_process(environment, output) as url:
        social = SocialUnderTest(url, minter, _never_published)
        cookie = f"{SESSION_COOKIE}={secret}; auth_token={secret}-too"
        async with browser(social, cookie) as client:
            assert await client.hears_nothing()
        unknown = f"{SESSION_COOKIE}={secret}-unknown"
        assert await refusal(social, cookie=unknown) == (401, "invalid-token")
        for raw in (answer("500 Internal Server Error", b"{}"), b"", answer("200 OK", b'{"data": {"id": "a/b"}}')):
            system.fail_with(raw)
            assert (await refusal(social, cookie=cookie))[0] == 503
    written = output.read_text()
    assert written.count("cookie_authority_failed") == 3
    assert "connection_opened" in written
    assert secret not in written


async def _never_published(*_: object) -> str:
    raise NotImplementedError

"""What another system says of a cookie, in all the ways in which it can say it, or fail to."""

import asyncio
import gzip
import json
import time
from asyncio import StreamWriter
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from callboard_contracts.identity import Identity, IdentityKind, Role
from callboard_servicekit.telemetry import Telemetry
from callboard_servicekit.token_verifier import InvalidToken
from callboard_social.cookie_authority import authority
from callboard_social.cookie_authority.authority import (
    CookieAuthority,
    CookieAuthorityUnavailable,
    Rhythm,
    open_cookie_authority,
)
from callboard_social.cookie_authority.foreign_cookie import ForeignCookie
from callboard_social.cookie_authority.vouched import Vouched
from callboard_social.settings import SocialSettings
from callboard_testkit.waiting import eventually, free_port
from structlog.testing import capture_logs

from .conftest import TICKET_SECRET
from .user_system import SESSION_COOKIE, USER, UserSystem, answer, user_system

COOKIE = ForeignCookie(f"{SESSION_COOKIE}=s-1")
QUICK = Rhythm(timedelta(milliseconds=100), timedelta(milliseconds=20), timedelta(milliseconds=300))


class Asked:
    def __init__(self, authority: CookieAuthority, telemetry: Telemetry) -> None:
        self.authority = authority
        self._telemetry = telemetry

    def outcomes(self) -> dict[str, int]:
        """How often each came out, those that did."""
        name = "callboard_social_cookie_authority_requests_total"
        counts = {
            outcome: int(self._telemetry.registry.get_sample_value(name, {"outcome": outcome}) or 0)
            for outcome in ("accepted", "refused", "error")
        }
        return {outcome: count for outcome, count in counts.items() if count}

    def timed(self) -> int:
        count = self._telemetry.registry.get_sample_value("callboard_social_cookie_authority_seconds_count")
        return int(count or 0)


Ask = Callable[..., AbstractAsyncContextManager[Asked]]


@pytest.fixture
async def system() -> AsyncIterator[UserSystem]:
    async with user_system() as system:
        yield system


@pytest.fixture
def ask(system: UserSystem) -> Ask:
    """Opens an authority that asks the system; further arguments are settings, after their common beginning."""

    @asynccontextmanager
    async def opened(url: str = "", **settings: Any) -> AsyncIterator[Asked]:
        given = {f"cookie_authority_{name}": value for name, value in ({"organization": "org-1"} | settings).items()}
        fields: dict[str, Any] = given | {"cookie_authority_url": url or system.url}
        telemetry = Telemetry()
        made = SocialSettings(ticket_secret=TICKET_SECRET, database_url="sqlite+aiosqlite://", **fields)
        async with open_cookie_authority(made, telemetry) as authority:
            assert authority is not None
            yield Asked(authority, telemetry)

    return opened


async def test_a_cookie_that_is_somebodys_gives_an_identity_without_a_session(ask: Ask, system: UserSystem) -> None:
    before = int(time.time())
    async with ask() as asked:
        identity = await asked.authority.identify(COOKIE)
        assert (asked.outcomes(), asked.timed()) == ({"accepted": 1}, 1)
    assert before <= identity.issued_at <= time.time()
    assert identity == Identity(
        user_id=str(USER["id"]),
        login="ada@example.org",
        organization_id="org-1",
        role=Role.VIEWER,
        kind=IdentityKind.USER,
        session_id=None,
        issued_at=identity.issued_at,
        expires_at=identity.issued_at + 900,
    )
    assert system.cookies == [f"{SESSION_COOKIE}=s-1"]


@pytest.mark.parametrize(
    ("user", "login"),
    [
        ({"id": "u-1", "email": None, "first_name": " Ada \n "}, "Ada"),
        ({"id": "u-1", "email": "", "first_name": "Ada"}, "Ada"),
        ({"id": "u-1"}, "u-1"),
        ({"id": 7, "email": 1, "first_name": []}, "7"),
        ({"id": "u-1", "email": "x" * 300}, "x" * 254),
    ],
)
async def test_people_are_shown_by_what_the_system_tells_of_them(
    ask: Ask, system: UserSystem, user: dict[str, Any], login: str
) -> None:
    system.sessions["s-1"] = {"data": user}
    async with ask() as asked:
        identity = await asked.authority.identify(COOKIE)
    assert (identity.user_id, identity.login) == (str(user["id"]), login)


async def test_organisation_and_role_come_from_where_the_settings_say(ask: Ask, system: UserSystem) -> None:
    system.sessions["s-1"] = {"data": USER | {"company": {"id": 42}}}
    async with ask(organization="", organization_path="data.company.id", role="admin") as asked:
        identity = await asked.authority.identify(COOKIE)
    assert (identity.organization_id, identity.role) == ("42", Role.ADMIN)


@pytest.mark.parametrize("company", [None, {}, {"id": None}, {"id": "a b"}, {"id": ""}, {"id": True}, [], "acme"])
async def test_who_has_no_organisation_here_is_refused(ask: Ask, system: UserSystem, company: Any) -> None:
    system.sessions["s-1"] = {"data": USER | {"company": company}}
    async with ask(organization="", organization_path="data.company.id") as asked:
        with pytest.raises(InvalidToken):
            await asked.authority.identify(COOKIE)
        assert asked.outcomes() == {"refused": 1}


@pytest.mark.parametrize(
    "raw",
    [
        answer("401 Unauthorized", b'{"errors": []}'),
        answer("403 Forbidden", b""),
        answer("200 OK", b'{"data": null}'),
        answer("200 OK", b'{"data": {}}'),
        answer("200 OK", b""),
        answer("204 No Content", b""),
    ],
)
async def test_a_cookie_that_is_nobodys_is_refused(ask: Ask, system: UserSystem, raw: bytes) -> None:
    system.fail_with(raw)
    async with ask() as asked:
        with pytest.raises(InvalidToken):
            await asked.authority.identify(COOKIE)
        assert (asked.outcomes(), asked.timed()) == ({"refused": 1}, 1)


FINE = json.dumps({"data": USER}).encode()
BROKEN = {
    "a redirect": answer("302 Found", b"", "Location: /users/me"),
    "a failure": answer("500 Internal Server Error", FINE),
    "not found": answer("404 Not Found", b"{}"),
    "too many": answer("429 Too Many Requests", b"", "Retry-After: 1"),
    "huge": answer("200 OK", FINE[:-1] + b', "more": "' + b"x" * 65_536 + b'"}'),
    "huge, in chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    + b"4000\r\n%s\r\n" % (b"x" * 16384) * 5,
    "compressed": answer("200 OK", gzip.compress(FINE), "Content-Encoding: gzip"),
    "a page": answer("200 OK", b"<html>Sign in</html>"),
    "half of it": answer("200 OK", FINE)[:-10],
    "a list": answer("200 OK", b"[]"),
    "no data": answer("200 OK", json.dumps(USER).encode()),
    "data of another type": answer("200 OK", b'{"data": "ada"}'),
    "no id": answer("200 OK", b'{"data": {"email": "ada@example.org"}}'),
    "an id that is none of ours": answer("200 OK", b'{"data": {"id": "a/b"}}'),
    "an id that is none at all": answer("200 OK", b'{"data": {"id": {"$ne": null}}}'),
    "numbers that are none": answer("200 OK", b'{"data": {"id": NaN}}'),
    "nested without end": answer("200 OK", b'{"data": ' + b"[" * 20_000 + b"]" * 20_000 + b"}"),
    "lone surrogates": answer("200 OK", b'{"data": {"id": "u", "email": "\\ud800"}}'),
    "no HTTP": b"\x00\x01\x02\r\n\r\n",
    "nothing": b"",
}


@pytest.mark.parametrize("raw", BROKEN.values(), ids=BROKEN.keys())
async def test_an_answer_that_is_none_is_an_outage_and_no_refusal(ask: Ask, system: UserSystem, raw: bytes) -> None:
    system.fail_with(raw)
    async with ask() as asked:
        with capture_logs() as logs, pytest.raises(CookieAuthorityUnavailable) as outage:
            await asked.authority.identify(COOKIE)
        assert (asked.outcomes(), asked.timed()) == ({"error": 1}, 1)
    assert len(system.requests) == 1
    assert int(outage.value.headers["Retry-After"]) > 0
    assert [entry["event"] for entry in logs] == ["cookie_authority_failed"]
    assert "s-1" not in repr((logs, outage.value, outage.value.__cause__))


async def test_a_system_that_is_not_there_is_an_outage(ask: Ask) -> None:
    async with ask(f"http://127.0.0.1:{free_port()}/users/me") as asked:
        with pytest.raises(CookieAuthorityUnavailable):
            await asked.authority.identify(COOKIE)
        assert asked.outcomes() == {"error": 1}


async def test_the_whole_answer_has_one_time_limit(
    ask: Ask, system: UserSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_over = asyncio.Event()

    async def drip(writer: StreamWriter) -> None:
        # Each byte comes well within any time-out for a single read.
        try:
            for byte in answer("200 OK", FINE):
                writer.write(bytes([byte]))
                await writer.drain()
                await asyncio.sleep(0.05)
        finally:
            is_over.set()

    monkeypatch.setattr(authority, "ANSWER_SECONDS", 0.4)
    system.fault = drip
    async with ask() as asked:
        started = time.perf_counter()
        with pytest.raises(CookieAuthorityUnavailable):
            await asked.authority.identify(COOKIE)
        assert 0.3 < time.perf_counter() - started < 2
        assert asked.outcomes() == {"error": 1}
        await asyncio.wait_for(is_over.wait(), 10)


async def test_a_cookie_that_cannot_be_sent_is_in_no_message(ask: Ask) -> None:
    unsendable = ForeignCookie("session=a-secret\r\nX-Evil: 1")
    async with ask() as asked:
        with capture_logs() as logs, pytest.raises(CookieAuthorityUnavailable) as outage:
            await asked.authority.identify(unsendable)
    assert outage.value.__suppress_context__
    assert "a-secret" not in repr((logs, outage.value, unsendable, vars(outage.value)))


async def test_what_the_system_sets_for_one_user_is_not_sent_for_the_next(ask: Ask, system: UserSystem) -> None:
    async with ask() as asked:
        await asked.authority.identify(COOKIE)
        with pytest.raises(InvalidToken):
            await asked.authority.identify(ForeignCookie("other=1"))
    assert system.cookies == [f"{SESSION_COOKIE}=s-1", "other=1"]


async def test_the_same_user_is_renewed_and_another_is_not(ask: Ask, system: UserSystem) -> None:
    async with ask(organization="", organization_path="data.company") as asked:
        system.sessions["s-1"] = {"data": USER | {"company": "acme"}}
        identity = await asked.authority.identify(COOKIE)
        renewed = await asked.authority.renewed(identity, COOKIE)
        assert (renewed.user_id, renewed.organization_id) == (USER["id"], "acme")
        assert renewed.expires_at >= identity.expires_at
        for other in (USER | {"company": "umbrella"}, USER | {"company": "acme", "id": "u-2"}):
            system.sessions["s-1"] = {"data": other}
            with pytest.raises(InvalidToken):
                await asked.authority.renewed(identity, COOKIE)


class Watched:
    """A socket's life by another system's word."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self.has_ended = asyncio.Event()

    @asynccontextmanager
    async def life(self) -> AsyncIterator[None]:
        self._asked.authority.rhythm = QUICK
        identity = await self._asked.authority.identify(COOKIE)
        watching = Vouched(self._asked.authority, identity, COOKIE).watch(self.has_ended.set)
        yield
        watching.cancel()


async def test_a_life_goes_on_for_as_long_as_the_system_says_the_same_and_leaves_nothing_behind(ask: Ask) -> None:
    async with ask() as asked:
        watched = Watched(asked)
        async with watched.life():
            await eventually(lambda: asked.outcomes() == {"accepted": 4})
            assert not watched.has_ended.is_set()
        await eventually(lambda: not any("_until_refused" in repr(task) for task in asyncio.all_tasks()))
        assert not watched.has_ended.is_set()


@pytest.mark.parametrize("now", [None, {"data": None}, {"data": USER | {"id": "u-2"}}])
async def test_a_life_ends_when_the_system_says_no_or_names_somebody_else(
    ask: Ask, system: UserSystem, now: dict[str, Any] | None
) -> None:
    async with ask() as asked:
        watched = Watched(asked)
        async with watched.life():
            system.sessions = {} if now is None else {"s-1": now}
            await asyncio.wait_for(watched.has_ended.wait(), 10)
        assert "error" not in asked.outcomes()


async def test_a_system_that_is_away_for_a_while_ends_no_life(ask: Ask, system: UserSystem) -> None:
    async with ask() as asked:
        watched = Watched(asked)
        async with watched.life():
            system.fail_with(answer("503 Service Unavailable", b""))
            await eventually(lambda: asked.outcomes().get("error", 0) >= 2)
            system.fault = None
            await eventually(lambda: asked.outcomes()["accepted"] >= 2)
            assert not watched.has_ended.is_set()


async def test_a_system_that_stays_away_ends_a_life_when_patience_does(ask: Ask, system: UserSystem) -> None:
    async with ask() as asked:
        watched = Watched(asked)
        async with watched.life():
            system.fail_with(answer("503 Service Unavailable", b""))
            started = time.perf_counter()
            await asyncio.wait_for(watched.has_ended.wait(), 10)
            assert time.perf_counter() - started >= QUICK.patience.total_seconds() - 0.05
        assert asked.outcomes()["error"] >= 5


async def test_without_a_url_nobody_is_asked_and_the_metrics_are_there() -> None:
    telemetry = Telemetry()
    settings = SocialSettings(ticket_secret=TICKET_SECRET, database_url="sqlite+aiosqlite://")
    async with open_cookie_authority(settings, telemetry) as authority:
        assert authority is None
    assert telemetry.registry.get_sample_value("callboard_social_cookie_authority_seconds_count") == 0

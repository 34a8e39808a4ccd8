"""Another system that says whose a cookie is: its ``/users/me``, in the shape of Directus.

Who it vouches for has no session here, so it is asked again while the socket lives (`vouched`).
"""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, Literal

import httpx
import structlog
from callboard_contracts.identity import Identity, IdentityKind
from callboard_contracts.wire import IDENTIFIER_PATTERN
from callboard_servicekit import strict_json
from callboard_servicekit.errors import Unavailable
from callboard_servicekit.metrics import LATENCY_BUCKETS
from callboard_servicekit.telemetry import Telemetry
from callboard_servicekit.token_verifier import InvalidToken
from prometheus_client import Counter, Histogram

from callboard_social.cookie_authority.foreign_cookie import ForeignCookie
from callboard_social.settings import SocialSettings

log = structlog.get_logger(__name__)

ANSWER_SECONDS = 5.0
"""For the whole call: an upgrade waits meanwhile."""
MAX_ANSWER_BYTES = 64 * 1024
MAX_LOGIN_LENGTH = 254
"""The longest e-mail address there is."""
_IDENTIFIER = re.compile(IDENTIFIER_PATTERN, re.ASCII)


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How long the other system's word counts; how often, and how long, it is asked again when it does not answer."""

    word_counts: timedelta = timedelta(minutes=15)
    ask_again_after: timedelta = timedelta(seconds=30)
    patience: timedelta = timedelta(minutes=5)


RHYTHM = Rhythm()


class CookieAuthorityUnavailable(Unavailable):
    detail = "The system that knows whose this cookie is does not answer; try again."


class CookieAuthorityMetrics:
    """There is one for every social, asked or not."""

    def __init__(self, telemetry: Telemetry) -> None:
        requests = Counter(
            "callboard_social_cookie_authority_requests",
            "Cookies that another system was asked about.",
            ("outcome",),
            registry=telemetry.registry,
        )
        self._seconds = Histogram(
            "callboard_social_cookie_authority_seconds",
            "Time until the other system's answer was read, or it was given up.",
            buckets=LATENCY_BUCKETS,
            registry=telemetry.registry,
        )
        self._outcomes = {outcome: requests.labels(outcome) for outcome in ("accepted", "refused", "error")}

    def answered(self, outcome: Literal["accepted", "refused", "error"], seconds: float) -> None:
        self._outcomes[outcome].inc()
        self._seconds.observe(seconds)


class _Malformed(Exception):
    """The answer is none; the reason names no value of it."""


class CookieAuthority:
    """Asks the other system. Its answers are not kept: each upgrade is one call."""

    def __init__(
        self, url: str, settings: SocialSettings, client: httpx.AsyncClient, metrics: CookieAuthorityMetrics
    ) -> None:
        self.rhythm = RHYTHM
        self._url = url
        self._organization = settings.cookie_authority_organization
        self._organization_path = settings.cookie_authority_organization_path
        self._role = settings.cookie_authority_role
        self._client = client
        self._metrics = metrics

    async def identify(self, cookie: ForeignCookie) -> Identity:
        """Whose the cookie is, by the other system's word.

        Raises:
            InvalidToken: nobody's, or somebody's without an organisation here.
            CookieAuthorityUnavailable: the other system does not say.
        """
        started = time.perf_counter()
        try:
            identity = await self._ask(cookie)
        except InvalidToken:
            self._metrics.answered("refused", time.perf_counter() - started)
            raise
        except (httpx.HTTPError, OSError, _Malformed) as error:
            # TimeoutError is an OSError. Not chained: what a client library says of a header it cannot send shows it.
            self._metrics.answered("error", time.perf_counter() - started)
            reason = str(error) if isinstance(error, _Malformed) else type(error).__name__
            log.warning("cookie_authority_failed", reason=reason)
            raise CookieAuthorityUnavailable from None
        self._metrics.answered("accepted", time.perf_counter() - started)
        return identity

    async def renewed(self, identity: Identity, cookie: ForeignCookie) -> Identity:
        """The same identity for some time more.

        Raises:
            InvalidToken: the cookie is not that of the same user in the same organisation any more.
            CookieAuthorityUnavailable: the other system does not say.
        """
        found = await self.identify(cookie)
        if (found.user_id, found.organization_id) != (identity.user_id, identity.organization_id):
            raise InvalidToken
        return found

    async def _ask(self, cookie: ForeignCookie) -> Identity:
        async with (
            asyncio.timeout(ANSWER_SECONDS),
            self._client.stream("GET", self._url, headers={b"Cookie": cookie.reveal()}) as response,
        ):
            if response.status_code in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
                raise InvalidToken
            if not response.is_success:
                raise _Malformed(f"status {response.status_code}")
            answer = await _read(response)
        if not answer:
            raise InvalidToken
        return self._identity_in(_parsed(answer))

    def _identity_in(self, answer: Mapping[str, Any]) -> Identity:
        if "data" not in answer:
            raise _Malformed("no data")
        user = answer["data"]
        if user is None or user == {}:
            raise InvalidToken
        user_id = _identifier(user.get("id")) if isinstance(user, dict) else None
        if user_id is None:
            raise _Malformed("no id that could be one of ours")
        now = int(time.time())
        return Identity(
            user_id=user_id,
            login=_login_of(user) or user_id,
            organization_id=self._organization_in(answer),
            role=self._role,
            kind=IdentityKind.USER,
            session_id=None,
            issued_at=now,
            expires_at=now + int(self.rhythm.word_counts.total_seconds()),
        )

    def _organization_in(self, answer: Mapping[str, Any]) -> str:
        found: Any = self._organization
        if self._organization_path:
            found = answer
            for name in self._organization_path.split("."):
                found = found.get(name) if isinstance(found, dict) else None
        organization_id = _identifier(found)
        if organization_id is None:
            log.warning("cookie_authority_without_organization")
            raise InvalidToken
        return organization_id


@asynccontextmanager
async def open_cookie_authority(
    settings: SocialSettings, telemetry: Telemetry
) -> AsyncIterator[CookieAuthority | None]:
    """The authority that the settings name, until the end of the block; None when they name none."""
    metrics = CookieAuthorityMetrics(telemetry)
    if settings.cookie_authority_url is None:
        yield None
        return
    client = httpx.AsyncClient(
        # A client's jar would carry one user's cookies, set by an answer, into the next user's request.
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        follow_redirects=False,
        # A bounded answer is read as it is: a compressed one has no bound.
        headers={"Accept": "application/json", "Accept-Encoding": "identity"},
        timeout=ANSWER_SECONDS,
    )
    async with client:
        yield CookieAuthority(settings.cookie_authority_url, settings, client, metrics)


async def _read(response: httpx.Response) -> bytes:
    if response.headers.get("content-encoding", "identity") != "identity":
        raise _Malformed("compressed")
    parts, size = [], 0
    async for part in response.aiter_raw():
        size += len(part)
        if size > MAX_ANSWER_BYTES:
            raise _Malformed("too large")
        parts.append(part)
    return b"".join(parts)


def _parsed(answer: bytes) -> Mapping[str, Any]:
    try:
        parsed = strict_json.loads(answer)
    except strict_json.InvalidJson:
        raise _Malformed("not JSON") from None
    if not isinstance(parsed, dict):
        raise _Malformed("not an object")
    return parsed


def _identifier(value: object) -> str | None:
    """The value as an id of ours, if it can be one; other systems count, too."""
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    return text if isinstance(text, str) and _IDENTIFIER.fullmatch(text) else None


def _login_of(user: Mapping[str, Any]) -> str:
    """What people see: the e-mail address, else the first name; empty when the other system tells neither."""
    told = (user.get(name) for name in ("email", "first_name"))
    names = (" ".join(name.split())[:MAX_LOGIN_LENGTH] for name in told if isinstance(name, str))
    return next((name for name in names if name), "")

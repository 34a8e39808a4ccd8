"""HTTP to the gateway: one call, sent until it is acknowledged, with problems turned into typed errors."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx
from callboard_contracts.problems import Problem
from callboard_contracts.wire import WireModel

from callboard_worker.sdk.errors import Refused, UnexpectedAnswer, situation
from callboard_worker.sdk.retry import Delivery, RetryNotice, RetryPolicy, Timing

USER_AGENT = "callboard-worker"
CONNECT_SECONDS = 10.0
ANSWER_SECONDS = 30.0
_PROBLEM_MEMBERS = frozenset({"type", "title", "status", "detail", "instance", "code", "requestId"})

Answer = TypeVar("Answer", bound=WireModel)


def unheard(_: RetryNotice) -> None:
    """Nobody wants to hear of retries."""


@dataclass(frozen=True, slots=True)
class GatewayOptions:
    """How patient the client is and what it is made of; the defaults are right outside tests.

    ``on_retry`` is told before each wait. ``transport`` stands in for the network.
    """

    policy: RetryPolicy = field(default_factory=RetryPolicy)
    timing: Timing = field(default_factory=Timing)
    on_retry: Callable[[RetryNotice], None] = unheard
    transport: httpx.AsyncBaseTransport | None = None

    @classmethod
    def with_patience(cls, patience: timedelta | None) -> "GatewayOptions":
        return cls(policy=RetryPolicy(patience=patience))


def checked_url(url: str) -> str:
    """The gateway's address without a closing slash; raises ValueError for anything but an http(s) origin and path."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("the gateway's address is http(s)://host[:port][/path]")
    return url.rstrip("/")


class Gateway:
    """The calls of one program to one gateway. Safe for concurrent use; close it with `aclose`."""

    def __init__(self, url: str, options: GatewayOptions) -> None:
        self.url = checked_url(url)
        self.options = options
        self._http = httpx.AsyncClient(
            transport=options.transport,
            timeout=httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS),
            headers={"User-Agent": USER_AGENT},
            # Beside a Bearer token a stored session cookie would make the call a browser's, which is then refused.
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        )

    async def aclose(self) -> None:
        await self._http.aclose()

    async def call(
        self,
        method: str,
        path: str,
        *,
        bearer: str | None = None,
        body: Mapping[str, Any] | None = None,
        params: Mapping[str, str | int] | None = None,
        resend: bool = True,
    ) -> httpx.Response:
        """The successful answer, sent again until there is one. Raises Refused, GatewayUnreachable.

        ``resend=False`` is for what must not happen twice: then the first failure is raised.
        """
        headers = {} if bearer is None else {"Authorization": f"Bearer {bearer}"}
        options = self.options
        policy = options.policy if resend else replace(options.policy, max_attempts=1)
        delivery = Delivery(policy, options.timing, options.on_retry)
        response = await delivery.until_acknowledged(
            lambda: self._http.request(method, self.url + path, headers=headers, json=body, params=params)
        )
        if not response.is_success:
            raise refusal(response.status_code, response.content)
        return response


def read(response: httpx.Response, shape: type[Answer]) -> Answer:
    """The answer's body as a wire type; raises UnexpectedAnswer."""
    try:
        return shape.model_validate_json(response.content)
    except ValueError:
        # Not chained: the error shows the input, which may be a token.
        raise UnexpectedAnswer(f"HTTP {response.status_code} whose body is not a {shape.__name__}") from None


def refusal(status: int, content: bytes) -> Refused:
    """The typed error for an answer that is not a success."""
    try:
        problem = Problem.model_validate_json(content)
        members = json.loads(content)
    except ValueError:
        phrase = httpx.codes.get_reason_phrase(status) or "Refused"
        return situation(status, "")(status, f"http-{status}", phrase, None, {})
    further = {name: value for name, value in members.items() if name not in _PROBLEM_MEMBERS}
    return situation(status, problem.code)(status, problem.code, problem.detail, problem.request_id, further)

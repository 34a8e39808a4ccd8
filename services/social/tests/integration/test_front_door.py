"""The shortcut to connect-token: a caller cannot tell it from the way through the router."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager

import httpx
import pytest
from callboard_social import app as application
from callboard_testkit.native_client import open_socket
from callboard_testkit.social_under_test import SocialUnderTest
from websockets.exceptions import InvalidStatus

StartSocial = Callable[..., AbstractAsyncContextManager[SocialUnderTest]]
PATH = "/api/socials/connect-token"
ORIGIN = "http://localhost:8080"
OF_THE_CALL = ("date", "server", "x-request-id", "content-length")
"""Headers that differ from call to call, the length of what does, and the one of the server of the tests."""


@pytest.fixture(params=["shortcut", "router"])
async def social(
    request: pytest.FixtureRequest, start_social: StartSocial, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[SocialUnderTest]:
    """Once as it is, and once without the front door."""
    if request.param == "router":
        monkeypatch.setattr(application, "open_front_door", lambda *_: None)
    async with start_social(redis_url, tickets_per_minute=3) as social:
        yield social


def told(answer: httpx.Response) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name not in OF_THE_CALL}


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_an_answer_has_its_form_and_its_headers(social: SocialUnderTest, method: str) -> None:
    async with social.http() as http:
        answer = await http.request(method, PATH, headers={"Origin": ORIGIN, "X-Request-Id": "request-of-test"})
    assert answer.status_code == httpx.codes.OK
    assert answer.json() == {"success": True, "token": answer.json()["token"], "expiresIn": 10}
    assert answer.headers["X-Request-Id"] == "request-of-test"
    assert told(answer) == {
        "cache-control": "no-store",
        "content-type": "application/json",
        "access-control-allow-origin": ORIGIN,
        "access-control-allow-credentials": "true",
        "access-control-expose-headers": "Link, Retry-After, X-Position, X-Request-Id",
        "vary": "Origin",
    }


async def test_a_foreign_origin_may_not_read_the_answer(social: SocialUnderTest) -> None:
    async with social.http() as http:
        answer = await http.post(PATH, headers={"Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in answer.headers


async def test_a_preflight_is_answered(social: SocialUnderTest) -> None:
    headers = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST"}
    async with social.http() as http:
        answer = await http.options(PATH, headers=headers)
    assert answer.status_code == httpx.codes.OK
    assert "POST" in answer.headers["Access-Control-Allow-Methods"]


async def test_a_refusal_is_a_problem_with_cors(social: SocialUnderTest) -> None:
    async with httpx.AsyncClient(base_url=social.url) as http:
        answer = await http.post(PATH, headers={"Origin": ORIGIN})
    assert answer.status_code == httpx.codes.UNAUTHORIZED
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert answer.json()["instance"] == PATH
    assert answer.json()["requestId"] == answer.headers["X-Request-Id"]


async def test_a_limit_is_a_problem_that_says_when_to_come_back(social: SocialUnderTest) -> None:
    async with social.http() as http:
        answers = [await http.post(PATH) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert int(answers[3].headers["Retry-After"]) > 0
    assert answers[3].json()["code"] == "too-many-requests"


async def test_another_method_is_not_allowed(social: SocialUnderTest) -> None:
    async with social.http() as http:
        answer = await http.delete(PATH)
    assert answer.status_code == httpx.codes.METHOD_NOT_ALLOWED
    assert answer.json()["code"] == "method-not-allowed"


async def test_a_body_that_nobody_asked_for_is_ignored(social: SocialUnderTest) -> None:
    async with social.http() as http:
        answers = [await http.post(PATH, content=content) for content in (b"{not json", b"x" * 200_000)]
        answers.append(await http.post(PATH))
    assert [answer.status_code for answer in answers] == [200, 200, 200]


async def test_sockets_open_and_are_refused_alike(social: SocialUnderTest) -> None:
    async with social.client() as client:
        assert client.socket.response is not None
        assert client.socket.response.headers["X-Request-Id"]
    with pytest.raises(InvalidStatus) as refused:
        async with open_socket(social.socket_url):
            pass
    assert refused.value.response.status_code == httpx.codes.UNAUTHORIZED
    assert refused.value.response.headers["Content-Type"] == "application/problem+json"

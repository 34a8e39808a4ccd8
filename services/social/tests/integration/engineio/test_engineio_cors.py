"""Polling from a page of another origin, inside the middleware that every service has."""

from collections.abc import AsyncIterator

import pytest
from callboard_testkit.engine_client import POLLING
from callboard_testkit.engine_under_test import EngineUnderTest, StartEngine
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

FRIEND = "https://app.example"


def behind_cors(app: ASGIApp) -> ASGIApp:
    return CORSMiddleware(app, allow_origins=[FRIEND], allow_credentials=True, allow_methods=["GET", "POST"])


@pytest.fixture
async def shared(start_engine: StartEngine) -> AsyncIterator[EngineUnderTest]:
    async with start_engine(wrap=behind_cors) as engine:
        yield engine


async def test_an_allowed_origin_may_read_every_answer_with_credentials(shared: EngineUnderTest) -> None:
    headers = {"Origin": FRIEND}
    client = await shared.open(headers=headers)
    answers = [
        await shared.request("GET", POLLING, headers=headers),
        await client.post("4hello", headers=headers),
        await client.get(headers=headers),
        await client.post("abc", headers=headers),
        await client.get(headers=headers),
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 400, 400]
    for answer in answers:
        assert answer.headers["access-control-allow-origin"] == FRIEND
        assert answer.headers["access-control-allow-credentials"] == "true"
        assert "Origin" in answer.headers["vary"]


async def test_another_origin_may_read_nothing(shared: EngineUnderTest) -> None:
    response = await shared.request("GET", POLLING, headers={"Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in response.headers


async def test_a_preflight_is_answered(shared: EngineUnderTest) -> None:
    headers = {"Origin": FRIEND, "Access-Control-Request-Method": "POST"}
    response = await shared.request("OPTIONS", POLLING, headers=headers)
    assert response.status_code == 200
    assert response.headers["access-control-allow-origin"] == FRIEND

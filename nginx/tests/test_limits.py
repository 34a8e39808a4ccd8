"""Guessing is limited by address; work is not."""

from collections.abc import Callable

import pytest

from nginx.tests.conftest import Environment, Gateway

BURST = 3


@pytest.fixture
def narrow(start_gateway: Callable[..., Gateway], upstream_environment: Environment) -> Gateway:
    """One attempt a minute after a burst of three."""
    return start_gateway(
        CALLBOARD_SIGN_IN_RATE="1r/m",
        CALLBOARD_SIGN_IN_BURST=str(BURST),
        CORS_ORIGINS="https://app.example",
        **upstream_environment,
    )


@pytest.mark.clause("GATE-3")
@pytest.mark.parametrize("path", ["/auth/api/login", "/api/login", "/auth/api/signup", "/api/signup"])
def test_attempts_over_the_burst_are_429_with_retry_after(narrow: Gateway, path: str) -> None:
    with narrow.client(headers={"Origin": "https://app.example"}) as client:
        answers = [client.post(path, json={}) for _ in range(BURST + 3)]
    assert [answer.status_code for answer in answers] == [200] * (BURST + 1) + [429] * 2
    assert answers[-1].json()["code"] == "too-many-requests"
    assert int(answers[-1].headers["retry-after"]) > 0
    assert answers[-1].headers["access-control-allow-origin"] == "https://app.example"


def test_login_and_sign_up_and_their_aliases_share_one_limit(narrow: Gateway) -> None:
    with narrow.client() as client:
        for path in ("/auth/api/login", "/api/login", "/auth/api/signup", "/api/signup"):
            assert client.post(path).status_code == 200
        assert client.post("/auth/api/login").status_code == 429


def test_a_forged_address_does_not_open_another_account_of_attempts(narrow: Gateway) -> None:
    with narrow.client() as client:
        statuses = [
            client.post("/auth/api/login", headers={"X-Forwarded-For": f"203.0.113.{number}"}).status_code
            for number in range(BURST + 2)
        ]
    assert statuses[-1] == 429


@pytest.mark.clause("GATE-3")
@pytest.mark.parametrize(
    "path",
    [
        "/auth/api/refresh",
        "/auth/api/v1/sessions",
        "/social/api/socials/connect-token",
        "/executions/update",
    ],
)
def test_other_calls_are_not_limited(narrow: Gateway, path: str) -> None:
    with narrow.client() as client:
        assert {client.post(path).status_code for _ in range(50)} == {200}


def test_preflights_do_not_count(narrow: Gateway) -> None:
    with narrow.client() as client:
        assert {client.options("/auth/api/login").status_code for _ in range(20)} == {200}
        assert client.post("/auth/api/login").status_code == 200

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from callboard_worker.sdk.client import CallboardClient
from callboard_worker.sdk.errors import GatewayUnreachable, Refused
from callboard_worker.sdk.gateway import GatewayOptions, checked_url
from callboard_worker.sdk.retry import MAX_RETRY_AFTER_SECONDS, RetryNotice, RetryPolicy, Timing, retry_after_seconds

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SESSION = {
    "token": "jwt",
    "expiresIn": 900,
    "agent": {"id": "a", "name": "ci"},
    "organization": {"id": "org-1", "name": "Acme"},
}


class World:
    """A clock that sleeping moves, jitter that is always the ceiling, and answers in a row."""

    def __init__(self, answers: Iterable[httpx.Response | Exception] = ()) -> None:
        self.now = 0.0
        self.slept: list[float] = []
        self.notices: list[RetryNotice] = []
        self.answers = list(answers)
        self.paths: list[str] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.paths.append(request.url.path)
        outcome = self.answers.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def client(self, policy: RetryPolicy | None = None) -> CallboardClient:
        timing = Timing(lambda: self.now, lambda: NOW, self.sleep, lambda _low, high: high)
        options = GatewayOptions(policy or RetryPolicy(), timing, self.notices.append, httpx.MockTransport(self.answer))
        return CallboardClient("http://gateway", "ah_live_x", options)


def session() -> httpx.Response:
    return httpx.Response(200, json=SESSION)


async def test_delays_double_up_to_the_cap() -> None:
    world = World([*(httpx.ConnectError("refused") for _ in range(8)), session()])
    async with world.client() as client:
        await client.session()
    assert world.slept == [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0, 10.0]
    assert world.notices[0] == RetryNotice(1, "ConnectError: refused", 0.2)


async def test_jitter_reaches_down_to_nothing() -> None:
    asked: list[tuple[float, float]] = []

    def uniform(low: float, high: float) -> float:
        asked.append((low, high))
        return low

    assert RetryPolicy().jitter_seconds(3, Timing(uniform=uniform)) == 0.0
    assert asked == [(0.0, 0.8)]


def test_a_long_outage_does_not_overflow() -> None:
    assert RetryPolicy().jitter_seconds(1_000_000, Timing(uniform=lambda _low, high: high)) == 10.0


async def test_retry_after_is_the_least_delay() -> None:
    world = World([httpx.Response(503, headers={"Retry-After": "7"}), session()])
    async with world.client() as client:
        await client.session()
    assert world.slept == [7.2]


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, 0.0),
        ("3", 3.0),
        ("Fri, 02 Jan 2026 03:04:35 GMT", 30.0),
        ("Fri, 02 Jan 2026 03:00:00 GMT", 0.0),
        ("99999999999999999999", MAX_RETRY_AFTER_SECONDS),
        ("Fri, 02 Jan 2099 03:00:00 GMT", MAX_RETRY_AFTER_SECONDS),
        ("-1", 0.0),
        ("soon", 0.0),
        ("²", 0.0),
    ],
)
def test_retry_after_in_all_its_forms(header: str | None, seconds: float) -> None:
    assert retry_after_seconds(header, NOW) == seconds


async def test_patience_is_for_the_whole_call() -> None:
    world = World(httpx.ReadTimeout("slow") for _ in range(100))
    async with world.client(RetryPolicy(patience=timedelta(seconds=3))) as client:
        with pytest.raises(GatewayUnreachable, match="ReadTimeout: slow") as unreachable:
            await client.session()
    assert world.now < 3
    assert unreachable.value.attempts == 4


async def test_a_fault_of_our_own_is_not_tried_again() -> None:
    world = World([httpx.LocalProtocolError("illegal header")])
    async with world.client() as client:
        with pytest.raises(httpx.LocalProtocolError):
            await client.session()


@pytest.mark.parametrize("status", [301, 400, 404, 418, 500, 599])
async def test_other_answers_are_refusals_also_without_a_problem(status: int) -> None:
    world = World([httpx.Response(status, text="<html>")])
    async with world.client() as client:
        with pytest.raises(Refused) as refused:
            await client.session()
    assert (refused.value.status, refused.value.code) == (status, f"http-{status}")


async def test_the_session_is_renewed_before_it_runs_out() -> None:
    world = World([session(), session()])
    async with world.client() as client:
        await client.session()
        world.now = 839
        await client.session()
        assert len(world.paths) == 1
        world.now = 841
        await client.session()
    assert len(world.paths) == 2


@pytest.mark.parametrize("url", ["", "localhost:8080", "ftp://x", "http://", "http://x?a=1", "http://x#y"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="address"):
        checked_url(url)


@pytest.mark.parametrize("task_id", ["", "..", "a/b", "a b", "x" * 129, "ü"])
async def test_a_task_id_never_bends_the_path(task_id: str) -> None:
    async with World().client() as client:
        with pytest.raises(ValueError, match="task id"):
            await client.get(task_id)


async def test_a_field_may_not_take_a_name_of_ours() -> None:
    async with World([session()]).client() as client:
        with pytest.raises(ValueError, match="taskId"):
            await client.create("t", taskId="other")

"""The way between browser and server breaks. The page says so, comes back, and nothing is lost or doubled."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from callboard_contracts.executions import Status
from callboard_testkit.in_page import wait_until
from callboard_testkit.line import Line
from callboard_testkit.member import Member
from callboard_worker import BlockingClient
from playwright.sync_api import Locator, Page, expect

NOTE_WHAT_IS_ANNOUNCED = """() => {
  globalThis.announced = [];
  const status = document.querySelector("[role=status][aria-label=Connection]");
  new MutationObserver(() => announced.push(status.textContent)).observe(status, { childList: true, subtree: true });
}"""
AWAY = re.compile("Reconnecting|Offline|Connecting")
TASK = "nightly"


def connection(page: Page) -> Locator:
    return page.get_by_role("status", name="Connection")


def write(worker: BlockingClient, first: int, last: int) -> None:
    worker.append_log(TASK, first, [f"line {number}" for number in range(first, last + 1)])


def expect_lines(page: Page, last: int) -> None:
    """The log holds the lines 1 to `last`, each once and in order."""
    expect(page.get_by_role("log").locator(".log-text")).to_have_text(
        [f"line {number}" for number in range(1, last + 1)]
    )


@pytest.fixture
def following(signed_in: Page, worker: BlockingClient) -> Page:
    """A tab that follows the log of a run that has written its first line."""
    worker.update(TASK, Status.RUNNING)
    write(worker, 1, 1)
    signed_in.goto(f"/#/executions/{TASK}")
    expect_lines(signed_in, 1)
    expect(connection(signed_in)).to_contain_text("Live")
    return signed_in


def test_nothing_is_missing_or_doubled_after_the_gateway_restarts(
    following: Page, worker: BlockingClient, restart_gateway: Callable[[], None]
) -> None:
    write(worker, 2, 3)
    # The gateway may be back before one could look at the page.
    following.evaluate(NOTE_WHAT_IS_ANNOUNCED)
    restart_gateway()
    wait_until(following, "announced.some((text) => text.startsWith('Reconnecting'))")
    write(worker, 4, 6)
    expect(connection(following)).to_contain_text("Live")
    write(worker, 7, 8)
    expect_lines(following, 8)


def test_nothing_is_missing_or_doubled_after_the_network_was_away(
    following: Page, worker: BlockingClient, network: Line
) -> None:
    network.cut()
    expect(connection(following)).to_contain_text(AWAY)
    write(worker, 2, 9)
    worker.update(TASK, Status.PASSED)
    network.mend()
    expect(connection(following)).to_contain_text("Live")
    expect_lines(following, 9)
    expect(following.get_by_role("main")).to_contain_text("Passed")


def test_a_device_without_network_says_so_and_comes_back_by_itself(
    following: Page, worker: BlockingClient, network: Line
) -> None:
    following.context.set_offline(True)
    network.cut()
    expect(connection(following)).to_contain_text("Offline")
    write(worker, 2, 5)
    network.mend()
    following.context.set_offline(False)
    expect(connection(following)).to_contain_text("Live")
    expect_lines(following, 5)


def test_try_now_does_not_wait_for_the_next_attempt(following: Page, network: Line) -> None:
    # With the page's clock held, no next attempt ever comes by itself: only the button can bring the connection back.
    following.clock.install()
    following.clock.pause_at(datetime.now(UTC) + timedelta(seconds=1))
    network.cut()
    expect(connection(following)).to_contain_text("Reconnecting")
    network.mend()
    following.get_by_role("button", name="Try now").click()
    expect(connection(following)).to_contain_text("Live")


def test_the_list_is_right_after_the_network_was_away(signed_in: Page, worker: BlockingClient, network: Line) -> None:
    worker.update("first", Status.RUNNING)
    signed_in.goto("/")
    expect(signed_in.get_by_role("link", name=re.compile("first"))).to_contain_text("Running")
    expect(connection(signed_in)).to_contain_text("Live")
    network.cut()
    expect(connection(signed_in)).to_contain_text(AWAY)
    worker.update("first", Status.FAILED)
    worker.update("second", Status.RUNNING)
    network.mend()
    expect(signed_in.get_by_role("link", name=re.compile("first"))).to_contain_text("Failed")
    expect(signed_in.get_by_role("link", name=re.compile("second"))).to_have_count(1)


def test_a_session_ended_elsewhere_shows_at_once(signed_in: Page, member: Member) -> None:
    signed_in.goto("/")
    expect(connection(signed_in)).to_contain_text("Live")
    elsewhere = signed_in.context.new_page()
    elsewhere.goto("/")
    elsewhere.get_by_role("button", name=f"Account {member.login}").click()
    elsewhere.get_by_role("button", name="Sign out").click()
    expect(connection(signed_in)).to_contain_text("Session ended")
    expect(signed_in.get_by_role("link", name="Sign in again")).to_be_visible()
    expect(elsewhere.get_by_role("heading", name="Sign in to Callboard")).to_be_visible()

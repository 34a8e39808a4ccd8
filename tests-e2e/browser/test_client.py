"""The browser client in a real page: what only a browser, a real suite and a real line can show."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
from callboard_contracts.executions import Status
from callboard_testkit.in_page import EVENTUALLY, wait_until
from callboard_testkit.line import Line
from callboard_worker import BlockingClient
from playwright.sync_api import BrowserContext, Page

TESTS = Path(__file__).parents[2] / "web" / "tests" / "client"
SCENARIO = (TESTS / "scenario.js").read_text().rpartition("export ")[2]
OPEN = """async () => {
  const { Callboard } = await import("/callboard.js");
  globalThis.callboard = new Callboard();
  globalThis.states = [];
  globalThis.lines = [];
  callboard.on("state", ({ name }) => states.push(name));
  callboard.followLog("build", (chunk) => lines.push(...chunk.lines));
}"""
WHO = """async () => (await (await callboard.fetch("/auth/api/users/me")).json()).user.login"""


def open_client(page: Page) -> None:
    """An idle client called ``callboard``, in a tab that shows nothing else."""
    page.goto("/callboard.js")
    page.evaluate(OPEN)


def go_live(page: Page) -> None:
    page.evaluate("() => callboard.connect()")
    wait_until(page, "callboard.state.name === 'live'")


def write(worker: BlockingClient, first: int, last: int) -> None:
    worker.append_log("build", first, [f"line {number}" for number in range(first, last + 1)])


def end_session(page: Page, gateway: str, origin: str) -> None:
    """Log out with the tab's cookies, past the tab."""
    cookies = {cookie["name"]: cookie["value"] for cookie in page.context.cookies()}
    with httpx.Client(trust_env=False, cookies=cookies, headers={"Origin": origin}) as http:
        assert http.post(f"{gateway}/auth/api/logout").status_code == httpx.codes.NO_CONTENT


def test_the_real_suite_tells_the_story_of_the_one_in_memory(
    signed_in: Page, worker: BlockingClient, network: Line, gateway: str, public_url: str
) -> None:
    world: dict[str, Callable[..., Any]] = {
        "post": lambda task, status, attempt=None: str(worker.update(task, Status(status), attempt=attempt)),
        "log": lambda task, first, lines: str(worker.append_log(task, first, lines)),
        "cut": network.cut,
        "mend": network.mend,
        "endSession": lambda: end_session(signed_in, gateway, public_url),
    }
    for name, act in world.items():
        signed_in.expose_function(f"world_{name}", act)
    open_client(signed_in)
    acts = ", ".join(f"{name}: world_{name}" for name in world)
    story = signed_in.evaluate(f"() => ({SCENARIO})(callboard, {{ {acts}, eventually: {EVENTUALLY} }})")
    assert story == json.loads((TESTS / "scenario.json").read_text())


def test_each_line_comes_once_however_often_the_line_is_cut(
    signed_in: Page, worker: BlockingClient, network: Line
) -> None:
    worker.update("build", Status.RUNNING)
    open_client(signed_in)
    go_live(signed_in)
    for cut in range(4):
        first = cut * 100 + 1
        write(worker, first, first + 39)
        network.cut()
        write(worker, first + 40, first + 59)
        network.mend()
        write(worker, first + 60, first + 99)
    wait_until(signed_in, "lines.length >= 400")
    assert signed_in.evaluate("() => lines") == [f"line {number}" for number in range(1, 401)]


def test_a_log_longer_than_a_page_of_the_server_comes_whole(signed_in: Page, worker: BlockingClient) -> None:
    worker.update("build", Status.RUNNING)
    for first in range(1, 2_500, 500):
        write(worker, first, first + 499)
    open_client(signed_in)
    go_live(signed_in)
    write(worker, 2_501, 2_501)
    wait_until(signed_in, "lines.length >= 2501")
    assert signed_in.evaluate("() => lines") == [f"line {number}" for number in range(1, 2_502)]


def test_two_tabs_whose_token_has_run_out_refresh_one_session(signed_in: Page, context: BrowserContext) -> None:
    tabs = [signed_in, context.new_page()]
    for tab in tabs:
        open_client(tab)
    for _ in range(3):
        context.clear_cookies(name="auth_token")
        for tab in tabs:
            tab.evaluate(f"() => {{ globalThis.asked = Promise.all([({WHO})(), ({WHO})()]); }}")
        logins = [login for tab in tabs for login in tab.evaluate("() => asked")]
        assert len(logins) == 4
        assert len(set(logins)) == 1
    go_live(signed_in)


def test_a_token_that_has_run_out_does_not_keep_the_page_from_coming_back(
    signed_in: Page, context: BrowserContext, restart_gateway: Callable[[], None]
) -> None:
    open_client(signed_in)
    go_live(signed_in)
    context.clear_cookies(name="auth_token")
    restart_gateway()
    wait_until(signed_in, "states.includes('reconnecting') && callboard.state.name === 'live'")


def test_a_dead_network_that_closes_nothing_is_found_out(signed_in: Page, network: Line) -> None:
    open_client(signed_in)
    go_live(signed_in)
    network.silence()
    signed_in.evaluate("() => dispatchEvent(new Event('online'))")
    wait_until(signed_in, "callboard.state.name === 'reconnecting'")
    network.mend()
    wait_until(signed_in, "callboard.state.name === 'live'")


def test_a_device_without_network_is_offline_and_comes_back(signed_in: Page, network: Line) -> None:
    open_client(signed_in)
    go_live(signed_in)
    network.cut()
    signed_in.context.set_offline(True)
    wait_until(signed_in, "callboard.state.name === 'offline'")
    network.mend()
    signed_in.context.set_offline(False)
    wait_until(signed_in, "callboard.state.name === 'live'")


def test_nobody_signed_in_is_an_end_that_names_the_session(page: Page) -> None:
    open_client(page)
    page.evaluate("() => callboard.connect()")
    wait_until(page, "callboard.state.name === 'ended'")
    state = page.evaluate("() => callboard.state")
    assert (state["cause"], state["code"]) == ("session", 401)

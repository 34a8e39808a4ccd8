"""Chromium, a suite of this tier's own, and a line between the two that a test can cut.

These tests are plain functions: Playwright's blocking interface and an event loop of pytest's do not share a process,
which is why this tier has a run of its own.
"""

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from callboard_testkit.line import Line, line
from callboard_testkit.member import Member, new_member
from callboard_testkit.suite import RunningSuite, start_suite
from callboard_worker import BlockingClient
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

ROOT = Path(__file__).parent.parent.parent
WAIT_SECONDS = 30


@pytest.fixture(scope="session")
def session_line() -> Iterator[Line]:
    with line() as made:
        yield made


@pytest.fixture
def network(session_line: Line) -> Iterator[Line]:
    """The browser's way to the gateway; it is whole again after the test."""
    yield session_line
    session_line.mend()


@pytest.fixture(scope="session")
def public_url(session_line: Line) -> str:
    """What a person types."""
    return session_line.url


@pytest.fixture(scope="session")
def suite(tmp_path_factory: pytest.TempPathFactory, session_line: Line, public_url: str) -> Iterator[RunningSuite]:
    settings = {"CALLBOARD_PUBLIC_URL": public_url, "CALLBOARD_SIGN_IN_BURST": "10000"}
    with start_suite(ROOT, tmp_path_factory.mktemp("suite"), settings) as running:
        session_line.target_port = int(running.addresses.gateway.rsplit(":", 1)[1])
        yield running


@pytest.fixture(scope="session")
def gateway(suite: RunningSuite) -> str:
    """The gateway itself, past the line: what workers and other programs use."""
    return suite.addresses.gateway


@pytest.fixture
def member(gateway: str) -> Member:
    return new_member(gateway)


@pytest.fixture
def worker(gateway: str, member: Member) -> Iterator[BlockingClient]:
    """The member's worker, past the line."""
    with BlockingClient(gateway, member.api_token) as client:
        yield client


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=WAIT_SECONDS * 1000)
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        # The system's Chromium; where the system has none, the one that Playwright installed.
        launched = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=arguments)
        yield launched
        launched.close()


@pytest.fixture
def new_context(browser: Browser, public_url: str) -> Iterator[Callable[..., BrowserContext]]:
    """Makes browser contexts (a person each: own cookies, own storage); options as Playwright has them."""
    made: list[BrowserContext] = []

    def make(**options: object) -> BrowserContext:
        context = browser.new_context(base_url=public_url, **options)  # type: ignore[arg-type]
        context.set_default_timeout(WAIT_SECONDS * 1000)
        made.append(context)
        return context

    yield make
    for context in made:
        # Chromium may wait for ever for a page that loads itself anew while its context is closed.
        for opened in context.pages:
            opened.goto("about:blank")
        context.close()


@pytest.fixture
def context(new_context: Callable[..., BrowserContext], suite: RunningSuite) -> BrowserContext:
    return new_context(viewport={"width": 1280, "height": 800})


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A tab. The test fails when a script of ours throws, or the browser blocks something by the page's own policy."""
    complaints: list[str] = []
    opened = context.new_page()

    def read(message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            complaints.append(message.text)

    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("console", read)
    yield opened
    assert not complaints


@pytest.fixture
def signed_in(page: Page, member: Member) -> Page:
    """A tab of the member, signed in over HTTP as the sign-in page does; nothing is loaded yet."""
    answer = page.request.post("/auth/api/login", data={"login": member.login, "password": member.password})
    assert answer.ok
    return page


@pytest.fixture
def restart_gateway(suite: RunningSuite) -> Callable[[], None]:
    """Kills the gateway's process; the supervisor starts it again. Returns at once."""

    def restart() -> None:
        pid = int((suite.log_directory.parent / "nginx" / "nginx.pid").read_text())
        os.kill(pid, signal.SIGKILL)

    return restart

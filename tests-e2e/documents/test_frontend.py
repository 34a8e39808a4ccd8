"""The page of ten lines and the scripts of docs/frontend.md, word by word, in Chromium.

The browser is told that the two addresses of the document are those of this run, so that nothing in a page is replaced.
"""

import os
import shutil
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from callboard_testkit.native_client import native_client
from callboard_testkit.suite import PASSWORD, RunningSuite
from callboard_testkit.waiting import eventually
from callboard_worker import CallboardClient
from playwright.async_api import Browser, Page, async_playwright

DOCUMENT = "docs/frontend.md"
GATEWAY = "http://localhost:8080"
OWN_SITE = "http://localhost:3000"
SIGN_IN = """async ([login, password]) => {
  const body = JSON.stringify({ login, password });
  const headers = { "Content-Type": "application/json" };
  return (await fetch("/auth/api/login", { method: "POST", headers, body })).status;
}"""

Block = tuple[str, str, str, str]


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its signature
        pass


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[Path, int]]:
    """A folder and the port where it is served: the reader's own site."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(tmp_path))) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield tmp_path, server.server_port
        server.shutdown()
        thread.join()


@pytest.fixture
async def browser(suite: RunningSuite, site: tuple[Path, int]) -> AsyncIterator[Browser]:
    places = {GATEWAY: suite.addresses.gateway.partition("//")[2], OWN_SITE: f"127.0.0.1:{site[1]}"}
    rules = ", ".join(f"MAP {documented.partition('//')[2]} {ours}" for documented, ours in places.items())
    arguments = [f"--host-resolver-rules={rules}", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=arguments)
        yield launched
        await launched.close()


@pytest.fixture
async def page(browser: Browser, demo_token: str) -> AsyncIterator[Page]:
    """A tab of somebody who has signed in, as the document asks for."""
    complaints: list[str] = []
    opened = await browser.new_page()
    # Any page of that origin; the dashboard itself would ask for a session of its own at the same moment.
    await opened.goto(f"{GATEWAY}/callboard.js")
    assert await opened.evaluate(SIGN_IN, ["demo", PASSWORD]) == 200
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    yield opened
    assert complaints == []


@pytest.fixture
async def worker(suite: RunningSuite, demo_token: str) -> AsyncIterator[CallboardClient]:
    async with CallboardClient(suite.addresses.gateway, demo_token) as client:
        yield client


def said_by(page: Page) -> list[str]:
    """What the page writes to its console from now on."""
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    return said


async def says(said: list[str], *expected: str) -> None:
    """Wait until each of these stands in a line; what is missing is the error."""

    def missing() -> list[str]:
        return [text for text in expected if not any(text in line for line in said)]

    try:
        await eventually(lambda: not missing())
    except TimeoutError:
        pytest.fail(f"{missing()} not in {said}")


async def say(gateway: str, token: str, content: str) -> None:
    """A message from somebody else of the organisation."""
    async with httpx.AsyncClient(base_url=f"{gateway}/social", trust_env=False) as http:
        minted = await http.post("/api/socials/connect-token", headers={"Authorization": f"Bearer {token}"})
    ticket = minted.raise_for_status().json()["token"]
    async with native_client(f"{gateway.replace('http', 'ws', 1)}/social/api/socials/ws", ticket) as client:
        await client.send(type="chat", content=content)
        await client.receive_until("echo")


async def test_the_page_of_ten_lines_shows_executions_as_they_change(
    page: Page, site: tuple[Path, int], worker: CallboardClient, blocks_of: Callable[[str], list[Block]]
) -> None:
    (text,) = [text for language, _, text, _ in blocks_of(DOCUMENT) if language == "html"]
    assert text.count("\n") <= 10
    (site[0] / "page.html").write_text(text)
    await page.goto(f"{OWN_SITE}/page.html")
    first = page.locator("li").first
    await page.get_by_text("build PASSED").wait_for()
    async with worker.execution("ten-lines"):
        await page.get_by_text("ten-lines RUNNING").wait_for()
        assert await first.text_content() == "ten-lines RUNNING"
    await page.get_by_text("ten-lines PASSED").wait_for()


async def test_the_scripts_of_the_document_do_what_it_says(
    page: Page,
    site: tuple[Path, int],
    suite: RunningSuite,
    worker: CallboardClient,
    blocks_of: Callable[[str], list[Block]],
) -> None:
    folder, _ = site
    parts = [text for language, rest, text, _ in blocks_of(DOCUMENT) if (language, rest) == ("js", "")]
    (folder / "module.js").write_text("".join(parts))
    (folder / "index.html").write_text('<!doctype html><script type="module" src="module.js"></script>')
    (folder / "callboard-token").write_text((await worker.session()).token)
    said = said_by(page)
    await page.goto(OWN_SITE)
    await says(said, "state: live", "executions: ", "said: Hello!", "passed: ", "elsewhere: demo worker")
    await says(said, "log: 1 1 building contracts")
    await say(suite.addresses.gateway, (await worker.session()).token, "Good morning")
    await says(said, "chat: demo worker Good morning")
    async with worker.execution("build") as run:
        await run.log("building again")
        await says(said, "build RUNNING", "attempt 2 begins", "log: 2 1 building again")
    await says(said, "build PASSED")


async def test_a_socket_without_the_module_hears_the_same(
    page: Page, site: tuple[Path, int], worker: CallboardClient, blocks_of: Callable[[str], list[Block]]
) -> None:
    folder, _ = site
    (text,) = [text for _, rest, text, _ in blocks_of(DOCUMENT) if rest == "by-hand.js"]
    (folder / "by-hand.js").write_text(text)
    (folder / "index.html").write_text('<!doctype html><script type="module" src="by-hand.js"></script>')
    said = said_by(page)
    await page.goto(OWN_SITE)
    await says(said, "by hand: subscribed")
    async with worker.execution("by-hand") as run:
        await run.log("one line")
    await says(said, '"taskId":"by-hand"', "by hand: execution-log", '"lines":["one line"]', '"status":"PASSED"')

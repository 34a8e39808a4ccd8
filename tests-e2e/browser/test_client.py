"""The browser client in a real page: what only a browser, a real suite and a real line can show."""

from callboard_worker import BlockingClient
from playwright.sync_api import Page

OPEN = """async () => {
  const { Callboard } = await import("/callboard.js");
  const callboard = (window.callboard = new Callboard());
  window.states = [];
  callboard.on("state", ({ name }) => window.states.push(name));
  callboard.connect();
}"""


def open_client(page: Page) -> None:
    """Leave the tab on a page without the dashboard's own client, with a live one as ``callboard``."""
    page.goto("/dashboard/mark.svg")
    page.evaluate(OPEN)
    page.wait_for_function("callboard.state.name === 'live'")


def test_a_log_is_followed_live(signed_in: Page, worker: BlockingClient) -> None:
    open_client(signed_in)
    signed_in.evaluate(
        """() => { window.lines = []; callboard.followLog("build", (chunk) => lines.push(...chunk.lines)); }"""
    )
    with worker.execution("build") as run:
        run.log("one")
        signed_in.wait_for_function("lines.includes('one')")

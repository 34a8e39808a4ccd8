"""What axe finds on every page, light and dark, wide and narrow: nothing. And no page is wider than its window."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from callboard_contracts.executions import Status
from callboard_testkit.member import Member
from callboard_worker import BlockingClient
from playwright.sync_api import BrowserContext, Page, expect

AXE = Path(__file__).parent.parent.parent / "web" / "node_modules" / "axe-core" / "axe.min.js"
PAGES = {
    "/#/sign-in": "Sign in to Callboard",
    "/#/sign-up": "Create an organisation",
    "/#/executions": "Executions",
    "/#/executions/passed-one": "passed-one",
    "/#/executions/nobody-posted-this": None,
    "/#/tokens": "API tokens",
}
DOORWAYS = {"/#/sign-in", "/#/sign-up"}


def violations(page: Page) -> list[dict[str, Any]]:
    page.evaluate(AXE.read_text())
    found = page.evaluate("async () => (await axe.run()).violations")
    return [{"rule": rule["id"], "at": [node["html"] for node in rule["nodes"]]} for rule in found]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_no_page_has_a_violation(
    new_context: Callable[..., BrowserContext], worker: BlockingClient, member: Member, scheme: str, width: int
) -> None:
    worker.update("running-one", Status.RUNNING, branch="main")
    worker.update("passed-one", Status.RUNNING)
    worker.append_log("passed-one", 1, ["plain", "\x1b[31mred\x1b[0m and \x1b[1;32mgreen\x1b[0m"])
    worker.update("passed-one", Status.PASSED)
    context = new_context(viewport={"width": width, "height": 720}, color_scheme=scheme, reduced_motion="reduce")
    page = context.new_page()
    for address, heading in sorted(PAGES.items(), key=lambda item: item[0] not in DOORWAYS):
        if address not in DOORWAYS:
            page.request.post("/auth/api/login", data={"login": member.login, "password": member.password})
        page.goto("about:blank")
        page.goto(address)
        shown = page.get_by_role("heading", level=1)
        expect(shown if heading is None else page.get_by_role("heading", name=heading, level=1)).to_be_visible()
        page.wait_for_load_state("networkidle")
        assert violations(page) == [], address
        assert page.evaluate("document.documentElement.scrollWidth") <= width, address

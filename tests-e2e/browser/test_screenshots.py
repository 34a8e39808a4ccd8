"""What the dashboard looks like: three widths, light and dark. ``make screenshots`` makes those of the README.

No picture is compared: fonts differ from machine to machine. People look at them.
"""

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from callboard_contracts.executions import Status
from callboard_testkit.member import Member, new_member
from callboard_worker import BlockingClient
from playwright.sync_api import BrowserContext, Page, expect

SCHEMES = ("light", "dark")
SIZES = {"phone": (390, 780), "tablet": (820, 900), "desktop": (1280, 800)}
MINIMUM_BYTES = 10_000
"""A picture with nothing on it is far smaller."""

RUNS: list[tuple[str, Status, int, int, dict[str, Any]]] = [
    ("deploy-web-118", Status.PASSED, 58, 94, {"name": "Deploy web", "branch": "main", "environment": "production"}),
    (
        "nightly-e2e-311",
        Status.FAILED,
        44,
        612,
        {"name": "Nightly end-to-end", "branch": "main", "browser": "chromium"},
    ),
    ("build-api-2207", Status.PASSED, 31, 147, {"name": "Build api", "branch": "feature/rooms", "by": "mira"}),
    ("lint-api-2207", Status.CANCELLED, 30, 12, {"name": "Lint api", "branch": "feature/rooms", "by": "mira"}),
    ("build-api-2208", Status.PASSED, 17, 151, {"name": "Build api", "branch": "main", "by": "jonas"}),
    ("load-test-40", Status.ERROR, 12, 33, {"name": "Load test", "environment": "staging"}),
    ("migrate-staging-9", Status.PASSED, 8, 21, {"name": "Migrate database", "environment": "staging"}),
]
LIVE = "build-web-1482"
LOG = """\
\x1b[1m$ npm run build\x1b[0m

> callboard-shop@4.12.0 build
> vite build --mode production

\x1b[36mvite v7.1\x1b[0m building for production...
transforming...
\x1b[32m✓\x1b[0m 1284 modules transformed.
rendering chunks...
\x1b[2mdist/\x1b[0mindex.html                    \x1b[1m0.62 kB\x1b[0m │ gzip:  0.38 kB
\x1b[2mdist/\x1b[36massets/index-B1fkQ0.css\x1b[0m      \x1b[1m28.41 kB\x1b[0m │ gzip:  6.02 kB
\x1b[2mdist/\x1b[36massets/vendor-Cx81Jd.js\x1b[0m     \x1b[1m141.22 kB\x1b[0m │ gzip: 45.63 kB
\x1b[2mdist/\x1b[36massets/index-D7skPw.js\x1b[0m      \x1b[1m312.90 kB\x1b[0m │ gzip: 98.17 kB
\x1b[33mwarning:\x1b[0m one chunk is larger than 300 kB after minification
\x1b[32m✓ built in 6.31s\x1b[0m

\x1b[1m$ npm test\x1b[0m
 \x1b[32mPASS\x1b[0m  tests/cart.test.js (41 tests) \x1b[2m812ms\x1b[0m
 \x1b[32mPASS\x1b[0m  tests/prices.test.js (19 tests) \x1b[2m205ms\x1b[0m
 \x1b[31mFAIL\x1b[0m  tests/checkout.test.js (1 of 27) \x1b[2m1.4s\x1b[0m
   \x1b[31m✗ a voucher is used once\x1b[0m
     expected \x1b[32m1\x1b[0m, received \x1b[31m2\x1b[0m
 \x1b[34mRERUN\x1b[0m tests/checkout.test.js""".splitlines()


@pytest.fixture
def member(gateway: str) -> Member:
    return new_member(gateway, organization="Northwind")


@pytest.fixture
def busy_day(worker: BlockingClient) -> None:
    """Work done, failed and under way."""
    now = datetime.now(UTC)
    for task_id, status, minutes, seconds, fields in RUNS:
        began = now - timedelta(minutes=minutes)
        worker.update(task_id, Status.RUNNING, start_time=began, **fields)
        worker.update(task_id, status, end_time=began + timedelta(seconds=seconds))
    worker.update("deploy-docs-77", Status.PENDING, name="Deploy docs", branch="main")
    live: dict[str, Any] = {"name": "Build web", "branch": "feature/vouchers", "by": "mira"}
    worker.update(LIVE, Status.RUNNING, start_time=now - timedelta(seconds=73), **live)
    worker.append_log(LIVE, 1, LOG)


def take(page: Page, path: Path) -> None:
    page.screenshot(path=path, animations="disabled")
    assert path.stat().st_size > MINIMUM_BYTES


@pytest.mark.usefixtures("busy_day")
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_dashboard_can_be_looked_at(
    new_context: Callable[..., BrowserContext], member: Member, tmp_path: Path, scheme: str, size: str
) -> None:
    folder = Path(os.environ.get("CALLBOARD_SCREENSHOTS") or tmp_path)
    width, height = SIZES[size]
    context = new_context(viewport={"width": width, "height": height}, color_scheme=scheme, device_scale_factor=2)
    page = context.new_page()
    page.request.post("/auth/api/login", data={"login": member.login, "password": member.password})
    page.goto("/")
    expect(page.get_by_role("status", name="Connection")).to_contain_text("Live")
    take(page, folder / f"executions-{size}-{scheme}.png")
    page.get_by_role("link", name="Build web").click()
    expect(page.get_by_role("log")).to_contain_text("RERUN")
    take(page, folder / f"log-{size}-{scheme}.png")

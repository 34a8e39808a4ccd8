"""A log of 100,000 lines: its end, its beginning, a search, a line of it, and little of it in the document."""

import pytest
from callboard_contracts.executions import Status
from callboard_worker import BlockingClient
from playwright.sync_api import Page, expect

TASK = "soak"
LINES = 100_000
CHUNK = 1_000
MOST_ROWS = 400
"""Far more than fit on a screen, far fewer than the log has."""


@pytest.fixture
def long_log(worker: BlockingClient) -> str:
    worker.update(TASK, Status.RUNNING)
    for first in range(1, LINES, CHUNK):
        worker.append_log(TASK, first, [f"step {number} of {LINES}" for number in range(first, first + CHUNK)])
    worker.update(TASK, Status.PASSED)
    return TASK


def test_a_hundred_thousand_lines_are_read_without_drawing_them_all(signed_in: Page, long_log: str) -> None:
    signed_in.goto(f"/#/executions/{long_log}")
    log = signed_in.get_by_role("log")
    expect(log).to_contain_text(f"step {LINES} of {LINES}")
    log.focus()
    signed_in.keyboard.press("Home")
    expect(log).to_contain_text(f"step 1 of {LINES}")
    signed_in.keyboard.press("End")
    expect(log).to_contain_text(f"step {LINES} of {LINES}")
    assert log.locator(".log-text").count() < MOST_ROWS
    search = signed_in.get_by_label("Search the log")
    search.fill("step 43210 ")
    search.press("Enter")
    expect(log).to_contain_text("step 43210 of")


def test_a_link_to_a_line_of_a_long_log_opens_there(signed_in: Page, long_log: str) -> None:
    signed_in.goto(f"/#/executions/{long_log}?line=70000")
    expect(signed_in.get_by_role("log").locator(".is-selected")).to_contain_text("step 70000 of")


def test_the_download_holds_every_line(signed_in: Page, long_log: str) -> None:
    signed_in.goto(f"/#/executions/{long_log}")
    with signed_in.expect_download() as started:
        signed_in.get_by_role("button", name="Download").click()
    lines = started.value.path().read_text().splitlines()
    assert lines == [f"step {number} of {LINES}" for number in range(1, LINES + 1)]

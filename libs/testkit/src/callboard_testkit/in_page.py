"""Waiting inside a page: what comes and goes between two looks from outside is not missed there."""

from typing import Any, Protocol

EVENTUALLY = """async (condition) => {
  const deadline = Date.now() + 30_000;
  while (!condition()) {
    if (Date.now() > deadline) {
      throw new Error(`not in time: ${condition}, ${JSON.stringify(globalThis.callboard?.state)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}"""


class Tab(Protocol):
    """Playwright's page."""

    def evaluate(self, expression: str) -> Any: ...


def wait_until(page: Tab, condition: str) -> None:
    """Return when the expression is true in the page; fails with its text and the client's state."""
    # Playwright's own wait evaluates text, which the page's policy forbids.
    page.evaluate(f"() => ({EVENTUALLY})(() => {condition})")

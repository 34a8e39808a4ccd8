"""No page has a command of compose that these tests do not run."""

from collections import Counter
from pathlib import Path

from callboard_testkit.compose import blocks_of

ROOT = Path(__file__).parents[2]
FOLLOWED = {
    ("docs/deploy.md", "On one machine, to try it"): 4,
    ("docs/deploy.md", "From an empty server to wss"): 3,
    ("docs/deploy.md", "Check the settings"): 1,
    ("docs/deploy.md", "Scale"): 1,
    ("docs/deploy.md", "Logs"): 1,
    ("docs/deploy.md", "Update"): 1,
    ("docs/operations.md", "With PostgreSQL"): 2,
}


def test_every_block_is_followed() -> None:
    found: Counter[tuple[str, str]] = Counter()
    for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("*/*/*.md"), *ROOT.glob("nginx/*.md")]:
        found.update((str(page.relative_to(ROOT)), heading) for heading, _ in blocks_of(page.read_text()))
    assert found == FOLLOWED
    tests = "".join(path.read_text() for path in Path(__file__).parent.glob("*.py") if path != Path(__file__))
    assert [heading for _, heading in FOLLOWED if f'"{heading}"' not in tests] == []

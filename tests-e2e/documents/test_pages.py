"""What a page tells its reader to type is typed: one shell for each page, in the folder that the reader is in."""

import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from os import killpg
from pathlib import Path

import pytest
from callboard_testkit.waiting import eventually

ROOT = Path(__file__).parents[2]
SHELL_FENCE = re.compile(r"^```sh suite", re.MULTILINE)
PLACES = ("*.md", "docs/*.md", "nginx/*.md", "libs/*/*.md", "services/*/*.md")
PAGES = sorted(
    str(page.relative_to(ROOT)) for place in PLACES for page in ROOT.glob(place) if SHELL_FENCE.search(page.read_text())
)
PATIENCE_SECONDS = 120
STOP_SECONDS = 40

Block = tuple[str, str, str, str]


class Shell:
    """``bash -eu`` that is fed one block after another; what each prints is kept in a file of its own."""

    def __init__(self, process: subprocess.Popen[str], folder: Path) -> None:
        self._process = process
        self._folder = folder
        self._count = 0
        self._has_ended = False

    async def run(self, text: str) -> Path:
        """To its end; gives the file with what it printed. Fails when a command of it does."""
        script, printed = self._files(text)
        done = script.with_suffix(".done")
        self._type(f". {script} </dev/null >{printed} 2>&1; : >{done}")
        await self._until(done.exists, printed)
        return printed

    async def start(self, text: str) -> Path:
        """In the background, until the page's end; returns once it has printed something."""
        script, printed = self._files(text)
        # Nobody types into it, and still its input has no end.
        self._type(f"mkfifo {script}.idle; (trap : TERM; . {script}) <>{script}.idle >{printed} 2>&1 &")
        await self._until(lambda: printed.exists() and printed.stat().st_size > 0, printed)
        return printed

    async def shows(self, printed: Path, expected: str) -> None:
        """Wait until what runs in the background has printed this."""
        await self._until(lambda: holds_lines(_text_of(printed), expected), printed)

    def end(self) -> None:
        """Stop what runs in the background, as Ctrl-C would, and wait for it."""
        self._type("trap : TERM; kill -TERM 0; wait")
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=STOP_SECONDS)

    def _files(self, text: str) -> tuple[Path, Path]:
        self._count += 1
        script = self._folder / f"{self._count}.sh"
        script.write_text(text)
        return script, script.with_suffix(".out")

    def _type(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    async def _until(self, holds: Callable[[], bool], printed: Path) -> None:
        def is_over() -> bool:
            return holds() or self._process.poll() is not None

        try:
            await eventually(is_over, PATIENCE_SECONDS)
        finally:
            assert holds(), f"it ended with {self._process.poll()} and printed:\n{_text_of(printed)}"


def holds_lines(text: str, expected: str) -> bool:
    """True when the lines are there in this order; ``…`` stands for anything within a line."""
    lines = [re.escape(line).replace("…", ".*") for line in expected.splitlines()]
    return re.search(r"^" + r"$\n(?:.*\n)*?^".join(lines) + r"$", text, re.MULTILINE) is not None


def _text_of(printed: Path) -> str:
    return printed.read_text() if printed.exists() else ""


@contextmanager
def shell(folder: Path, environment: dict[str, str]) -> Iterator[Shell]:
    bash = ["bash", "-eu", "-o", "pipefail"]
    with subprocess.Popen(
        bash, cwd=folder, env=environment, stdin=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        opened = Shell(process, folder.parent)
        try:
            yield opened
            opened.end()
        finally:
            if process.poll() is None:
                killpg(process.pid, signal.SIGKILL)


def test_there_are_pages_with_commands() -> None:
    assert {"README.md", "docs/workers.md", "docs/operations.md"} <= set(PAGES)


async def test_a_command_that_fails_and_a_line_that_is_not_printed_are_found_out(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    message = r"it ended with 1 and printed:\s+before\s+assert"
    with pytest.raises(AssertionError, match=message), shell(folder, {}) as opened:
        await opened.run("echo before\nfalse\necho after\n")
    assert holds_lines("one\ntwo 2\nthree\n", "one\nt…e\n")
    assert not holds_lines("one\ntwo 2\nthree\n", "three\none\n")
    assert not holds_lines("one\ntwo 2\n", "two\n")


@pytest.mark.timeout(400)
@pytest.mark.parametrize("page", PAGES)
async def test_every_command_of_a_page_works_and_prints_what_the_page_shows(
    page: str,
    checkout: Path,
    shell_environment: dict[str, str],
    located: Callable[[str], str],
    blocks_of: Callable[[str], list[Block]],
) -> None:
    shown_at_the_end: list[tuple[Path, str]] = []
    with shell(checkout, shell_environment) as opened:
        for language, rest, text, shown in blocks_of(page):
            if rest == "background":
                shown_at_the_end.append((await opened.start(located(text)), located(shown)))
            elif language == "sh":
                printed = await opened.run(located(text))
                assert holds_lines(printed.read_text(), located(shown))
            elif rest:
                (checkout / rest).write_text(text)
        for printed, shown in shown_at_the_end:
            await opened.shows(printed, shown)

"""What the documents point at is there."""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

from callboard_servicekit.errors import ServiceError
from callboard_testkit import compose

from local.suite import DEFAULT_DIRECTORY, DEFAULT_PORT
from local.up import BANNER

LINK = re.compile(r"!?\[[^\]]*\]\(<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\)")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#{1,6} (.+?)\s*#*$", re.MULTILINE)
MAKE = re.compile(r"(?:`|\$ )make ([a-z][a-z-]*)")
TARGET = re.compile(r"^([a-z][a-z-]*):.*?(## .+)?$", re.MULTILINE)

BLOCK = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
RUN_LANGUAGES = {"sh", "python", "html", "js"}
SHOWN_LANGUAGES = {"", "console", "toml", "json", "yaml"}
RUNNERS = {"suite", "clients", "compose", "server", "make"}
PLACES_OF_THE_RUNNER = ("*.md", "docs/*.md", "nginx/*.md", "libs/*/*.md", "services/*/*.md")
COMMANDS = (
    r"(?:\$ |(?:sudo |\.venv/bin/)?(?:make|curl|docker|callboard|python3?|pip|apt-get|git|npm|npx|certbot|export)\s)"
)
COMMAND = re.compile(rf"^{COMMANDS}", re.MULTILINE)
SETTINGS = re.compile(r"^(?:[A-Z_]+=\S* )+")
INDENTED_COMMAND = re.compile(rf"^(?: {{4}}|\t){COMMANDS}", re.MULTILINE)


LEFT_TO_THE_READER = {
    ("docs/deploy.md", "apt-get update && apt-get install"),
    ("docs/deploy.md", "curl -fsSL https://get.docker.com"),
    ("docs/deploy.md", "git clone THE-ADDRESS-OF-THIS-REPOSITORY"),
    ("docs/deploy.md", "certbot certonly"),
    ("docs/deploy.md", "sysctl -w"),
}
"""Page, and how the line begins: what no test runs, for it needs a real server with a name of its own."""


def links_of(document: Path) -> Iterator[str]:
    """Relative links, with their anchors."""
    for link in LINK.findall(FENCE.sub("", document.read_text())):
        if not re.match(r"[a-z][a-z0-9+.-]*:", link):
            yield unquote(link)


def anchors_of(document: Path) -> set[str]:
    """The anchors of a document's headings, as they are made where it is shown."""
    headings = HEADING.findall(FENCE.sub("", document.read_text()))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def is_broken(document: Path, link: str, files: list[Path]) -> bool:
    name, _, anchor = link.partition("#")
    target = (document.parent / name).resolve() if name else document
    is_there = target in files or any(target in path.parents for path in files)
    return not is_there or bool(anchor and target.suffix == ".md" and anchor not in anchors_of(target))


def test_every_relative_link_leads_somewhere(documents: list[Path], files: list[Path], root: Path) -> None:
    assert documents
    broken = [
        f"{document.relative_to(root)}: {link}"
        for document in documents
        for link in links_of(document)
        if is_broken(document, link, files)
    ]
    assert broken == []


def test_a_broken_link_is_found_out(tmp_path: Path) -> None:
    document = tmp_path / "a.md"
    document.write_text("# One, two\n[x](b.md) [y](#one-two) [z](#three) ```[c](d.md)```\n```\n[e](f.md)\n```\n")
    links = list(links_of(document))
    assert links == ["b.md", "#one-two", "#three", "d.md"]
    assert [link for link in links if is_broken(document, link, [document])] == ["b.md", "#three", "d.md"]


def targets(root: Path) -> dict[str, str]:
    """The targets of the Makefile, with what `make help` says about them."""
    return dict(TARGET.findall((root / "Makefile").read_text()))


def test_every_target_that_a_document_names_exists(documents: list[Path], root: Path) -> None:
    named = {(path.name, target) for path in documents for target in MAKE.findall(path.read_text())}
    assert {"up", "test"} <= {target for _, target in named}
    assert {(document, target) for document, target in named if target not in targets(root)} == set()


def test_every_target_is_in_the_list_that_help_shows(root: Path) -> None:
    assert [target for target, text in targets(root).items() if not text] == []


def blocks_of(text: str) -> Iterator[tuple[str, str, str]]:
    """Language, who runs it, and the text of every fenced block."""
    for info, body in BLOCK.findall(text):
        language, _, rest = info.partition(" ")
        yield language, rest.partition(" ")[0], body


def is_loose(language: str, runner: str, body: str) -> bool:
    """True for a block that holds something to run but does not say who runs it."""
    if language in RUN_LANGUAGES:
        return runner not in RUNNERS
    return language not in SHOWN_LANGUAGES or (language == "" and COMMAND.search(body) is not None)


def test_every_block_that_can_be_run_says_who_runs_it(documents: list[Path], root: Path) -> None:
    texts = {str(path.relative_to(root)): path.read_text() for path in documents}
    loose = [name for name, text in texts.items() for block in blocks_of(text) if is_loose(*block)]
    loose += [name for name, text in texts.items() if INDENTED_COMMAND.search(FENCE.sub("", text))]
    assert loose == []


def test_a_block_that_nobody_runs_is_found_out() -> None:
    text = (
        "```sh\nmake up\n```\n```sh suite\nmake up\n```\n```\na picture\n```\n```\ncurl x\n```\n```bash suite\nx\n```\n"
    )
    assert [is_loose(*block) for block in blocks_of(text)] == [True, False, False, True, True]
    assert INDENTED_COMMAND.search("text\n\n    python -m x\n")


def test_every_runner_reads_the_pages_that_name_it(documents: list[Path], root: Path) -> None:
    browser_test = (root / "tests-e2e/documents/test_frontend.py").read_text()
    clients_test = (root / "tests-e2e/clients/test_page.py").read_text()
    read = {path for place in PLACES_OF_THE_RUNNER for path in root.glob(place)}
    for path in documents:
        for language, runner, _ in blocks_of(path.read_text()):
            name = str(path.relative_to(root))
            if runner == "clients":
                assert name in clients_test, name
            if runner == "suite":
                assert path in read, name
                assert language not in {"html", "js"} or name in browser_test, name


def test_every_block_for_compose_is_below_a_heading_that_its_tests_follow(documents: list[Path], root: Path) -> None:
    tests = "".join(path.read_text() for path in root.glob("tests-e2e/compose/*.py"))
    names = {path: str(path.relative_to(root)) for path in documents}
    found = {(name, heading) for path, name in names.items() for heading, _ in compose.blocks_of(path.read_text())}
    assert ("docs/operations.md", "With PostgreSQL") in found
    assert {
        (name, heading) for name, heading in found if f'"{name}"' not in tests or f'"{heading}"' not in tests
    } == set()


def test_only_what_needs_a_server_of_its_own_is_left_to_its_reader(documents: list[Path], root: Path) -> None:
    left = [
        (str(path.relative_to(root)), line)
        for path in documents
        for _, runner, body in blocks_of(path.read_text())
        if runner == "server"
        for line in body.splitlines()
    ]
    begun = {(name, start) for _, start in LEFT_TO_THE_READER for name, line in left if line.startswith(start)}
    assert begun == LEFT_TO_THE_READER
    assert len(left) == len(LEFT_TO_THE_READER)


def test_every_line_of_a_make_block_is_a_target(documents: list[Path], root: Path) -> None:
    lines = [
        SETTINGS.sub("", line.partition("#")[0].strip())
        for path in documents
        for _, runner, body in blocks_of(path.read_text())
        if runner == "make"
        for line in body.splitlines()
    ]
    assert {"make up", "make test"} <= set(lines)
    assert [line for line in lines if line.removeprefix("make ") not in targets(root)] == []


def test_the_readme_shows_what_make_up_prints(root: Path) -> None:
    readme = (root / "README.md").read_text()
    password = re.findall(r"^Log in as demo with the password (\S+)$", readme, re.MULTILINE)
    assert len(password) == 1
    var = DEFAULT_DIRECTORY.relative_to(root)
    banner = BANNER.format(
        url=f"http://localhost:{DEFAULT_PORT}",
        login=f"Log in as demo with the password {password[0]}\n",
        callboard=".venv/bin/callboard",
        token=var / "demo-token",
        logs=var / "log",
        directory=var,
    )
    assert f"```console{banner}\n```" in readme


def every_error(above: type[ServiceError] = ServiceError) -> Iterator[type[ServiceError]]:
    yield above
    for error in above.__subclasses__():
        yield from every_error(error)


def test_every_code_of_an_error_is_documented(root: Path) -> None:
    for source in root.glob("services/*/src/callboard_*"):
        package = importlib.import_module(source.name)
        for module in pkgutil.walk_packages(package.__path__, f"{source.name}."):
            if "migrations" not in module.name and not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    documented = set(re.findall(r"`([a-z]+(?:-[a-z]+)*)`", (root / "docs/errors.md").read_text()))
    codes = {error.code for error in every_error() if error.__module__.startswith("callboard_")}
    assert len(codes) > 10
    assert codes - {ServiceError.code} - documented == set()

"""What the documents point at is there."""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

from callboard_servicekit.errors import ServiceError

LINK = re.compile(r"!?\[[^\]]*\]\(<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\)")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#{1,6} (.+?)\s*#*$", re.MULTILINE)
MAKE = re.compile(r"(?:`|\$ )make ([a-z][a-z-]*)")
TARGET = re.compile(r"^([a-z][a-z-]*):.*?(## .+)?$", re.MULTILINE)


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

"""Packages agree with each other and with the lock."""

import re
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

OWN = "callboard-"
ENTRY = re.compile(r"([A-Za-z0-9._-]+)==([^\s;\\]+)(?: ; [^\\]+?)?((?: \\\n    --hash=sha256:[0-9a-f]{64})+)")
DEPENDENCY = re.compile(r"\s*\"(?P<name>[A-Za-z0-9._-]+)[^\"]*\",?\s*(?P<reason># \S.*)?")

Projects = dict[Path, dict[str, Any]]


@pytest.fixture(scope="module")
def lock(root: Path) -> str:
    return (root / "requirements.lock").read_text()


@pytest.fixture(scope="module")
def locked(lock: str) -> dict[str, Version]:
    return {canonicalize_name(name): Version(version) for name, version, _ in ENTRY.findall(lock)}


def requirements_of(project: dict[str, Any]) -> list[Requirement]:
    """What a pyproject asks for directly, to run, to build and to be worked on."""
    texts = list(project.get("project", {}).get("dependencies", []))
    texts += project.get("build-system", {}).get("requires", [])
    for group in project.get("dependency-groups", {}).values():
        texts += group
    return [requirement for text in texts if not (requirement := Requirement(text)).name.startswith(OWN)]


def lists_of_dependencies(text: str) -> list[str]:
    """The lines of the lists of dependencies, as they are written."""
    lists = re.findall(r"^(?:dependencies|dev|local) = \[\n(.*?)^\]", text, re.MULTILINE | re.DOTALL)
    return [line for lines in lists for line in lines.splitlines()]


def test_all_packages_have_the_same_version_and_ask_for_the_same_python(projects: Projects) -> None:
    packages = [project["project"] for project in projects.values() if "project" in project]
    assert len(packages) == 7
    assert len({package["version"] for package in packages}) == 1
    assert len({package["requires-python"] for package in packages}) == 1


def test_everything_in_the_lock_is_pinned_and_hashed(lock: str) -> None:
    code = "\n".join(line for line in lock.splitlines() if not line.lstrip().startswith("#"))
    left_over = [line for line in ENTRY.sub("", code).splitlines() if line.strip()]
    assert left_over == []


def test_the_lock_has_no_addresses(lock: str) -> None:
    assert [line for line in lock.splitlines() if "://" in line or line.startswith("-")] == []


def test_every_direct_dependency_is_in_the_lock_at_a_version_it_allows(
    projects: Projects, locked: dict[str, Version]
) -> None:
    wanted = [requirement for project in projects.values() for requirement in requirements_of(project)]
    assert len(wanted) > 30
    unmet = {
        str(requirement)
        for requirement in wanted
        if (version := locked.get(canonicalize_name(requirement.name))) is None or version not in requirement.specifier
    }
    assert unmet == set()


def test_every_dependency_says_what_it_is_for(projects: Projects) -> None:
    lines = {(path, line) for path in projects for line in lists_of_dependencies(path.read_text())}
    assert len(lines) > 30
    silent = [
        f"{path.parent.name}: {line.strip()}"
        for path, line in sorted(lines)
        if (match := DEPENDENCY.fullmatch(line)) is None or not (match["reason"] or match["name"].startswith(OWN))
    ]
    assert silent == []


def test_every_dependency_is_in_a_list_that_was_looked_at(projects: Projects) -> None:
    for path, project in projects.items():
        written = "\n".join(lists_of_dependencies(path.read_text()))
        build = {Requirement(text).name for text in project.get("build-system", {}).get("requires", [])}
        names = {requirement.name for requirement in requirements_of(project)} - build
        assert {name for name in names if f'"{name}' not in written} == set()

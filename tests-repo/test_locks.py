"""What is in an image is what was tested: the locks of images agree with the lock at the top."""

import re
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ENTRY = re.compile(r"([A-Za-z0-9._-]+)==([^\s;\\]+)(?: ; [^\\]+?)?((?: \\\n    --hash=sha256:[0-9a-f]{64})+)")
HASH = re.compile(r"sha256:[0-9a-f]{64}")
BASE = re.compile(r"python:3\.12\.\d+-slim-bookworm")
OWN = "callboard-"
TEST_TOOLS = {"pytest", "mypy", "ruff", "hypothesis", "playwright"}
IMAGES = {
    "services": ("libs/contracts", "libs/servicekit", "services/auth", "services/producer", "services/social"),
    "services/auth": ("libs/contracts", "libs/servicekit", "services/auth"),
    "services/social": ("libs/contracts", "libs/servicekit", "services/social"),
    "services/producer": ("libs/contracts", "libs/servicekit", "services/producer"),
    "services/worker": ("libs/contracts", "services/worker"),
    "tests-e2e": ("libs/contracts", "libs/testkit", "services/worker"),
}
"""The packages of this repository in each image that has a lock."""
PEERS = "benchmarks"
"""What is measured beside ours, in an environment of its own: its versions are not ours."""


class Locked(NamedTuple):
    version: str
    hashes: frozenset[str]


def read(lock: Path) -> dict[str, Locked]:
    found = ENTRY.findall(lock.read_text())
    return {canonicalize_name(name): Locked(version, frozenset(HASH.findall(rest))) for name, version, rest in found}


@pytest.fixture(scope="module")
def top(root: Path) -> dict[str, Locked]:
    return read(root / "requirements.lock")


@pytest.fixture(scope="module")
def locks(root: Path, files: list[Path]) -> dict[str, Path]:
    """By the folder that they are in."""
    found = [path for path in files if path.name == "requirements.lock" and path.parent != root]
    return {str(path.parent.relative_to(root)): path for path in found}


@pytest.fixture(scope="module")
def dockerfiles(files: list[Path], root: Path) -> dict[str, str]:
    return {str(path.parent.relative_to(root)): path.read_text() for path in files if path.name == "Dockerfile"}


def test_every_image_has_a_lock_and_every_lock_an_image(locks: dict[str, Path], dockerfiles: dict[str, str]) -> None:
    assert locks.keys() == {*IMAGES, "local/build", PEERS}
    assert dockerfiles.keys() == {*IMAGES, "nginx"}


def test_an_image_has_the_versions_that_the_tests_ran_with(locks: dict[str, Path], top: dict[str, Locked]) -> None:
    """`make lock` writes them all."""
    ours = {folder: lock for folder, lock in locks.items() if folder != PEERS}
    entries = {(folder, name, locked) for folder, lock in ours.items() for name, locked in read(lock).items()}
    assert len(entries) > 100
    assert {(folder, name, locked.version) for folder, name, locked in entries if top.get(name) != locked} == set()


def test_everything_in_a_lock_is_pinned_and_hashed_and_has_no_address(locks: dict[str, Path]) -> None:
    for folder, lock in locks.items():
        assert ENTRY.sub("", lock.read_text()).split() == [], folder


@pytest.mark.parametrize("image", IMAGES)
def test_a_lock_holds_what_its_packages_ask_for_and_no_tool_of_ours(
    image: str, locks: dict[str, Path], projects: dict[Path, dict[str, Any]], root: Path
) -> None:
    texts = [
        text
        for package in IMAGES[image]
        for text in projects[root / package / "pyproject.toml"]["project"]["dependencies"]
    ]
    asked = {canonicalize_name(Requirement(text).name) for text in texts if not text.startswith(OWN)}
    locked = read(locks[image])
    assert asked - locked.keys() == set()
    assert image.startswith("tests") or TEST_TOOLS.isdisjoint(locked)


def test_an_image_installs_its_packages_from_this_checkout(dockerfiles: dict[str, str]) -> None:
    for image, packages in IMAGES.items():
        text = dockerfiles[image]
        assert re.findall(r"^COPY ((?:libs|services)/\w+) \1$", text, re.MULTILINE) == list(packages), image
        assert f"COPY {image}/requirements.lock" in text, image
        assert text.count("--require-hashes") == 2, image


def test_all_images_stand_on_the_same_pinned_base_and_none_runs_as_root(dockerfiles: dict[str, str]) -> None:
    bases = {line.split()[1] for text in dockerfiles.values() for line in text.splitlines() if line.startswith("FROM ")}
    assert len(bases) == 1
    assert BASE.fullmatch(bases.pop())
    for image, text in dockerfiles.items():
        users = re.findall(r"^USER (.+)$", text, re.MULTILINE)
        assert users, image
        assert users[-1].split(":")[0] == "10001", image

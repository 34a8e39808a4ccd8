"""The documents, the suite that they speak of, and a checkout for their commands to run in.

The first word behind a fence is the language, the second says who runs the block: ``suite`` is run here, word by word,
in the order of its page. The documents name one address and one login; here, and nowhere else, they are those of the
suite that was started for them.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
from callboard_testkit.suite import PASSWORD, RunningSuite, sign_up_body, start_suite
from callboard_testkit.waiting import free_port
from callboard_worker import BlockingClient

ROOT = Path(__file__).parents[2]
LOGIN = "demo"
DOCUMENTED_GATEWAY = "http://localhost:8080"
DOCUMENTED_PAGE = "http://localhost:3000"
DOCUMENTED_SPARE_PORTS = ("3000", "8081", "8082")
FENCE = re.compile(r"^```(\S+) suite *(.*?)\n(.*?)^```$(?:\n+```console shown\n(.*?)^```$)?", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    """``rest`` is a file's name or ``background``; ``shown`` is what the block prints, as far as the page shows it."""

    language: str
    rest: str
    text: str
    shown: str


@pytest.fixture(scope="session")
def blocks_of() -> Callable[[str], list[Block]]:
    """The blocks of a page that are run here, in order, each without its fence."""
    return lambda page: [Block(*found) for found in FENCE.findall((ROOT / page).read_text())]


@pytest.fixture(scope="session")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSuite]:
    """With the address that is documented as its public one, whatever its port is."""
    settings = {"CALLBOARD_PUBLIC_URL": DOCUMENTED_GATEWAY, "CORS_ORIGINS": DOCUMENTED_PAGE}
    with start_suite(ROOT, tmp_path_factory.mktemp("suite"), settings) as running:
        yield running


@pytest.fixture(scope="session")
def demo_token(suite: RunningSuite) -> str:
    """What ``make up`` would have made: the demo's login, its API token in a file, and a run of its worker."""
    with httpx.Client(base_url=suite.addresses.gateway, trust_env=False, timeout=20) as http:
        session = http.post("/auth/api/signup", json=sign_up_body(LOGIN)).raise_for_status().json()
        http.cookies.clear()
        bearer = {"Authorization": f"Bearer {session['token']}"}
        created = http.post("/auth/api/v1/tokens", json={"name": "demo worker"}, headers=bearer).raise_for_status()
    token = str(created.json()["token"])
    (suite.log_directory.parent / "demo-token").write_text(token + "\n")
    with BlockingClient(suite.addresses.gateway, token) as worker, worker.execution("build") as run:
        run.log("building contracts")
    return token


@pytest.fixture
def checkout(tmp_path: Path, suite: RunningSuite, demo_token: str) -> Path:
    """A folder that looks like the checkout after ``make up``: all that is written goes elsewhere."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    for entry in ROOT.iterdir():
        if entry.name not in {"var", ".env", ".git"}:
            (folder / entry.name).symlink_to(entry)
    (folder / "var").symlink_to(suite.log_directory.parent)
    (folder / ".env").symlink_to(suite.log_directory.parent / ".env")
    return folder


@pytest.fixture
def shell_environment(suite: RunningSuite, checkout: Path) -> dict[str, str]:
    """A person's, with the password that they would be asked for."""
    return {
        "PATH": f"{ROOT}/.venv/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin",
        "HOME": str(checkout),
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        "CALLBOARD_URL": suite.addresses.gateway,
        "CALLBOARD_PASSWORD": PASSWORD,
    }


@pytest.fixture
def located(suite: RunningSuite) -> Callable[[str], str]:
    """A block's text with the addresses of this run in the place of the documented ones."""
    documented, actual = DOCUMENTED_GATEWAY.partition("//")[2], suite.addresses.gateway.partition("//")[2]
    places = {documented: actual} | {port: str(free_port()) for port in DOCUMENTED_SPARE_PORTS}

    def locate(text: str) -> str:
        for place, ours in places.items():
            text = text.replace(place, ours)
        return text

    return locate

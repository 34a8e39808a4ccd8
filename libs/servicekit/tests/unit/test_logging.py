"""What a log line looks like, and what it never shows."""

import json
import logging
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog
from callboard_servicekit.logging import configure_logging, hide_secrets
from callboard_servicekit.settings import ServiceSettings
from callboard_testkit.signing import TokenMinter

API_TOKEN = "ah_live_0123456789_abcDEF-ghi_jkl"
QUIET = ("uvicorn", "uvicorn.error", "httpx", "httpcore")

Configure = Callable[[str, str], Callable[[], str]]


@pytest.fixture
def configure(capsys: pytest.CaptureFixture[str]) -> Iterator[Configure]:
    """Configures logging in a format at a level; gives what reads the output so far."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    levels = {name: logging.getLogger(name).level for name in QUIET}

    def start(log_format: str, log_level: str) -> Callable[[], str]:
        configure_logging("test", ServiceSettings(log_format=log_format, log_level=log_level))
        return lambda: capsys.readouterr().out

    yield start
    root.handlers = handlers
    root.setLevel(level)
    for name, before in levels.items():
        logging.getLogger(name).setLevel(before)
        logging.getLogger(name).filters.clear()
    structlog.reset_defaults()


def fail(why: object) -> None:
    raise ValueError(why)


def lines_of(output: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.splitlines()]


def test_json_is_one_object_a_line_with_who_and_when(configure: Configure) -> None:
    read = configure("json", "info")
    with structlog.contextvars.bound_contextvars(request_id="abcdefgh"):
        structlog.get_logger("a.b").info("line_added", task_id="t1\nforged")
    logging.getLogger("library").warning("said %s", "so")
    first, second = lines_of(read())
    assert first.pop("timestamp").endswith("Z")
    assert first == {
        "event": "line_added",
        "level": "info",
        "logger": "a.b",
        "service": "test",
        "request_id": "abcdefgh",
        "task_id": "t1\nforged",
    }
    assert (second["event"], second["level"], second["logger"]) == ("said so", "warning", "library")


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_a_trace_has_no_values_of_variables(configure: Configure, log_format: str) -> None:
    read = configure(log_format, "info")
    password = "swordfish" * 2
    try:
        fail(len(password))
    except ValueError:
        structlog.get_logger("a").exception("went_wrong")
    output = read()
    assert "Traceback" in output
    assert "ValueError: 18" in output
    assert "swordfishswordfish" not in output


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_a_token_never_reaches_the_output(configure: Configure, minter: TokenMinter, log_format: str) -> None:
    read = configure(log_format, "info")
    token = minter.mint()
    structlog.get_logger("a").warning("odd_header", header=f"Bearer {token}", url=f"/ws?token={token}&x=1")
    logging.getLogger("library").error("GET /ws?token=%s and %s", token, API_TOKEN)
    try:
        fail(f"bad token {token} {API_TOKEN}")
    except ValueError:
        structlog.get_logger("a").exception("went_wrong")
    output = read()
    assert "went_wrong" in output
    assert output.count("[hidden]") == 6
    for part in (*token.split("."), "0123456789_abcDEF"):
        assert part not in output


def test_the_level_is_obeyed_and_libraries_that_log_urls_are_quiet(configure: Configure) -> None:
    read = configure("json", "warning")
    structlog.get_logger("a").info("unseen")
    structlog.get_logger("a").warning("seen")
    assert [line["event"] for line in lines_of(read())] == ["seen"]
    read = configure("json", "debug")
    for name in QUIET:
        logging.getLogger(name).info("GET /ws?token=x")
    assert read() == ""


def test_uvicorn_s_word_on_refused_upgrades_is_not_repeated(configure: Configure) -> None:
    read = configure("json", "info")
    logging.getLogger("uvicorn.error").error("ASGI callable returned without completing handshake.")
    logging.getLogger("uvicorn.error").error("another")
    assert [line["event"] for line in lines_of(read())] == ["another"]


@pytest.mark.parametrize(
    "line",
    ["nothing to hide", "eyJ is how they begin", "eyJhbGciOi.", "version 1.2.3", '{"event":"request","path":"/items"}'],
)
def test_a_line_without_a_token_is_left_as_it_is(line: str) -> None:
    assert hide_secrets(None, "info", line) == line


def test_two_parts_of_a_token_are_hidden_as_well_as_three(minter: TokenMinter) -> None:
    header, payload, _ = minter.mint().split(".")
    assert hide_secrets(None, "info", f"a {header}.{payload} b") == "a [hidden] b"
    assert hide_secrets(None, "info", f"%20{header}.{payload}.sig/next") == "%20[hidden]/next"


def test_a_long_line_that_looks_like_tokens_costs_no_more_than_its_length() -> None:
    line = "eyJ" * 60_000
    started = time.process_time()
    assert hide_secrets(None, "info", line) == line
    assert time.process_time() - started < 1.0

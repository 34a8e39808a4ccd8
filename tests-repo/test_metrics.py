"""docs/metrics.md, the board and the alerts name the metrics that the services tell, and those tell no others."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from callboard_auth.app import create_app as create_auth
from callboard_auth.migrations import SCRIPTS as AUTH_SCRIPTS
from callboard_auth.settings import AuthSettings
from callboard_producer.app import create_app as create_producer
from callboard_producer.migrations import SCRIPTS as PRODUCER_SCRIPTS
from callboard_producer.settings import ProducerSettings
from callboard_servicekit.app import telemetry_of
from callboard_servicekit.metrics import watch_event_loop, watch_process
from callboard_servicekit.migrations import migrate
from callboard_servicekit.telemetry import Telemetry
from callboard_social.app import create_app as create_social
from callboard_social.settings import SocialSettings
from callboard_testkit.running import running
from fastapi import FastAPI
from prometheus_client import Metric

SECRET = "a-secret-of-the-tests-0123456789-abcdef"
NAME = re.compile(r"\b(?:callboard|process|python)_[a-z0-9_]+\b")
SUFFIXES = {"histogram": ("_bucket", "_sum", "_count"), "counter": ("_total",), "gauge": ("",)}
ROW = re.compile(r"^\| (`[a-z_ `]+`) \|", re.MULTILINE)
ALERT_NAME = re.compile(r"alert: (\w+)")

Told = dict[str, list[Metric]]


def applications(redis_url: str, jwks_url: str, directory: Path) -> dict[str, FastAPI]:
    """The services over databases of their own."""
    auth_url, social_url, producer_url = (
        f"sqlite+aiosqlite:///{directory}/{name}.db" for name in ("auth", "social", "producer")
    )
    migrate(auth_url, "auth", AUTH_SCRIPTS)
    migrate(producer_url, "producer", PRODUCER_SCRIPTS)
    verifier: dict[str, Any] = {"redis_url": redis_url, "jwks_url": jwks_url}
    auth = AuthSettings(
        redis_url=redis_url, database_url=auth_url, key_passphrase=SECRET, argon2_memory_kib=8, argon2_time_cost=1
    )
    return {
        "auth": create_auth(auth),
        "producer": create_producer(ProducerSettings(database_url=producer_url, **verifier)),
        "social": create_social(SocialSettings(ticket_secret=SECRET, database_url=social_url, **verifier)),
    }


async def watched(telemetry: Telemetry, service: str) -> asyncio.Task[None]:
    """Add what `serve` adds for a process."""
    watch_process(telemetry.registry, service)
    task = asyncio.create_task(watch_event_loop(telemetry.registry))
    await asyncio.sleep(0)
    return task


@pytest.fixture
async def told(redis_url: str, jwks_url: str, tmp_path: Path) -> AsyncIterator[Told]:
    """Every metric of each running service."""
    apps = await asyncio.to_thread(applications, redis_url, jwks_url, tmp_path)
    found: Told = {}
    async with AsyncExitStack() as stack:
        for service, app in apps.items():
            await stack.enter_async_context(running(app))
            task = await watched(telemetry_of(app), service)
            found[service] = list(telemetry_of(app).registry.collect())
            task.cancel()
        yield found


def documented_name(metric: Metric) -> str:
    return metric.name + ("_total" if metric.type == "counter" else "")


def sample_names(metrics: list[Metric]) -> set[str]:
    """What an expression may name."""
    return {metric.name + suffix for metric in metrics for suffix in SUFFIXES[metric.type]}


def sections(text: str) -> dict[str, set[str]]:
    """The metrics in the tables of docs/metrics.md by the heading above them."""
    parts = re.split(r"^## (.+)$", text, flags=re.MULTILINE)[1:]
    names = {heading: " ".join(ROW.findall(body)) for heading, body in zip(parts[::2], parts[1::2], strict=True)}
    return {heading: set(re.findall(r"[a-z_]+", rows)) for heading, rows in names.items()}


def readers(heading: str, services: set[str]) -> set[str]:
    return services if heading == "Every service" else set(heading.split(" and "))


async def test_every_metric_of_every_service_is_documented_and_no_other(told: Told, root: Path) -> None:
    documented: dict[str, set[str]] = {service: set() for service in told}
    for heading, names in sections((root / "docs/metrics.md").read_text()).items():
        for service in readers(heading, set(told)):
            documented[service] |= names
    assert documented == {service: {documented_name(metric) for metric in metrics} for service, metrics in told.items()}


async def test_metrics_are_named_as_the_field_names_them(told: Told) -> None:
    for service, metrics in told.items():
        for metric in metrics:
            shared = ("callboard_", "process_", "python_")
            foreign = [f"callboard_{other}_" for other in told if other != service]
            assert metric.name.startswith(shared), metric.name
            assert not metric.name.startswith(tuple(foreign)), metric.name
            if metric.type == "histogram":
                assert metric.name.endswith("_seconds"), metric.name
            assert metric.documentation, metric.name


async def test_every_metric_on_the_board_and_in_the_alerts_exists(told: Told, root: Path) -> None:
    known = sample_names([metric for metrics in told.values() for metric in metrics])
    board = json.loads((root / "docs/grafana/callboard.json").read_text())
    expressions = [target["expr"] for panel in board["panels"] for target in panel.get("targets", [])]
    assert len(expressions) > 50
    named = {name for text in expressions for name in NAME.findall(text)}
    named |= set(NAME.findall((root / "docs/grafana/alerts.yml").read_text()))
    assert named - known == set()


async def test_the_board_shows_every_metric_of_ours(told: Told, root: Path) -> None:
    board = (root / "docs/grafana/callboard.json").read_text()
    missing = {
        metric.name
        for metrics in told.values()
        for metric in metrics
        if metric.name.startswith("callboard_") and not any(name in board for name in sample_names([metric]))
    }
    assert missing == set()


def test_the_board_is_whole(root: Path) -> None:
    board = json.loads((root / "docs/grafana/callboard.json").read_text())
    panels = board["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert {panel["title"] for panel in panels if panel["type"] == "row"} >= {"Overview", "Sockets", "Auth", "Producer"}
    assert [variable["name"] for variable in board["templating"]["list"]] == ["datasource", "instance"]
    charts = [panel for panel in panels if panel["type"] != "row"]
    assert all(panel["datasource"]["uid"] == "${datasource}" and panel["targets"] for panel in charts)
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels]
    assert len(set(places)) == len(places)
    assert all(panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24 for panel in panels)


def test_brackets_in_expressions_are_balanced(root: Path) -> None:
    board = json.loads((root / "docs/grafana/callboard.json").read_text())
    expressions = [target["expr"] for panel in board["panels"] for target in panel.get("targets", [])]
    expressions += re.findall(r"expr: (.+)", (root / "docs/grafana/alerts.yml").read_text())
    for opening, closing in ("()", "{}", "[]"):
        assert [text for text in expressions if text.count(opening) != text.count(closing)] == []


def test_alerts_have_names_of_their_own(root: Path) -> None:
    names = ALERT_NAME.findall((root / "docs/grafana/alerts.yml").read_text())
    assert len(names) > 5
    assert len(set(names)) == len(names)

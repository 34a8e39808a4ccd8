"""Liveness, readiness and metrics on the internal port."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from callboard_servicekit import telemetry as telemetry_module
from callboard_servicekit.app import telemetry_of
from callboard_servicekit.telemetry import Telemetry, internal_app
from fastapi import FastAPI


@pytest.fixture
def telemetry(app: FastAPI) -> Telemetry:
    return telemetry_of(app)


@pytest.fixture
async def internal(telemetry: Telemetry) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(internal_app(telemetry))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


async def works() -> None:
    """A dependency that answers."""


async def fails() -> None:
    raise ConnectionError


async def hangs() -> None:
    await asyncio.Event().wait()


async def test_readiness_names_what_fails_and_only_that(telemetry: Telemetry, internal: httpx.AsyncClient) -> None:
    telemetry.add_check("redis", works)
    answer = await internal.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ready"})
    telemetry.add_check("database", fails)
    telemetry.add_check("keys", fails)
    answer = await internal.get("/readyz")
    assert (answer.status_code, answer.json()) == (503, {"status": "unready", "failing": ["database", "keys"]})


async def test_a_dependency_that_hangs_fails_after_a_while(
    telemetry: Telemetry, internal: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telemetry_module, "CHECK_TIMEOUT_SECONDS", 0.01)
    telemetry.add_check("redis", hangs)
    assert (await internal.get("/readyz")).json()["failing"] == ["redis"]


async def test_liveness_touches_nothing(telemetry: Telemetry, internal: httpx.AsyncClient) -> None:
    touched: list[str] = []

    async def touch() -> None:
        touched.append("touched")

    telemetry.add_check("redis", touch)
    assert (await internal.get("/livez")).json() == {"status": "alive"}
    assert touched == []


async def test_calls_are_counted_by_route_and_never_by_path(
    http: httpx.AsyncClient, internal: httpx.AsyncClient
) -> None:
    for path in ("/items/1", "/items/2", "/items/x", "/fail/bug", "/nowhere/swordfish"):
        await http.get(path)
    await http.post("/strict/any", json={})
    answer = await internal.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    counted = {line for line in answer.text.splitlines() if line.startswith("callboard_http_requests_total{")}
    assert counted == {
        'callboard_http_requests_total{method="GET",route="/items/{number}",status="200"} 2.0',
        'callboard_http_requests_total{method="GET",route="/items/{number}",status="422"} 1.0',
        'callboard_http_requests_total{method="GET",route="/fail/{how}",status="500"} 1.0',
        'callboard_http_requests_total{method="GET",route="unmatched",status="404"} 1.0',
        'callboard_http_requests_total{method="POST",route="/strict/any",status="200"} 1.0',
    }
    assert 'callboard_http_request_seconds_count{method="GET",route="/items/{number}"} 3.0' in answer.text
    assert "swordfish" not in answer.text


async def test_an_answer_that_broke_off_is_counted_too(http: httpx.AsyncClient, internal: httpx.AsyncClient) -> None:
    with pytest.raises(ZeroDivisionError):
        await http.get("/half")
    assert 'route="/half",status="200"} 1.0' in (await internal.get("/metrics")).text


async def test_health_and_metrics_are_not_on_the_public_application(http: httpx.AsyncClient) -> None:
    for path in ("/livez", "/readyz", "/metrics"):
        assert (await http.get(path)).status_code == 404


async def test_a_method_that_does_not_exist_makes_no_series(
    http: httpx.AsyncClient, internal: httpx.AsyncClient
) -> None:
    for method in ("BREW", "PROPFIND", "get"):
        await http.request(method, "/items/1")
    text = (await internal.get("/metrics")).text
    assert not any(name in text for name in ("BREW", "PROPFIND", '"get"'))
    assert 'callboard_http_requests_total{method="other",' in text


async def test_two_applications_share_no_metric() -> None:
    first, second = Telemetry(), Telemetry()
    first.requests.observe("GET", "/a", 200, 0.1)
    assert (
        second.registry.get_sample_value(
            "callboard_http_requests_total", {"method": "GET", "route": "/a", "status": "200"}
        )
        is None
    )

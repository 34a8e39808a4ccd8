"""Replicas come and go while the suite runs; the gateway follows, and users notice nothing."""

import re
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from functools import partial

import pytest
from callboard_testkit.compose import Compose, Container
from callboard_testkit.suite import Account
from callboard_testkit.waiting import eventually

PAGE, HEADING = "docs/deploy.md", "Scale"
PATIENCE_SECONDS = 120.0
"""The gateway reloads once a minute when there were many changes."""
REPLICAS = {"social": 3, "producer": 2}
CALLS = 36
"""Below the tickets that a session gets in a minute."""
CONFIGURATION = "/run/callboard/nginx.conf"
ANSWERED = re.compile(r'callboard_http_requests_total\{[^}]*route="([^"]+)"[^}]*\} ([0-9.]+)')
READ_METRICS = (
    "import sys, urllib.request as u; print(u.urlopen(f'http://127.0.0.1:{sys.argv[1]}/metrics').read().decode())"
)
ROUTES = {"social": ("9102", "/api/socials/connect-token"), "producer": ("9103", "/executions")}


def addresses_of(container: Container) -> set[str]:
    networks = container["NetworkSettings"]["Networks"]
    return {network["IPAddress"] for name, network in networks.items() if name.endswith("_inner")}


def calls_of(compose: Compose, container: Container, service: str) -> float:
    """How often this replica has answered the service's route."""
    port, route = ROUTES[service]
    metrics = compose.execute(container, "python", "-c", READ_METRICS, port)
    return sum(float(count) for found, count in ANSWERED.findall(metrics) if found == route)


def peers(compose: Compose, service: str) -> set[str]:
    """Where NGINX sends what is for this service."""
    (gateway,) = compose.containers("gateway")
    upstream = compose.execute(gateway, "cat", CONFIGURATION).partition(f"upstream {service} {{")[2].partition("}")[0]
    return set(re.findall(r"server ([0-9.]+):", upstream))


async def has_settled(compose: Compose, service: str, replicas: int) -> bool:
    """The gateway knows these replicas, and no others."""
    containers = compose.containers(service)
    here = {address for container in containers for address in addresses_of(container)}
    return len(containers) == replicas and peers(compose, service) == here


async def calls(account: Account, times: int) -> set[int]:
    """Ask for a ticket and for the list, again and again; the codes of the answers."""
    codes = set()
    for _ in range(times):
        codes.add((await account.post(account.door.connect_token)).status_code)
        codes.add((await account.get(f"{account.door.producer}/executions")).status_code)
    return codes


@pytest.fixture(scope="module")
def scaled(compose: Compose) -> Iterator[Compose]:
    """Three of social and two of the producer, made while the suite ran; one of each afterwards."""
    compose.follow(PAGE, HEADING)
    compose.wait_until_healthy()
    yield compose
    compose.up()


async def test_every_replica_has_its_share(scaled: Compose, account: Account, journeys: Callable[[], str]) -> None:
    for service, replicas in REPLICAS.items():
        await eventually(partial(has_settled, scaled, service, replicas), PATIENCE_SECONDS)
        containers = scaled.containers(service)
        before = [calls_of(scaled, container, service) for container in containers]
        assert await calls(account, CALLS) == {200}
        after = [calls_of(scaled, container, service) for container in containers]
        assert min(now - then for now, then in zip(after, before, strict=True)) >= CALLS // replicas - 1
    journeys()


async def test_what_one_replica_is_told_is_heard_at_all_of_them(scaled: Compose, account: Account) -> None:
    await eventually(partial(has_settled, scaled, "social", REPLICAS["social"]), PATIENCE_SECONDS)
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(account.socket()) for _ in range(2 * REPLICAS["social"])]
        for number in range(2 * REPLICAS["producer"]):
            assert (await account.update(f"task-{number}", "RUNNING")).status_code == 200
        for client in clients:
            heard = [(await client.receive_until("execution-updated"))["data"]["taskId"] for _ in range(4)]
            assert heard == [f"task-{number}" for number in range(4)]


async def test_after_scaling_down_no_call_goes_astray(
    scaled: Compose, account: Account, journeys: Callable[[], str]
) -> None:
    scaled.up()
    for service in REPLICAS:
        await eventually(partial(has_settled, scaled, service, 1), PATIENCE_SECONDS)
    assert await calls(account, CALLS) == {200}
    journeys()


async def test_replicas_are_there_from_the_start(scaled: Compose, account: Account) -> None:
    scaled.run("down")
    scaled.follow(PAGE, HEADING)
    scaled.wait_until_healthy()
    for service, replicas in REPLICAS.items():
        await eventually(partial(has_settled, scaled, service, replicas), PATIENCE_SECONDS)
    assert await calls(account, CALLS) == {200}

"""A suite with FEATURE_MESSAGING_ENABLED=false: seed 000 asks for it, and nobody else misses anything."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from callboard_testkit.node_socketio import NodeClients
from callboard_testkit.suite import Door, RunningSuite, sign_up, start_suite

ROOT = Path(__file__).parents[2]


@pytest.fixture
def without_messaging(tmp_path: Path) -> Iterator[RunningSuite]:
    with start_suite(ROOT, tmp_path, {"FEATURE_MESSAGING_ENABLED": "false"}) as running:
        yield running


async def test_the_namespace_of_agents_is_not_there_and_the_others_are(
    without_messaging: RunningSuite, node: NodeClients, http: httpx.AsyncClient
) -> None:
    gateway = without_messaging.addresses.gateway
    account = await sign_up(http, without_messaging.addresses, Door.gateway(without_messaging.addresses))
    auth = {"token": account.token}
    agents = await node.connect(f"{gateway}/agents", auth=auth)
    refusal = await agents.refused()
    assert (refusal["message"], refusal["active"]) == ("Invalid namespace", False)
    executions = await node.connect(gateway, auth=auth)
    await executions.event("auth-success")
    workflows = await node.connect(gateway, path="/ws", auth=auth)
    await workflows.connected()

"""Many come and go on two nodes, in any order; all who look agree in the end."""

import random
from collections.abc import AsyncIterator

import pytest
from callboard_contracts.channels import PRESENCE
from callboard_testkit.waiting import eventually

from services.social.tests.unit.presence_witness import Witness

from .presence_node import Node, running_node


@pytest.fixture
async def one(redis_url: str) -> AsyncIterator[Node]:
    async with running_node("one", redis_url) as node:
        yield node


@pytest.fixture
async def two(redis_url: str) -> AsyncIterator[Node]:
    async with running_node("two", redis_url) as node:
        yield node


class Crowd:
    """Users who come and go on the nodes, and witnesses who come in between and stay."""

    def __init__(self, nodes: list[Node], seed: int) -> None:
        self._nodes = nodes
        self._chance = random.Random(seed)
        self._connections: list[tuple[Node, Witness]] = []
        self.witnesses: list[Witness] = []

    async def step(self) -> None:
        chance, node = self._chance, self._chance.choice(self._nodes)
        action = chance.choice(["appear", "appear", "close", "drop", "witness"])
        if action == "appear":
            self._connections.append((node, node.appear(f"user-{chance.randrange(8)}")))
        elif action == "witness":
            witness = await node.connect(f"user-{chance.randrange(8)}")
            self._connections.append((node, witness))
            self.witnesses.append(witness)
        elif self._connections:
            node, witness = self._connections.pop(chance.randrange(len(self._connections)))
            (node.close if action == "close" else node.drop)(witness)
            self.witnesses = [other for other in self.witnesses if other is not witness]

    @property
    def users(self) -> set[str]:
        return {witness.member.identity.user_id for _, witness in self._connections}

    @property
    def is_agreed(self) -> bool:
        return all(set(witness.here) == self.users - {witness.member.identity.user_id} for witness in self.witnesses)


@pytest.mark.parametrize("seed", range(3))
async def test_whoever_comes_and_goes_all_witnesses_end_with_who_is_here(one: Node, two: Node, seed: int) -> None:
    crowd = Crowd([one, two], seed)
    for _ in range(150):
        await crowd.step()
        await one.presence.who("org-1", PRESENCE)  # gives the nodes their turns in between
    await eventually(lambda: crowd.is_agreed)
    assert crowd.witnesses

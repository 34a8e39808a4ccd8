"""Readers that stall under a flood: memory stays bounded, the kernel's too, and everybody else hears every event."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from callboard_contracts import close_codes
from callboard_contracts.channels import ORG
from callboard_contracts.positions import Position
from callboard_servicekit.relay.relay import Relay
from callboard_testkit.raw_peer import Ended, Opcode, RawPeer, Received, close_frame, frame, raw_peer
from callboard_testkit.running import declare_revocations_complete
from callboard_testkit.signing import TokenMinter
from callboard_testkit.social_process import SocialProcess, social_process
from callboard_testkit.socket_queues import queues_of
from callboard_testkit.waiting import eventually
from redis.asyncio import Redis

KIB, MIB = 1024, 1024 * 1024
SLOW, HEALTHY = 100, 8
EVENTS, EVENT_BYTES, AT_ONCE = 5_000, 1_000, 20
BEYOND_THE_BOUND = 1_500
"""When so many events have gone out, every slow reader is over its bound of 1 MiB, whatever the kernel took."""
LINGER_SECONDS = 10.0
MAX_IN_KERNEL = 256 * KIB
"""For one socket; without a bound of its own it would be some megabytes."""
MAX_GROWTH = 48 * MIB
"""Of the process. What waits is shared by all that are behind alike: copies would be 1 MiB for each of them."""


class Reader:
    """Hears the organisation's events; `offsets` are theirs."""

    def __init__(self, peer: RawPeer) -> None:
        self.peer = peer
        [state] = [state for state in peer.connected["channels"] if state["channel"] == "org"]
        self.joined_at = Position.parse(state["position"]).offset
        self.offsets: list[int] = []

    @property
    def has_no_gap(self) -> bool:
        return self.offsets == list(range(self.joined_at + 1, self.joined_at + len(self.offsets) + 1))

    async def read_events(self, count: int) -> None:
        """Until it has heard so many of them."""
        while len(self.offsets) < count:
            self._take((await self._receive()).json)

    async def read_to_the_close(self) -> tuple[int | None, str]:
        """Code and reason; they are answered. Raises `Ended`."""
        while (received := await self._receive()).opcode is not Opcode.CLOSE:
            self._take(received.json)
        await self.peer.send(close_frame(received.close_code or close_codes.BACK_PRESSURE.code))
        return received.close_code, received.close_reason

    async def _receive(self) -> Received:
        """The next frame; a ping is answered first."""
        while (received := await self.peer.receive()).opcode is Opcode.PING:
            await self.peer.send(frame(Opcode.PONG, received.payload))
        return received

    async def read_to_the_end(self) -> None:
        with pytest.raises(Ended):
            await self.read_to_the_close()

    def _take(self, message: dict[str, str]) -> None:
        assert message["type"] == "execution-updated"
        self.offsets.append(Position.parse(message["position"]).offset)


@dataclass
class Peaks:
    """The most that was seen, in bytes: resident memory of the process, and what the kernel held for one socket."""

    pid: int
    port: int
    resident: int = 0
    in_kernel: int = 0
    first: int = field(init=False)

    def __post_init__(self) -> None:
        self.first = self._resident()

    @property
    def growth(self) -> int:
        return self.resident - self.first

    def look(self) -> None:
        self.resident = max(self.resident, self._resident())
        self.in_kernel = max([self.in_kernel, *(queues.unsent for queues in queues_of(self.port).values())])

    def _resident(self) -> int:
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) * KIB


@pytest.fixture
async def social(
    redis: Redis, redis_url: str, jwks_url: str, migrated_url: str, tmp_path: Path
) -> AsyncIterator[SocialProcess]:
    await declare_revocations_complete(redis)
    output = tmp_path / "social.log"
    with social_process(output, redis_url=redis_url, jwks_url=jwks_url, database_url=migrated_url) as process:
        yield process


@asynccontextmanager
async def readers(
    social: SocialProcess, minter: TokenMinter, count: int, receive_buffer: int | None = None
) -> AsyncIterator[list[Reader]]:
    """Users of their own, in one organisation."""
    async with AsyncExitStack() as stack:
        tokens = [minter.mint(sub=f"user-{uuid.uuid4().hex}") for _ in range(count)]
        opening = [raw_peer(social.socket_url, token, receive_buffer) for token in tokens]
        yield [Reader(await stack.enter_async_context(peer)) for peer in opening]


async def flood(redis_url: str, count: int, peaks: Peaks) -> None:
    relay = Relay(redis_url, history_length=100, history_age=timedelta(hours=1))
    body = {"type": "execution-updated", "at": "2026-01-01T00:00:00.000Z", "data": {"text": "x" * EVENT_BYTES}}
    try:
        for _ in range(count // AT_ONCE):
            await asyncio.gather(*(relay.publish("org-1", ORG, json.dumps(body)) for _ in range(AT_ONCE)))
            peaks.look()
    finally:
        await relay.close()


async def closes(social: SocialProcess, code: int) -> float:
    """How often social closed a socket with this code, as its metrics tell it."""
    async with httpx.AsyncClient(trust_env=False) as http:
        metrics = (await http.get(f"{social.internal_url}/metrics")).text
    counted = metrics.partition(f'callboard_social_closes_total{{code="{code}",side="server"}} ')[2]
    return float(counted.split("\n")[0] or 0)


@pytest.mark.timeout(120)
async def test_readers_that_stall_are_closed_and_cost_little_and_nobody_else_misses_anything(
    social: SocialProcess, redis_url: str, minter: TokenMinter
) -> None:
    async with (
        readers(social, minter, SLOW, receive_buffer=4 * KIB) as slow,
        readers(social, minter, HEALTHY) as healthy,
    ):
        peaks = Peaks(social.pid, social.port)
        patient, lost = slow[: SLOW // 2], slow[SLOW // 2 :]
        async with asyncio.TaskGroup() as tasks:
            for reader in healthy:
                tasks.create_task(reader.read_events(EVENTS))
            await flood(redis_url, BEYOND_THE_BOUND, peaks)
            await eventually(lambda: all(len(reader.offsets) == BEYOND_THE_BOUND for reader in healthy), patience=30)
            # They have the linger time to read on, and no event more has a share in it.
            endings = await asyncio.gather(*(reader.read_to_the_close() for reader in patient))
            await flood(redis_url, EVENTS - BEYOND_THE_BOUND, peaks)

        assert all(reader.has_no_gap for reader in (*healthy, *patient))
        ending = (close_codes.BACK_PRESSURE.code, close_codes.BACK_PRESSURE.reason)
        assert endings == [ending] * len(patient)
        assert peaks.growth < MAX_GROWTH
        assert peaks.in_kernel < MAX_IN_KERNEL

        # Who has never read on is cut, and then the kernel holds nothing of it either.
        ports = {reader.peer.port for reader in lost}
        await eventually(lambda: not ports & set(queues_of(social.port)), patience=LINGER_SECONDS + 10)
        await asyncio.gather(*(reader.read_to_the_end() for reader in lost))
        assert all(reader.has_no_gap for reader in lost)
        await eventually(lambda: _are(social, SLOW))
        for reader in healthy:
            await reader.peer.send(frame(Opcode.TEXT, b'{"type":"ping","id":1}'))
            assert (await reader.peer.receive()).json == {"type": "pong", "replyTo": 1}


async def _are(social: SocialProcess, count: int) -> bool:
    return await closes(social, close_codes.BACK_PRESSURE.code) == count

"""How a feed writes: once for all that a turn of the loop brings, in slices, and the same bytes to many."""

import asyncio
import gc
import weakref
from collections.abc import Sequence
from contextvars import Context, ContextVar

import pytest
from callboard_contracts.channels import GENERAL, LOGS, ORG
from callboard_contracts.positions import Position
from callboard_social.hub import feed
from callboard_social.hub.channel import LiveChannel
from callboard_social.hub.feed import Feed
from callboard_social.metrics import Heard
from callboard_social.wire.protocol import Frame

from .feed_model import Client, Wordy, event_at, make_client

CROWD = 7
SLICE = 3


class Organisation:
    """A feed with three channels, and clients that are in `org`."""

    def __init__(self, clients: int) -> None:
        self.written: list[Heard] = []
        self.feed = Feed(self._count, SLICE)
        self.org, self.logs, self.general = (LiveChannel("org-1", name, self.feed) for name in (ORG, LOGS, GENERAL))
        for live in (self.org, self.logs, self.general):
            live.open_at(Position("e", 0))
        wordy = Wordy()
        self.clients = [make_client(f"c{number}", wordy, self.feed) for number in range(clients)]
        for client in self.clients:
            self.org.add(client.member)

    def _count(self, heard: Sequence[Heard]) -> None:
        self.written += heard

    @property
    def served(self) -> list[Client]:
        return [client for client in self.clients if client.witness.batches]


async def turns(number: int) -> None:
    for _ in range(number):
        await asyncio.sleep(0)


async def test_all_that_a_turn_brings_is_one_write_and_its_bytes_are_shared() -> None:
    organisation = Organisation(SLICE)
    for offset in (1, 2, 3):
        organisation.org.deliver(event_at(offset))
    await turns(2)
    batches = [client.witness.batches for client in organisation.clients]
    assert [len(written) for written in batches] == [1] * SLICE
    [batch] = {id(written[0]): written[0] for written in batches}.values()
    assert len(batch.frames) == 3


async def test_members_of_the_same_channels_share_and_others_get_what_is_theirs() -> None:
    organisation = Organisation(3)
    one, two, three = organisation.clients
    for client in (one, two):
        organisation.logs.add(client.member)
    organisation.org.deliver(event_at(1))
    organisation.logs.deliver(event_at(1))
    organisation.general.deliver(event_at(1))
    await turns(2)
    assert one.witness.batches[0] is two.witness.batches[0]
    assert [text.split()[2] for text in one.witness.texts] == ["org", "logs"]
    assert [text.split()[2] for text in three.witness.texts] == ["org"]


async def test_others_have_their_turn_while_much_is_joined_for_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "MAX_ENTRIES", 64)
    organisation = Organisation(2)
    for offset in range(1, 201):
        organisation.org.deliver(event_at(offset))
    first, _ = organisation.clients
    seen: list[int] = []
    while not seen or seen[-1] < 200:
        await turns(1)
        seen.append(sum(len(batch.frames) for batch in first.witness.batches))
    assert seen[0] == 64, "a round takes no more"
    assert len(seen) > 8, "and 64 frames count for more than one slice"
    assert [text.split()[-1] for text in first.witness.texts] == [f"e:{offset}" for offset in range(1, 201)]


async def test_others_have_their_turn_between_the_slices_of_a_crowd() -> None:
    organisation = Organisation(CROWD)
    organisation.org.deliver(event_at(1))
    served = []
    while len(organisation.served) < CROWD:
        await turns(1)
        served.append(len(organisation.served))
    assert served == [SLICE, 2 * SLICE, CROWD]


async def test_what_happens_while_a_crowd_is_served_goes_out_together_in_the_next_round() -> None:
    organisation = Organisation(CROWD)
    organisation.org.deliver(event_at(1))
    await turns(1)
    organisation.org.deliver(event_at(2))
    await turns(1)
    organisation.org.deliver(event_at(3))
    await turns(3 * CROWD)
    for client in organisation.clients:
        assert [len(batch.frames) for batch in client.witness.batches] == [1, 2]
        assert [int(text.rpartition(":")[2]) for text in client.witness.texts] == [1, 2, 3]


async def test_an_event_is_told_as_written_when_its_last_member_has_it() -> None:
    organisation = Organisation(CROWD)
    heard = Heard("execution-updated", "", 0.0)
    organisation.org.deliver(event_at(1))
    organisation.feed.note(heard)
    while not organisation.written:
        await turns(1)
    assert organisation.written == [heard]
    assert organisation.served == organisation.clients


async def test_a_reply_in_the_middle_of_a_round_comes_after_what_happened_before_it() -> None:
    organisation = Organisation(CROWD)
    last = organisation.clients[-1]
    organisation.org.deliver(event_at(1))
    await turns(1)
    organisation.org.deliver(event_at(2))
    last.witness.enqueue(Frame("reply", "reply"))
    organisation.org.deliver(event_at(3))
    await turns(3 * CROWD)
    assert [text.rpartition(":")[2] for text in last.witness.texts] == ["1", "2", "reply", "3"]


async def test_nothing_of_the_request_that_published_is_kept() -> None:
    class Request:
        pass

    variable: ContextVar[Request] = ContextVar("variable")
    organisation = Organisation(CROWD)

    def publish() -> weakref.ref[Request]:
        request = Request()
        variable.set(request)
        organisation.org.deliver(event_at(1))
        return weakref.ref(request)

    request = Context().run(publish)
    gc.collect()
    assert request() is None

"""Fan-out held against a naive model: whatever happens in whatever turn of the loop, each outlet has its list."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from callboard_contracts import close_codes
from callboard_contracts.positions import Position
from callboard_social.hub.channel import LiveChannel
from callboard_social.hub.feed import Feed
from callboard_social.metrics import Heard
from callboard_social.wire.protocol import Frame
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from .feed_model import CHANNELS, Client, Terse, Wordy, event_at, make_client

MAX_CLIENTS = 9
ENOUGH_TURNS = 3 * MAX_CLIENTS
"""Slices of one member, of the round that is under way and of the next, and some to see that it is quiet then."""
WHICH = st.integers(0, MAX_CLIENTS - 1)
CHANNEL = st.integers(0, len(CHANNELS) - 1)


class FanOut(RuleBasedStateMachine):
    """Rules change the model at once and collect what is to be done; ``turn`` does all of it in one turn of the loop.

    So a turn has anything from nothing to a burst in it, before and after the feed's own part.
    """

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.loop.set_exception_handler(self._failed)
        self.failures: list[dict[str, Any]] = []
        self.clients: list[Client] = []
        self.offsets = dict.fromkeys(CHANNELS, 0)
        self.to_do: list[Callable[[], object]] = []
        self.rounds = 0

    def _failed(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        self.failures.append(context)

    def _round_is_over(self, _heard: Sequence[Heard]) -> None:
        self.rounds += 1

    @initialize(slice_size=st.integers(1, 4))
    def start(self, slice_size: int) -> None:
        self.feed = Feed(self._round_is_over, slice_size)
        self.dialects = (Wordy(), Terse())
        self.lives = {channel: LiveChannel("org-1", channel, self.feed) for channel in CHANNELS}
        for live in self.lives.values():
            live.open_at(Position("e", 0))

    @precondition(lambda self: len(self.clients) < MAX_CLIENTS)
    @rule(is_wordy=st.booleans(), channels=st.sets(CHANNEL))
    def come(self, channels: set[int], *, is_wordy: bool) -> None:
        client = make_client(f"c{len(self.clients)}", self.dialects[not is_wordy], self.feed)
        self.clients.append(client)
        for channel in channels:
            self.join(len(self.clients) - 1, channel)

    @precondition(lambda self: self.clients)
    @rule(which=WHICH, channel=CHANNEL)
    def join(self, which: int, channel: int) -> None:
        """As the hub does it: in the channel first, then told where it stands."""
        client, live = self._client(which), self.lives[CHANNELS[channel]]
        if client.is_over:
            return
        welcome = Frame("welcome", f"welcome to {CHANNELS[channel]} after {self.offsets[CHANNELS[channel]]}")
        client.channels.add(CHANNELS[channel])
        client.expect(welcome)
        self.to_do.append(lambda: live.add(client.member))
        self.to_do.append(lambda: client.witness.enqueue(welcome))

    @precondition(lambda self: self.clients)
    @rule(which=WHICH, channel=CHANNEL)
    def leave(self, which: int, channel: int) -> None:
        client, live = self._client(which), self.lives[CHANNELS[channel]]
        if CHANNELS[channel] in client.channels:
            client.channels.remove(CHANNELS[channel])
            self.to_do.append(lambda: live.remove(client.member))

    @rule(channel=CHANNEL, author=st.none() | WHICH, missed=st.sampled_from([0, 0, 0, 2]), repeats=st.integers(1, 2))
    def publish(self, channel: int, author: int | None, missed: int, repeats: int) -> None:
        """`missed` events were not heard before it; the bus may repeat it."""
        live = self.lives[CHANNELS[channel]]
        source = self._client(author) if author is not None and self.clients else None
        before = self.offsets[CHANNELS[channel]] + missed
        self.offsets[CHANNELS[channel]] = before + 1
        event = event_at(before + 1, source)
        for client in self.clients:
            if live.channel in client.channels:
                if missed:
                    client.expect(client.dialect.reset(live.channel, Position("e", before)))
                tell = client.dialect.echo if client is source else client.dialect.event
                client.expect(tell(live.channel, event))
        self.to_do += [lambda: live.deliver(event)] * repeats

    @precondition(lambda self: self.clients)
    @rule(which=WHICH, number=st.integers(0, 999))
    def reply(self, which: int, number: int) -> None:
        client, frame = self._client(which), Frame("reply", f"reply {number}")
        client.expect(frame)
        self.to_do.append(lambda: client.witness.enqueue(frame))

    @precondition(lambda self: self.clients)
    @rule(which=WHICH)
    def close(self, which: int) -> None:
        """It is still in its channels, until it goes."""
        client = self._client(which)
        client.expect_end()
        self.to_do.append(lambda: client.witness.close(close_codes.IDENTITY_EXPIRED))

    @precondition(lambda self: self.clients)
    @rule(which=WHICH)
    def drop(self, which: int) -> None:
        client = self._client(which)
        client.is_exact = client.is_exact and client.is_over
        client.expect_end()
        self.to_do.append(lambda: client.witness.drop(close_codes.SESSION_REVOKED))

    @precondition(lambda self: self.clients)
    @rule(which=WHICH)
    def stop_reading(self, which: int) -> None:
        """Its outlet is full, and drops itself in the middle of whatever writes to it next."""
        client = self._client(which)
        if not client.is_over:
            self.reply(which, 0)
            client.is_exact = False
            client.expect_end()
            self.to_do.insert(len(self.to_do) - 1, lambda: setattr(client.witness, "is_full", True))

    @precondition(lambda self: self.clients)
    @rule(which=WHICH)
    def go(self, which: int) -> None:
        """The hub lets it go: out of every channel."""
        client = self._client(which)
        client.expect_end()
        left, client.channels = client.channels, set()
        self.to_do.append(lambda: client.witness.close(close_codes.IDENTITY_EXPIRED))
        self.to_do += [partial(self.lives[channel].remove, client.member) for channel in left]

    @rule()
    def turn(self) -> None:
        to_do, self.to_do = self.to_do, []
        self.loop.call_soon(lambda: [do() for do in to_do])
        self.loop.call_soon(self.loop.stop)
        self.loop.run_forever()
        assert self.failures == []

    @invariant()
    def nothing_is_out_of_place(self) -> None:
        for client in self.clients:
            assert client.agrees_so_far, (client.witness.texts, client.expected)

    def teardown(self) -> None:
        try:
            for _ in range(ENOUGH_TURNS):
                self.turn()
            for client in self.clients:
                assert client.agrees, (client.witness.texts, client.expected)
            rounds = self.rounds
            self.turn()
            assert self.rounds == rounds, "where nothing happens there is nothing to do"
        finally:
            self.loop.close()

    def _client(self, which: int) -> Client:
        return self.clients[which % len(self.clients)]


TestFanOut = FanOut.TestCase
TestFanOut.settings = settings(max_examples=300, deadline=None)

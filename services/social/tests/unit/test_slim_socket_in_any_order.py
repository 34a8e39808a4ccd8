"""Whatever both sides do and in whatever order: nothing is out of order, twice, or after the end."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from callboard_social.handoff.frames import text_frame
from callboard_social.handoff.inbound import BURST_OF_MESSAGES
from callboard_social.handoff.slim_socket import SlimSocket
from callboard_social.handoff.wheel import Wheel
from callboard_testkit.raw_peer import close_frame, frame
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.frames import Opcode

from .slim_socket_stand import LIMITS, Stand, Told, open_socket, ping, text, turns
from .virtual_time import in_virtual_time

PONG = frame(Opcode.PONG)
REACTION = st.sampled_from(["", "", "", "pause", "resume", "write", "close", "forget", "abort"])
OURS = ["write", "write big", "pause", "resume", "close", "forget", "shut down", "abort"]
THEIRS = ["say", "say", "say big", "say much", "ping", "stall", "stall", "read", "close theirs", "go"]
STEP = st.sampled_from([*OURS[:4] * 3, *OURS, *THEIRS[:8] * 3, *THEIRS, "turn", "turn", "wait"])


@dataclass
class Reacting(Told):
    """Does something with the socket in the middle of what it is told."""

    reactions: list[str] = field(default_factory=list)
    play: "Play | None" = None

    def received(self, message: str | bytes) -> None:
        super().received(message)
        if self.reactions and self.play is not None:
            self.play.do(self.reactions.pop(0))

    def silent(self) -> None:
        super().silent()
        if self.play is not None:
            self.play.do("close")


class Play:
    def __init__(self, reactions: Sequence[str]) -> None:
        self.told = Reacting(reactions=list(reactions))
        limits = replace(LIMITS, wheel=Wheel(1.0))
        self.stand: Stand = open_socket(limits, told=self.told)
        self.told.play = self
        self.written: list[str] = []
        self.said: list[str] = []
        self.has_forgotten = False
        self.is_cut = False

    @property
    def socket(self) -> SlimSocket:
        return self.stand.socket

    def do(self, action: str) -> None:
        if action in {"write", "write big"}:
            self.write(f"{len(self.written)} " + "x" * (5000 if action == "write big" else 0))
        elif action == "pause":
            self.socket.pause_reading()
        elif action == "resume":
            self.socket.resume_reading()
        elif action == "forget":
            self.has_forgotten = True
            self.socket.forget()
        elif action == "close":
            self.socket.close(4001)
        elif action == "shut down":
            self.socket.shutdown()
        elif action == "abort":
            self.is_cut = True
            self.socket.abort()

    def write(self, said: str) -> None:
        if not self.socket.is_closing:
            self.written.append(said)
        if not self.socket.write(text_frame(said)):
            self.do("forget")
            self.do("close")

    def happen(self, event: str) -> None:
        peer = self.stand.peer
        if event == "say":
            self.say("")
        elif event == "say big":
            self.say("y" * 5000)
        elif event == "say much":
            for _ in range(60):
                self.say("")
        elif event == "ping":
            peer.send(ping(b"p"))
        elif event == "stall":
            peer.stall()
        elif event == "read":
            peer.read()
        elif event == "close theirs":
            peer.send(close_frame(1000))
        elif event == "go":
            self.is_cut = True
            peer.go(ConnectionResetError())

    def say(self, tail: str) -> None:
        self.said.append(f"{len(self.said)} {tail}")
        wire = text(self.said[-1])
        self.stand.peer.send(wire[:3], wire[3:])

    async def step(self, step: str) -> None:
        if step == "turn":
            await turns(1)
        elif step == "wait":
            await asyncio.sleep(7)
        elif step in OURS:
            self.do(step)
        else:
            self.happen(step)

    def check(self) -> None:
        assert self.told.messages == self.said[: len(self.told.messages)]
        frames = self.stand.peer.frames()
        opcodes = [opcode for opcode, _ in frames]
        assert Opcode.CLOSE not in opcodes[:-1]
        heard = [payload.decode() for opcode, payload in frames if opcode is Opcode.TEXT]
        if self.has_forgotten:
            rest = iter(self.written)
            assert all(any(said == written for written in rest) for said in heard), "in order, and none twice"
        else:
            assert heard == self.written[: len(heard)]

    async def finish(self) -> None:
        """Everybody does what is right from here on, and then goes."""
        self.told.reactions.clear()
        self.stand.peer.read()
        self.do("resume")
        self.stand.peer.send(PONG)
        await asyncio.sleep(5)
        self.check()
        if not self.socket.is_closing and not self.is_cut:
            assert self.told.messages == self.said or len(self.said) > BURST_OF_MESSAGES / 2
            heard = sum(1 for opcode, _ in self.stand.peer.frames() if opcode is Opcode.TEXT)
            assert heard == len(self.written) or self.has_forgotten
        self.stand.peer.go()
        await asyncio.sleep(LIMITS.linger + 1)
        self.check()
        assert self.told.is_over
        assert self.stand.connections == set()


@settings(max_examples=300, deadline=None)
@given(st.lists(STEP, max_size=40), st.lists(REACTION, max_size=20))
def test_whatever_both_sides_do_order_holds_and_the_end_is_the_end(steps: list[str], reactions: list[str]) -> None:
    @in_virtual_time
    async def perform() -> None:
        play = Play(reactions)
        for step in steps:
            await play.step(step)
            play.check()
        await play.finish()

    perform()

"""Publishes events at a rate, the way users of each peer would: `python -m benchmarks.peers.publish --help`."""

import argparse
import json
import select
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from benchmarks.peers.msgpack import packed
from benchmarks.server import event

PAUSE_SECONDS = 0.002
DRAIN_SECONDS = 10.0
RECEIVED_BYTES = 1 << 16

Encode = Callable[[int], bytes]


@dataclass(frozen=True, slots=True)
class Wire:
    """How one kind of server is published to.

    Attributes:
        encode: the sequence number of an event to the bytes of its request; the event is stamped in it.
        answer: what each answer has exactly once.
        window: how many requests may be without an answer.
        greeting: sent first.
        farewell: sent last; then its one answer, `answer`, stands for all.
    """

    encode: Encode
    answer: bytes
    window: int
    greeting: bytes = b""
    farewell: bytes = b""


def redis_publish(channel: str, payload: bytes) -> bytes:
    name = channel.encode()
    return b"*3\r\n$7\r\nPUBLISH\r\n$%d\r\n%b\r\n$%d\r\n%b\r\n" % (len(name), name, len(payload), payload)


def _redis(encode: Encode) -> Wire:
    return Wire(encode, answer=b"\r\n", window=1000)


def plain_redis(organisation: int, size: int) -> Wire:
    return _redis(lambda sequence: redis_publish(f"org:{organisation}", event(sequence, size)))


def socketio_emitter(organisation: int, size: int) -> Wire:
    """What @socket.io/redis-emitter 5 publishes for `emitter.to(room).emit(event, data)`."""
    room = f"org:{organisation}"

    def encode(sequence: int) -> bytes:
        data = ["execution-updated", json.loads(event(sequence, size))]
        packet: list[Any] = [
            "emitter",
            {"type": 2, "data": data, "nsp": "/"},
            {"rooms": [room], "flags": {}, "except": []},
        ]
        return redis_publish(f"socket.io#/#{room}#", packed(packet))

    return _redis(encode)


def python_socketio_manager(organisation: int, size: int) -> Wire:
    """What a write-only manager of python-socketio 5 publishes for `emit(event, data, room=...)`."""

    def encode(sequence: int) -> bytes:
        message = {
            "method": "emit",
            "event": "execution-updated",
            "data": [json.loads(event(sequence, size))],
            "binary": False,
            "namespace": "/",
            "room": f"org:{organisation}",
            "skip_sid": None,
            "callback": None,
            "host_id": "publisher",
        }
        return redis_publish("socketio", json.dumps(message).encode())

    return _redis(encode)


def nchan(organisation: int, size: int) -> Wire:
    """HTTP POSTs on one connection; as many on their way as a pool of clients would have."""
    head = b"POST /publish?org=%d HTTP/1.1\r\nHost: localhost\r\nContent-Length: %%d\r\n\r\n" % organisation

    def encode(sequence: int) -> bytes:
        body = event(sequence, size)
        return head % len(body) + body

    return Wire(encode, answer=b"HTTP/1.1 20", window=64)


def nats(organisation: int, size: int) -> Wire:
    """NATS' own protocol. It answers nothing; the server holds back who publishes faster than it can tell."""

    def encode(sequence: int) -> bytes:
        body = event(sequence, size)
        return b"PUB org.%d %d\r\n%b\r\n" % (organisation, len(body), body)

    greeting = b'CONNECT {"verbose":false,"pedantic":false,"lang":"benchmark","version":"1"}\r\n'
    return Wire(encode, answer=b"PONG", window=1 << 30, greeting=greeting, farewell=b"PING\r\n")


WIRES: dict[str, Callable[[int, int], Wire]] = {
    "redis": plain_redis,
    "socketio-emitter": socketio_emitter,
    "python-socketio-manager": python_socketio_manager,
    "nchan": nchan,
    "nats": nats,
}


class Publisher:
    """One connection. What a server does not take in time is not made up for: `published` says what it took."""

    def __init__(self, connection: socket.socket, wire: Wire) -> None:
        self._connection = connection
        self._wire = wire
        self._tail = b""
        self.published = 0
        self.answered = 0

    def run(self, rate: int, seconds: float) -> float:
        """Publish for so long; gives how long it took until all was answered."""
        wire, began = self._wire, time.monotonic()
        self._connection.sendall(wire.greeting)
        while (elapsed := time.monotonic() - began) < seconds:
            may = min(int(rate * elapsed) + 1 - self.published, wire.window - self.published + self.answered)
            if may > 0:
                self._connection.sendall(b"".join(wire.encode(self.published + 1 + more) for more in range(may)))
                self.published += may
            self._listen(PAUSE_SECONDS)
        self._connection.sendall(wire.farewell)
        wanted = 1 if wire.farewell else self.published
        deadline = time.monotonic() + DRAIN_SECONDS
        while self.answered < wanted and time.monotonic() < deadline:
            self._listen(PAUSE_SECONDS)
        return time.monotonic() - began

    def _listen(self, patience: float) -> None:
        readable, _, _ = select.select([self._connection], [], [], patience)
        if not readable:
            return
        received = self._connection.recv(RECEIVED_BYTES)
        if not received:
            raise ConnectionResetError("the server hung up on its publisher")
        # An answer may be cut by the end of what came; its beginning is kept, too short to be counted twice.
        seen = self._tail + received
        self.answered += seen.count(self._wire.answer)
        self._tail = seen[-(len(self._wire.answer) - 1) :]


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("wire", choices=WIRES)
    arguments.add_argument("--port", type=int, required=True)
    arguments.add_argument("--rate", type=int, required=True, help="events a second")
    arguments.add_argument("--seconds", type=float, required=True)
    arguments.add_argument("--size", type=int, required=True, help="bytes of an event")
    arguments.add_argument("--organisation", type=int, default=0)
    given = arguments.parse_args()
    wire = WIRES[given.wire](given.organisation, given.size)
    with socket.create_connection(("127.0.0.1", given.port)) as connection:
        publisher = Publisher(connection, wire)
        seconds = publisher.run(given.rate, given.seconds)
    print(json.dumps({"published": publisher.published, "seconds": seconds}))


if __name__ == "__main__":
    main()

"""Publishes executions' updates as producer does: the relay's Lua call, on one connection, one after the other."""

import argparse
import hashlib
import json
import secrets
import socket
from collections.abc import Callable
from datetime import timedelta
from importlib import resources
from typing import Any
from urllib.parse import urlsplit

from callboard_contracts.channels import ORG
from callboard_contracts.keys import channel_key, meta_key
from callboard_servicekit import relay
from redis import Redis

from benchmarks.peers.publish import Publisher, Wire
from benchmarks.server import event

HISTORY_LENGTH = 16_384
HISTORY_AGE = timedelta(days=1)
META_LIFE = HISTORY_AGE + timedelta(days=30)
WINDOW = 1000


def bulks(*words: Any) -> bytes:
    """Words of a command as Redis reads them."""
    parts = [word if isinstance(word, bytes) else str(word).encode() for word in words]
    return b"".join(b"$%d\r\n%b\r\n" % (len(part), part) for part in parts)


def _milliseconds(duration: timedelta) -> int:
    return int(duration.total_seconds() * 1000)


def relay_wire(redis: Redis, organization: str, size: int) -> Wire:
    """`Relay.publish` into ``org``, unguarded, without the wait for each answer before the next call."""
    script = resources.files(relay).joinpath("publish.lua").read_bytes()
    redis.script_load(script.decode())
    digest = hashlib.sha1(script, usedforsecurity=False).hexdigest()
    keys = [meta_key(organization, ORG), channel_key(organization, ORG)]
    epochs = secrets.token_hex(4), secrets.token_hex(4)
    bounds = HISTORY_LENGTH, _milliseconds(HISTORY_AGE), _milliseconds(META_LIFE)
    before = ("EVALSHA", digest, len(keys), *keys, redis.info("server")["run_id"], *epochs, *bounds)
    after = (0, 0, 0, "", 0, 0, 0)

    head = b"*%d\r\n" % (len(before) + 1 + len(after)) + bulks(*before)
    tail = bulks(*after)

    def encode(sequence: int) -> bytes:
        return head + bulks(event(sequence, size).removeprefix(b"{")) + tail

    return Wire(encode, answer=b"published\r\n", window=WINDOW)


def publish(url: str, rate: int, seconds: float, wire: Callable[[Redis], Wire]) -> dict[str, float]:
    with Redis.from_url(url) as redis:
        made = wire(redis)
    address = urlsplit(url)
    with socket.create_connection((address.hostname or "", address.port or 0)) as connection:
        publisher = Publisher(connection, made)
        took = publisher.run(rate, seconds)
    return {"published": publisher.published, "seconds": took}


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--redis", required=True)
    arguments.add_argument("--organization", required=True)
    arguments.add_argument("--rate", type=int, required=True, help="events a second")
    arguments.add_argument("--seconds", type=float, required=True)
    arguments.add_argument("--size", type=int, required=True, help="bytes of an event")
    given = arguments.parse_args()
    told = publish(
        given.redis, given.rate, given.seconds, lambda redis: relay_wire(redis, given.organization, given.size)
    )
    print(json.dumps(told))


if __name__ == "__main__":
    main()

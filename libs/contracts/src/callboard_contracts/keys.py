"""Names in Redis. The braces are literal: they keep an organisation's keys in one cluster slot."""

import re

from callboard_contracts.channels import Channel

REVOCATIONS = "cb:revocations"
"""Stream of `Revocation` entries."""


def channel_key(organization_id: str, channel: Channel) -> str:
    """The channel's stream, and the pub/sub channel of the same name."""
    return f"cb:{{{organization_id}}}:{channel}"


_CHANNEL_KEY = re.compile(r"cb:\{([^{}]+)\}:(.+)")


def parse_channel_key(key: str) -> tuple[str, Channel]:
    """The organisation and the channel of a `channel_key`; raises ValueError for another key."""
    match = _CHANNEL_KEY.fullmatch(key)
    if match is None:
        raise ValueError("not the key of a channel")
    return match[1], Channel.parse(match[2])


def meta_key(organization_id: str, channel: Channel) -> str:
    """Hash: ``offset``, ``epoch``, ``run_id`` of a channel with a counter."""
    return channel_key(organization_id, channel) + ":meta"


def guard_key(organization_id: str, channel: Channel, subject: str) -> str:
    """String: the last sequence number of one subject that went into the channel (ADR 0004)."""
    return f"{channel_key(organization_id, channel)}:guard:{subject}"


def presence_key(organization_id: str, channel: Channel) -> str:
    """Sorted set: who is in the channel, on which node, until when."""
    return f"cb:{{{organization_id}}}:present:{channel}"


def ticket_key(organization_id: str, jti: str) -> str:
    """String with the life of a ws-connect token; whoever deletes it has redeemed the token."""
    return f"cb:{{{organization_id}}}:ticket:{jti}"

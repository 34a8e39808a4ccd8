"""One user on one node, as Redis keeps it, and the list that it stands in."""

import json
from dataclasses import dataclass
from typing import NamedTuple

from callboard_contracts.channels import GENERAL, PRESENCE, Channel
from callboard_contracts.identity import Identity
from callboard_contracts.keys import presence_key
from callboard_servicekit import strict_json

_FIELDS = 3
_ENCODER = json.JSONEncoder(separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Present:
    """Somebody who is here, on whatever node and however often."""

    user_id: str
    login: str


class Scope(NamedTuple):
    """One list of who is here: of an organisation (the channel is `PRESENCE`), or of one of its rooms."""

    organization_id: str
    channel: Channel

    @classmethod
    def of(cls, organization_id: str, channel: Channel) -> "Scope":
        """The list that members of a channel are told; everyone is in `GENERAL`, so it has none of its own."""
        return cls(organization_id, PRESENCE if channel == GENERAL else channel)

    @property
    def key(self) -> str:
        return presence_key(self.organization_id, self.channel)

    @property
    def heard_in(self) -> tuple[Channel, ...]:
        """The channels whose members are told this list."""
        return (PRESENCE, GENERAL) if self.channel == PRESENCE else (self.channel,)


def write_entry(node: str, identity: Identity) -> str:
    """A member of the sorted set: ``[userId, node, login]``, in ASCII whatever the names hold."""
    return _ENCODER.encode([identity.user_id, node, identity.login])


def read_entry(raw: bytes) -> Present | None:
    """Who an entry stands for; None for what no release of ours can show, and for fields that are no text."""
    try:
        fields = strict_json.loads(raw)
    except strict_json.InvalidJson:
        return None
    if not isinstance(fields, list) or len(fields) < _FIELDS:
        return None
    user_id, _, login = fields[:_FIELDS]
    return Present(user_id, login) if isinstance(user_id, str) and isinstance(login, str) else None

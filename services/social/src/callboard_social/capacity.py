"""How many sockets there may be: on this node, from one address, of one organisation, of one user."""

from collections import Counter
from dataclasses import dataclass
from typing import TypeVar

from callboard_contracts.channels import Channel
from callboard_contracts.events import BusEvent
from callboard_contracts.identity import Identity
from callboard_servicekit.errors import TooManyRequests, Unavailable

from callboard_social.address import Network
from callboard_social.hub.member import Member
from callboard_social.metrics import SocialMetrics

RETRY_AFTER_SECONDS = 30
"""Room comes when somebody goes; until then to ask more often is of no use."""

Name = TypeVar("Name", str, bytes)


class NodeFull(Unavailable):
    """The gateway moves on to another one."""

    detail = "This replica has as many sockets as it may have."


class AddressFull(TooManyRequests):
    detail = "Too many sockets are open from this address."


@dataclass(frozen=True, slots=True)
class CapacityLimits:
    """Open sockets on one node; one that speaks Socket.IO counts once for every namespace it is in."""

    node: int
    address: int
    organization: int
    user: int


class Capacity:
    """Counts members, as a watcher of the hub, and with them those who are about to prove who they are.

    In a storm thousands arrive before the first of them is a member: each holds its place from the start.
    """

    def __init__(self, limits: CapacityLimits, metrics: SocialMetrics) -> None:
        self._limits = limits
        self._node = 0
        self._of_network: Counter[Network] = Counter()
        self._of_organization: Counter[str] = Counter()
        self._of_user: Counter[str] = Counter()
        self._node_full = metrics.limited("connections-node")
        self._address_full = metrics.limited("connections-address")
        self._organization_full = metrics.limited("connections-organization")
        self._user_full = metrics.limited("connections")

    @property
    def is_full(self) -> bool:
        """True while nobody finds a place on this node."""
        return self._node >= self._limits.node

    def arrive(self, network: Network) -> None:
        """Take a place, before anything is spent on the newcomer; `settle` gives it back. Raises as `require_place`."""
        self.require_place(network)
        self._node += 1
        self._of_network[network] += 1

    def require_place(self, network: Network) -> None:
        """See that there is a place.

        Raises:
            NodeFull: there is none on this node.
            AddressFull: there is none for this address.
        """
        if self.is_full:
            self._node_full()
            raise NodeFull(retry_after_seconds=RETRY_AFTER_SECONDS)
        if self._of_network[network] >= self._limits.address:
            self._address_full()
            raise AddressFull(RETRY_AFTER_SECONDS)

    def settle(self, network: Network) -> None:
        """It is known who arrived, or that nobody did; who is let in becomes a member before anybody else arrives."""
        self._node -= 1
        _decrease(self._of_network, network)

    def has_room_for(self, identity: Identity) -> bool:
        """False when this user, or its organisation, has as many sockets here as it may have."""
        if self._of_user[identity.user_id] >= self._limits.user:
            self._user_full()
            return False
        if self._of_organization[identity.organization_id] >= self._limits.organization:
            self._organization_full()
            return False
        return True

    def came(self, member: Member) -> None:
        self._node += 1
        self._of_network[member.network] += 1
        self._of_organization[member.identity.organization_id] += 1
        self._of_user[member.identity.user_id] += 1

    def went(self, member: Member, *, is_clean: bool) -> None:  # noqa: ARG002 - gone is gone
        self._node -= 1
        _decrease(self._of_network, member.network)
        _decrease(self._of_organization, member.identity.organization_id)
        _decrease(self._of_user, member.identity.user_id)

    def entered(self, member: Member, channel: Channel) -> None:
        """Channels take no place."""

    def left(self, member: Member, channel: Channel, *, is_clean: bool) -> None:
        """Nor does leaving one give one back."""

    def heard(self, organization_id: str, channel: Channel, event: BusEvent) -> None:
        """Of no concern."""

    def missed(self, organization_id: str, channel: Channel) -> None:
        """Likewise."""


def _decrease(counts: Counter[Name], name: Name) -> None:
    """One fewer; who has none is not remembered."""
    counts[name] -= 1
    if not counts[name]:
        del counts[name]

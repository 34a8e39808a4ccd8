"""Places on a node: taken at arrival, kept by members, given back, each bound by itself."""

from collections.abc import Callable

import pytest
from callboard_contracts.identity import Identity, IdentityKind, Role
from callboard_servicekit.errors import TooManyRequests, Unavailable
from callboard_servicekit.telemetry import Telemetry
from callboard_social.capacity import AddressFull, Capacity, CapacityLimits, NodeFull
from callboard_social.dialects.native import NativeDialect
from callboard_social.hub.member import Member
from callboard_social.metrics import SocialMetrics
from callboard_social.wire.connection import Connection

HOME, OFFICE = b"\x01", b"\x02"
PLENTY = CapacityLimits(node=100, address=100, organization=100, user=100)


@pytest.fixture
def telemetry() -> Telemetry:
    return Telemetry()


@pytest.fixture
def make(telemetry: Telemetry) -> Callable[..., Capacity]:
    def make(**limits: int) -> Capacity:
        values = {name: getattr(PLENTY, name) for name in ("node", "address", "organization", "user")}
        return Capacity(CapacityLimits(**(values | limits)), SocialMetrics(telemetry))

    return make


def refusals(telemetry: Telemetry, limit: str) -> float:
    return telemetry.registry.get_sample_value("callboard_social_rate_limited_total", {"limit": limit}) or 0.0


def identity(user_id: str = "user-1", organization_id: str = "org-1") -> Identity:
    return Identity(
        user_id=user_id,
        login=user_id,
        organization_id=organization_id,
        role=Role.MEMBER,
        kind=IdentityKind.USER,
        session_id="session-1",
        issued_at=0,
        expires_at=900,
    )


def member(network: bytes = HOME, **of: str) -> Member:
    return Member(Connection("connection-1"), identity(**of), NativeDialect(), network=network)


def test_a_full_node_refuses_until_somebody_goes(make: Callable[..., Capacity], telemetry: Telemetry) -> None:
    capacity = make(node=2)
    first, second = member(), member()
    capacity.came(first)
    capacity.came(second)
    with pytest.raises(NodeFull) as refusal:
        capacity.arrive(OFFICE)
    assert isinstance(refusal.value, Unavailable)
    assert int(refusal.value.headers["Retry-After"]) > 0
    assert refusals(telemetry, "connections-node") == 1
    capacity.went(first, is_clean=True)
    capacity.arrive(OFFICE)


def test_a_full_address_refuses_its_own_and_nobody_else(make: Callable[..., Capacity], telemetry: Telemetry) -> None:
    capacity = make(address=1)
    first = member(OFFICE)
    capacity.came(first)
    capacity.arrive(HOME)
    with pytest.raises(AddressFull) as refusal:
        capacity.arrive(OFFICE)
    assert isinstance(refusal.value, TooManyRequests)
    assert refusals(telemetry, "connections-address") == 1
    capacity.went(first, is_clean=False)
    capacity.arrive(OFFICE)


@pytest.mark.parametrize("bound", ["node", "address"])
def test_those_who_arrive_together_count_before_the_first_of_them_is_in(
    make: Callable[..., Capacity], bound: str
) -> None:
    capacity = make(**{bound: 2})
    capacity.arrive(HOME)
    capacity.arrive(HOME)
    with pytest.raises((NodeFull, AddressFull)):
        capacity.arrive(HOME)
    capacity.settle(HOME)
    capacity.arrive(HOME)


def test_a_user_and_an_organization_have_no_room_for_one_more_and_others_have(
    make: Callable[..., Capacity], telemetry: Telemetry
) -> None:
    capacity = make(user=1, organization=2)
    ada, bob = member(user_id="ada"), member(user_id="bob")
    capacity.came(ada)
    assert not capacity.has_room_for(identity("ada"))
    assert capacity.has_room_for(identity("bob"))
    capacity.came(bob)
    assert not capacity.has_room_for(identity("eve"))
    assert capacity.has_room_for(identity("eve", "org-2"))
    assert refusals(telemetry, "connections") == 1
    assert refusals(telemetry, "connections-organization") == 1
    capacity.went(ada, is_clean=True)
    assert capacity.has_room_for(identity("ada"))

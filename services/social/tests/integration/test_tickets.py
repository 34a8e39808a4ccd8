"""Tickets against a real Redis: one connection each, and nobody else's work."""

import asyncio
import time
from typing import Any

import jwt
import pytest
from callboard_contracts.identity import Identity, IdentityKind, Role
from callboard_contracts.keys import ticket_key
from callboard_servicekit.redis_connection import connect
from callboard_social.errors import TicketAlreadyUsed, TicketInvalid, TicketRefused, TicketTypeWrong
from callboard_social.tickets import Tickets
from pydantic import SecretStr
from redis.asyncio import Redis

SECRET = "a-ticket-secret-of-the-tests-0123456789"
HEADER = {"typ": "ws-connect+jwt"}
AGENT = Identity(
    user_id="agent-1",
    login="Ünïcode \U0001f680",
    organization_id="org-1",
    role=Role.MEMBER,
    kind=IdentityKind.AGENT,
    session_id=None,
    issued_at=1_700_000_000,
    expires_at=1_700_000_900,
)


class Clock:
    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


def claims(**overrides: Any) -> dict[str, Any]:
    now = int(time.time())
    valid = {
        "type": "ws-connect",
        "aud": "callboard-social",
        "user_id": "user-1",
        "login": "ada",
        "org": "org-1",
        "role": "member",
        "kind": "user",
        "sid": "session-1",
        "jti": "jti-1",
        "iatMs": now * 1000,
        "exp": now + 11,
        "identityIat": now,
        "identityExp": now + 900,
    }
    return {name: value for name, value in (valid | overrides).items() if value is not None}


async def outcome_of(tickets: Tickets, token: str) -> type[TicketRefused] | None:
    try:
        await tickets.redeem(token)
    except TicketRefused as refusal:
        return type(refusal)
    return None


async def test_a_ticket_gives_the_identity_it_was_minted_for(redis: Redis) -> None:
    tickets = Tickets(redis, SecretStr(SECRET))
    assert await tickets.redeem(await tickets.mint(AGENT)) == AGENT


async def test_any_jwt_library_reads_a_ticket(redis: Redis) -> None:
    ticket = await Tickets(redis, SecretStr(SECRET)).mint(AGENT)
    decoded = jwt.decode_complete(ticket, SECRET, algorithms=["HS256"], audience="callboard-social")
    assert decoded["header"] == {"alg": "HS256", "typ": "ws-connect+jwt"}
    assert decoded["payload"]["login"] == AGENT.login
    assert "sid" not in decoded["payload"]


async def test_a_ticket_of_a_library_that_was_minted_properly_is_as_good(redis: Redis) -> None:
    await redis.set(ticket_key("org-1", "jti-1"), 1, ex=10)
    ticket = jwt.encode(claims(), SECRET, algorithm="HS256", headers=HEADER)
    assert (await Tickets(redis, SecretStr(SECRET)).redeem(ticket)).user_id == "user-1"


async def test_a_thousand_redemptions_over_four_processes_worth_of_clients_open_one_socket(redis_url: str) -> None:
    clients = [connect(redis_url) for _ in range(4)]
    replicas = [Tickets(client, SecretStr(SECRET)) for client in clients]
    ticket = await replicas[0].mint(AGENT)
    outcomes = await asyncio.gather(*(outcome_of(replicas[number % 4], ticket) for number in range(1_000)))
    assert outcomes.count(None) == 1
    assert outcomes.count(TicketAlreadyUsed) == 999
    for client in clients:
        await client.aclose()


async def test_a_ticket_that_redis_forgot_is_used_until_it_is_old_and_then_invalid(redis: Redis) -> None:
    clock = Clock()
    tickets = Tickets(redis, SecretStr(SECRET), clock)
    ticket = await tickets.mint(AGENT)
    await redis.flushall()
    assert await outcome_of(tickets, ticket) is TicketAlreadyUsed
    clock.now += 10
    assert await outcome_of(tickets, ticket) is TicketInvalid


def tampered(ticket: str) -> str:
    header, payload, signature = ticket.split(".")
    return f"{header}.{payload[:-2]}{'AA' if payload[-2:] != 'AA' else 'BB'}.{signature}"


def signed(key: str = SECRET, headers: dict[str, Any] | None = None, algorithm: str = "HS256", **overrides: Any) -> str:
    return jwt.encode(claims(**overrides), key, algorithm=algorithm, headers=headers or HEADER)


FORGERIES = {
    "nothing": ("", TicketInvalid),
    "not a token": ("not-a-ticket", TicketInvalid),
    "dots": ("...", TicketInvalid),
    "four parts": (signed() + ".x", TicketInvalid),
    "not ascii": (signed() + "é", TicketInvalid),
    "a nul": (signed() + "\0", TicketInvalid),
    "too long": (signed() + "A" * 5_000, TicketInvalid),
    "another key": (signed(SECRET + "x"), TicketInvalid),
    "tampered with": (tampered(signed()), TicketInvalid),
    "signature cut": (signed()[:-1], TicketInvalid),
    "signature padded": (signed() + "=", TicketInvalid),
    "no signature": (signed().rpartition(".")[0] + ".", TicketInvalid),
    "unsigned": (jwt.encode(claims(), "", algorithm="none", headers=HEADER), TicketInvalid),
    "another algorithm": (signed(algorithm="HS512", key=SECRET * 2), TicketInvalid),
    "another type": (signed(headers={"typ": "at+jwt"}), TicketTypeWrong),
    "no type of ours": (signed(headers={"typ": "JWT"}), TicketTypeWrong),
    "a header of its own": (signed(headers=HEADER | {"kid": "x"}), TicketInvalid),
    "another audience": (signed(aud="callboard"), TicketInvalid),
    "another claim type": (signed(type="refresh"), TicketInvalid),
    "expired": (signed(exp=int(time.time()) - 1), TicketInvalid),
    "no expiry": (signed(exp=None), TicketInvalid),
    "no jti": (signed(jti=None), TicketInvalid),
    "an unknown role": (signed(role="root"), TicketInvalid),
}


@pytest.mark.parametrize("name", FORGERIES)
async def test_what_is_not_a_ticket_is_refused_and_costs_redis_nothing(redis: Redis, name: str) -> None:
    token, refusal = FORGERIES[name]
    await redis.set(ticket_key("org-1", "jti-1"), 1, ex=10)
    assert await outcome_of(Tickets(redis, SecretStr(SECRET)), token) is refusal
    assert await redis.exists(ticket_key("org-1", "jti-1")) == 1

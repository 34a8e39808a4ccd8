"""Clauses TOKEN-*: primary tokens and API tokens."""

import base64
import json
import time
import zlib
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import jwt
import pytest
from callboard_testkit.native_client import Json, open_socket
from callboard_testkit.signing import TokenMinter
from callboard_testkit.suite import Account, Door
from jwt import PyJWKSet


async def keys(account: Account) -> Json:
    answer = await account.http.get(f"{account.door.auth}/.well-known/jwks.json")
    answer.raise_for_status()
    published: Json = answer.json()
    return published


async def exchange(account: Account, token: str) -> httpx.Response:
    return await account.http.post(f"{account.door.auth}/api/v1/sessions", json={"token": token})


def encoded(part: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def with_another_secret(token: str, number: int) -> str:
    """In a token's form, its checksum included."""
    text = token[: len("ah_live_") + 33] + f"{number:064x}"
    return text + f"{zlib.crc32(text.encode()):08x}"


@pytest.mark.clause("TOKEN-1")
async def test_a_primary_token_says_what_the_services_need(account: Account) -> None:
    header = jwt.get_unverified_header(account.token)
    assert (header["typ"], header["alg"]) == ("at+jwt", "EdDSA")
    claims = jwt.decode(account.token, options={"verify_signature": False})
    user, organization = account.user["id"], account.organization["id"]
    assert (claims["sub"], claims["user_id"], claims["org"], claims["organizationId"]) == (
        user,
        user,
        organization,
        organization,
    )
    assert (claims["login"], claims["role"], claims["kind"]) == (account.login, "owner", "user")
    assert claims["exp"] - claims["iat"] == 900
    assert claims["sid"]
    assert claims["jti"]
    assert abs(claims["iat"] - time.time()) < 60


@pytest.mark.clause("TOKEN-2")
async def test_the_published_keys_verify_tokens(account: Account) -> None:
    answer = await account.http.get(f"{account.door.auth}/.well-known/jwks.json")
    assert "max-age" in answer.headers["Cache-Control"]
    published = answer.json()
    assert all("d" not in key for key in published["keys"])
    key = PyJWKSet.from_dict(published)[jwt.get_unverified_header(account.token)["kid"]]
    claims = jwt.decode(account.token, key, algorithms=["EdDSA"], audience="callboard")
    assert claims["sub"] == account.user["id"]


async def forgeries(account: Account) -> dict[str, str]:
    """Tokens that are almost right."""
    claims = jwt.decode(account.token, options={"verify_signature": False})
    header = jwt.get_unverified_header(account.token)
    head, payload, signature = account.token.split(".")
    stranger = TokenMinter(kid=header["kid"])
    public = (await keys(account))["keys"][0]["x"]
    elsewhere = encoded(claims | {"org": "another", "organizationId": "another"})
    return {
        "tampered payload": f"{head}.{elsewhere}.{signature}",
        "no signature": f"{head}.{payload}.",
        "alg none": ".".join((encoded({"typ": "at+jwt", "alg": "none"}), payload, "")),
        "another key": jwt.encode(claims, stranger.private_key, algorithm="EdDSA", headers=header),
        "foreign kid": jwt.encode(claims, stranger.private_key, algorithm="EdDSA", headers=header | {"kid": "foreign"}),
        "public key as secret": jwt.encode(
            claims,
            base64.urlsafe_b64decode(public + "="),
            algorithm="HS256",
            headers={"typ": "at+jwt", "kid": header["kid"]},
        ),
        "a ticket": await account.ticket(),
        "over-long": account.token + "x" * 5000,
        "nonsense": "nonsense",
    }


@pytest.mark.clause("TOKEN-3")
async def test_a_token_that_is_not_quite_ours_is_refused_everywhere(account: Account) -> None:
    door = account.door
    for name, token in (await forgeries(account)).items():
        headers = {"Authorization": f"Bearer {token}"}
        for url in (f"{door.auth}/api/users/me", door.connect_token, f"{door.producer}/executions"):
            answer = await account.http.get(url, headers=headers)
            assert answer.status_code == httpx.codes.UNAUTHORIZED, (name, url)
            assert answer.json()["detail"] == "Invalid or expired token", (name, url)


@pytest.mark.clause("TOKEN-4")
async def test_an_api_token_is_shown_once(account: Account) -> None:
    created = await account.api_token("nightly")
    assert created["token"].startswith(f"ah_live_{created['id']}_")
    assert (created["name"], created["expiresAt"]) == ("nightly", None)
    listed = await account.get(f"{account.door.auth}/api/v1/tokens")
    assert created["token"] not in listed.text


@pytest.mark.clause("TOKEN-5")
async def test_api_tokens_are_listed_and_revoked(account: Account, stranger: Account) -> None:
    url = f"{account.door.auth}/api/v1/tokens"
    created = await account.api_token()
    listed = (await account.get(url)).json()["tokens"]
    assert [(token["id"], token["name"]) for token in listed] == [(created["id"], "worker")]
    foreign = await stranger.http.delete(f"{url}/{created['id']}", headers=stranger.bearer)
    assert foreign.status_code == httpx.codes.NOT_FOUND
    revoked = await account.http.delete(f"{url}/{created['id']}", headers=account.bearer)
    assert revoked.status_code == httpx.codes.NO_CONTENT
    assert (await account.get(url)).json()["tokens"] == []


@pytest.mark.clause("TOKEN-6")
async def test_an_api_token_is_traded_for_an_agents_session(account: Account) -> None:
    created = await account.api_token("ci")
    expected = {"id": created["agentId"], "name": "ci"}
    url = f"{account.door.auth}/api/v1/sessions"
    as_bearer = await account.http.post(url, headers={"Authorization": f"Bearer {created['token']}"})
    for answer in (await exchange(account, created["token"]), as_bearer):
        body = answer.json()
        assert body == {
            "token": body["token"],
            "expiresIn": 900,
            "agent": expected,
            "organization": account.organization,
        }
        claims = jwt.decode(body["token"], options={"verify_signature": False})
        assert (claims["kind"], claims["sid"], claims["org"]) == ("agent", created["id"], account.organization["id"])


@pytest.mark.clause("TOKEN-6")
async def test_a_wrong_api_token_is_refused(account: Account) -> None:
    token = (await account.api_token())["token"]
    flipped = token[:-1] + ("0" if token[-1] != "0" else "1")
    unknown = "ah_live_" + "0" * 32 + token[len("ah_live_") + 32 :]
    for wrong in (flipped, unknown, "ah_live_", "ah_live_x_y", "nonsense", account.token):
        answer = await exchange(account, wrong)
        assert (answer.status_code, answer.json()["code"]) == (httpx.codes.UNAUTHORIZED, "invalid-api-token"), wrong


@pytest.mark.clause("TOKEN-6")
async def test_guessing_at_a_token_is_told_to_come_back_and_its_holder_is_not_locked_out(account: Account) -> None:
    created = await account.api_token("ci")
    assert (await exchange(account, created["token"])).status_code == httpx.codes.OK
    guesses = [await exchange(account, with_another_secret(created["token"], number)) for number in range(11)]
    answered = [answer.status_code for answer in guesses]
    assert answered == [httpx.codes.UNAUTHORIZED] * 10 + [httpx.codes.TOO_MANY_REQUESTS]
    assert guesses[-1].json()["code"] == "too-many-requests"
    assert 1 <= int(guesses[-1].headers["Retry-After"]) <= 61
    assert (await exchange(account, created["token"])).status_code == httpx.codes.OK


@pytest.mark.clause("TOKEN-7")
async def test_an_agent_may_do_nothing_in_auth_but_ask_who_it_is(account: Account) -> None:
    door = account.door
    created = await account.api_token("ci")
    agent = (await exchange(account, created["token"])).json()["token"]
    headers = {"Authorization": f"Bearer {agent}"}
    me = await account.http.get(f"{door.auth}/api/users/me", headers=headers)
    assert (me.json()["user"]["kind"], me.json()["organization"]) == ("agent", account.organization)
    assert (await account.http.get(f"{door.auth}/users/me", headers=headers)).status_code == httpx.codes.OK
    tokens = f"{door.auth}/api/v1/tokens"
    for method, url in (
        ("GET", tokens),
        ("POST", tokens),
        ("DELETE", f"{tokens}/{created['id']}"),
        ("POST", f"{tokens}/{created['id']}/rotate"),
        ("GET", f"{door.auth}/api/audit"),
        ("POST", f"{door.auth}/api/logout"),
    ):
        body = {"name": "x"} if (method, url) == ("POST", tokens) else None
        answer = await account.http.request(method, url, headers=headers, json=body)
        assert answer.status_code == httpx.codes.FORBIDDEN, (method, url)


@pytest.mark.clause("TOKEN-8")
async def test_a_revoked_api_token_is_refused_everywhere_and_its_sockets_close(account: Account, door: Door) -> None:
    created = await account.api_token("ci")
    agent = (await exchange(account, created["token"])).json()["token"]
    headers = {"Authorization": f"Bearer {agent}"}
    async with open_socket(door.socket, additional_headers=headers) as client:
        assert (await client.receive())["type"] == "connected"
        await account.http.delete(f"{door.auth}/api/v1/tokens/{created['id']}", headers=account.bearer)
        assert await client.closed() == (4501, "session revoked")
    for url in (f"{door.auth}/api/users/me", f"{door.producer}/executions", door.connect_token):
        assert (await account.http.get(url, headers=headers)).status_code == httpx.codes.UNAUTHORIZED, url
    assert (await exchange(account, created["token"])).json()["code"] == "invalid-api-token"


async def rotate(account: Account, token_id: str, **wish: Any) -> httpx.Response:
    return await account.post(f"{account.door.auth}/api/v1/tokens/{token_id}/rotate", json=wish)


async def agent_bearer(account: Account, token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {(await exchange(account, token)).json()['token']}"}


@pytest.mark.clause("TOKEN-9")
async def test_a_rotated_token_gets_a_successor_and_works_for_a_while(account: Account) -> None:
    old = await account.api_token("nightly")
    before = datetime.now(UTC)
    answer = await rotate(account, old["id"])
    new = answer.json()
    assert answer.status_code == httpx.codes.CREATED
    assert new["token"].startswith(f"ah_live_{new['id']}_")
    assert (new["name"], new["expiresAt"], new["replacedBy"]) == ("nightly", None, None)
    assert new["replaces"]["id"] == old["id"]
    overlap = datetime.fromisoformat(new["replaces"]["expiresAt"]) - before
    assert timedelta(minutes=59) < overlap < timedelta(minutes=61)
    listed = await account.get(f"{account.door.auth}/api/v1/tokens")
    assert new["token"] not in listed.text
    states = {token["id"]: (token["replacedBy"], token["expiresAt"]) for token in listed.json()["tokens"]}
    assert states == {old["id"]: (new["id"], new["replaces"]["expiresAt"]), new["id"]: (None, None)}
    for token in (old, new):
        assert (await exchange(account, token["token"])).status_code == httpx.codes.OK


@pytest.mark.clause("TOKEN-9")
async def test_a_rotation_keeps_the_expiry_unless_it_is_told_another(account: Account) -> None:
    wish = {"name": "ci", "expiresAt": "2999-01-01T00:00:00.000Z"}
    first = (await account.post(f"{account.door.auth}/api/v1/tokens", json=wish)).json()
    second = (await rotate(account, first["id"])).json()
    third = (await rotate(account, second["id"], expiresAt="2998-01-01T00:00:00.000Z")).json()
    fourth = (await rotate(account, third["id"], expiresAt=None)).json()
    kept = [token["expiresAt"] for token in (second, third, fourth)]
    assert kept == ["2999-01-01T00:00:00.000Z", "2998-01-01T00:00:00.000Z", None]


@pytest.mark.clause("TOKEN-9")
async def test_an_overlap_is_whole_seconds_up_to_seven_days(account: Account) -> None:
    old = await account.api_token()
    for overlap in (-1, 604_801, 1.5, "60", "1h", None, True):
        answer = await rotate(account, old["id"], overlapSeconds=overlap)
        assert answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY, overlap
    assert (await rotate(account, old["id"], overlapSeconds=604_800)).status_code == httpx.codes.CREATED


@pytest.mark.clause("TOKEN-10")
async def test_an_agent_stays_who_it_is_when_its_token_is_rotated(account: Account) -> None:
    old = await account.api_token("ci")
    new = (await rotate(account, old["id"])).json()
    agent = old["agentId"]
    assert new["agentId"] == agent
    assert agent not in {old["id"], new["id"]}
    told = []
    for token in (old, new):
        body = (await exchange(account, token["token"])).json()
        claims = jwt.decode(body["token"], options={"verify_signature": False})
        assert (claims["sub"], claims["user_id"], claims["sid"]) == (agent, agent, token["id"])
        headers = {"Authorization": f"Bearer {body['token']}"}
        me = await account.http.get(f"{account.door.auth}/api/users/me", headers=headers)
        told.append((body["agent"], me.json()))
    assert told[0] == told[1]
    assert told[0][0] == {"id": agent, "name": "ci"}


@pytest.mark.clause("TOKEN-11")
@pytest.mark.parametrize("overlap", [0, 1])
async def test_after_the_overlap_the_old_token_is_refused_everywhere_and_its_sockets_close(
    account: Account, door: Door, overlap: int
) -> None:
    old = await account.api_token("ci")
    headers = await agent_bearer(account, old["token"])
    async with open_socket(door.socket, additional_headers=headers) as client:
        assert (await client.receive())["type"] == "connected"
        new = (await rotate(account, old["id"], overlapSeconds=overlap)).json()
        assert await client.closed() == (4501, "session revoked")
    for url in (f"{door.auth}/api/users/me", f"{door.producer}/executions", door.connect_token):
        assert (await account.http.get(url, headers=headers)).status_code == httpx.codes.UNAUTHORIZED, url
    assert (await exchange(account, old["token"])).json()["code"] == "invalid-api-token"
    async with open_socket(door.socket, additional_headers=await agent_bearer(account, new["token"])) as client:
        assert (await client.receive())["userId"] == old["agentId"]


@pytest.mark.clause("TOKEN-12")
async def test_a_token_is_rotated_once_and_its_successor_in_its_turn(account: Account) -> None:
    old = await account.api_token()
    lost = (await rotate(account, old["id"], overlapSeconds=0)).json()
    again = await rotate(account, old["id"])
    assert (again.status_code, again.json()["code"]) == (httpx.codes.CONFLICT, "api-token-already-rotated")
    assert again.json()["replacedBy"] == lost["id"]
    found = (await rotate(account, again.json()["replacedBy"], overlapSeconds=0)).json()
    assert (await exchange(account, lost["token"])).status_code == httpx.codes.UNAUTHORIZED
    assert (await exchange(account, found["token"])).status_code == httpx.codes.OK


@pytest.mark.clause("TOKEN-12")
async def test_what_is_over_or_foreign_is_not_rotated(account: Account, stranger: Account) -> None:
    created = await account.api_token()
    foreign = await rotate(stranger, created["id"])
    assert (foreign.status_code, foreign.json()["code"]) == (httpx.codes.NOT_FOUND, "not-found")
    await account.http.delete(f"{account.door.auth}/api/v1/tokens/{created['id']}", headers=account.bearer)
    over = await rotate(account, created["id"])
    assert (over.status_code, over.json()["code"]) == (httpx.codes.CONFLICT, "api-token-over")

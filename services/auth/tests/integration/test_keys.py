import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack

import httpx
import jwt
import pytest
from callboard_auth.app import create_app
from callboard_auth.errors import WrongKeyPassphrase
from callboard_auth.keys.service import open_signer
from callboard_auth.resources import utc_now
from callboard_auth.settings import AuthSettings
from callboard_auth.tables import SigningKeyRow
from callboard_servicekit.database import Database
from callboard_servicekit.token_keys import Jwks
from callboard_servicekit.token_verifier import TokenVerifier
from callboard_testkit.running import running
from callboard_testkit.signing import TokenMinter
from sqlalchemy import select

ISSUER = "http://localhost:8080"
SHARED_SECRET = "0123456789abcdefghijklmnopqrstuvwxyz"
SIGN_UP = {
    "login": "ada",
    "email": "ada@example.com",
    "password": "a fine long password",
    "organizationName": "Engines",
}


async def test_another_service_verifies_our_tokens_with_the_published_keys(
    ada: httpx.AsyncClient, address: str
) -> None:
    async with httpx.AsyncClient() as http:
        jwks = Jwks(http, f"{address}/.well-known/jwks.json", None)
        claims = await TokenVerifier(jwks, ISSUER).verify(ada.cookies["auth_token"])

    assert claims.login == "ada"
    assert claims.organization_id == claims.org


async def test_published_keys_are_public_and_cacheable(client: httpx.AsyncClient) -> None:
    answer = await client.get("/.well-known/jwks.json")
    again = await client.get("/.well-known/jwks.json", headers={"If-None-Match": answer.headers["etag"]})

    assert answer.headers["cache-control"] == "public, max-age=300"
    (key,) = answer.json()["keys"]
    assert set(key) == {"kty", "crv", "x", "kid", "use", "alg"}
    assert (key["kty"], key["crv"], key["use"], key["alg"]) == ("OKP", "Ed25519", "sig", "EdDSA")
    assert again.status_code == 304
    assert again.content == b""


async def test_replicas_that_start_at_once_share_one_key(settings: AuthSettings, database: Database) -> None:
    replicas = [create_app(settings) for _ in range(4)]
    async with AsyncExitStack() as stack:
        addresses = await asyncio.gather(*(stack.enter_async_context(running(app)) for app in replicas))
        client = await stack.enter_async_context(httpx.AsyncClient())
        key_sets = [(await client.get(f"{address}/.well-known/jwks.json")).json() for address in addresses]
        session = (await client.post(f"{addresses[0]}/api/signup", json=SIGN_UP)).json()
        bearer = {"Authorization": f"Bearer {session['token']}"}
        accepted = [(await client.get(f"{address}/api/users/me", headers=bearer)).status_code for address in addresses]

    assert all(key_set == key_sets[0] for key_set in key_sets)
    assert accepted == [200] * 4
    async with database.read() as unit:
        assert len((await unit.scalars(select(SigningKeyRow))).all()) == 1


async def test_key_outlives_a_restart(settings: AuthSettings) -> None:
    key_sets = []
    for _ in range(2):
        async with running(create_app(settings)) as address, httpx.AsyncClient() as client:
            key_sets.append((await client.get(f"{address}/.well-known/jwks.json")).json())

    assert key_sets[0] == key_sets[1]


async def test_private_key_is_stored_encrypted(client: httpx.AsyncClient, database: Database) -> None:
    async with database.read() as unit:
        stored = (await unit.scalars(select(SigningKeyRow.private_pem))).one()

    assert stored.startswith("-----BEGIN ENCRYPTED PRIVATE KEY-----")


async def test_wrong_passphrase_is_refused_at_the_start(
    settings: AuthSettings, make_settings: Callable[..., AuthSettings], database: Database
) -> None:
    await open_signer(settings, database, utc_now())
    wrong = make_settings(database_url=settings.database_url, key_passphrase="another-passphrase-0123456789-abcdef")

    with pytest.raises(WrongKeyPassphrase, match="AUTH_KEY_PASSPHRASE"):
        await open_signer(wrong, database, utc_now())


async def test_shared_secret_signs_hs256_and_publishes_nothing(
    make_settings: Callable[..., AuthSettings], migrated_sqlite_url: str, redis_url: str
) -> None:
    settings = make_settings(database_url=migrated_sqlite_url, redis_url=redis_url, jwt_secret=SHARED_SECRET)
    async with running(create_app(settings)) as address, httpx.AsyncClient(base_url=address) as client:
        token = (await client.post("/api/signup", json=SIGN_UP)).json()["token"]
        key_set = (await client.get("/.well-known/jwks.json")).json()
        me = await client.get("/api/users/me", headers={"Authorization": f"Bearer {token}"})
        claims = jwt.decode(token, SHARED_SECRET, algorithms=["HS256"], audience="callboard")
        foreign = jwt.encode(claims | {"sid": None}, SHARED_SECRET, headers={"typ": "at+jwt"})
        no_session = await client.get("/api/users/me", headers={"Authorization": f"Bearer {foreign}"})
        eddsa = jwt.encode(claims, TokenMinter().private_key, algorithm="EdDSA", headers={"typ": "at+jwt"})
        refused = await client.get("/api/users/me", headers={"Authorization": f"Bearer {eddsa}"})

    assert jwt.get_unverified_header(token) == {"typ": "at+jwt", "alg": "HS256"}
    assert key_set == {"keys": []}
    assert me.status_code == 200
    assert refused.status_code == 401
    assert no_session.status_code == 401

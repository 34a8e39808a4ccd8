import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import httpx
import jwt
from callboard_auth.app import create_app
from callboard_auth.settings import AuthSettings
from callboard_testkit.running import running
from callboard_testkit.waiting import eventually

SIGN_UP = {
    "login": "ada",
    "email": "ada@example.com",
    "password": "a fine long password",
    "organizationName": "Engines",
}


async def test_expired_token_proves_nothing(
    make_settings: Callable[..., AuthSettings], migrated_sqlite_url: str, redis_url: str
) -> None:
    settings = make_settings(database_url=migrated_sqlite_url, redis_url=redis_url, jwt_expiry="1s")
    async with running(create_app(settings)) as address, httpx.AsyncClient(base_url=address) as client:
        session = (await client.post("/api/signup", json=SIGN_UP)).json()
        bearer = {"Authorization": f"Bearer {session['token']}"}
        assert session["expiresIn"] == 1

        async def is_refused() -> bool:
            return (await client.get("/api/users/me", headers=bearer)).status_code == 401

        await eventually(is_refused)


async def test_no_token_outlives_its_session(
    make_settings: Callable[..., AuthSettings], migrated_sqlite_url: str, redis_url: str
) -> None:
    settings = make_settings(database_url=migrated_sqlite_url, redis_url=redis_url, session_lifetime="60s")
    async with running(create_app(settings)) as address, httpx.AsyncClient(base_url=address) as client:
        session = (await client.post("/api/signup", json=SIGN_UP)).json()

    claims = jwt.decode(session["token"], options={"verify_signature": False})
    assert session["expiresIn"] == 60
    assert claims["exp"] == claims["sessionExp"] == claims["iat"] + 60


async def test_agents_token_ends_with_its_api_token(
    make_settings: Callable[..., AuthSettings], migrated_sqlite_url: str, redis_url: str
) -> None:
    settings = make_settings(database_url=migrated_sqlite_url, redis_url=redis_url, jwt_expiry="24h")
    async with (
        running(create_app(settings)) as address,
        httpx.AsyncClient(base_url=address, headers={"Origin": "http://localhost:8080"}) as client,
    ):
        await client.post("/api/signup", json=SIGN_UP)
        claims = {}
        for name, minutes in (("soon", 5), ("late", 60)):
            expires_at = (datetime.now(UTC) + timedelta(minutes=minutes)).isoformat()
            created = await client.post("/api/v1/tokens", json={"name": name, "expiresAt": expires_at})
            exchanged = await client.post("/api/v1/sessions", json={"token": created.json()["token"]})
            claims[name] = jwt.decode(exchanged.json()["token"], options={"verify_signature": False})

    assert claims["soon"]["exp"] == claims["soon"]["sessionExp"]
    assert abs(claims["soon"]["exp"] - time.time() - 300) < 30
    assert claims["late"]["exp"] == claims["late"]["iat"] + 900

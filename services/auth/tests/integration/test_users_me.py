import time
from typing import Any

import httpx
import jwt
import pytest
from callboard_testkit.signing import TokenMinter

SECRET = "x" * 16 + "0123456789abcdef"


async def test_clients_of_directus_find_the_shape_they_know(ada: httpx.AsyncClient) -> None:
    me = (await ada.get("/api/users/me")).json()

    answer = await ada.get("/users/me")

    assert answer.json() == {
        "data": {
            "id": me["user"]["id"],
            "email": "ada@example.com",
            "role": "owner",
            "first_name": None,
            "last_name": None,
        }
    }


async def test_agent_sees_who_it_is_and_the_organisation_it_works_for(
    agent: httpx.AsyncClient, api_token: dict[str, str]
) -> None:
    me = await agent.get("/api/users/me")
    directus = await agent.get("/users/me")

    assert me.status_code == 200
    assert me.json()["user"] == {
        "id": api_token["agentId"],
        "login": "ci",
        "email": None,
        "role": "member",
        "kind": "agent",
    }
    assert me.json()["organization"]["name"] == "Engines"
    assert directus.json()["data"]["id"] == api_token["agentId"]


@pytest.mark.parametrize("path", ["/api/users/me", "/users/me"])
async def test_without_a_credential_nobody_is_behind_the_call(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)

    assert answer.status_code == 401
    assert answer.json()["code"] == "not-authenticated"
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_cookie_is_not_accepted_from_a_foreign_origin(ada: httpx.AsyncClient) -> None:
    answer = await ada.get("/api/users/me", headers={"Origin": "https://evil.example"})

    assert answer.status_code == 403


async def test_primary_token_carries_what_the_other_services_go_by(ada: httpx.AsyncClient) -> None:
    me = (await ada.get("/api/users/me")).json()
    token = ada.cookies["auth_token"]

    header = jwt.get_unverified_header(token)
    claims = jwt.decode(token, options={"verify_signature": False})

    assert header == {"typ": "at+jwt", "alg": "EdDSA", "kid": header["kid"]}
    assert claims == {
        "iss": "http://localhost:8080",
        "aud": "callboard",
        "sub": me["user"]["id"],
        "user_id": me["user"]["id"],
        "login": "ada",
        "org": me["organization"]["id"],
        "organizationId": me["organization"]["id"],
        "role": "owner",
        "kind": "user",
        "sid": claims["sid"],
        "iat": claims["iat"],
        "exp": claims["iat"] + 900,
        "sessionExp": claims["sessionExp"],
        "jti": claims["jti"],
    }
    assert abs(claims["sessionExp"] - time.time() - 30 * 86_400) < 60


def forgeries(genuine: str) -> dict[str, str]:
    """The genuine token with one thing wrong, by what is wrong."""
    header: dict[str, Any] = jwt.get_unverified_header(genuine)
    claims: dict[str, Any] = jwt.decode(genuine, options={"verify_signature": False})
    head, body, signature = genuine.split(".")
    other_body = jwt.encode(claims | {"role": "viewer"}, SECRET).split(".")[1]
    other_key = TokenMinter().private_key
    typ, kid = {"typ": "at+jwt"}, {"kid": str(header["kid"])}
    return {
        "tampered": f"{head}.{other_body}.{signature}",
        "unsigned": f"{head}.{body}.",
        "none": jwt.encode(claims, "", algorithm="none", headers=typ | kid),
        "hs256 with the public key's id": jwt.encode(claims, SECRET, headers=typ | kid),
        "another key": jwt.encode(claims, other_key, algorithm="EdDSA", headers=typ | kid),
        "foreign kid": jwt.encode(claims, other_key, algorithm="EdDSA", headers=typ | {"kid": "foreign"}),
        "no kid": jwt.encode(claims, other_key, algorithm="EdDSA", headers=typ),
        "over-long": genuine + "A" * 10_000,
    }


async def test_forged_token_proves_nothing(ada: httpx.AsyncClient, client: httpx.AsyncClient) -> None:
    for how, token in forgeries(ada.cookies["auth_token"]).items():
        answer = await client.get("/api/users/me", headers={"Authorization": f"Bearer {token}"})

        assert answer.status_code == 401, how
        assert answer.json()["code"] == "invalid-token", how

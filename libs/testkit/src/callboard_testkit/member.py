"""Somebody who has signed up through the gateway, as tests without an event loop need it."""

from dataclasses import dataclass

import httpx

from callboard_testkit.suite import PASSWORD, new_login, sign_up_body


@dataclass(frozen=True)
class Member:
    """Owns an organisation; `api_token` is for its workers."""

    login: str
    password: str
    organization_id: str
    api_token: str


def new_member(gateway: str, organization: str | None = None) -> Member:
    """Signs up, and makes the API token; `organization` is the name of the new organisation."""
    login = new_login()
    body = sign_up_body(login) | ({"organizationName": organization} if organization else {})
    with httpx.Client(base_url=gateway, trust_env=False, timeout=20) as http:
        session = http.post("/auth/api/signup", json=body).raise_for_status().json()
        http.cookies.clear()
        bearer = {"Authorization": f"Bearer {session['token']}"}
        created = http.post("/auth/api/v1/tokens", json={"name": "worker"}, headers=bearer).raise_for_status().json()
    return Member(login, PASSWORD, session["organization"]["id"], created["token"])

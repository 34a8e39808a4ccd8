"""The demo: an organisation, a login and a worker's API token, made over HTTP as any user would make them."""

import json
import os
import secrets
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

import httpx

LOGIN = "demo"
ORGANIZATION = "Demo"
TOKEN_NAME = "demo worker"


class NoDemo(Exception):
    """There will be no demo this time; the suite itself is fine. The message says why."""


@dataclass(frozen=True, slots=True)
class Demo:
    login: str
    password: str
    token_file: Path


def seed(gateway: str, directory: Path) -> Demo:
    """Make what is missing of the demo. Password and token are kept in two files only their owner can read.

    Raises NoDemo.
    """
    account_file, token_file = directory / "demo.json", directory / "demo-token"
    try:
        password = _known_password(account_file)
        bearer = _log_in(gateway, password) or _sign_up(gateway, password)
        if not _is_usable(gateway, token_file):
            write_private(token_file, _new_token(gateway, bearer) + "\n")
    except httpx.HTTPError as error:
        raise NoDemo(f"the gateway did not take it: {error}") from error
    return Demo(LOGIN, password, token_file)


def write_private(path: Path, text: str) -> None:
    """Replace a file at once, readable by its owner alone."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    fresh.replace(path)


def _known_password(account_file: Path) -> str:
    """Written before the account is made, so that no account is made whose password nobody knows."""
    if not account_file.exists():
        account = {"login": LOGIN, "password": secrets.token_urlsafe(12)}
        write_private(account_file, json.dumps(account, indent=2) + "\n")
    return str(json.loads(account_file.read_text(encoding="utf-8"))["password"])


def _post(url: str, body: dict[str, str], bearer: str | None = None) -> httpx.Response:
    headers = {} if bearer is None else {"Authorization": f"Bearer {bearer}"}
    return httpx.post(url, json=body, headers=headers, trust_env=False, timeout=20)


def _log_in(gateway: str, password: str) -> str | None:
    answer = _post(f"{gateway}/auth/api/login", {"login": LOGIN, "password": password})
    if answer.status_code == HTTPStatus.UNAUTHORIZED:
        return None
    return str(answer.raise_for_status().json()["token"])


def _sign_up(gateway: str, password: str) -> str:
    body = {"login": LOGIN, "password": password, "email": f"{LOGIN}@example.com", "organizationName": ORGANIZATION}
    answer = _post(f"{gateway}/auth/api/signup", body)
    if answer.status_code == HTTPStatus.CONFLICT:
        raise NoDemo(f"{LOGIN} has another password than demo.json says")
    if answer.status_code == HTTPStatus.FORBIDDEN:
        raise NoDemo("sign-up is closed")
    return str(answer.raise_for_status().json()["token"])


def _is_usable(gateway: str, token_file: Path) -> bool:
    if not token_file.exists():
        return False
    token = token_file.read_text(encoding="utf-8").strip()
    answer = _post(f"{gateway}/auth/api/v1/sessions", {"token": token})
    return answer.status_code != HTTPStatus.UNAUTHORIZED


def _new_token(gateway: str, bearer: str) -> str:
    answer = _post(f"{gateway}/auth/api/v1/tokens", {"name": TOKEN_NAME}, bearer)
    return str(answer.raise_for_status().json()["token"])

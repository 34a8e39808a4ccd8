"""Where verification keys come from, and that the last good set outlives everything."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from callboard_servicekit.errors import Unavailable
from callboard_servicekit.token_keys import Jwks, SharedSecret
from callboard_testkit.signing import TokenMinter
from callboard_testkit.waiting import eventually
from jwt import PyJWK
from pydantic import SecretStr

URL = "http://auth/.well-known/jwks.json"


class Auth:
    """Answers with what it is told to, and counts."""

    def __init__(self, *minters: TokenMinter) -> None:
        self.asked = 0
        self.status = 200
        self.text = key_set(*minters)
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def __call__(self, _request: httpx.Request) -> httpx.Response:
        self.asked += 1
        await self.may_answer.wait()
        return httpx.Response(self.status, text=self.text)


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


def key_set(*minters: TokenMinter) -> str:
    return json.dumps({"keys": [key for minter in minters for key in minter.key_set["keys"]]})


OLD, NEW = TokenMinter("old"), TokenMinter("new")


@pytest.fixture
def auth() -> Auth:
    return Auth(OLD)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def jwks(auth: Auth, clock: Clock) -> AsyncIterator[Jwks]:
    async with httpx.AsyncClient(transport=httpx.MockTransport(auth)) as client:
        yield Jwks(client, URL, None, clock)


def names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def jwks_with_cache(auth: Auth, cache: Path) -> Jwks:
    return Jwks(httpx.AsyncClient(transport=httpx.MockTransport(auth)), URL, cache)


async def test_the_first_token_fetches_the_keys_and_the_next_ones_do_not(jwks: Jwks, auth: Auth) -> None:
    with pytest.raises(Unavailable):
        await jwks.check()
    assert isinstance(await jwks.find("old"), PyJWK)
    assert isinstance(await jwks.find("old"), PyJWK)
    await jwks.check()
    assert auth.asked == 1


async def test_an_unknown_key_asks_auth_at_most_every_thirty_seconds(jwks: Jwks, auth: Auth, clock: Clock) -> None:
    await jwks.find("old")
    for number in range(50):
        assert await jwks.find(f"forged-{number}") is None
    assert await jwks.find(None) is None
    assert auth.asked == 1
    clock.now += 29.9
    assert await jwks.find("new") is None
    assert auth.asked == 1
    clock.now += 0.2
    auth.text = key_set(OLD, NEW)
    assert isinstance(await jwks.find("new"), PyJWK)
    assert auth.asked == 2


async def test_without_any_key_auth_is_asked_every_second(jwks: Jwks, auth: Auth, clock: Clock) -> None:
    auth.status = 503
    for _ in range(5):
        with pytest.raises(Unavailable):
            await jwks.find("old")
    assert auth.asked == 1
    clock.now += 1
    auth.status = 200
    assert isinstance(await jwks.find("old"), PyJWK)


async def test_tokens_that_come_while_auth_is_asked_wait_for_its_answer(jwks: Jwks, auth: Auth) -> None:
    auth.may_answer.clear()
    calls = [asyncio.create_task(jwks.find("old")) for _ in range(20)]
    await eventually(lambda: auth.asked == 1)
    auth.may_answer.set()
    assert all(isinstance(key, PyJWK) for key in await asyncio.gather(*calls))
    assert auth.asked == 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<html>",
        "[]",
        "null",
        '"keys"',
        "{}",
        '{"keys":null}',
        '{"keys":{}}',
        '{"keys":[]}',
        '{"keys":[1]}',
        '{"keys":[null,"x"]}',
        '{"keys":[{}]}',
        '{"keys":[{"kty":"OKP","crv":"Ed25519","x":"!","kid":"new"}]}',
        '{"keys":[{"kty":"oct","k":"c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LTEyMzQ","kid":"old"}]}',
        "[" * 100_000,
    ],
)
async def test_an_answer_that_is_no_key_set_leaves_the_last_good_one(jwks: Jwks, auth: Auth, text: str) -> None:
    await jwks.refresh()
    auth.text = text
    await jwks.refresh()
    assert isinstance(await jwks.find("old"), PyJWK)
    assert auth.asked == 2


@pytest.mark.parametrize("status", [302, 404, 500, 503])
async def test_a_failing_auth_leaves_the_last_good_set(jwks: Jwks, auth: Auth, status: int) -> None:
    await jwks.refresh()
    auth.status, auth.text = status, key_set(NEW)
    await jwks.refresh()
    assert isinstance(await jwks.find("old"), PyJWK)


async def test_a_key_that_auth_no_longer_publishes_is_gone(jwks: Jwks, auth: Auth) -> None:
    await jwks.refresh()
    auth.text = key_set(NEW)
    await jwks.refresh()
    assert await jwks.find("old") is None
    assert isinstance(await jwks.find("new"), PyJWK)


async def test_a_key_of_another_algorithm_or_without_an_id_is_not_taken(jwks: Jwks, auth: Auth) -> None:
    foreign: list[dict[str, Any]] = [
        {"kty": "oct", "kid": "oct", "alg": "HS256", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LTEyMzQ"},
        {name: value for name, value in NEW.key_set["keys"][0].items() if name != "kid"},
    ]
    auth.text = json.dumps({"keys": foreign + OLD.key_set["keys"]})
    await jwks.refresh()
    assert await jwks.find("oct") is None
    assert await jwks.find(None) is None
    assert await jwks.find("") is None
    assert isinstance(await jwks.find("old"), PyJWK)


async def test_the_last_good_set_is_on_disk_for_a_start_without_auth(auth: Auth, tmp_path: Path) -> None:
    cache = tmp_path / "jwks.json"
    await jwks_with_cache(auth, cache).refresh()
    auth.status = 503
    later = jwks_with_cache(auth, cache)
    later.load_cache()
    await later.check()
    assert isinstance(await later.find("old"), PyJWK)
    assert auth.asked == 1
    assert names_in(tmp_path) == ["jwks.json"]


async def test_a_bad_answer_never_reaches_the_disk(auth: Auth, tmp_path: Path) -> None:
    cache = tmp_path / "jwks.json"
    jwks = jwks_with_cache(auth, cache)
    await jwks.refresh()
    good = cache.read_text()
    auth.text = '{"keys":[]}'
    await jwks.refresh()
    assert cache.read_text() == good


@pytest.mark.parametrize("content", [None, b"", b"{", b"[]", b"\xff\xfe", b'{"keys":[]}'])
async def test_a_missing_or_broken_file_is_as_good_as_none(auth: Auth, tmp_path: Path, content: bytes | None) -> None:
    cache = tmp_path / "jwks.json"
    if content is not None:
        cache.write_bytes(content)
    jwks = jwks_with_cache(auth, cache)
    jwks.load_cache()
    with pytest.raises(Unavailable):
        await jwks.check()
    assert isinstance(await jwks.find("old"), PyJWK)


async def test_a_disk_that_cannot_be_written_costs_only_the_cache(auth: Auth, tmp_path: Path) -> None:
    jwks = jwks_with_cache(auth, tmp_path / "no" / "such" / "folder" / "jwks.json")
    await jwks.refresh()
    assert isinstance(await jwks.find("old"), PyJWK)


async def test_running_refreshes_by_itself(jwks: Jwks, auth: Auth, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("callboard_servicekit.token_keys.REFRESH_SECONDS", 0.001)
    monkeypatch.setattr("callboard_servicekit.token_keys.FIRST_FETCH_RETRY_SECONDS", 0.001)
    auth.status = 503
    task = asyncio.create_task(jwks.run())
    await eventually(lambda: auth.asked >= 2)
    auth.status = 200
    await eventually(lambda: knows_keys(jwks))
    auth.text = key_set(NEW)
    await eventually(lambda: has(jwks, "new"))
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def knows_keys(jwks: Jwks) -> bool:
    try:
        await jwks.check()
    except Unavailable:
        return False
    return True


async def has(jwks: Jwks, kid: str) -> bool:
    return await jwks.find(kid) is not None


async def test_a_shared_secret_is_one_key_whatever_the_id() -> None:
    secret = SharedSecret(SecretStr("0123456789abcdefghijklmnopqrstuv"))
    assert secret.algorithm == "HS256"
    assert await secret.find("a") == await secret.find(None) == b"0123456789abcdefghijklmnopqrstuv"

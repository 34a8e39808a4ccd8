"""The table of attacks on primary tokens: each one is the same InvalidToken."""

import base64
import hmac
import json
import time
from typing import Any

import jwt
import pytest
from callboard_servicekit import token_verifier
from callboard_servicekit.errors import Unavailable
from callboard_servicekit.token_keys import SharedSecret
from callboard_servicekit.token_verifier import MAX_TOKEN_LENGTH, InvalidToken, TokenVerifier
from callboard_testkit.signing import TokenMinter
from cryptography.hazmat.primitives import serialization
from hypothesis import given
from hypothesis import strategies as st
from jwt import PyJWK
from pydantic import SecretStr

MINTER = TokenMinter()
SECRET = "0123456789abcdefghijklmnopqrstuv"
PUBLIC_PEM = MINTER.private_key.public_key().public_bytes(
    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
)
PUBLIC_RAW = MINTER.private_key.public_key().public_bytes_raw()


class Keys:
    """The minter's published key, and how often it was asked for."""

    algorithm = "EdDSA"

    def __init__(self) -> None:
        self.asked = 0
        self._key: PyJWK | None = PyJWK(MINTER.key_set["keys"][0])

    def retire(self) -> None:
        self._key = None

    async def find(self, kid: str | None) -> PyJWK | bytes | None:
        self.asked += 1
        return self._key if kid == MINTER.kid else None


class NoKeysYet(Keys):
    async def find(self, kid: str | None) -> PyJWK | bytes | None:
        raise Unavailable(f"{kid} is not known yet")


class Clock:
    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


def verifier(clock: Clock | None = None) -> TokenVerifier:
    return TokenVerifier(Keys(), MINTER.issuer, clock or Clock())


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def unsigned(header: Any, payload: Any, signature: bytes = b"") -> str:
    return ".".join([b64(json.dumps(header).encode()), b64(json.dumps(payload).encode()), b64(signature)])


def signed_hs256(key: bytes) -> str:
    """HS256 under the public key, past the library's own refusal to do so."""
    return sign_by_hand({"alg": "HS256", "typ": "at+jwt", "kid": MINTER.kid}, key)


def sign_by_hand(header: dict[str, Any], key: bytes) -> str:
    body = unsigned(header, MINTER.claims()).rpartition(".")[0]
    return f"{body}.{b64(hmac.digest(key, body.encode(), 'sha256'))}"


def tampered(part: int) -> str:
    parts = MINTER.mint().split(".")
    middle = len(parts[part]) // 2
    swapped = "A" if parts[part][middle] != "A" else "B"
    parts[part] = parts[part][:middle] + swapped + parts[part][middle + 1 :]
    return ".".join(parts)


def with_payload(**overrides: Any) -> str:
    header, _, signature = MINTER.mint().split(".")
    return f"{header}.{b64(json.dumps(MINTER.claims(**overrides)).encode())}.{signature}"


def deep(header: bool) -> str:
    """A part that nests as deep as the length of a token allows."""
    abyss = b64(b'{"a":' * 500 + b"1" + b"}" * 500) if not header else b64(b"[" * 2_900)
    good_header, payload, signature = MINTER.mint().split(".")
    return f"{abyss}.{payload}.{signature}" if header else f"{good_header}.{abyss}.{signature}"


NOW = int(time.time())
GOOD = {"alg": "EdDSA", "typ": "at+jwt", "kid": MINTER.kid}

ATTACKS: dict[str, str] = {
    "alg none": unsigned(GOOD | {"alg": "none"}, MINTER.claims()),
    "alg None": unsigned(GOOD | {"alg": "None"}, MINTER.claims()),
    "alg empty": unsigned(GOOD | {"alg": ""}, MINTER.claims()),
    "alg null": unsigned(GOOD | {"alg": None}, MINTER.claims()),
    "alg a list": unsigned(GOOD | {"alg": ["EdDSA"]}, MINTER.claims()),
    "alg absent": unsigned({"typ": "at+jwt", "kid": MINTER.kid}, MINTER.claims()),
    "right alg, no signature": unsigned(GOOD, MINTER.claims()),
    "right alg, empty signature of 64 bytes": unsigned(GOOD, MINTER.claims(), b"\0" * 64),
    "HS256 under the public key's PEM": signed_hs256(PUBLIC_PEM),
    "HS256 under the raw public key": signed_hs256(PUBLIC_RAW),
    "header says EdDSA, signature is HS256": sign_by_hand(GOOD, PUBLIC_RAW),
    "typ JWT": MINTER.mint(headers={"typ": "JWT"}),
    "typ absent": MINTER.mint(headers={"typ": None}),
    "typ of a ticket": MINTER.mint(headers={"typ": "ws-connect+jwt"}),
    "typ in capitals": MINTER.mint(headers={"typ": "AT+JWT"}),
    "crit": MINTER.mint(headers={"crit": ["exp"]}),
    "b64 false": MINTER.mint(headers={"b64": False, "crit": ["b64"]}),
    "foreign kid": MINTER.mint(headers={"kid": "foreign"}),
    "kid absent": jwt.encode(MINTER.claims(), MINTER.private_key, "EdDSA", headers={"typ": "at+jwt"}),
    "kid a path": MINTER.mint(headers={"kid": "../../dev/null"}),
    "kid a number": unsigned(GOOD | {"kid": 7}, MINTER.claims()),
    "kid an object": unsigned(GOOD | {"kid": {}}, MINTER.claims()),
    "jwk in the header": unsigned(GOOD | {"jwk": MINTER.key_set["keys"][0]}, MINTER.claims()),
    "another key under our kid": TokenMinter().mint(),
    "aud of a ticket": MINTER.mint(aud="callboard-social"),
    "aud absent": MINTER.mint(aud=None),
    "aud a list": MINTER.mint(aud=["callboard"]),
    "iss another": MINTER.mint(iss="http://evil.example"),
    "iss with a slash": MINTER.mint(iss=MINTER.issuer + "/"),
    "iss absent": MINTER.mint(iss=None),
    "expired": MINTER.mint(iat=NOW - 1_000, exp=NOW - 100),
    "expired just now": MINTER.mint(exp=NOW),
    "exp absent": MINTER.mint(exp=None),
    "exp text": MINTER.mint(exp="later"),
    "exp infinite": MINTER.mint(exp=float("inf")),
    "exp not a number": MINTER.mint(exp=float("nan")),
    "issued in the future": MINTER.mint(iat=NOW + 3_600, exp=NOW + 7_200),
    "not valid before": MINTER.mint(nbf=NOW + 3_600),
    "iat absent": MINTER.mint(iat=None),
    "iat text": MINTER.mint(iat="now"),
    "jti absent": MINTER.mint(jti=None),
    "sub absent": MINTER.mint(sub=None),
    "sub empty": MINTER.mint(sub=""),
    "sub a number": unsigned(GOOD, MINTER.claims() | {"sub": 1}),
    "org absent": MINTER.mint(org=None),
    "org empty": MINTER.mint(org=""),
    "role unknown": MINTER.mint(role="root"),
    "role absent": MINTER.mint(role=None),
    "kind unknown": MINTER.mint(kind="robot"),
    "tampered header": tampered(0),
    "tampered payload": tampered(1),
    "tampered signature": tampered(2),
    "another payload under a good signature": with_payload(org="org-2"),
    "over-long": MINTER.mint(padding="x" * MAX_TOKEN_LENGTH),
    "over-long garbage": "x" * 10_000_000,
    "empty": "",
    "dots": "..",
    "one part": MINTER.mint().split(".")[0],
    "two parts": MINTER.mint().rpartition(".")[0],
    "four parts": MINTER.mint() + ".x",
    "five parts": MINTER.mint() + ".x.y",
    "space before": " " + MINTER.mint(),
    "space after": MINTER.mint() + " ",
    "line break inside": MINTER.mint().replace(".", ".\n", 1),
    "header no json": "bm8." + MINTER.mint().partition(".")[2],
    "header a list": unsigned(["EdDSA"], MINTER.claims()),
    "payload a list": unsigned(GOOD, [MINTER.claims()]),
    "header in an abyss": deep(header=True),
    "payload in an abyss": deep(header=False),
    "a whole jwt as payload": jwt.api_jws.encode(MINTER.mint().encode(), MINTER.private_key, "EdDSA", headers=GOOD),
    "unicode": "\u00e9\u4e2d\U0001f600." * 3,
    "a lone surrogate": "\ud800.\ud800.\ud800",
    "nul": "\0.\0.\0",
    "api token": "ah_live_0123456789_abcdef",
}


@pytest.mark.parametrize("token", ATTACKS.values(), ids=ATTACKS.keys())
@pytest.mark.parametrize("has_seen_a_good_one", [False, True])
async def test_an_attack_is_an_invalid_token_and_says_no_more(token: str, *, has_seen_a_good_one: bool) -> None:
    checks = verifier()
    if has_seen_a_good_one:
        await checks.verify(MINTER.mint())
    with pytest.raises(InvalidToken) as refusal:
        await checks.verify(token)
    assert refusal.value.detail == "Invalid or expired token"
    assert refusal.value.status == 401


@given(st.text(max_size=200) | st.text("eyJ.-_abc0", max_size=200))
async def test_any_text_is_an_invalid_token(token: str) -> None:
    with pytest.raises(InvalidToken):
        await verifier().verify(token)


async def test_a_token_of_ours_is_its_claims() -> None:
    claims = await verifier().verify(MINTER.mint(sub="u1", org="o1", role="viewer", sid="s1"))
    assert (claims.sub, claims.org, claims.role, claims.sid) == ("u1", "o1", "viewer", "s1")


async def test_auth_s_clock_may_be_a_little_ahead() -> None:
    assert (await verifier().verify(MINTER.mint(iat=int(time.time()) + 3))).sub == "user-1"


async def test_a_verified_token_is_not_checked_again_but_still_expires() -> None:
    clock, keys = Clock(), Keys()
    told: list[str] = []
    checks = TokenVerifier(keys, MINTER.issuer, clock, on_check=told.append)
    token = MINTER.mint(exp=int(clock.now) + 60)
    for _ in range(3):
        await checks.verify(token)
    assert keys.asked == 1
    clock.now += 61
    with pytest.raises(InvalidToken):
        await checks.verify(token)
    assert told == ["verified", "cached", "cached", "refused"]


async def test_a_header_that_was_read_before_does_not_keep_its_key_alive() -> None:
    keys = Keys()
    checks = TokenVerifier(keys, MINTER.issuer)
    await checks.verify(MINTER.mint())
    keys.retire()
    with pytest.raises(InvalidToken):
        await checks.verify(MINTER.mint())


async def test_the_cache_is_bounded_and_refused_tokens_never_enter_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(token_verifier, "CACHED_TOKENS", 2)
    keys = Keys()
    checks = TokenVerifier(keys, MINTER.issuer)
    first, second, third = (MINTER.mint() for _ in range(3))
    for token in (first, second, third, third, second):
        await checks.verify(token)
    assert keys.asked == 3
    await checks.verify(first)
    assert keys.asked == 4
    for _ in range(2):
        with pytest.raises(InvalidToken):
            await checks.verify(MINTER.mint(aud="another"))
    await checks.verify(first)
    assert keys.asked == 6


async def test_while_no_keys_are_known_it_cannot_be_told() -> None:
    with pytest.raises(Unavailable):
        await TokenVerifier(NoKeysYet(), MINTER.issuer).verify(MINTER.mint())


async def test_under_a_shared_secret_only_hs256_counts() -> None:
    checks = TokenVerifier(SharedSecret(SecretStr(SECRET)), MINTER.issuer)
    headers = {"typ": "at+jwt"}
    assert (await checks.verify(jwt.encode(MINTER.claims(), SECRET, "HS256", headers=headers))).sub == "user-1"
    refused = [
        jwt.encode(MINTER.claims(), SECRET[::-1], "HS256", headers=headers),
        jwt.encode(MINTER.claims(), SECRET * 2, "HS512", headers=headers),
        jwt.encode(MINTER.claims(), SECRET, "HS256"),
        MINTER.mint(),
        ATTACKS["alg none"],
    ]
    for token in refused:
        with pytest.raises(InvalidToken):
            await checks.verify(token)

"""Signs primary tokens, and says how they are verified. The algorithm comes from the settings alone."""

from collections.abc import Sequence
from typing import Any, Protocol

import jwt
from callboard_contracts.identity import PRIMARY_TOKEN_TYPE, PrimaryClaims
from callboard_servicekit.token_keys import EDDSA, HS256, SharedSecret, VerificationKeys
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt import PyJWK
from pydantic import SecretStr


class Signer(Protocol):
    @property
    def verification_keys(self) -> VerificationKeys: ...

    @property
    def key_set(self) -> dict[str, Any]:
        """What is published: a JSON Web Key Set."""
        ...

    def sign(self, claims: PrimaryClaims) -> str: ...


class PublishedKeys:
    """Auth's own key set, as its own verifier sees it."""

    algorithm = EDDSA

    def __init__(self, public_jwks: Sequence[dict[str, Any]]) -> None:
        self._keys = {str(jwk["kid"]): PyJWK(jwk) for jwk in public_jwks}

    async def find(self, kid: str | None) -> PyJWK | bytes | None:
        return self._keys.get(kid or "")


class KeyPairSigner:
    """Signs with the active key pair; verifies with every published one."""

    def __init__(self, kid: str, private_key: Ed25519PrivateKey, public_jwks: Sequence[dict[str, Any]]) -> None:
        self._kid = kid
        self._private_key = private_key
        self.verification_keys: VerificationKeys = PublishedKeys(public_jwks)
        self.key_set: dict[str, Any] = {"keys": list(public_jwks)}

    def sign(self, claims: PrimaryClaims) -> str:
        headers = {"typ": PRIMARY_TOKEN_TYPE, "kid": self._kid}
        return jwt.encode(_payload(claims), self._private_key, algorithm=EDDSA, headers=headers)


class SharedSecretSigner:
    """HS256 under `JWT_SECRET`: nothing is published, whoever verifies has the secret."""

    def __init__(self, secret: SecretStr) -> None:
        self._key = secret.get_secret_value().encode()
        self.verification_keys: VerificationKeys = SharedSecret(secret)
        self.key_set: dict[str, Any] = {"keys": []}

    def sign(self, claims: PrimaryClaims) -> str:
        return jwt.encode(_payload(claims), self._key, algorithm=HS256, headers={"typ": PRIMARY_TOKEN_TYPE})


def _payload(claims: PrimaryClaims) -> dict[str, Any]:
    return claims.model_dump(mode="json", by_alias=True, exclude_none=True)

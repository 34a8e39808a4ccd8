"""Ed25519 key pairs, and the form in which they are stored and published."""

import uuid
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from jwt.algorithms import OKPAlgorithm
from pydantic import SecretStr

from callboard_auth.errors import WrongKeyPassphrase
from callboard_auth.keys.repository import StoredKey


def new_key(passphrase: SecretStr) -> StoredKey:
    private_key = Ed25519PrivateKey.generate()
    encryption = BestAvailableEncryption(passphrase.get_secret_value().encode())
    private_pem = private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)
    public_pem = private_key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return StoredKey(uuid.uuid4().hex, private_pem.decode(), public_pem.decode())


def open_private_key(key: StoredKey, passphrase: SecretStr) -> Ed25519PrivateKey:
    """Decrypt the private half; raises `WrongKeyPassphrase`."""
    try:
        private_key = load_pem_private_key(key.private_pem.encode(), passphrase.get_secret_value().encode())
    except ValueError as error:
        raise WrongKeyPassphrase from error
    if not isinstance(private_key, Ed25519PrivateKey):
        raise TypeError("the signing key is not an Ed25519 key")
    return private_key


def public_jwk(key: StoredKey) -> dict[str, Any]:
    public_key = load_pem_public_key(key.public_pem.encode())
    if not isinstance(public_key, Ed25519PublicKey):
        raise TypeError("the signing key is not an Ed25519 key")
    return {**OKPAlgorithm.to_jwk(public_key, as_dict=True), "kid": key.kid, "use": "sig", "alg": "EdDSA"}

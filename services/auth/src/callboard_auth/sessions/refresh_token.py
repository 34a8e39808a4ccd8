"""Refresh tokens: random at login, from then on each derived from the one before.

Only hashes are stored. The successor of a token is a keyed hash of it, so a client whose answer was lost gets the
very same one again, and nobody who reads the database can make one.
"""

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64encode

TOKEN_BYTES = 32


def _encode(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def new_salt() -> bytes:
    return secrets.token_bytes(TOKEN_BYTES)


def first_token() -> str:
    return _encode(secrets.token_bytes(TOKEN_BYTES))


def successor(salt: bytes, token: str) -> str:
    return _encode(hmac.digest(salt, token.encode(), "sha256"))


def token_hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()

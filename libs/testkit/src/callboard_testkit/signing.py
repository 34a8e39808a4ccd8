"""Primary tokens as auth would sign them, and the key set that verifies them, served over HTTP."""

import json
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm

ISSUER = "http://localhost:8080"


class TokenMinter:
    """Signs with one Ed25519 key under one ``kid``; every claim and header can be overridden, None removes it."""

    def __init__(self, kid: str = "test-key", issuer: str = ISSUER) -> None:
        self.kid = kid
        self.issuer = issuer
        self.private_key = Ed25519PrivateKey.generate()

    @property
    def key_set(self) -> dict[str, Any]:
        public = OKPAlgorithm.to_jwk(self.private_key.public_key(), as_dict=True)
        return {"keys": [{**public, "kid": self.kid, "use": "sig", "alg": "EdDSA"}]}

    def claims(self, **overrides: Any) -> dict[str, Any]:
        now = int(time.time())
        user = overrides.get("sub", "user-1")
        org = overrides.get("org", "org-1")
        claims = {
            "iss": self.issuer,
            "aud": "callboard",
            "sub": user,
            "login": "ada",
            "org": org,
            "role": "member",
            "kind": "user",
            "sid": "session-1",
            "iat": now,
            "exp": now + 900,
            "jti": uuid.uuid4().hex,
            "user_id": user,
            "organizationId": org,
        }
        return {name: value for name, value in (claims | overrides).items() if value is not None}

    def mint(self, *, headers: dict[str, Any] | None = None, **overrides: Any) -> str:
        header = {"typ": "at+jwt", "kid": self.kid} | (headers or {})
        return jwt.encode(self.claims(**overrides), self.private_key, algorithm="EdDSA", headers=header)


@contextmanager
def serve_key_set(minter: TokenMinter) -> Iterator[str]:
    """A real HTTP server with the minter's key set; gives its URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(minter.key_set).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it so
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/.well-known/jwks.json"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

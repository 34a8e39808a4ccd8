"""The opening handshake of RFC 6455, server side: what a request says, and the answers to it."""

import binascii
from base64 import b64decode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from http import HTTPStatus

from websockets.utils import accept_key

VERSION = b"13"
KEY_BYTES = 16

Headers = Sequence[tuple[bytes, bytes]]


class OpeningRefused(Exception):
    """A request that asks for no WebSocket, or for none that we speak."""

    def __init__(self, status: HTTPStatus, detail: str, headers: Headers = ()) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = headers


@dataclass(frozen=True, slots=True)
class Opening:
    """A request for an upgrade. Header names are in lower case, `target` is its path and query."""

    target: bytes
    headers: Headers
    key: bytes
    subprotocols: list[str]

    @classmethod
    def parse(cls, head: bytes) -> "Opening":
        """Read a request whose grammar is known to be good, in one piece.

        Raises:
            OpeningRefused: for all that is no opening handshake.
        """
        request_line, *lines = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
        method, target, _ = request_line.split(b" ", 2)
        if method != b"GET":
            raise OpeningRefused(HTTPStatus.BAD_REQUEST, "A WebSocket is opened by GET.")
        headers = []
        for line in lines:
            name, _, value = line.partition(b":")
            headers.append((name.lower(), value.strip()))
        if _only(headers, b"sec-websocket-version") != VERSION:
            supported = [(b"sec-websocket-version", VERSION)]
            raise OpeningRefused(HTTPStatus.UPGRADE_REQUIRED, "Sec-WebSocket-Version has to be 13.", supported)
        key = _only(headers, b"sec-websocket-key")
        if key is None or not _is_key(key):
            raise OpeningRefused(HTTPStatus.BAD_REQUEST, "Sec-WebSocket-Key has to be 16 bytes in base64.")
        offered = [value.decode("latin-1") for name, value in headers if name == b"sec-websocket-protocol"]
        return cls(target, headers, key, [part.strip() for value in offered for part in value.split(",")])

    def accept(self, subprotocol: str | None, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
        """The answer that opens the socket."""
        fields = [
            (b"Upgrade", b"websocket"),
            (b"Connection", b"Upgrade"),
            (b"Sec-WebSocket-Accept", accept_key(self.key.decode()).encode()),
            *headers,
        ]
        if subprotocol is not None:
            fields.append((b"Sec-WebSocket-Protocol", subprotocol.encode("latin-1")))
        return _head(HTTPStatus.SWITCHING_PROTOCOLS, fields)


def refusal(status: int, headers: Headers, body: bytes) -> bytes:
    """An answer that opens nothing; the connection is closed after it."""
    fields = [(name, value) for name, value in headers if name.lower() not in {b"content-length", b"connection"}]
    return _head(status, [*fields, (b"Content-Length", b"%d" % len(body)), (b"Connection", b"close")]) + body


def _head(status: int, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = ""
    lines = [b"HTTP/1.1 %d %s" % (status, phrase.encode()), *(name + b": " + value for name, value in headers)]
    return b"\r\n".join(lines) + b"\r\n\r\n"


def _only(headers: Headers, wanted: bytes) -> bytes | None:
    """The value of a header that may come once only."""
    values = [value for name, value in headers if name == wanted]
    return values[0] if len(values) == 1 else None


def _is_key(key: bytes) -> bool:
    try:
        return len(b64decode(key, validate=True)) == KEY_BYTES
    except binascii.Error:
        return False

"""What is taken for an upgrade without asking uvicorn's parser: only what every parser reads alike."""

import pytest
from callboard_social.handoff.first_bytes import upgrade_head

LINES = (
    "Host: localhost",
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
)


def head(*lines: str, first: str = "GET /socket?a=b HTTP/1.1") -> bytes:
    return "\r\n".join([first, *lines, "", ""]).encode("latin-1")


@pytest.mark.parametrize(
    "lines",
    [
        LINES,
        ("host:localhost", "UPGRADE:\tWebSocket ", "connection: keep-alive, Upgrade", *LINES[3:]),
        ("Connection: upgrade , close", "Upgrade: websocket", "Cookie: a=\xe9; b=c"),
        ("Connection:,Upgrade,", "Upgrade: websocket", "X-Empty:"),
    ],
)
def test_a_plain_upgrade_is_taken_and_what_follows_it_is_not_its_head(lines: tuple[str, ...]) -> None:
    whole = head(*lines)
    assert upgrade_head(whole) == whole
    assert upgrade_head(whole + b"\x81\x80abcd") == whole


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"GET",
        head(*LINES)[:-1],
        head("Host: localhost"),
        head("Host: localhost", "Upgrade: websocket"),
        head("Host: localhost", "Connection: Upgrade"),
        head("Upgrade: h2c", "Connection: Upgrade"),
        head("Upgrade: websocket, h2c", "Connection: Upgrade"),
        head("Upgrade: websocket", "Connection: upgraded"),
        head(*LINES, "Upgrade: h2c"),
        head(*LINES, "Connection: close"),
        head("Upgrade: websocket", "Upgrade: websocket"),
        head(*LINES, first="GET http://localhost/socket HTTP/1.1"),
        head(*LINES, first="GET ?a=b HTTP/1.1"),
        head(*LINES, first="GET localhost:80 HTTP/1.1"),
        head("X-Upgrade: websocket", "Connection: Upgrade"),
        head(*LINES, first="POST /socket HTTP/1.1"),
        head(*LINES, first="GET /socket HTTP/1.0"),
        head(*LINES, first="GET  /socket HTTP/1.1"),
        head(*LINES, first="GET /so cket HTTP/1.1"),
        head(*LINES, first="GET /s\xf6cket HTTP/1.1"),
        head(*LINES, "Content-Length: 5") + b"hello",
        head(*LINES, "transfer-encoding: chunked"),
        head(*LINES, "Expect: 100-continue"),
        head(*LINES, " folded: line"),
        head(*LINES, "Space : before the colon"),
        head(*LINES, "no colon"),
        head(*LINES, "X-Nul: \0"),
        head(*LINES, "X-Bare: a\rb"),
        head(*LINES, "X-Bare: a\nb"),
        head(*LINES).replace(b"\r\n", b"\n"),
        b"\r\n" + head(*LINES),
    ],
)
def test_whatever_is_odd_or_no_upgrade_is_left_to_uvicorn(data: bytes) -> None:
    assert upgrade_head(data) == b""

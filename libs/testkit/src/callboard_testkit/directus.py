"""A small server that knows its people by a cookie, as a Directus does."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

COOKIE = "directus_session_token"


class Directus:
    """``sessions`` are the people who are signed in, by the value of their cookie."""

    def __init__(self) -> None:
        self.sessions: dict[str, dict[str, Any]] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())

    @property
    def users_me(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/users/me"

    def answer(self, path: str, cookie: str) -> tuple[int, dict[str, Any]]:
        """Status and body for one request."""
        if path != "/users/me":
            return 404, {"errors": [{"message": "Route doesn't exist."}]}
        session = SimpleCookie(cookie).get(COOKIE)
        user = self.sessions.get(session.value) if session else None
        if user is None:
            return 401, {"errors": [{"message": "Invalid user credentials.", "extensions": {"code": "INVALID_TOKEN"}}]}
        return 200, {"data": user}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        directus = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, body = directus.answer(self.path, self.headers.get("Cookie", ""))
                text = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json; charset=utf-8")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's name
                """Say nothing."""

        return Handler

    @contextmanager
    def serving(self) -> Iterator[None]:
        thread = threading.Thread(target=self._server.serve_forever)
        thread.start()
        try:
            yield
        finally:
            self._server.shutdown()
            thread.join()
            self._server.server_close()

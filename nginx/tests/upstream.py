"""Small real servers behind the gateway that say what reached them."""

import asyncio
import json
import threading
from typing import Any

import uvicorn
from callboard_testkit.waiting import free_port

PATIENCE_SECONDS = 15.0


class Upstream:
    """Answers every request with what it received; ``status`` and ``headers`` decide how, ``released`` when."""

    def __init__(self, name: str, host: str = "127.0.0.1", port: int = 0) -> None:
        self.name = name
        self.host = host
        self.port = port or free_port()
        self.status = 200
        self.headers: list[tuple[str, str]] = []
        self.asked = 0
        self.released = threading.Event()
        self.released.set()
        config = uvicorn.Config(
            self._answer,
            host=host,
            port=self.port,
            interface="asgi3",
            log_config=None,
            lifespan="off",
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)

    @property
    def peer(self) -> str:
        return f"{self.host}:{self.port}"

    def start(self) -> None:
        self._thread.start()
        while self._thread.is_alive() and not self._server.started:
            self._thread.join(0.01)

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(PATIENCE_SECONDS)

    async def _answer(self, scope: Any, receive: Any, send: Any) -> None:
        self.asked += 1
        if not self.released.is_set():
            await asyncio.to_thread(self.released.wait, PATIENCE_SECONDS)
        body = b""
        if scope["type"] == "http":
            while (message := await receive())["type"] == "http.request":
                body += message["body"]
                if not message.get("more_body"):
                    break
        path = scope["raw_path"].decode()
        query = scope["query_string"].decode()
        received = {
            "upstream": self.name,
            "path": path + (f"?{query}" if query else ""),
            "headers": {name.decode().lower(): value.decode("latin-1") for name, value in scope["headers"]},
            "bytes": len(body),
        }
        if scope["type"] == "websocket" and self.status == 200:
            await self._converse(scope, receive, send, received)
            return
        prefix = "websocket.http.response" if scope["type"] == "websocket" else "http.response"
        headers = [(name.encode(), value.encode()) for name, value in self.headers]
        await send({"type": f"{prefix}.start", "status": self.status, "headers": headers})
        await send({"type": f"{prefix}.body", "body": json.dumps(received).encode()})

    @staticmethod
    async def _converse(scope: Any, receive: Any, send: Any, received: dict[str, Any]) -> None:
        await receive()
        await send({"type": "websocket.accept", "subprotocol": next(iter(scope["subprotocols"]), None)})
        await send({"type": "websocket.send", "text": json.dumps(received)})
        while (message := await receive())["type"] == "websocket.receive":
            await send({"type": "websocket.send", "text": message["text"]})

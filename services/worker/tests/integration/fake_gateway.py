"""A gateway of one organisation, in memory: what the contracts say of it, and whatever fault a test asks for."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from callboard_contracts.native import SUBPROTOCOL, TICKET_SUBPROTOCOL_PREFIX
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

API_TOKEN = "ah_live_1_goodsecret"
PASSWORD = "correct horse"
AT = "2026-01-02T03:04:05.000Z"
TOKEN = {
    "id": "t1",
    "agentId": "a1",
    "name": "ci\x1b]0;x\x07",
    "createdAt": AT,
    "expiresAt": None,
    "lastUsedAt": None,
    "replacedBy": None,
}
FINAL = {"PASSED", "FAILED", "ERROR", "CANCELLED"}


def problem(status: int, code: str, headers: dict[str, str] | None = None, **members: Any) -> Response:
    body = {
        "type": f"about:blank#{code}",
        "title": code,
        "status": status,
        "detail": f"detail of {code}",
        "instance": "/",
        "code": code,
        "requestId": "req-1",
    }
    return JSONResponse(body | members, status, headers, media_type="application/problem+json")


@dataclass
class FakeGateway:
    faults: deque[Callable[[], Awaitable[Response]] | Response] = field(default_factory=deque)
    """Each is the answer to one call to the producer, in place of the right one."""
    updates: list[dict[str, Any]] = field(default_factory=list)
    logs: dict[tuple[str, int], list[str]] = field(default_factory=dict)
    attempts: dict[str, int] = field(default_factory=dict)
    finished: set[str] = field(default_factory=set)
    told: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    """Agents' events by workflow and id."""
    exchanges: int = 0
    tickets: int = 0
    calls: list[tuple[str, str]] = field(default_factory=list)
    jwt: str = "jwt-0"
    sockets: list[WebSocket] = field(default_factory=list)
    on_connect: deque[tuple[int, str]] = field(default_factory=deque)
    """Each closes one new socket at once, with this code and reason."""
    positions: dict[str, str] = field(default_factory=lambda: {"org": "e1:0", "room:general": "e1:0"})
    refused_channels: set[str] = field(default_factory=set)

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/auth/api/v1/sessions", self.exchange, methods=["POST"]),
                Route("/auth/api/login", self.login, methods=["POST"]),
                Route("/auth/api/logout", self.logout, methods=["POST"]),
                Route("/auth/api/v1/tokens", self.tokens, methods=["GET", "POST"]),
                Route("/auth/api/v1/tokens/{token_id}", self.revoke, methods=["DELETE"]),
                Route("/auth/api/v1/tokens/{token_id}/rotate", self.rotate, methods=["POST"]),
                Route("/producer/executions", self.list_executions, methods=["GET"]),
                Route("/producer/executions/update", self.update, methods=["POST"]),
                Route("/producer/executions/{task_id}", self.show, methods=["GET"]),
                Route("/producer/executions/{task_id}/logs", self.log, methods=["GET", "POST"]),
                Route("/producer/workflows/{workflow_id}/events", self.tell, methods=["POST"]),
                Route("/social/api/socials/connect-token", self.connect_token, methods=["POST"]),
                WebSocketRoute("/social/api/socials/ws", self.socket),
            ]
        )

    def statuses(self, task_id: str | None = None) -> list[str]:
        return [update["status"] for update in self.updates if task_id in {None, update["taskId"]}]

    async def exchange(self, request: Request) -> Response:
        if (await request.json())["token"] != API_TOKEN:
            return problem(401, "not-authenticated")
        self.exchanges += 1
        self.jwt = f"jwt-{self.exchanges}"
        agent, organization = {"id": "a1", "name": "ci"}, {"id": "org-1", "name": "Acme"}
        return JSONResponse({"token": self.jwt, "expiresIn": 900, "agent": agent, "organization": organization})

    async def login(self, request: Request) -> Response:
        self.calls.append(("login", request.headers.get("cookie", "")))
        if (await request.json())["password"] != PASSWORD:
            return problem(401, "not-authenticated")
        user = {"id": "u1", "login": "ann", "email": None, "role": "owner"}
        session = {"token": "user-jwt", "expiresIn": 900, "user": user, "organization": {"id": "org-1", "name": "Acme"}}
        answer = JSONResponse(session)
        answer.set_cookie("auth_token", "user-jwt")
        return answer

    async def logout(self, request: Request) -> Response:
        self.calls.append(("logout", request.headers.get("cookie", "")))
        return Response(status_code=204)

    async def tokens(self, request: Request) -> Response:
        if request.method == "GET":
            return JSONResponse({"tokens": [TOKEN, TOKEN | {"id": "t0", "replacedBy": "t1"}]})
        self.calls.append(("create", str(await request.json())))
        return JSONResponse(TOKEN | {"token": API_TOKEN}, 201)

    async def rotate(self, request: Request) -> Response:
        token_id = request.path_params["token_id"]
        self.calls.append(("rotate", f"{token_id} {await request.json()}"))
        if token_id != "t1":
            return problem(409, "api-token-already-rotated", replacedBy="t1")
        return JSONResponse(TOKEN | {"token": API_TOKEN, "replaces": {"id": "t1", "expiresAt": AT}}, 201)

    async def revoke(self, request: Request) -> Response:
        self.calls.append(("revoke", request.path_params["token_id"]))
        return Response(status_code=204)

    async def _fault(self, request: Request) -> Response | None:
        if request.headers.get("authorization") != f"Bearer {self.jwt}":
            return problem(401, "not-authenticated")
        if self.faults:
            fault = self.faults.popleft()
            return fault if isinstance(fault, Response) else await fault()
        return None

    async def update(self, request: Request) -> Response:
        body = await request.json()
        if fault := await self._fault(request):
            return fault
        task_id = body["taskId"]
        self.attempts.setdefault(task_id, 1)
        if task_id in self.finished and body["status"] not in FINAL:
            if body.get("attempt", 0) <= self.attempts[task_id]:
                return problem(409, "attempt-over")
            self.attempts[task_id] = body["attempt"]
            self.finished.discard(task_id)
        if body["status"] in FINAL:
            self.finished.add(task_id)
        self.updates.append(body)
        return JSONResponse({"status": "broadcasted", "position": f"e1:{len(self.updates)}"})

    async def list_executions(self, request: Request) -> Response:
        rows = [self._row(task_id) for task_id in self.attempts]
        link = '</executions?cursor=abc&limit=1>; rel="next"' if "cursor" not in request.query_params else ""
        return JSONResponse(rows, headers={"X-Position": "e1:7"} | ({"Link": link} if link else {}))

    async def show(self, request: Request) -> Response:
        task_id = request.path_params["task_id"]
        return JSONResponse(self._row(task_id)) if task_id in self.attempts else problem(404, "not-found")

    def _row(self, task_id: str) -> dict[str, Any]:
        known = {"taskId": task_id, "organizationId": "org-1", "status": "RUNNING", "attempt": self.attempts[task_id]}
        return known | {"version": 1, "createdAt": AT, "updatedAt": AT}

    async def log(self, request: Request) -> Response:
        if fault := await self._fault(request):
            return fault
        task_id = request.path_params["task_id"]
        if task_id not in self.attempts:
            return problem(404, "not-found")
        return await self.append(request, task_id) if request.method == "POST" else self.page(request, task_id)

    async def append(self, request: Request, task_id: str) -> Response:
        body = await request.json()
        attempt = body.get("attempt") or self.attempts[task_id]
        stored = self.logs.setdefault((task_id, attempt), [])
        first = body["firstLine"]
        if first > len(stored) + 1:
            return problem(409, "line-gap", expectedLine=len(stored) + 1)
        overlap = stored[first - 1 :]
        if overlap != body["lines"][: len(overlap)]:
            return problem(409, "line-conflict")
        stored += body["lines"][len(overlap) :]
        return JSONResponse({"attempt": attempt, "lastLine": len(stored), "position": f"{attempt}:{len(stored)}"})

    def page(self, request: Request, task_id: str) -> Response:
        attempt = int(request.query_params.get("attempt", self.attempts[task_id]))
        after, limit = int(request.query_params["after"]), int(request.query_params["limit"])
        stored = self.logs.get((task_id, attempt), [])
        lines = stored[after : after + limit]
        following = after + len(lines) if after + len(lines) < len(stored) else None
        page = {"attempt": attempt, "firstLine": after + 1, "lines": lines, "position": f"{attempt}:{len(stored)}"}
        return JSONResponse(page | {"nextAfter": following})

    async def tell(self, request: Request) -> Response:
        body = await request.json()
        known = self.told.setdefault((request.path_params["workflow_id"], body["id"]), body)
        if fault := await self._fault(request):
            return fault
        if known != body:
            return problem(409, "event-conflict")
        return JSONResponse({"status": "broadcasted", "position": f"e1:{len(self.told)}", "id": body["id"]})

    async def connect_token(self, request: Request) -> Response:
        if fault := await self._fault(request):
            return fault
        self.tickets += 1
        return JSONResponse({"success": True, "token": f"ticket{self.tickets}", "expiresIn": 10})

    async def socket(self, socket: WebSocket) -> None:
        assert socket.scope["subprotocols"] == [SUBPROTOCOL, f"{TICKET_SUBPROTOCOL_PREFIX}ticket{self.tickets}"]
        await socket.accept(SUBPROTOCOL)
        if self.on_connect:
            await socket.close(*self.on_connect.popleft())
            return
        channels = [{"channel": name, "position": self.positions[name]} for name in ("org", "room:general")]
        connected = {"type": "connected", "userId": "a1", "login": "ci", "organizationId": "org-1", "role": "member"}
        await socket.send_json(connected | {"connectionId": "c1", "expiresAt": None, "channels": channels})
        self.sockets.append(socket)
        try:
            while True:
                await self._answer(socket, await socket.receive_json())
        except WebSocketDisconnect:
            self.sockets.remove(socket)

    async def _answer(self, socket: WebSocket, request: dict[str, Any]) -> None:
        channel, reply = request["channel"], {"replyTo": request["id"]}
        if channel in self.refused_channels:
            refusal = {"type": "error", "code": "forbidden", "message": "not yours", "temporary": False}
            await socket.send_json(refusal | reply)
        else:
            position = self.positions.setdefault(channel, "1:0" if channel.startswith("execution:") else "e1:0")
            await socket.send_json({"type": "subscribed", "channel": channel, "position": position} | reply)

    async def publish(self, channel: str, event_type: str, position: str, data: dict[str, Any]) -> None:
        """An event to every socket; missed by those that are not there."""
        self.positions[channel] = position
        frame = {"type": event_type, "channel": channel, "position": position, "at": AT, "data": data}
        for socket in [*self.sockets]:
            await socket.send_json(frame)

    async def publish_log(self, task_id: str, lines: list[str], *, is_heard: bool = True) -> None:
        """Store lines and, when they are heard, send them to the sockets."""
        attempt = self.attempts.setdefault(task_id, 1)
        stored = self.logs.setdefault((task_id, attempt), [])
        first_line = len(stored) + 1
        stored += lines
        position = f"{attempt}:{len(stored)}"
        channel = f"execution:{task_id}"
        self.positions[channel] = position
        if is_heard:
            data = {"taskId": task_id, "attempt": attempt, "firstLine": first_line, "lines": lines}
            await self.publish(channel, "execution-log", position, data)

    async def close_all(self, code: int, reason: str) -> None:
        await asyncio.gather(*(socket.close(code, reason) for socket in self.sockets))
        self.sockets.clear()

"""An upgrade request to the native socket, until it is answered."""

from callboard_contracts.close_codes import CloseCode
from callboard_contracts.native import MAX_POSITIONS, SUBPROTOCOL, TICKET_SUBPROTOCOL_PREFIX
from callboard_contracts.positions import Position
from callboard_servicekit.errors import ServiceError
from callboard_servicekit.problems import render
from starlette.requests import HTTPConnection
from starlette.types import Receive, Scope, Send

from callboard_social.dialects.native_requests import Refused, parse_channel
from callboard_social.dialects.native_session import Positions
from callboard_social.errors import InvalidPositions
from callboard_social.handoff import SocketLimits
from callboard_social.wire.connection import Connection, Handler


class Upgrade:
    """What has not proved who it is can be refused and nothing else: this has no way to send."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.connection = HTTPConnection(scope)
        self._scope = scope
        self._receive = receive
        self._send = send

    async def begin(self) -> None:
        await self._receive()  # websocket.connect

    @property
    def _offered(self) -> list[str]:
        protocols: list[str] = self._scope["subprotocols"]
        return protocols

    def ticket(self) -> str | None:
        """The ws-connect token: of the sub-protocols, else of the query, where the seeds' clients put it."""
        for protocol in self._offered:
            if protocol.startswith(TICKET_SUBPROTOCOL_PREFIX):
                return protocol.removeprefix(TICKET_SUBPROTOCOL_PREFIX)
        return self._asked("token")

    def positions(self) -> Positions:
        """Channels to recover, from the query; raises `InvalidPositions`."""
        listed = [part for part in (self._asked("positions") or "").split(",") if part]
        if len(listed) > MAX_POSITIONS:
            raise InvalidPositions
        try:
            pairs = [part.rpartition("@") for part in listed]
            return {parse_channel(name): Position.parse(position) for name, _, position in pairs}
        except (ValueError, Refused) as error:
            raise InvalidPositions from error

    def _asked(self, name: str) -> str | None:
        """From the query; most upgrades have none, and many come at once."""
        return self.connection.query_params.get(name) if self._scope["query_string"] else None

    async def accept(self) -> None:
        subprotocol = SUBPROTOCOL if SUBPROTOCOL in self._offered else None
        await self._send({"type": "websocket.accept", "subprotocol": subprotocol})

    def hand_on(self, connection: Connection, handler: Handler, limits: SocketLimits) -> None:
        """Have an accepted socket carried by the connection; from here on this upgrade is over."""
        connection.open(self._scope, limits, handler)

    async def refuse(self, error: ServiceError) -> None:
        """Answer with a problem instead of the upgrade."""
        await render(self.connection, error)(self._scope, self._receive, self._send)

    async def accept_and_close(self, code: CloseCode, reason: str) -> None:
        """Browsers and command-line clients can show a close frame; they never show the body of a refusal."""
        await self.accept()
        await self._send({"type": "websocket.close", "code": code.code, "reason": reason})

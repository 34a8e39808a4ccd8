"""Path ``/socket.io/``, namespace ``/``: an organisation's executions and their log, as a dashboard follows them."""

from collections.abc import Mapping
from typing import Any

from callboard_contracts.channels import LOGS, ORG, Channel
from callboard_contracts.events import BusEvent, EventType
from callboard_contracts.identity import Identity

from callboard_social.dialects.socketio.applications.admission import NotAdmitted, Refusal
from callboard_social.dialects.socketio.applications.listening import ListeningSession
from callboard_social.dialects.socketio.socket import event_frame
from callboard_social.wire.protocol import Frame

NAMESPACE = "/"
CONNECTED = "Connected to organization channel"
_REFUSALS = {
    Refusal.MISSING: "Authentication required",
    Refusal.INVALID: "Invalid or expired token",
    Refusal.TOO_MANY: "Too many connections",
}
_ROW_ONLY = frozenset({"createdAt", "updatedAt"})
"""Of a row, what no worker posts."""


def encode(_channel: Channel, event: BusEvent) -> Frame | None:
    """The worker's post as it was, with ``attempt`` and ``version``; a change that nobody posted in the same form."""
    if event.type == EventType.EXECUTION_UPDATED:
        return event_frame(NAMESPACE, event.type, event.posted or _as_posted(event.data))
    if event.type == EventType.EXECUTION_LOG:
        log = "".join(f"{line}\n" for line in event.data["lines"])
        return event_frame(NAMESPACE, event.type, {"taskId": event.data["taskId"], "log": log})
    return None


def _as_posted(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in _ROW_ONLY and value is not None}


class ExecutionsSession(ListeningSession):
    """A connection that is refused is made first: these clients are told why by an event, then disconnected."""

    __slots__ = ("_admitted",)

    _admitted: Identity | Refusal

    async def admit(self, auth: Mapping[str, Any]) -> None:
        try:
            self._admitted = await self._admission.identify(self._socket, auth, self._visit.presented)
        except NotAdmitted as error:
            self._admitted = error.refusal

    async def greet(self) -> None:
        admitted = self._admitted
        if isinstance(admitted, Refusal):
            self._socket.emit("auth-error", {"error": _REFUSALS[admitted]})
            self._socket.disconnect()
            return
        self._seat = self._admission.seat(self._socket, admitted, self._dialect)
        await self._seat.join((ORG, LOGS), _success(admitted))


def _success(identity: Identity) -> Frame:
    success = {
        "message": CONNECTED,
        "organizationId": identity.organization_id,
        "userId": identity.user_id,
        "role": identity.role,
    }
    return event_frame(NAMESPACE, "auth-success", success)

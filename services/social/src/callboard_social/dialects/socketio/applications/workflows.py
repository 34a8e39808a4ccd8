"""Path ``/ws``, namespace ``/``: what the agents of an organisation think, do and find."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from callboard_contracts.channels import WORKFLOWS, Channel
from callboard_contracts.events import BusEvent

from callboard_social.dialects.socketio.application import ConnectRefused
from callboard_social.dialects.socketio.applications.admission import NotAdmitted
from callboard_social.dialects.socketio.applications.listening import ListeningSession
from callboard_social.dialects.socketio.socket import event_frame
from callboard_social.wire.protocol import Frame

NAMESPACE = "/"


def encode(_channel: Channel, event: BusEvent) -> Frame | None:
    return event_frame(NAMESPACE, event.type, event.data)


class WorkflowsSession(ListeningSession):
    __slots__ = ()

    async def admit(self, auth: Mapping[str, Any]) -> None:
        try:
            identity = await self._admission.identify(self._socket, auth, self._visit.presented)
        except NotAdmitted as error:
            raise ConnectRefused("Unauthorized", {"status": HTTPStatus.UNAUTHORIZED}) from error
        self._seat = self._admission.seat(self._socket, identity, self._dialect)
        # There is no event of welcome: the answer to CONNECT itself says that events come from now on.
        await self._seat.join((WORKFLOWS,))

    async def greet(self) -> None:
        """Nothing: see `admit`."""

"""One namespace of one session, as its application sees it."""

import secrets
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Protocol

from callboard_contracts.close_codes import CloseCode, Return
from starlette.requests import HTTPConnection

from callboard_social.dialects.socketio.packet import Packet, PacketType, encode
from callboard_social.wire.connection import Behind
from callboard_social.wire.protocol import Batch, Frame

MAX_UNANSWERED = 64
"""Bound of the acknowledgements that one socket waits for; beyond it the oldest is given up."""
_ID_BYTES = 15

OnAcknowledged = Callable[[list[Any]], None]
"""Called with what the client acknowledged with."""


def event_frame(namespace: str, event: str, *arguments: Any, kind: str | None = None) -> Frame:
    """One event, encoded once for all who receive it; `kind` names it in the metrics, else the event's name does.

    Raises ValueError for what cannot be sent (`packet.encode`).
    """
    return encode(Packet(PacketType.EVENT, namespace, [event, *arguments]), kind or event)


def connect_error_frame(namespace: str, message: str, data: Any = None) -> Frame:
    payload = {"message": message} if data is None else {"message": message, "data": data}
    return encode(Packet(PacketType.CONNECT_ERROR, namespace, payload), "connect_error")


class Trunk(Protocol):
    """The session whose one lane its sockets share."""

    @property
    def request(self) -> HTTPConnection: ...

    def admit(self) -> None:
        """It is known who this is: the session may stay."""
        ...

    def send(self, frame: Frame) -> None: ...

    def write(self, batch: Batch) -> None:
        """Send frames that others get too."""
        ...

    def reply(self, frame: Frame) -> None:
        """Send, and count."""
        ...

    def close(self) -> None:
        """Close the transport after what is in the lane: the client comes back."""
        ...

    def drop(self, last: Frame | None) -> None:
        """Close the transport with nothing but `last`."""
        ...

    def parted(self, socket: "Socket") -> None:
        """This socket is over for good."""
        ...


class Socket:
    """An outlet of the hub. `id` is the public one; the session's own id is a secret."""

    __slots__ = (
        "_behind",
        "_is_closed",
        "_last_id",
        "_trunk",
        "_unanswered",
        "close_code",
        "id",
        "namespace",
        "was_connected",
    )

    def __init__(self, namespace: str, trunk: Trunk) -> None:
        self.id = secrets.token_urlsafe(_ID_BYTES)
        self.namespace = namespace
        self.close_code: CloseCode | None = None
        """What this socket was closed with by us, if it was."""
        self._trunk = trunk
        self._behind: Behind | None = None
        self.was_connected = False
        self._is_closed = False
        self._unanswered: OrderedDict[int, OnAcknowledged] | None = None
        self._last_id = -1

    @property
    def request(self) -> HTTPConnection:
        """The request that opened the session: headers, query, client."""
        return self._trunk.request

    @property
    def is_open(self) -> bool:
        """False until the client is connected, and once a close is in the lane: nothing goes in after it."""
        return self.was_connected and not self._is_closed

    def admit(self) -> None:
        """Say that the client belongs here: until one socket of its session is admitted, the session has a deadline."""
        if not self._is_closed:
            self._trunk.admit()

    def emit(self, event: str, *arguments: Any, acknowledged: OnAcknowledged | None = None) -> None:
        """Send and count one event; never waits.

        `acknowledged` is called at most once, and not at all when the client never answers or goes.
        """
        if self.is_open:
            expected = None if acknowledged is None else self._expect(acknowledged)
            self._reply(Packet(PacketType.EVENT, self.namespace, [event, *arguments], expected), event)

    def follow(self, behind: Behind | None) -> None:
        self._behind = behind

    def _catch_up(self) -> None:
        if self._behind is not None:
            self._behind.catch_up()

    def enqueue(self, frame: Frame) -> None:
        """Put a frame into the lane, if the socket is open, after all that happened before; never waits."""
        if self.is_open:
            self._catch_up()
            self._trunk.send(frame)

    def write(self, batch: Batch) -> None:
        """Put frames into the lane that others get too, if the socket is open; never waits."""
        if self.is_open:
            self._trunk.write(batch)

    def close(self, code: CloseCode) -> None:
        """Close after what is in the lane: this namespace for good, or the transport, so that the client comes back."""
        if self._is_closed:
            return
        self.close_code = code
        if code.then is Return.NEVER:
            self._part(self._farewell(code.reason))
        else:
            self.postpone()

    def drop(self, code: CloseCode) -> None:
        """Close the transport without what is in the lane; if it is for good, with this namespace's farewell."""
        farewell = self._farewell(code.reason) if code.then is Return.NEVER else None
        self._trunk.drop(farewell)
        if self._is_closed:
            return
        self.close_code = code
        self._is_closed = True
        if farewell is not None:
            self._trunk.parted(self)

    def disconnect(self) -> None:
        """Leave the client out of this namespace, after what is in the lane: it does not come back by itself."""
        if not self._is_closed:
            self._part(self._farewell("disconnected"))

    def refuse(self, message: str, data: Any) -> None:
        """Answer CONNECT with an error; a client that is connected already is disconnected."""
        if not self._is_closed:
            self._part(self._farewell(message, data))

    def postpone(self) -> None:
        """Close the transport without a reason of the table: the client comes back, and may have more luck."""
        if not self._is_closed:
            self._catch_up()
            self._is_closed = True
            self._trunk.close()

    def connect(self) -> bool:
        """Answer CONNECT, unless that is done: from here on the socket is open. False when it is closed."""
        if not self._is_closed and not self.was_connected:
            self.was_connected = True
            self._reply(Packet(PacketType.CONNECT, self.namespace, {"sid": self.id}), "connect")
        return self.is_open

    def answering(self, acknowledgement_id: int) -> Callable[..., None]:
        """Acknowledges the client's event of this id, once."""
        is_answered = False

        def acknowledge(*arguments: Any) -> None:
            nonlocal is_answered
            if self.is_open and not is_answered:
                is_answered = True
                packet = Packet(PacketType.ACK, self.namespace, list(arguments), acknowledgement_id)
                self._reply(packet, "acknowledgement")

        return acknowledge

    def acknowledged(self, acknowledgement_id: int) -> OnAcknowledged | None:
        """Who waits for this acknowledgement; None when nobody does, or not any more."""
        return self._unanswered.pop(acknowledgement_id, None) if self._unanswered else None

    def forget(self) -> None:
        """Nothing is sent or awaited any more: the session is over, or this namespace is."""
        self._is_closed = True
        self._unanswered = None

    def _expect(self, acknowledged: OnAcknowledged) -> int:
        if self._unanswered is None:
            self._unanswered = OrderedDict()
        self._last_id += 1
        self._unanswered[self._last_id] = acknowledged
        if len(self._unanswered) > MAX_UNANSWERED:
            self._unanswered.popitem(last=False)
        return self._last_id

    def _reply(self, packet: Packet, kind: str) -> None:
        self._catch_up()
        self._trunk.reply(encode(packet, kind))

    def _farewell(self, reason: str, data: Any = None) -> Frame:
        if self.was_connected:
            return encode(Packet(PacketType.DISCONNECT, self.namespace), "disconnect")
        return connect_error_frame(self.namespace, reason, data)

    def _part(self, farewell: Frame) -> None:
        self._catch_up()
        self._is_closed = True
        self._trunk.reply(farewell)
        self._trunk.parted(self)

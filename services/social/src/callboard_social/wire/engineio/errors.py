"""Why a request to Engine.IO is refused."""

from http import HTTPStatus

from callboard_servicekit.errors import ServiceError


class EngineRequestRefused(ServiceError):
    """A request that the protocol does not allow."""

    status = HTTPStatus.BAD_REQUEST
    code = "engine-request-refused"


class UnknownRevision(EngineRequestRefused):
    code = "unknown-engine-revision"
    detail = "EIO has to be 4."


class UnknownTransport(EngineRequestRefused):
    code = "unknown-transport"
    detail = "transport has to be polling or websocket."


class TransportRefused(EngineRequestRefused):
    """Not the transport that the session is on, or a WebSocket that does not ask for an upgrade."""

    code = "transport-refused"
    detail = "The session cannot be reached by this transport."


class UnknownSession(EngineRequestRefused):
    code = "unknown-session"
    detail = "There is no such session, or it is over."


class MethodRefused(EngineRequestRefused):
    code = "method-refused"
    detail = "GET opens a session and receives, POST with its sid sends."


class DuplicateRequest(EngineRequestRefused):
    code = "duplicate-request"
    detail = "One request of a kind at a time; the session is closed."


class MalformedPacket(EngineRequestRefused):
    code = "malformed-packet"
    detail = "A packet is malformed; the session is closed."


class PayloadTooLarge(ServiceError):
    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    code = "payload-too-large"
    detail = "More bytes or packets than one payload may have; the session is closed."

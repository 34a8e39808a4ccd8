"""What a room answers when it does not do as it was asked."""

from http import HTTPStatus

from callboard_contracts.rooms import MAX_MESSAGE_FIELDS_BYTES
from callboard_servicekit.errors import Forbidden, ServiceError


class RoomForbidden(Forbidden):
    """The same for a room that does not exist and for one that this identity is not in."""

    detail = "This room is not open to you."


class ReadOnly(Forbidden):
    detail = "Viewers read only."


class RoomExists(ServiceError):
    status = HTTPStatus.CONFLICT
    code = "room-exists"
    detail = "There is another room with this id."


class GeneralRoomFixed(ServiceError):
    status = HTTPStatus.CONFLICT
    code = "general-room"
    detail = "Everybody in the organisation is in general, by their role there; it cannot be made, left or changed."


class LastOwner(ServiceError):
    status = HTTPStatus.CONFLICT
    code = "last-owner"
    detail = "A room that somebody is in keeps an owner; make somebody else owner first."


class MessageConflict(ServiceError):
    status = HTTPStatus.CONFLICT
    code = "message-conflict"
    detail = "Another message of yours is stored in this room with this clientId."


class MessageFieldsTooLarge(ServiceError):
    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    code = "message-fields-too-large"
    detail = f"The fields that a message carries are at most {MAX_MESSAGE_FIELDS_BYTES} bytes of JSON."

"""What the producer answers when it does not do as it was asked."""

from http import HTTPStatus

from callboard_contracts.executions import MAX_KEPT_BYTES, MAX_LINE_BYTES
from callboard_contracts.workflows import MAX_DATA_BYTES
from callboard_servicekit.errors import Forbidden, NotFound, ServiceError


class ForeignOrganization(Forbidden):
    code = "foreign-organization"
    detail = "organizationId is not the organisation of this identity."


class ExecutionNotFound(NotFound):
    """The same for an id that nobody has and for one that another organisation has."""

    code = "execution-not-found"
    detail = "There is no such execution."


class ExecutionExists(ServiceError):
    status = HTTPStatus.CONFLICT
    code = "execution-exists"
    detail = "There is another execution with this taskId."


class AttemptOver(ServiceError):
    status = HTTPStatus.CONFLICT
    code = "attempt-over"
    detail = "This attempt has ended; a finished attempt never changes."


class AttemptNotBegun(ServiceError):
    status = HTTPStatus.CONFLICT
    code = "attempt-not-begun"
    detail = "This attempt has not begun; PENDING or RUNNING with its number begins it."


class StatusNotPostable(ServiceError):
    status = HTTPStatus.UNPROCESSABLE_ENTITY
    code = "status-not-postable"
    detail = "LOST is not for workers to post."


class TimeOutOfRange(ServiceError):
    status = HTTPStatus.UNPROCESSABLE_ENTITY
    code = "time-out-of-range"
    detail = "A time has no place in the calendar once it is in UTC."


class KeptFieldsTooLarge(ServiceError):
    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    code = "kept-fields-too-large"
    detail = f"The fields that an execution keeps are at most {MAX_KEPT_BYTES} bytes of JSON, merged."


class EventDataTooLarge(ServiceError):
    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    code = "event-data-too-large"
    detail = f"The data of an event is at most {MAX_DATA_BYTES} bytes of JSON."


class EventConflict(ServiceError):
    status = HTTPStatus.CONFLICT
    code = "event-conflict"
    detail = "Another event of this workflow has this id."


class LineTooLong(ServiceError):
    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    code = "line-too-long"
    detail = f"A line is at most {MAX_LINE_BYTES} bytes of UTF-8."


class ChunkTooLarge(ServiceError):
    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    code = "chunk-too-large"
    detail = "The lines of one call are too much text; send them in several."


class LineConflict(ServiceError):
    status = HTTPStatus.CONFLICT
    code = "line-conflict"
    detail = "Another text is stored under one of these line numbers."


class LineGap(ServiceError):
    """Lines before the chunk are missing; ``expectedLine`` is the first of them."""

    status = HTTPStatus.CONFLICT
    code = "line-gap"
    detail = "Lines before these are missing."

    def __init__(self, expected_line: int) -> None:
        super().__init__()
        self.expected_line = expected_line

    def members(self) -> dict[str, object]:
        return {"expectedLine": self.expected_line}

"""What can go wrong on the way into a socket."""

from http import HTTPStatus

from callboard_servicekit.errors import NotAuthenticated, ServiceError

from callboard_social.limits import MAX_CHANNELS


class TokenRequired(NotAuthenticated):
    """Nothing was presented at all."""

    code = "token-required"
    detail = "Token required"


class InvalidPositions(ServiceError):
    status = HTTPStatus.BAD_REQUEST
    code = "invalid-positions"
    detail = "positions is a list of <channel>@<epoch>:<offset>, of at most 32 channels that are open to you."


class ChannelLimit(ServiceError):
    """Told on sockets only."""

    status = HTTPStatus.CONFLICT
    code = "channel-limit"
    detail = f"A socket is in at most {MAX_CHANNELS} channels."


class TicketRefused(Exception):
    """A ws-connect token that does not open a socket; the reason goes into the close frame."""

    reason = "Invalid or expired token"
    outcome = "invalid"
    """Names it in the metrics."""

    def __init__(self) -> None:
        super().__init__(self.reason)


class TicketInvalid(TicketRefused):
    """Not ours, tampered with, or older than ten seconds."""


class TicketTypeWrong(TicketRefused):
    """A token, but not a ws-connect token."""

    reason = "Invalid token type"
    outcome = "wrong-type"


class TicketAlreadyUsed(TicketRefused):
    reason = "Token already used"
    outcome = "used"

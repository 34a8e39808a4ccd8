"""What auth answers when it does not do as it was asked."""

from http import HTTPStatus

from callboard_servicekit.errors import Forbidden, NotAuthenticated, ServiceError, Unavailable


class SignUpClosed(Forbidden):
    code = "sign-up-closed"
    detail = "Sign-up is closed."


class LoginTaken(ServiceError):
    status = HTTPStatus.CONFLICT
    code = "login-taken"
    detail = "This login name is taken."


class EmailTaken(ServiceError):
    status = HTTPStatus.CONFLICT
    code = "email-taken"
    detail = "This e-mail address is taken."


class InvalidCredentials(NotAuthenticated):
    """The same for an unknown user and a wrong password."""

    code = "invalid-credentials"
    detail = "Invalid login or password"


class InvalidRefreshToken(NotAuthenticated):
    code = "invalid-refresh-token"
    detail = "Invalid or expired refresh token"


class InvalidApiToken(NotAuthenticated):
    code = "invalid-api-token"
    detail = "Invalid, expired or revoked API token"


class AgentNotAllowed(Forbidden):
    code = "agent-not-allowed"
    detail = "An agent's token cannot do that; sign in as a person."


class ApiTokenOver(ServiceError):
    status = HTTPStatus.CONFLICT
    code = "api-token-over"
    detail = "This API token is revoked or has expired; make a new one."


class ApiTokenAlreadyRotated(ServiceError):
    """The way on for whoever never got the answer: the successor can be rotated in its turn."""

    status = HTTPStatus.CONFLICT
    code = "api-token-already-rotated"

    def __init__(self, successor_id: str) -> None:
        super().__init__(f"This API token has been rotated already, to {successor_id}; rotate that one.")
        self._successor_id = successor_id

    def members(self) -> dict[str, object]:
        return {"replacedBy": self._successor_id}


class ExpiryOutOfRange(ServiceError):
    status = HTTPStatus.UNPROCESSABLE_ENTITY
    code = "expiry-out-of-range"
    detail = "expiresAt is in the past or too far away."


class Overloaded(Unavailable):
    detail = "Too many sign-ins at once; try again."


class WrongKeyPassphrase(Exception):
    """Auth does not start: the signing key in the database was encrypted under another passphrase."""

    def __init__(self) -> None:
        super().__init__("AUTH_KEY_PASSPHRASE does not open the signing key in the database")

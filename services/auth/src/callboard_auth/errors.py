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

"""The two cookies of a session. Whether they are Secure follows the public URL, never the request."""

from datetime import datetime

from callboard_servicekit.authentication import CookieNames
from starlette.responses import Response

from callboard_auth.primary_token import IssuedToken
from callboard_auth.sessions.service import OpenSession


def set_cookies(
    response: Response, names: CookieNames, issued: IssuedToken, opened: OpenSession, now: datetime
) -> None:
    """The primary cookie lives as long as its token, the refresh cookie until the session's end."""
    _set(response, names, names.primary, issued.token, issued.expires_in)
    remaining = opened.session.expires_at - now
    _set(response, names, names.refresh, opened.refresh_token, int(remaining.total_seconds()))


def clear_cookies(response: Response, names: CookieNames) -> None:
    for name in (names.primary, names.refresh):
        _set(response, names, name, "", 0)


def _set(response: Response, names: CookieNames, name: str, value: str, max_age: int) -> None:
    response.set_cookie(name, value, max_age=max_age, path="/", secure=names.is_secure, httponly=True, samesite="lax")

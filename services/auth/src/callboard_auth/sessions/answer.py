"""What sign-up, login and refresh have in common: the answer, and the cookies that go with it."""

from datetime import datetime

from callboard_contracts.accounts import Session
from starlette.responses import Response

from callboard_auth.resources import Resources
from callboard_auth.sessions.cookies import set_cookies
from callboard_auth.sessions.service import OpenSession


def answer_session(resources: Resources, response: Response, opened: OpenSession, now: datetime) -> Session:
    issued = resources.issuer.issue_for_session(opened.account, opened.session, now)
    set_cookies(response, resources.authenticator.cookies, issued, opened, now)
    response.headers["Cache-Control"] = "no-store"
    return Session(
        token=issued.token,
        expires_in=issued.expires_in,
        user=opened.account.user(),
        organization=opened.account.organization(),
    )

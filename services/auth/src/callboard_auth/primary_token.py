"""Primary tokens: who is told what about whom, and for how long."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from callboard_contracts.identity import PRIMARY_AUDIENCE, IdentityKind, PrimaryClaims, Role

from callboard_auth.accounts.account import Account
from callboard_auth.keys.signer import Signer
from callboard_auth.sessions.repository import StoredSession
from callboard_auth.tokens.repository import StoredApiToken

AGENT_TOKEN_LIFE = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """``expires_in`` is in seconds."""

    token: str
    expires_in: int


@dataclass(frozen=True, slots=True)
class _Subject:
    id: str
    login: str
    organization_id: str
    role: Role
    kind: IdentityKind
    session_id: str
    session_end: datetime | None


class TokenIssuer:
    """No token outlives the session or the API token that it stands for."""

    def __init__(self, signer: Signer, *, issuer: str, life: timedelta) -> None:
        self._signer = signer
        self._issuer = issuer
        self._life = life

    def issue_for_session(self, account: Account, session: StoredSession, now: datetime) -> IssuedToken:
        subject = _Subject(
            id=account.user_id,
            login=account.login,
            organization_id=account.organization_id,
            role=account.role,
            kind=IdentityKind.USER,
            session_id=session.id,
            session_end=session.expires_at,
        )
        return self._issue(subject, self._life, now)

    def issue_for_api_token(self, token: StoredApiToken, now: datetime) -> IssuedToken:
        """An agent's token; services remember a revocation for `life` only, so it is never longer than that.

        The agent stays who it is when its API token is rotated; what ends is the API token, so that is the session.
        """
        subject = _Subject(
            id=token.agent_id,
            login=token.name,
            organization_id=token.organization_id,
            role=Role.MEMBER,
            kind=IdentityKind.AGENT,
            session_id=token.id,
            session_end=token.expires_at,
        )
        return self._issue(subject, min(self._life, AGENT_TOKEN_LIFE), now)

    def _issue(self, subject: _Subject, life: timedelta, now: datetime) -> IssuedToken:
        issued_at = int(now.timestamp())
        session_end = int(subject.session_end.timestamp()) if subject.session_end else None
        expires_at = issued_at + int(life.total_seconds())
        if session_end is not None:
            expires_at = min(expires_at, session_end)
        claims = PrimaryClaims(
            iss=self._issuer,
            aud=PRIMARY_AUDIENCE,
            sub=subject.id,
            login=subject.login,
            org=subject.organization_id,
            role=subject.role,
            kind=subject.kind,
            sid=subject.session_id,
            iat=issued_at,
            exp=expires_at,
            jti=uuid.uuid4().hex,
            user_id=subject.id,
            organization_id=subject.organization_id,
            session_exp=session_end,
        )
        return IssuedToken(self._signer.sign(claims), expires_at - issued_at)

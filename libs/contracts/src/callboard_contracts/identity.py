"""Who is calling: the claims of the primary token and of the ws-connect token.

The primary token is a JWT signed by auth (``typ: at+jwt``). The ws-connect token is a JWT signed by social alone
(``typ: ws-connect+jwt``), good for ten seconds and one connection.
"""

from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

PRIMARY_TOKEN_TYPE = "at+jwt"
TICKET_TOKEN_TYPE = "ws-connect+jwt"
PRIMARY_AUDIENCE = "callboard"
TICKET_AUDIENCE = "callboard-social"
TICKET_LIFETIME_SECONDS = 10
"""How long Redis remembers an unused ws-connect token. Its ``exp`` is one second later, cut to seconds."""


class Role(StrEnum):
    """What a member may do in an organisation; each includes the ones after it."""

    OWNER = "owner"
    ADMIN = "admin"
    MEMBER = "member"
    VIEWER = "viewer"

    def includes(self, other: "Role") -> bool:
        """True when this role may do all that ``other`` may."""
        order = list(Role)
        return order.index(self) <= order.index(other)


class IdentityKind(StrEnum):
    USER = "user"
    AGENT = "agent"


class Claims(BaseModel):
    """Claims keep the names that the tokens carry; a claim we do not know is ignored."""

    model_config = ConfigDict(frozen=True, populate_by_name=True, hide_input_in_errors=True)


class PrimaryClaims(Claims):
    """The primary token. Times are seconds since 1970; ``session_exp`` is absent when the session never ends."""

    iss: str
    aud: str
    sub: str = Field(min_length=1)
    login: str
    org: str = Field(min_length=1)
    role: Role
    kind: IdentityKind
    sid: str | None = None
    iat: int
    exp: int
    jti: str
    user_id: str
    organization_id: str = Field(alias="organizationId")
    session_exp: int | None = Field(default=None, alias="sessionExp")


class TicketClaims(Claims):
    """The ws-connect token. ``iat_ms`` is in milliseconds, since ``exp`` is cut to seconds.

    ``identity_iat`` and ``identity_exp`` are the primary token's, in seconds.
    """

    type: Literal["ws-connect"]
    aud: str
    user_id: str
    login: str
    org: str
    role: Role
    kind: IdentityKind
    sid: str | None = None
    jti: str
    iat_ms: int = Field(alias="iatMs")
    exp: int
    identity_iat: int = Field(alias="identityIat")
    identity_exp: int = Field(alias="identityExp")


class Identity(BaseModel):
    """Who is behind a call or a socket, whatever credential proved it.

    ``session_id`` is a user's session, an agent's API token id, or None for an identity without a session; an agent's
    ``user_id`` stays the same when its API token is rotated. ``expires_at`` is the primary token's ``exp``, in seconds
    since 1970.
    """

    model_config = ConfigDict(frozen=True)

    user_id: str
    login: str
    organization_id: str
    role: Role
    kind: IdentityKind
    session_id: str | None
    issued_at: int
    expires_at: int

    @classmethod
    def from_primary(cls, claims: PrimaryClaims) -> "Identity":
        return cls(
            user_id=claims.sub,
            login=claims.login,
            organization_id=claims.org,
            role=claims.role,
            kind=claims.kind,
            session_id=claims.sid,
            issued_at=claims.iat,
            expires_at=claims.exp,
        )

    @classmethod
    def from_ticket(cls, claims: TicketClaims) -> "Identity":
        return cls(
            user_id=claims.user_id,
            login=claims.login,
            organization_id=claims.org,
            role=claims.role,
            kind=claims.kind,
            session_id=claims.sid,
            issued_at=claims.identity_iat,
            expires_at=claims.identity_exp,
        )

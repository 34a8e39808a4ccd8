"""What auth is asked and what it answers."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, StringConstraints

from callboard_contracts.identity import IdentityKind, Role
from callboard_contracts.wire import Moment, RequestModel, WireModel

MIN_PASSWORD_LENGTH = 8
MAX_PASSWORD_LENGTH = 256
DEFAULT_OVERLAP_SECONDS = 3_600
MAX_OVERLAP_SECONDS = 7 * 86_400

LoginName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{1,63}$")]
Email = Annotated[str, StringConstraints(pattern=r"^[^@\s\x00-\x1f]{1,64}@[A-Za-z0-9.-]{1,188}\.[A-Za-z0-9-]{2,63}$")]
DisplayName = Annotated[str, StringConstraints(min_length=1, max_length=128, strip_whitespace=True)]


class SignUp(RequestModel):
    login: LoginName
    email: Email
    password: Annotated[str, StringConstraints(min_length=MIN_PASSWORD_LENGTH, max_length=MAX_PASSWORD_LENGTH)]
    organization_name: DisplayName


class LogIn(RequestModel):
    """``login`` is a login name or an e-mail address."""

    login: Annotated[str, StringConstraints(min_length=1, max_length=320)]
    password: Annotated[str, StringConstraints(min_length=1, max_length=MAX_PASSWORD_LENGTH)]


class User(WireModel):
    id: str
    login: str
    email: str | None
    role: Role
    kind: IdentityKind = IdentityKind.USER


class Organization(WireModel):
    id: str
    name: str


class Session(WireModel):
    """The answer to sign-up, login and refresh. ``expiresIn`` is in seconds."""

    token: str
    token_type: Literal["Bearer"] = "Bearer"
    expires_in: int
    user: User
    organization: Organization


class Me(WireModel):
    user: User
    organization: Organization


class DirectusUser(WireModel):
    """The shape that clients of Directus expect; its names are snake_case on the wire too."""

    id: str
    email: str | None
    role: Role
    first_name: str | None = Field(serialization_alias="first_name", default=None)
    last_name: str | None = Field(serialization_alias="last_name", default=None)


class DirectusMe(WireModel):
    data: DirectusUser


class ApiTokenCreate(RequestModel):
    name: DisplayName
    expires_at: AwareDatetime | None = None


class ApiTokenRotate(RequestModel):
    """For how many seconds more the old token works; 0 ends it at once.

    Without ``expiresAt`` the new token expires when the old one would have; with null it never does.
    """

    overlap_seconds: Annotated[int, Field(strict=True, ge=0, le=MAX_OVERLAP_SECONDS)] = DEFAULT_OVERLAP_SECONDS
    expires_at: AwareDatetime | None = None


class ApiToken(WireModel):
    """An API token without its secret.

    ``agentId`` is who its holder is to everybody else: a token and what it is rotated to share one. ``replacedBy`` is
    the id of the token that this one was rotated to.
    """

    id: str
    agent_id: str
    name: str
    created_at: Moment
    expires_at: Moment | None
    last_used_at: Moment | None
    replaced_by: str | None = None


class ApiTokenCreated(ApiToken):
    """The only time that the token itself is shown."""

    token: str


class ReplacedApiToken(WireModel):
    """A token that was rotated, and when it stops working."""

    id: str
    expires_at: Moment


class ApiTokenRotated(ApiTokenCreated):
    replaces: ReplacedApiToken


class ApiTokenList(WireModel):
    tokens: tuple[ApiToken, ...]


class AgentSessionCreate(RequestModel):
    token: Annotated[str, StringConstraints(min_length=1, max_length=4096)]


class Agent(WireModel):
    """``id`` stays the same when the agent's API token is rotated."""

    id: str
    name: str


class AgentSession(WireModel):
    """The answer to the exchange of an API token. ``expiresIn`` is in seconds."""

    token: str
    expires_in: int
    agent: Agent
    organization: Organization


class AuditAction(StrEnum):
    API_TOKEN_CREATED = "api-token.created"
    API_TOKEN_ROTATED = "api-token.rotated"
    API_TOKEN_REVOKED = "api-token.revoked"
    API_TOKEN_EXPIRED = "api-token.expired"
    """It ran out; with ``replacedBy`` in the details this is the end of the overlap after a rotation."""
    API_TOKEN_EXCHANGED = "api-token.exchanged"
    """The first exchange of a token."""
    API_TOKEN_REFUSED = "api-token.refused"
    """Somebody presented the id of a token, and was refused; at most one event an hour for each token."""


class ActorKind(StrEnum):
    USER = "user"
    AGENT = "agent"
    SYSTEM = "system"
    UNKNOWN = "unknown"
    """Somebody who has not proved anything."""


class AuditActor(WireModel):
    """Who did it. ``id`` and ``login`` are null for the system and for the unknown."""

    kind: ActorKind
    id: str | None = None
    login: str | None = None


class AuditSubject(WireModel):
    """What it was done to, under the name it had then."""

    kind: str
    id: str
    name: str


class AuditEvent(WireModel):
    """One line of the audit log. ``details`` never has a secret; ``requestId`` is null for what nobody asked for."""

    id: str
    at: Moment
    action: AuditAction
    actor: AuditActor
    subject: AuditSubject
    details: dict[str, str | int | None]
    request_id: str | None


class AuditEventList(WireModel):
    """Newest first."""

    events: tuple[AuditEvent, ...]


class ConnectToken(WireModel):
    """A ws-connect token: one connection, within ``expiresIn`` seconds."""

    success: Literal[True] = True
    token: str
    expires_in: int

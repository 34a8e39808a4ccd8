"""What auth is asked and what it answers."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, StringConstraints

from callboard_contracts.identity import IdentityKind, Role
from callboard_contracts.wire import Moment, RequestModel, WireModel

MIN_PASSWORD_LENGTH = 8
MAX_PASSWORD_LENGTH = 256

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


class ApiToken(WireModel):
    """An API token without its secret."""

    id: str
    name: str
    created_at: Moment
    expires_at: Moment | None
    last_used_at: Moment | None


class ApiTokenCreated(ApiToken):
    """The only time that the token itself is shown."""

    token: str


class ApiTokenList(WireModel):
    tokens: tuple[ApiToken, ...]


class AgentSessionCreate(RequestModel):
    token: Annotated[str, StringConstraints(min_length=1, max_length=4096)]


class Agent(WireModel):
    id: str
    name: str


class AgentSession(WireModel):
    """The answer to the exchange of an API token. ``expiresIn`` is in seconds."""

    token: str
    expires_in: int
    agent: Agent
    organization: Organization


class ConnectToken(WireModel):
    """A ws-connect token: one connection, within ``expiresIn`` seconds."""

    success: Literal[True] = True
    token: str
    expires_in: int

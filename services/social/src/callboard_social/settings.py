"""What social is told by its environment."""

import re
from enum import StrEnum

from callboard_contracts.identity import Role
from callboard_contracts.wire import IDENTIFIER_PATTERN
from callboard_servicekit.durations import Duration
from callboard_servicekit.settings import OptionalUrl, Secret, VerifierSettings
from pydantic import Field, ValidationInfo, field_validator

_ORGANIZATION = "SOCIAL_COOKIE_AUTHORITY_ORGANIZATION"


class SocketLifetime(StrEnum):
    SESSION = "session"
    TOKEN = "token"


class SocialSettings(VerifierSettings):
    host: str = Field("127.0.0.1", alias="SOCIAL_HOST", description="Address that social listens on.")
    port: int = Field(8102, alias="SOCIAL_PORT", description="Port of social, for the gateway.")
    internal_port: int = Field(9102, alias="SOCIAL_INTERNAL_PORT", description="Port of social's health and metrics.")
    ticket_secret: Secret = Field(
        alias="SOCIAL_TICKET_SECRET",
        description="Signs ws-connect tokens; the same for every replica of social, and nobody else's.",
    )
    database_url: str = Field(
        alias="SOCIAL_DATABASE_URL",
        description="Rooms and messages: sqlite+aiosqlite:///... on one machine, postgresql+asyncpg://... for more "
        "than one replica.",
    )
    ping_interval: Duration = Field(
        "25s",
        alias="SOCIAL_PING_INTERVAL",
        validate_default=True,
        description="How often a socket is pinged; in steps of a millisecond: 25s, 300ms.",
    )
    ping_timeout: Duration = Field(
        "10s",
        alias="SOCIAL_PING_TIMEOUT",
        validate_default=True,
        description="How long a socket has to answer a ping before it is taken for dead.",
    )
    drain_notice: Duration = Field(
        "500ms",
        alias="SOCIAL_DRAIN_NOTICE",
        validate_default=True,
        description="How long a social that is told to stop only refuses newcomers, for whoever watches its readiness, "
        "before the first socket is closed: an eighth of the drain window at most, and nothing when no socket is open.",
    )
    messaging_enabled: bool = Field(
        True,
        alias="FEATURE_MESSAGING_ENABLED",
        description="Whether Socket.IO clients find the namespace /agents: rooms, presence and messages.",
    )
    cookie_authority_organization: str = Field(
        "",
        alias="SOCIAL_COOKIE_AUTHORITY_ORGANIZATION",
        description="The organisation of everybody that the other system vouches for.",
    )
    cookie_authority_organization_path: str = Field(
        "",
        alias="SOCIAL_COOKIE_AUTHORITY_ORGANIZATION_PATH",
        description="Instead: where the organisation stands in its answer, for example data.organization.id.",
    )
    cookie_authority_url: OptionalUrl = Field(
        None,
        alias="SOCIAL_COOKIE_AUTHORITY_URL",
        description="When set, a cookie on the native socket is checked by this address of another system, the "
        "/users/me of a Directus for example, instead of by auth.",
    )
    cookie_authority_role: Role = Field(
        Role.VIEWER,
        alias="SOCIAL_COOKIE_AUTHORITY_ROLE",
        description="Role of everybody that the other system vouches for: viewer, member, admin or owner.",
    )
    socket_lifetime: SocketLifetime = Field(
        SocketLifetime.SESSION,
        alias="SOCIAL_SOCKET_LIFETIME",
        description="session: a socket lives as long as its session; token: it ends when its primary token does.",
    )
    connections: int = Field(
        20_000,
        alias="SOCIAL_CONNECTIONS",
        ge=1,
        description="Open sockets on one replica; beyond it the gateway tries another one.",
    )
    connections_per_address: int = Field(
        15_000,
        alias="SOCIAL_CONNECTIONS_PER_ADDRESS",
        ge=1,
        description="Open sockets on one replica from one address, or one IPv6 /64. Whole offices share one.",
    )
    connections_per_organization: int = Field(
        15_000,
        alias="SOCIAL_CONNECTIONS_PER_ORGANIZATION",
        ge=1,
        description="Open sockets that one organisation may have on one replica.",
    )
    connections_per_user: int = Field(
        100,
        alias="SOCIAL_CONNECTIONS_PER_USER",
        ge=1,
        description="Open sockets that one user may have on one replica.",
    )
    tickets_per_minute: int = Field(
        120,
        alias="SOCIAL_TICKETS_PER_MINUTE",
        ge=1,
        description="ws-connect tokens that one session may ask for in a minute, per replica.",
    )
    failed_upgrades_per_minute: int = Field(
        60,
        alias="SOCIAL_FAILED_UPGRADES_PER_MINUTE",
        ge=1,
        description="Refused credentials from one address in a minute, per replica, before it has to wait.",
    )

    @field_validator("cookie_authority_organization")
    @classmethod
    def _organization_is_an_id(cls, organization: str) -> str:
        if organization and not re.fullmatch(IDENTIFIER_PATTERN, organization, re.ASCII):
            raise ValueError("an organisation's id matches " + IDENTIFIER_PATTERN)
        return organization

    @field_validator("cookie_authority_url")
    @classmethod
    def _one_way_to_the_organization(cls, url: str | None, before: ValidationInfo) -> str | None:
        """The fields that are declared before this one are known."""
        path = before.data.get("cookie_authority_organization_path")
        fixed = before.data.get("cookie_authority_organization", not path)
        if url is not None and bool(fixed) == bool(path):
            raise ValueError(f"needs {_ORGANIZATION} or {_ORGANIZATION}_PATH, and not both")
        return url

"""What social is told by its environment."""

from enum import StrEnum

from callboard_servicekit.settings import Secret, VerifierSettings
from pydantic import Field


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
    socket_lifetime: SocketLifetime = Field(
        SocketLifetime.SESSION,
        alias="SOCIAL_SOCKET_LIFETIME",
        description="session: a socket lives as long as its session; token: it ends when its primary token does.",
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

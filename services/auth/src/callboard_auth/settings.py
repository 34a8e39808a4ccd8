"""What auth is told by its environment."""

from typing import Literal

from callboard_servicekit.durations import Duration
from callboard_servicekit.settings import Secret, ServiceSettings
from pydantic import Field


class AuthSettings(ServiceSettings):
    """Auth is the only service that holds a key that signs primary tokens."""

    host: str = Field("127.0.0.1", alias="AUTH_HOST", description="Address that auth listens on.")
    port: int = Field(8101, alias="AUTH_PORT", ge=0, le=65_535, description="Port of the public routes.")
    internal_port: int = Field(
        9101,
        alias="AUTH_INTERNAL_PORT",
        ge=0,
        le=65_535,
        description="Port of health and metrics.",
    )
    database_url: str = Field(
        alias="AUTH_DATABASE_URL",
        description="sqlite+aiosqlite:///... on one machine, postgresql+asyncpg://... for more than one replica.",
    )
    key_passphrase: Secret = Field(
        alias="AUTH_KEY_PASSPHRASE",
        description="Encrypts the signing key in the database; at least 32 bytes.",
    )
    signup: Literal["open", "closed"] = Field(
        "open",
        alias="AUTH_SIGNUP",
        description="Who may sign up: open (anyone, with an organisation of their own) or closed (nobody).",
    )
    session_lifetime: Duration = Field(
        "30d",
        alias="AUTH_SESSION_LIFETIME",
        validate_default=True,
        description="From login until a session ends for good, however often it is refreshed.",
    )
    audit_retention: Duration = Field(
        "365d",
        alias="AUTH_AUDIT_RETENTION",
        validate_default=True,
        description="How long the audit log keeps an event.",
    )
    argon2_memory_kib: int = Field(
        19_456,
        alias="AUTH_ARGON2_MEMORY_KIB",
        ge=8,
        description="Memory of one Argon2id hash, in KiB.",
    )
    argon2_time_cost: int = Field(2, alias="AUTH_ARGON2_TIME_COST", ge=1, description="Passes of one Argon2id hash.")
    password_workers: int = Field(
        2,
        alias="AUTH_PASSWORD_WORKERS",
        ge=1,
        description="Hashes computed at once, each in a thread of its own.",
    )
    password_waiters: int = Field(
        64,
        alias="AUTH_PASSWORD_WAITERS",
        ge=0,
        description="Hashes that may wait for a thread; beyond it a login is 503 with Retry-After.",
    )

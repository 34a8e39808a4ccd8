"""Settings come from the environment, once, into one frozen class per service; no secret has a default."""

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from callboard_servicekit.durations import Duration

MIN_SECRET_BYTES = 32
MIN_DISTINCT_CHARACTERS = 10


def refuse_weak_secret(secret: SecretStr) -> SecretStr:
    """Raises ValueError for a secret shorter than 32 bytes or made of few characters, without repeating it."""
    text = secret.get_secret_value()
    if len(text.encode()) < MIN_SECRET_BYTES:
        raise ValueError(f"a secret has at least {MIN_SECRET_BYTES} bytes")
    if len(set(text)) < MIN_DISTINCT_CHARACTERS:
        raise ValueError("this secret is too uniform to be random")
    return secret


def _absent_when_empty(value: object) -> object:
    return None if value == "" else value


def _split_list(value: object) -> object:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def _in_lower_case(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


def origin_of(url: str) -> str:
    """``scheme://host[:port]`` in lower case; raises ValueError for what has no http origin."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("an http or https URL is needed")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    default = {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{host}" + (f":{parts.port}" if parts.port not in {None, default} else "")


def _public_url(url: str) -> str:
    """In the one form that tokens and cookies are compared with: ``HTTPS://Host:443/`` is ``https://host``."""
    parts = urlsplit(url)
    if parts.query or parts.fragment or parts.username is not None:
        raise ValueError("a public URL has no query, fragment or user")
    return origin_of(url) + parts.path.rstrip("/")


PublicUrl = Annotated[str, AfterValidator(_public_url)]
OriginList = Annotated[
    tuple[Annotated[str, AfterValidator(origin_of)], ...],
    NoDecode,
    BeforeValidator(_split_list),
]
LogLevel = Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(_in_lower_case)]
Secret = Annotated[SecretStr, AfterValidator(refuse_weak_secret)]
OptionalUrl = Annotated[PublicUrl | None, BeforeValidator(_absent_when_empty)]
OptionalSecret = Annotated[Secret | None, BeforeValidator(_absent_when_empty)]


class ServiceSettings(BaseSettings):
    """What every service is told. A field's alias is the variable's name, its description the documentation."""

    model_config = SettingsConfigDict(frozen=True, populate_by_name=True, extra="ignore", hide_input_in_errors=True)

    public_url: PublicUrl = Field(
        "http://localhost:8080",
        alias="CALLBOARD_PUBLIC_URL",
        description="The address people use. Decides issuer, allowed origins, and whether cookies are Secure.",
    )
    cors_origins: OriginList = Field(
        (),
        alias="CORS_ORIGINS",
        description="Further origins that may call with credentials and open sockets, comma-separated.",
    )
    redis_url: str = Field(
        "redis://127.0.0.1:6379/0",
        alias="REDIS_URL",
        description="Redis, shared by auth, social and producer; rediss:// for TLS.",
    )
    log_level: LogLevel = Field("info", alias="LOG_LEVEL", description="debug, info, warning or error.")
    log_format: Literal["json", "console"] = Field(
        "json", alias="LOG_FORMAT", description="json (one object a line) or console (columns)."
    )
    jwt_secret: OptionalSecret = Field(
        None,
        alias="JWT_SECRET",
        description="When set, primary tokens are HS256 under this secret instead of EdDSA; at least 32 bytes.",
    )
    jwt_expiry: Duration = Field(
        "15m",
        alias="JWT_EXPIRY",
        validate_default=True,
        description="Life of a primary token: seconds, or 10s, 15m, 24h.",
    )
    forwarded_allow_ips: str = Field(
        "127.0.0.1",
        alias="FORWARDED_ALLOW_IPS",
        description="Addresses or networks whose X-Forwarded-For is believed: the gateway's.",
    )
    drain_window: Duration = Field(
        "10s",
        alias="CALLBOARD_DRAIN_WINDOW",
        validate_default=True,
        description="How long a service that is told to stop gives what is under way before it cuts it; social closes "
        "its sockets evenly over it.",
    )
    stop_grace: Duration = Field(
        "40s",
        alias="CALLBOARD_STOP_GRACE",
        validate_default=True,
        description="How long a service has, once told to stop, before compose kills it: at least the drain window "
        "and 5 s. Compose wants the unit with it: 40s.",
    )


class VerifierSettings(ServiceSettings):
    """What a service is told that verifies primary tokens but cannot make them."""

    jwks_url: str = Field(
        "http://127.0.0.1:8101/.well-known/jwks.json",
        alias="CALLBOARD_JWKS_URL",
        description="Where auth publishes its public keys.",
    )
    jwks_cache: str | None = Field(
        None,
        alias="CALLBOARD_JWKS_CACHE",
        description="File that keeps the last good key set, for a start while auth is down.",
    )
    history_length: int = Field(
        16_384,
        alias="CALLBOARD_HISTORY_LENGTH",
        ge=1,
        description="Entries that a channel's history keeps at least.",
    )
    history_age: Duration = Field(
        "24h",
        alias="CALLBOARD_HISTORY_AGE",
        validate_default=True,
        description="How long a channel's history is kept after its last event.",
    )

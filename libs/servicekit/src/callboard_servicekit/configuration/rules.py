"""What is wrong with settings that each for itself are right. Nothing here asks anybody else."""

import ipaddress
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from callboard_servicekit.configuration.finding import Finding, refusal, warning
from callboard_servicekit.configuration.masking import is_secret, password_of
from callboard_servicekit.configuration.service import ServiceConfiguration
from callboard_servicekit.configuration.sources import Sources
from callboard_servicekit.settings import ServiceSettings

STOP_MARGIN = timedelta(seconds=5)
"""What a service needs after its drain window: closing what it holds open."""
LONGEST_EXPIRY = timedelta(hours=24)
SHORTEST_EXPIRY = timedelta(minutes=1)
MIN_PASSWORD_BYTES = 16


def is_loopback(url: str) -> bool:
    """True for a URL that leads to this machine alone."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return False
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def is_public_https(settings: ServiceSettings) -> bool:
    return settings.public_url.startswith("https://") and not is_loopback(settings.public_url)


def check_addresses(settings: ServiceSettings) -> Iterator[Finding]:
    """The public URL, who may call, and whose word about addresses is believed."""
    is_https = settings.public_url.startswith("https://")
    if not is_https and not is_loopback(settings.public_url):
        yield warning(
            "CALLBOARD_PUBLIC_URL",
            "is not https: passwords and tokens travel in the clear, and cookies are not Secure",
        )
    plain = [origin for origin in settings.cors_origins if origin.startswith("http://") and not is_loopback(origin)]
    if is_https and plain:
        yield warning(
            "CORS_ORIGINS",
            f"http origins beside an https public URL may call with credentials: {', '.join(plain)}",
        )
    believed = {part.strip() for part in settings.forwarded_allow_ips.split(",")}
    if believed & {"*", "0.0.0.0/0", "::/0"}:
        yield refusal(
            "FORWARDED_ALLOW_IPS",
            "believes everybody: anyone could say which address they come from, and limits by address would not hold; "
            "name the gateway's address or network",
        )


def check_times(settings: ServiceSettings) -> Iterator[Finding]:
    """The life of a token, and the end of a process."""
    if settings.jwt_expiry > LONGEST_EXPIRY:
        yield warning(
            "JWT_EXPIRY",
            "is longer than a day: that long an ended session has to be remembered by every service",
        )
    if settings.jwt_expiry < SHORTEST_EXPIRY:
        yield warning("JWT_EXPIRY", "is shorter than a minute: every client asks for a new token all the time")
    if settings.drain_window + STOP_MARGIN > settings.stop_grace:
        yield refusal(
            ("CALLBOARD_DRAIN_WINDOW", "CALLBOARD_STOP_GRACE"),
            f"the drain window and {STOP_MARGIN.seconds} s are longer than the grace: a service would be killed while "
            "it drains",
        )


def check_ports(service: ServiceConfiguration, settings: ServiceSettings) -> Iterator[Finding]:
    """The public port and the internal one of a service are two."""
    taken: defaultdict[object, list[str]] = defaultdict(list)
    for name, field in service.settings.model_fields.items():
        if str(field.alias).endswith("_PORT") and getattr(settings, name):
            taken[getattr(settings, name)].append(str(field.alias))
    yield from (refusal(names, "are the same port") for names in taken.values() if len(names) > 1)


def check_replicas(service: ServiceConfiguration, sources: Sources, replicas: Mapping[str, int]) -> Iterator[Finding]:
    """SQLite is a file of one process."""
    if service.database is None or replicas.get(service.name, 1) == 1:
        return
    if (sources.raw(service.database.variable) or "").startswith("sqlite"):
        yield refusal(
            service.database.variable,
            f"is SQLite, which is for one process: {replicas[service.name]} replicas of {service.name} need PostgreSQL",
        )


@dataclass(frozen=True, slots=True)
class _Credential:
    """A secret, the variable it is in, and what it opens."""

    variable: str
    opens: str
    secret: str


def check_secrets(services: Sequence[ServiceConfiguration], sources: Sources) -> Iterator[Finding]:
    """No secret serves two purposes; passwords in URLs are not guessable."""
    credentials = list(_credentials(services, sources))
    passwords = {each.variable: each.secret for each in credentials if each.variable.endswith("_URL")}
    for variable, password in passwords.items():
        if len(password.encode()) < MIN_PASSWORD_BYTES and not is_loopback(sources.raw(variable) or ""):
            yield warning(variable, f"its password has less than {MIN_PASSWORD_BYTES} bytes")
    by_secret: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for each in credentials:
        by_secret[each.secret].setdefault(each.opens, each.variable)
    for purposes in by_secret.values():
        if len(purposes) > 1:
            yield refusal(
                sorted(purposes.values()), "have the same value: whoever learns one secret must not hold another"
            )
    redis = sources.raw("REDIS_URL")
    if redis and password_of(redis) is None and not is_loopback(redis) and not redis.startswith("unix:"):
        yield warning("REDIS_URL", "has no password, and is not on this machine")


def _credentials(services: Sequence[ServiceConfiguration], sources: Sources) -> Iterator[_Credential]:
    for service in services:
        for field in service.settings.model_fields.values():
            name = str(field.alias)
            value = sources.raw(name) or ""
            password = password_of(value)
            if is_secret(field) and value:
                yield _Credential(name, name, value)
            elif password is not None:
                yield _Credential(name, _account(value), password)
    for name in sources.names():
        # What compose makes URLs of; beside the URL that was made of it, it is the same secret.
        password, url = sources.raw(name), sources.raw(name.removesuffix("_PASSWORD") + "_URL") or ""
        if name.endswith("_PASSWORD") and password and password_of(url) != password:
            yield _Credential(name, name, password)


def _account(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"

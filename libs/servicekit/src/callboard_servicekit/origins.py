"""Which web origins may act with a person's credentials: one list for CORS, cookie calls and upgrades."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from callboard_servicekit.settings import ServiceSettings, origin_of

_LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "[::1]")


@dataclass(frozen=True, slots=True)
class Origins:
    """The public URL's own origin, `CORS_ORIGINS`, and for a loopback public URL its other names."""

    allowed: frozenset[str]

    @classmethod
    def of(cls, settings: ServiceSettings) -> "Origins":
        own = origin_of(settings.public_url)
        parts = urlsplit(own)
        names = {own}
        if parts.netloc.removesuffix(f":{parts.port}") in _LOOPBACK_HOSTS:
            port = f":{parts.port}" if parts.port else ""
            names |= {f"{parts.scheme}://{host}{port}" for host in _LOOPBACK_HOSTS}
        return cls(frozenset(names | set(settings.cors_origins)))

    def allows(self, origin: str) -> bool:
        return origin in self.allowed

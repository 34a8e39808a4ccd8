"""Cookies of another system, which a browser sends to us as well."""

from callboard_servicekit.authentication import PRIMARY_COOKIE, REFRESH_COOKIE
from starlette.requests import HTTPConnection

OUR_COOKIES = frozenset(prefix + name for prefix in ("", "__Host-") for name in (PRIMARY_COOKIE, REFRESH_COOKIE))


class ForeignCookie:
    """A ``Cookie`` header for another system. What is ours is not in it, and nothing shows what is."""

    __slots__ = ("_header",)

    def __init__(self, header: str) -> None:
        self._header = header

    @classmethod
    def of(cls, connection: HTTPConnection) -> "ForeignCookie | None":
        """What the connection has for others; None when that is nothing."""
        pairs = [pair.strip() for header in connection.headers.getlist("cookie") for pair in header.split(";")]
        foreign = [pair for pair in pairs if pair and pair.partition("=")[0].strip() not in OUR_COOKIES]
        return cls("; ".join(foreign)) if foreign else None

    def __repr__(self) -> str:
        return "ForeignCookie(***)"

    def reveal(self) -> bytes:
        """The header as it goes to the other system, and nowhere else."""
        return self._header.encode("latin-1")

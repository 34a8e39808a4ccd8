"""What may be shown of a value: nothing of a secret, not its first letter and not its length."""

import re
from typing import Any, get_args
from urllib.parse import unquote, urlsplit

from pydantic import SecretStr
from pydantic.fields import FieldInfo

MASK = "********"
NOT_SET = "(not set)"

_SECRET_PARAMETER = re.compile(r"([?&#;][^=&#;]*(?:pass|pwd|secret|token|key)[^=&#;]*=)[^&#;]*", re.IGNORECASE)


def is_secret(field: FieldInfo) -> bool:
    """True for a setting that is a `SecretStr`, or may be one."""
    return _has_secret(field.annotation)


def _has_secret(annotation: Any) -> bool:
    return annotation is SecretStr or any(_has_secret(part) for part in get_args(annotation))


def masked(value: str) -> str:
    """A value that is no secret as a whole, without the passwords in it.

    It may be a URL that nobody can parse: whatever stands before its last ``@`` is taken for a password then too.
    """
    before, at, after = value.rpartition("@")
    if at:
        scheme, separator, account = before.rpartition("://") if before.count("://") == 1 else ("", "", before)
        user, colon, _ = account.partition(":")
        value = scheme + separator + (f"{user}:{MASK}" if colon and separator else MASK) + at + after
    return _SECRET_PARAMETER.sub(rf"\1{MASK}", value)


def password_of(url: str) -> str | None:
    """The password in a URL; None where there is none, or where it is no URL."""
    try:
        password = urlsplit(url).password
    except ValueError:
        return None
    return unquote(password) if password else None

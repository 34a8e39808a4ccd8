"""What `check-config` says about auth's own settings."""

import pytest
from callboard_auth.configuration import describe
from callboard_auth.settings import AuthSettings

SECRET = "correct-horse-battery-staple-0123456789"


def complaints(**overrides: object) -> list[tuple[str, ...]]:
    required: dict[str, object] = {"database_url": "sqlite+aiosqlite://", "key_passphrase": SECRET}
    settings = AuthSettings.model_validate(required | overrides)
    return [finding.settings for rule in describe().rules for finding in rule(settings)]


@pytest.mark.parametrize(
    ("overrides", "settings"),
    [
        ({}, []),
        ({"public_url": "https://a.example"}, [("AUTH_SIGNUP",)]),
        ({"public_url": "https://a.example", "signup": "closed"}, []),
        ({"public_url": "https://localhost"}, []),
        ({"jwt_expiry": "2h", "session_lifetime": "1h"}, [("JWT_EXPIRY", "AUTH_SESSION_LIFETIME")]),
        ({"argon2_memory_kib": 19_456, "argon2_time_cost": 1}, [("AUTH_ARGON2_MEMORY_KIB", "AUTH_ARGON2_TIME_COST")]),
        ({"argon2_memory_kib": 12_288, "argon2_time_cost": 3}, []),
    ],
)
def test_auth_knows_what_somebody_should_know(overrides: dict[str, object], settings: list[tuple[str, ...]]) -> None:
    assert complaints(**overrides) == settings

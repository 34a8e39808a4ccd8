"""What ``callboard check-config`` knows of auth."""

from collections.abc import Iterator

from callboard_servicekit.configuration.finding import Finding, warning
from callboard_servicekit.configuration.rules import is_public_https
from callboard_servicekit.configuration.service import DatabaseConfiguration, ServiceConfiguration

from callboard_auth.migrations import SCRIPTS
from callboard_auth.settings import AuthSettings

LEAST_ARGON2_KIB_PASSES = 7_168 * 5
"""OWASP's least of its equal choices: 7 MiB and five passes; fewer passes need more memory."""


def describe() -> ServiceConfiguration:
    return ServiceConfiguration(
        "auth",
        AuthSettings,
        rules=(_check_sign_up, _check_lifetimes, _check_hashes),
        database=DatabaseConfiguration("AUTH_DATABASE_URL", SCRIPTS),
    )


def _check_sign_up(settings: AuthSettings) -> Iterator[Finding]:
    if settings.signup == "open" and is_public_https(settings):
        yield warning("AUTH_SIGNUP", "is open: anybody who finds this address can have an organisation of their own")


def _check_lifetimes(settings: AuthSettings) -> Iterator[Finding]:
    if settings.jwt_expiry > settings.session_lifetime:
        yield warning(("JWT_EXPIRY", "AUTH_SESSION_LIFETIME"), "a token would live longer than its session")


def _check_hashes(settings: AuthSettings) -> Iterator[Finding]:
    if settings.argon2_memory_kib * settings.argon2_time_cost < LEAST_ARGON2_KIB_PASSES:
        yield warning(
            ("AUTH_ARGON2_MEMORY_KIB", "AUTH_ARGON2_TIME_COST"), "hashes are cheaper to guess than OWASP recommends"
        )

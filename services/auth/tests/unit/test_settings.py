from datetime import timedelta

import pytest
from callboard_auth.settings import AuthSettings
from pydantic import ValidationError

SECRET = "correct-horse-battery-staple-0123456789"


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The least that auth must be told."""
    monkeypatch.setenv("AUTH_DATABASE_URL", "sqlite+aiosqlite:///auth.db")
    monkeypatch.setenv("AUTH_KEY_PASSPHRASE", SECRET)
    return monkeypatch


def test_defaults_are_those_that_the_documentation_promises(environment: pytest.MonkeyPatch) -> None:
    settings = AuthSettings()

    assert (settings.host, settings.port, settings.internal_port) == ("127.0.0.1", 8101, 9101)
    assert settings.session_lifetime == timedelta(days=30)
    assert settings.jwt_expiry == timedelta(minutes=15)
    assert settings.audit_retention == timedelta(days=365)
    assert settings.signup == "open"
    assert (settings.argon2_memory_kib, settings.argon2_time_cost) == (19_456, 2)


@pytest.mark.parametrize("name", ["AUTH_DATABASE_URL", "AUTH_KEY_PASSPHRASE"])
def test_what_has_no_default_must_be_told(environment: pytest.MonkeyPatch, name: str) -> None:
    environment.delenv(name)

    with pytest.raises(ValidationError, match=name):
        AuthSettings()


@pytest.mark.parametrize("name", ["AUTH_KEY_PASSPHRASE", "JWT_SECRET"])
@pytest.mark.parametrize("secret", ["short", "x" * 64, "secret" * 6])
def test_weak_secret_is_refused_without_repeating_it(environment: pytest.MonkeyPatch, name: str, secret: str) -> None:
    environment.setenv(name, secret)

    with pytest.raises(ValidationError) as refusal:
        AuthSettings()

    assert name in str(refusal.value)
    assert secret not in str(refusal.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AUTH_SIGNUP", "maybe"),
        ("AUTH_SESSION_LIFETIME", "0"),
        ("AUTH_AUDIT_RETENTION", "forever"),
        ("AUTH_PORT", "70000"),
        ("AUTH_PASSWORD_WORKERS", "0"),
    ],
)
def test_setting_out_of_range_is_refused(environment: pytest.MonkeyPatch, name: str, value: str) -> None:
    environment.setenv(name, value)

    with pytest.raises(ValidationError, match=name):
        AuthSettings()


def test_secrets_do_not_show_in_the_settings(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("JWT_SECRET", SECRET[::-1])

    shown = repr(AuthSettings())

    assert SECRET not in shown
    assert SECRET[::-1] not in shown


def test_every_setting_has_a_name_and_a_description() -> None:
    for field in AuthSettings.model_fields.values():
        assert field.alias
        assert field.description

"""Settings from the environment: what is refused, and that a refusal never shows a secret."""

from datetime import timedelta

import pytest
from callboard_servicekit.settings import (
    MIN_SECRET_BYTES,
    Secret,
    ServiceSettings,
    VerifierSettings,
    origin_of,
)
from pydantic import Field, ValidationError

GOOD_SECRET = "0123456789abcdefghijklmnopqrstuv"


class OwnSettings(ServiceSettings):
    own_secret: Secret = Field(alias="OWN_SECRET")


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for settings in (VerifierSettings, OwnSettings):
        for field in settings.model_fields.values():
            monkeypatch.delenv(str(field.alias), raising=False)


def test_without_an_environment_the_defaults_are_those_of_one_machine() -> None:
    settings = VerifierSettings()
    assert settings.public_url == "http://localhost:8080"
    assert settings.jwt_expiry == timedelta(minutes=15)
    assert settings.history_age == timedelta(hours=24)
    assert settings.history_length == 16_384
    assert settings.jwt_secret is None
    assert settings.cors_origins == ()


def test_settings_are_read_by_the_names_in_their_aliases(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLBOARD_PUBLIC_URL", "https://callboard.example/")
    monkeypatch.setenv("CORS_ORIGINS", " https://a.example , http://localhost:3000/app,, ")
    monkeypatch.setenv("JWT_EXPIRY", "10s")
    monkeypatch.setenv("JWT_SECRET", GOOD_SECRET)
    settings = ServiceSettings()
    assert settings.public_url == "https://callboard.example"
    assert settings.cors_origins == ("https://a.example", "http://localhost:3000")
    assert settings.jwt_expiry == timedelta(seconds=10)
    assert settings.jwt_secret is not None
    assert settings.jwt_secret.get_secret_value() == GOOD_SECRET


def test_an_empty_optional_secret_is_as_good_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JWT_SECRET", "")
    assert ServiceSettings().jwt_secret is None


@pytest.mark.parametrize(
    "weak",
    [
        "",
        "hunter2-hunter2",
        GOOD_SECRET[: MIN_SECRET_BYTES - 1],
        "swordfish" * 4,
        "x" * 64,
        "changeme" * 8,
    ],
)
def test_a_weak_secret_is_refused_and_never_shown(monkeypatch: pytest.MonkeyPatch, weak: str) -> None:
    monkeypatch.setenv("OWN_SECRET", weak)
    with pytest.raises(ValidationError) as refusal:
        OwnSettings()
    told = f"{refusal.value} {refusal.value!r}"
    assert "OWN_SECRET" in told
    assert weak == "" or weak not in told


def test_a_missing_secret_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JWT_SECRET", GOOD_SECRET)
    with pytest.raises(ValidationError, match="OWN_SECRET") as refusal:
        OwnSettings()
    assert GOOD_SECRET not in str(refusal.value)


def test_a_secret_is_counted_in_bytes() -> None:
    assert OwnSettings(OWN_SECRET="äöüßéèêàçñîôûÄÖÜ").own_secret


def test_settings_never_show_a_secret_and_cannot_be_changed() -> None:
    settings = OwnSettings(OWN_SECRET=GOOD_SECRET)
    assert GOOD_SECRET not in f"{settings} {settings!r} {settings.model_dump()}"
    with pytest.raises(ValidationError, match="frozen"):
        settings.log_level = "debug"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("http://localhost:8080", "http://localhost:8080"),
        ("HTTP://LocalHost:8080/", "http://localhost:8080"),
        ("https://a.example:443/path?x#y", "https://a.example"),
        ("http://a.example:80", "http://a.example"),
        ("http://a.example:443", "http://a.example:443"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("http://[::1]", "http://[::1]"),
    ],
)
def test_an_origin_is_what_a_browser_would_send(url: str, origin: str) -> None:
    assert origin_of(url) == origin


@pytest.mark.parametrize(
    "url",
    ["", "null", "*", "localhost:8080", "//a.example", "ftp://a.example", "http://", "http://a:99999", "http://a:b"],
)
def test_what_has_no_origin_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        origin_of(url)
    with pytest.raises(ValidationError):
        ServiceSettings(cors_origins=(url,))
    with pytest.raises(ValidationError):
        ServiceSettings(public_url=url)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("HTTPS://Callboard.Example:443/", "https://callboard.example"),
        ("https://callboard.example/status/", "https://callboard.example/status"),
    ],
)
def test_a_public_url_has_one_form(url: str, expected: str) -> None:
    assert ServiceSettings(public_url=url).public_url == expected


@pytest.mark.parametrize("url", ["https://a.example?x=1", "https://a.example/#x", "https://user:word@a.example"])
def test_a_public_url_is_nothing_but_an_address(url: str) -> None:
    with pytest.raises(ValidationError, match="no query, fragment or user"):
        ServiceSettings(public_url=url)

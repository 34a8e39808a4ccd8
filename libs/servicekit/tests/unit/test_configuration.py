"""What `check-config` makes of settings alone."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from callboard_servicekit.configuration.examination import OFFLINE, examine
from callboard_servicekit.configuration.finding import Severity, warning
from callboard_servicekit.configuration.masking import MASK, NOT_SET
from callboard_servicekit.configuration.redis_check import judge
from callboard_servicekit.configuration.reference import render
from callboard_servicekit.configuration.report import Report
from callboard_servicekit.configuration.service import DatabaseConfiguration, ServiceConfiguration
from callboard_servicekit.configuration.sources import Sources
from callboard_servicekit.settings import Secret, VerifierSettings
from pydantic import Field

SECRET = "one-0123456789-abcdefghijklmnop"
OTHER_SECRET = "two-0123456789-abcdefghijklmnop-x"
PASSWORD = "a-password-of-the-database"


class TinySettings(VerifierSettings):
    port: int = Field(8000, alias="TINY_PORT", le=65_535, description="A port.")
    internal_port: int = Field(9000, alias="TINY_INTERNAL_PORT", description="Another.")
    database_url: str = Field(alias="TINY_DATABASE_URL", description="Where its rows are.")
    secret: Secret = Field(alias="TINY_SECRET", description="Nobody else's.")


class OtherSettings(VerifierSettings):
    secret: Secret = Field(alias="OTHER_SECRET", description="Nobody else's either.")


TINY = ServiceConfiguration(
    "tiny",
    TinySettings,
    rules=(lambda settings: [warning("TINY_PORT", "is low")] if settings.port == 1 else [],),
    database=DatabaseConfiguration("TINY_DATABASE_URL", Path("nowhere")),
)
OTHER = ServiceConfiguration("other", OtherSettings)
GOOD = {
    "TINY_SECRET": SECRET + "-",
    "OTHER_SECRET": OTHER_SECRET,
    "TINY_DATABASE_URL": f"postgresql+asyncpg://tiny:{PASSWORD}@db/tiny",
}

Examine = Callable[..., Report]


@pytest.fixture
def examine_offline(monkeypatch: pytest.MonkeyPatch) -> Examine:
    """Examines both services with nothing in the environment but what it is given."""

    def examined(*, replicas: dict[str, int] | None = None, file: Path | None = None, **given: str) -> Report:
        for name in list(os.environ):
            monkeypatch.delenv(name)
        for name, value in given.items():
            monkeypatch.setenv(name, value)
        return examine([TINY, OTHER], Sources.read(file), replicas or {}, is_offline=True)

    return examined


def told(report: Report, severity: Severity) -> list[str]:
    found = [finding for finding in report.findings if finding.severity is severity]
    return [f"{', '.join(finding.settings)}: {finding.message}" for finding in found]


def refusals(report: Report) -> list[str]:
    return told(report, Severity.REFUSAL)


def warnings(report: Report) -> list[str]:
    return told(report, Severity.WARNING)


def test_good_settings_are_shown_with_their_origin_and_without_their_secrets(examine_offline: Examine) -> None:
    report = examine_offline(**GOOD, JWT_EXPIRY="20m")
    assert report.findings == ()
    assert report.unchecked == (OFFLINE,)
    shown = {setting.name: (setting.value, setting.origin, setting.services) for setting in report.settings}
    both = ("tiny", "other")
    assert shown["JWT_EXPIRY"] == ("20m", "environment", both)
    assert shown["LOG_LEVEL"] == ("info", "default", both)
    assert shown["JWT_SECRET"] == (NOT_SET, "default", both)
    assert shown["TINY_SECRET"] == (MASK, "environment", ("tiny",))
    assert shown["TINY_DATABASE_URL"] == (f"postgresql+asyncpg://tiny:{MASK}@db/tiny", "environment", ("tiny",))
    for text in (report.as_text(), report.as_json()):
        assert not any(secret in text for secret in (SECRET, OTHER_SECRET, PASSWORD))


def test_everything_that_is_wrong_is_told_at_once_and_no_value_of_it(examine_offline: Examine) -> None:
    report = examine_offline(TINY_SECRET="swordfish", TINY_PORT="99999", LOG_LEVEL="loud", JWT_EXPIRY="soon")
    assert [text.partition(":")[0] for text in refusals(report)] == [
        "LOG_LEVEL",
        "JWT_EXPIRY",
        "TINY_PORT",
        "TINY_DATABASE_URL",
        "TINY_SECRET",
        "OTHER_SECRET",
    ]
    assert "swordfish" not in report.as_text() + report.as_json()
    assert "OTHER_SECRET: is needed and has no default" in refusals(report)
    assert report.is_refused


def test_a_file_gives_what_the_environment_does_not(examine_offline: Examine, tmp_path: Path) -> None:
    file = tmp_path / "its.env"
    file.write_text("".join(f"{name}={value}\n" for name, value in GOOD.items()) + "LOG_LEVEL='debug'\nTINY_PORT=3\n")
    report = examine_offline(file=file, TINY_PORT="4")
    assert report.findings == ()
    shown = {setting.name: (setting.value, setting.origin) for setting in report.settings}
    assert shown["LOG_LEVEL"] == ("debug", "its.env")
    assert shown["TINY_PORT"] == ("4", "environment")
    assert shown["TINY_SECRET"] == (MASK, "its.env")


def test_two_purposes_never_share_a_secret(examine_offline: Examine) -> None:
    report = examine_offline(**GOOD | {"OTHER_SECRET": GOOD["TINY_SECRET"]})
    [refusal] = refusals(report)
    assert refusal.startswith("OTHER_SECRET, TINY_SECRET: have the same value")


def test_a_password_in_a_url_counts_as_a_secret(examine_offline: Examine) -> None:
    redis = f"redis://:{PASSWORD}@redis:6379/0"
    [refusal] = refusals(examine_offline(**GOOD, REDIS_URL=redis))
    assert refusal.startswith("REDIS_URL, TINY_DATABASE_URL: have the same value")
    [refusal] = refusals(examine_offline(**GOOD, POSTGRES_PASSWORD=PASSWORD))
    assert refusal.startswith("POSTGRES_PASSWORD, TINY_DATABASE_URL: have the same value")


def test_the_password_that_a_url_was_made_of_is_the_same_secret(examine_offline: Examine) -> None:
    assert examine_offline(**GOOD, TINY_DATABASE_PASSWORD=PASSWORD).findings == ()


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"FORWARDED_ALLOW_IPS": "*"}, "FORWARDED_ALLOW_IPS: believes everybody"),
        ({"FORWARDED_ALLOW_IPS": "10.0.0.1, 0.0.0.0/0"}, "FORWARDED_ALLOW_IPS: believes everybody"),
        ({"CALLBOARD_STOP_GRACE": "14s"}, "CALLBOARD_DRAIN_WINDOW, CALLBOARD_STOP_GRACE: the drain window and 5 s"),
        ({"CALLBOARD_DRAIN_WINDOW": "36"}, "CALLBOARD_DRAIN_WINDOW, CALLBOARD_STOP_GRACE: the drain window and 5 s"),
        ({"REDIS_URL": "unix:///run/redis.sock"}, "REDIS_URL: begins with redis://"),
        ({"REDIS_URL": "redis://:0123456789abcdefg@redis?db=x"}, "REDIS_URL: cannot be read"),
        ({"TINY_DATABASE_URL": ""}, "TINY_DATABASE_URL: cannot be read"),
        ({"TINY_DATABASE_URL": "postgresql://db/tiny"}, "TINY_DATABASE_URL: begins with one of"),
        ({"TINY_PORT": "9000"}, "TINY_PORT, TINY_INTERNAL_PORT: are the same port"),
    ],
)
def test_what_cannot_go_well_is_refused(examine_offline: Examine, given: dict[str, str], complaint: str) -> None:
    report = examine_offline(**GOOD | given)
    [refusal] = refusals(report)
    assert refusal.startswith(complaint)
    assert warnings(report) == []


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"CALLBOARD_PUBLIC_URL": "http://a.example"}, "CALLBOARD_PUBLIC_URL: is not https"),
        (
            {"CALLBOARD_PUBLIC_URL": "https://a.example", "CORS_ORIGINS": "http://b.example,https://c.example"},
            "CORS_ORIGINS: http origins beside an https public URL may call with credentials: http://b.example",
        ),
        ({"JWT_EXPIRY": "25h"}, "JWT_EXPIRY: is longer than a day"),
        ({"JWT_EXPIRY": "10s"}, "JWT_EXPIRY: is shorter than a minute"),
        ({"REDIS_URL": "redis://redis:6379/0"}, "REDIS_URL: has no password"),
        ({"REDIS_URL": "redis://:short@redis:6379/0"}, "REDIS_URL: its password has less than 16 bytes"),
        ({"TINY_PORT": "1"}, "TINY_PORT: is low"),
    ],
)
def test_what_somebody_should_know_is_a_warning(
    examine_offline: Examine, given: dict[str, str], complaint: str
) -> None:
    report = examine_offline(**GOOD | given)
    [complained] = warnings(report)
    assert complained.startswith(complaint)
    assert not report.is_refused


@pytest.mark.parametrize(
    "given",
    [
        {"CALLBOARD_PUBLIC_URL": "http://127.0.0.1:8080"},
        {"CALLBOARD_PUBLIC_URL": "http://[::1]:8080"},
        {"CALLBOARD_PUBLIC_URL": "https://a.example", "CORS_ORIGINS": "http://localhost:3000"},
        {"REDIS_URL": "redis://:short@127.0.0.1:6379/0"},
        {"CALLBOARD_STOP_GRACE": "15s"},
        {"TINY_PORT": "0", "TINY_INTERNAL_PORT": "0"},
    ],
)
def test_what_is_fine_is_not_complained_about(examine_offline: Examine, given: dict[str, str]) -> None:
    assert examine_offline(**GOOD | given).findings == ()


def test_sqlite_is_for_one_replica(examine_offline: Examine) -> None:
    sqlite = GOOD | {"TINY_DATABASE_URL": "sqlite+aiosqlite:////var/tiny.db"}
    assert examine_offline(**sqlite, replicas={"tiny": 1, "other": 2}).findings == ()
    assert examine_offline(**GOOD, replicas={"tiny": 2}).findings == ()
    [refusal] = refusals(examine_offline(**sqlite, replicas={"tiny": 2}))
    assert refusal.startswith("TINY_DATABASE_URL: is SQLite")


def test_one_wrong_value_does_not_hide_another(examine_offline: Examine) -> None:
    report = examine_offline(**GOOD, LOG_LEVEL="loud", FORWARDED_ALLOW_IPS="*")
    assert [text.partition(":")[0] for text in refusals(report)] == ["FORWARDED_ALLOW_IPS", "LOG_LEVEL"]
    assert report.unchecked[:2] == tuple(
        f"{name}: some of its settings are wrong, so the rest is not judged" for name in ("tiny", "other")
    )


@pytest.mark.parametrize(
    ("told", "complaint"),
    [
        ({"redis_version": "6.0.16"}, "Redis 6.0.16 is too old"),
        ({"redis_version": "5"}, "Redis 5 is too old"),
        ({"cluster_enabled": 1}, "is a Redis Cluster"),
        ({"role": "slave"}, "is a replica"),
        ({"maxmemory_policy": "allkeys-lru"}, "its maxmemory-policy is allkeys-lru"),
        ({"maxmemory_policy": None}, "does not tell its maxmemory-policy"),
        ({"aof_enabled": 0}, "appendonly is off"),
    ],
)
def test_a_redis_is_judged_by_what_it_tells(told: dict[str, object], complaint: str) -> None:
    good = {"redis_version": "6.2.0", "role": "master", "maxmemory_policy": "noeviction", "aof_enabled": 1}
    assert judge(good, None) == []
    [finding] = judge(good | told, None)
    assert finding.message.startswith(complaint)


def test_the_verdict_counts() -> None:
    finding = warning("A", "is odd")
    assert Report((), (finding, finding), ()).as_text().splitlines()[-1] == "0 refusals, 2 warnings"
    assert Report((), (finding,), ()).as_text().splitlines()[0] == "warning  A: is odd"


def test_the_reference_has_every_variable_once() -> None:
    text = render([TINY, OTHER])
    assert text.count("| `CALLBOARD_JWKS_URL` |") == 1
    assert "| `TINY_DATABASE_URL` | **needed** | Where its rows are. |" in text
    assert "| `JWT_EXPIRY` | `15m` |" in text
    assert text.index("## tiny, other") < text.index("## other")

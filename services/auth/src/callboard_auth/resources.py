"""What a running auth holds: opened in the application's lifespan, closed in reverse."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from callboard_servicekit.app import stop_process
from callboard_servicekit.authentication import Authenticator, CookieNames
from callboard_servicekit.database import Database
from callboard_servicekit.origins import Origins
from callboard_servicekit.redis_connection import connect
from callboard_servicekit.supervision import supervised
from callboard_servicekit.telemetry import Telemetry
from callboard_servicekit.token_verifier import TokenVerifier
from fastapi import Depends, Request
from redis.asyncio import Redis

from callboard_auth.keys.service import open_signer
from callboard_auth.keys.signer import Signer
from callboard_auth.metrics import AuthMetrics, HashingMetrics
from callboard_auth.passwords import PasswordPool
from callboard_auth.primary_token import TokenIssuer
from callboard_auth.revocations.check import StoredRevocations
from callboard_auth.revocations.publisher import RevocationPublisher
from callboard_auth.revocations.upkeep import Upkeep
from callboard_auth.settings import AuthSettings
from callboard_auth.tokens.token_secrets import ApiTokenSecrets

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Resources:
    settings: AuthSettings
    clock: Clock
    metrics: AuthMetrics
    database: Database
    passwords: PasswordPool
    api_token_secrets: ApiTokenSecrets
    signer: Signer
    issuer: TokenIssuer
    authenticator: Authenticator
    publisher: RevocationPublisher


@asynccontextmanager
async def _opened_database(settings: AuthSettings) -> AsyncIterator[Database]:
    database = Database(settings.database_url)
    try:
        yield database
    finally:
        await database.close()


@asynccontextmanager
async def _opened_redis(settings: AuthSettings, telemetry: Telemetry) -> AsyncIterator[Redis]:
    redis = connect(settings.redis_url, telemetry.redis_failures)
    try:
        yield redis
    finally:
        await redis.aclose()


@asynccontextmanager
async def _opened_passwords(settings: AuthSettings, metrics: HashingMetrics) -> AsyncIterator[PasswordPool]:
    passwords = PasswordPool(settings, metrics)
    try:
        await passwords.open()
        yield passwords
    finally:
        passwords.close()


@asynccontextmanager
async def open_resources(settings: AuthSettings, telemetry: Telemetry, clock: Clock) -> AsyncIterator[Resources]:
    """Redis may be away: auth signs in without it, and is ready without it. The database may not.

    Raises:
        WrongKeyPassphrase: the stored signing key does not open.
    """
    metrics = AuthMetrics(telemetry)
    async with (
        _opened_database(settings) as database,
        _opened_redis(settings, telemetry) as redis,
        _opened_passwords(settings, metrics.hashing("passwords")) as passwords,
        # A pool of their own: exchanges, however many, do not keep people from signing in.
        _opened_passwords(settings, metrics.hashing("api-tokens")) as api_token_pool,
        supervised(stop_process) as supervisor,
    ):
        signer = await open_signer(settings, database, clock())
        publisher = RevocationPublisher(redis, database, metrics, token_life=settings.jwt_expiry, clock=clock)
        upkeep = Upkeep(database, publisher, metrics, clock, audit_retention=settings.audit_retention)
        supervisor.spawn("upkeep", upkeep.run())
        database.measure(telemetry)
        telemetry.add_check("database", database.check)
        telemetry.add_check("background tasks", supervisor.check)
        yield Resources(
            settings=settings,
            clock=clock,
            metrics=metrics,
            database=database,
            passwords=passwords,
            api_token_secrets=ApiTokenSecrets(api_token_pool),
            signer=signer,
            issuer=TokenIssuer(signer, issuer=settings.public_url, life=settings.jwt_expiry),
            authenticator=Authenticator(
                TokenVerifier(signer.verification_keys, settings.public_url, on_check=telemetry.token_checks),
                StoredRevocations(database, clock),
                Origins.of(settings),
                CookieNames.of(settings),
            ),
            publisher=publisher,
        )


def _resources_of(request: Request) -> Resources:
    resources = request.app.state.resources
    assert isinstance(resources, Resources)  # noqa: S101 - put there by the lifespan
    return resources


CurrentResources = Annotated[Resources, Depends(_resources_of)]

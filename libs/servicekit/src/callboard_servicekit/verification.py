"""What a service needs that verifies identities but cannot make them: keys, revocations, and the two joined."""

import time
from dataclasses import dataclass
from pathlib import Path

import httpx
from callboard_contracts.revocations import Revocation
from prometheus_client import Histogram
from redis.asyncio import Redis

from callboard_servicekit.authentication import Authenticator, CookieNames
from callboard_servicekit.metrics import LAG_BUCKETS
from callboard_servicekit.origins import Origins
from callboard_servicekit.revocations import Revocations
from callboard_servicekit.settings import VerifierSettings
from callboard_servicekit.supervision import Supervisor
from callboard_servicekit.telemetry import Telemetry
from callboard_servicekit.token_keys import Jwks, SharedSecret, VerificationKeys
from callboard_servicekit.token_verifier import TokenVerifier


@dataclass(frozen=True, slots=True)
class Verification:
    authenticator: Authenticator
    revocations: Revocations


def start_verification(
    settings: VerifierSettings,
    *,
    client: httpx.AsyncClient,
    redis: Redis,
    supervisor: Supervisor,
    telemetry: Telemetry,
) -> Verification:
    """Follow auth's keys and revocations under `supervisor`; readiness waits for both."""
    keys = _keys(settings, client, supervisor, telemetry)
    revocations = Revocations(redis, token_life=settings.jwt_expiry)
    supervisor.spawn("revocations", revocations.run())
    telemetry.add_check("revocations", revocations.check)
    _measure(revocations, telemetry)
    verifier = TokenVerifier(keys, settings.public_url, on_check=telemetry.token_checks)
    authenticator = Authenticator(verifier, revocations, Origins.of(settings), CookieNames.of(settings))
    return Verification(authenticator, revocations)


def _measure(revocations: Revocations, telemetry: Telemetry) -> None:
    telemetry.gauge(
        "callboard_revocations_complete",
        "1 while all revocations that matter are known, 0 while nobody is let in for lack of them.",
        lambda: float(revocations.is_complete),
    )
    telemetry.gauge("callboard_revocations_known", "Revocations remembered.", lambda: float(len(revocations)))
    lag = Histogram(
        "callboard_revocation_lag_seconds",
        "From the end of a session, in whole seconds by auth's clock, until this process knows it.",
        buckets=LAG_BUCKETS,
        registry=telemetry.registry,
    )

    def heard(revocation: Revocation) -> None:
        # What is read at the start, or again after Redis lost it, is old for a reason.
        if revocations.is_complete:
            lag.observe(max(0.0, time.time() - revocation.at))

    revocations.listen(heard)


def _keys(
    settings: VerifierSettings, client: httpx.AsyncClient, supervisor: Supervisor, telemetry: Telemetry
) -> VerificationKeys:
    if settings.jwt_secret is not None:
        return SharedSecret(settings.jwt_secret)
    jwks = Jwks(client, settings.jwks_url, Path(settings.jwks_cache) if settings.jwks_cache else None)
    jwks.load_cache()
    supervisor.spawn("jwks", jwks.run())
    telemetry.add_check("keys", jwks.check)
    return jwks

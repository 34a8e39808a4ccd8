"""What a service needs that verifies identities but cannot make them: keys, revocations, and the two joined."""

from dataclasses import dataclass
from pathlib import Path

import httpx
from redis.asyncio import Redis

from callboard_servicekit.authentication import Authenticator, CookieNames
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
    authenticator = Authenticator(
        TokenVerifier(keys, settings.public_url), revocations, Origins.of(settings), CookieNames.of(settings)
    )
    return Verification(authenticator, revocations)


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

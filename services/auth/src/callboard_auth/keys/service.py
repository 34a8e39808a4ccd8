"""Finds the signing key of this installation; the first replica to start makes it."""

from datetime import datetime

import structlog
from callboard_servicekit.database import Database
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncSession

from callboard_auth.keys.key_pair import new_key, open_private_key, public_jwk
from callboard_auth.keys.repository import SigningKeyRepository, StoredKey
from callboard_auth.keys.signer import KeyPairSigner, SharedSecretSigner, Signer
from callboard_auth.settings import AuthSettings

log = structlog.get_logger(__name__)


async def open_signer(settings: AuthSettings, database: Database, now: datetime) -> Signer:
    """The signer that the settings ask for; raises `WrongKeyPassphrase`."""
    if settings.jwt_secret is not None:
        return SharedSecretSigner(settings.jwt_secret)
    async with database.write() as unit:
        active = await _active_key(unit, settings.key_passphrase, now)
        published = await SigningKeyRepository(unit).list_published(now)
    private_key = open_private_key(active, settings.key_passphrase)
    return KeyPairSigner(active.kid, private_key, [public_jwk(key) for key in published])


async def _active_key(unit: AsyncSession, passphrase: SecretStr, now: datetime) -> StoredKey:
    """Look, make one if there is none, and look again: another replica's may have come first."""
    keys = SigningKeyRepository(unit)
    active = await keys.find_active()
    if active is None:
        key = new_key(passphrase)
        if await keys.add_active(key, now):
            log.info("signing_key_created", kid=key.kid)
        active = await keys.find_active()
    if active is None:
        raise LookupError("no signing key is active")
    return active

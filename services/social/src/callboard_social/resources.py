"""What a running social holds open; made in the lifespan, closed in reverse."""

from dataclasses import dataclass

from callboard_servicekit.authentication import Authenticator
from callboard_servicekit.relay.relay import Relay
from callboard_servicekit.revocations import Revocations
from fastapi import FastAPI

from callboard_social.dialects.native import NativeDialect
from callboard_social.handshake import Handshake
from callboard_social.hub.hub import Hub
from callboard_social.lifetime import Lifetime
from callboard_social.limits import RateLimit
from callboard_social.metrics import SocialMetrics
from callboard_social.settings import SocialSettings
from callboard_social.tickets import Tickets


@dataclass(frozen=True, slots=True)
class SocialResources:
    settings: SocialSettings
    authenticator: Authenticator
    revocations: Revocations
    tickets: Tickets
    minting: RateLimit
    handshake: Handshake
    hub: Hub
    relay: Relay
    dialect: NativeDialect
    metrics: SocialMetrics
    lifetime: Lifetime


def resources_of(app: FastAPI) -> SocialResources:
    resources = app.state.resources
    assert isinstance(resources, SocialResources)  # noqa: S101 - put there by the lifespan
    return resources

"""What the producer is told by its environment."""

from callboard_servicekit.settings import VerifierSettings
from pydantic import Field


class ProducerSettings(VerifierSettings):
    """The producer verifies primary tokens and cannot make them."""

    host: str = Field("127.0.0.1", alias="PRODUCER_HOST", description="Address that the producer listens on.")
    port: int = Field(8103, alias="PRODUCER_PORT", ge=0, le=65_535, description="Port of the public routes.")
    internal_port: int = Field(
        9103,
        alias="PRODUCER_INTERNAL_PORT",
        ge=0,
        le=65_535,
        description="Port of health and metrics.",
    )
    database_url: str = Field(
        alias="PRODUCER_DATABASE_URL",
        description="sqlite+aiosqlite:///... on one machine, postgresql+asyncpg://... for more than one replica.",
    )

"""What ``callboard check-config`` knows of the producer."""

from callboard_servicekit.configuration.service import DatabaseConfiguration, ServiceConfiguration

from callboard_producer.migrations import SCRIPTS
from callboard_producer.settings import ProducerSettings


def describe() -> ServiceConfiguration:
    return ServiceConfiguration(
        "producer", ProducerSettings, database=DatabaseConfiguration("PRODUCER_DATABASE_URL", SCRIPTS)
    )

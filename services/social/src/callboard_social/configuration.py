"""What ``callboard check-config`` knows of social."""

from callboard_servicekit.configuration.service import DatabaseConfiguration, ServiceConfiguration

from callboard_social.migrations import SCRIPTS
from callboard_social.settings import SocialSettings


def describe() -> ServiceConfiguration:
    return ServiceConfiguration(
        "social", SocialSettings, database=DatabaseConfiguration("SOCIAL_DATABASE_URL", SCRIPTS)
    )

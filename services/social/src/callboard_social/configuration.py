"""What ``callboard check-config`` knows of social."""

from callboard_servicekit.configuration.service import ServiceConfiguration

from callboard_social.settings import SocialSettings


def describe() -> ServiceConfiguration:
    return ServiceConfiguration("social", SocialSettings)

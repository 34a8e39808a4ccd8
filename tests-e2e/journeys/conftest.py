"""Journeys know the gateway only."""

import pytest
from callboard_testkit.suite import Addresses, Door


@pytest.fixture
def door(addresses: Addresses) -> Door:
    return Door.gateway(addresses)

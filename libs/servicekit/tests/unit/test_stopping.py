"""A service that is told to stop: unready, refusing, drained."""

from datetime import timedelta
from http import HTTPStatus

import pytest
from callboard_servicekit.app import stopping_of, telemetry_of
from callboard_servicekit.stopping import ServiceStopping, Stopping
from fastapi import FastAPI


async def test_from_the_beginning_of_its_end_a_service_is_unready_and_refuses(app: FastAPI) -> None:
    stopping = stopping_of(app)
    stopping.require_not_begun()
    assert await telemetry_of(app).failing() == []
    stopping.begin()
    assert stopping.has_begun
    with pytest.raises(ServiceStopping) as refused:
        stopping.require_not_begun()
    assert refused.value.status is HTTPStatus.SERVICE_UNAVAILABLE
    assert refused.value.is_temporary
    assert "Retry-After" in refused.value.headers
    assert await telemetry_of(app).failing() == ["draining"]


async def test_what_is_registered_drains_and_is_told_how_long_it_has() -> None:
    windows: list[timedelta] = []

    async def drain(window: timedelta) -> None:
        windows.append(window)

    stopping = Stopping()
    await stopping.drain(timedelta(seconds=1))
    stopping.drain_by(drain)
    await stopping.drain(timedelta(seconds=2))
    assert windows == [timedelta(seconds=2)]

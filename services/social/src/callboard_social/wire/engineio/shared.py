"""What the sessions of one server have together."""

from collections.abc import Callable
from dataclasses import dataclass

from callboard_social.handoff import SocketLimits
from callboard_social.wire.engineio.heartbeat import Rhythm
from callboard_social.wire.engineio.options import Ending, EngineOptions
from callboard_social.wire.engineio.registry import Registry


@dataclass(frozen=True, slots=True)
class Shared:
    """`on_end` is told why a session that was open is over."""

    options: EngineOptions
    registry: Registry
    rhythm: Rhythm
    limits: SocketLimits
    on_end: Callable[[Ending], None]

    @classmethod
    def of(cls, options: EngineOptions, on_end: Callable[[Ending], None]) -> "Shared":
        return cls(
            options,
            Registry(options.max_unadmitted, options.max_unadmitted_per_address),
            Rhythm(options.ping_interval, options.ping_timeout),
            # Without a wheel: Engine.IO has pings of its own.
            SocketLimits(options.max_payload, linger=options.linger.total_seconds()),
            on_end,
        )

"""``python -m nginx.gateway``: process 1 of the gateway's container; with ``health`` it asks whether that one answers.

Renders the configuration with the services' addresses of the moment, runs NGINX, and reloads it when an address or a
certificate has changed. Beside what render.py reads:

- CALLBOARD_AUTH_PEERS, CALLBOARD_SOCIAL_PEERS, CALLBOARD_PRODUCER_PEERS: here a host may be a name with many addresses
- CALLBOARD_PEERS_INTERVAL: seconds between two looks at the names (2)
- CALLBOARD_GATEWAY_STOP_SECONDS: how long requests and sockets may finish after a SIGTERM (10)

SIGTERM, SIGINT and SIGQUIT stop it with exit code 0, a second one at once; SIGHUP reloads; NGINX ending by itself is 1.
"""

import hashlib
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from nginx.health import is_healthy
from nginx.journal import tell
from nginx.peers import PeerWatch, Resolve, resolve
from nginx.render import CERTIFICATE, UnusableValue, render
from nginx.server import SIGNALS, STOP_SIGNALS, ConfigurationRefused, Server

FIRST_LOOK_SECONDS = 5.0
"""A start waits this long for the services' names; without them their callers get 502 until they are there."""

TICK_SECONDS = 1.0
LONGEST_SECONDS = 3600.0


class ReloadBudget:
    """Six reloads at once, then one a minute.

    Workers of before a reload live on with their sockets, up to 30 minutes. So a replica that crashes and comes back
    all the time leaves at most 36 generations of them, not one every two seconds.
    """

    BURST = 6
    SECONDS_EACH = 60.0

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._left = float(self.BURST)
        self._counted_at = clock()

    def take(self) -> bool:
        """Whether one more reload is within the budget; takes it if so."""
        now = self._clock()
        self._left = min(self.BURST, self._left + (now - self._counted_at) / self.SECONDS_EACH)
        self._counted_at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


def _seconds(environment: Mapping[str, str], name: str, default: float) -> float:
    try:
        seconds = float(environment.get(name) or default)
    except ValueError:
        seconds = -1.0
    if not 0 < seconds <= LONGEST_SECONDS:
        raise UnusableValue(f"{name} is a number of seconds, up to an hour")
    return seconds


def _digest(path: str) -> bytes | None:
    try:
        return hashlib.sha256(Path(path).read_bytes()).digest()
    except OSError:
        return None


State = tuple[dict[str, str], list[bytes | None]]
"""All that a running gateway follows: the peer variables with addresses, and digests of certificate and key."""


class Gateway:
    """NGINX and what it depends on, looked after by one loop in the main thread.

    Raises UnusableValue for an environment that cannot be rendered whatever the services' addresses are.
    """

    def __init__(self, environment: Mapping[str, str], resolve: Resolve = resolve) -> None:
        render(environment)
        interval = _seconds(environment, "CALLBOARD_PEERS_INTERVAL", 2.0)
        self._environment = environment
        self._stop_seconds = _seconds(environment, "CALLBOARD_GATEWAY_STOP_SECONDS", 10.0)
        self._tick = min(interval, TICK_SECONDS)
        self._peers = PeerWatch(environment, interval, resolve)
        self._server = Server(Path(environment.get("CALLBOARD_GATEWAY_RUN_DIR", "")))
        self._budget = ReloadBudget()
        self._seen: State | None = None
        self._is_asked = False
        self._is_held_back = False

    def run(self) -> int:
        """Until a signal or the end of NGINX; gives the exit code."""
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        self._peers.start(FIRST_LOOK_SECONDS)
        if not self._adopt():
            return 1
        self._server.start()
        tell("gateway_started", peers=self._peers.known())
        while (status := self._server.collect()) is None and self._peers.is_alive():
            received = signal.sigtimedwait(SIGNALS, self._tick)
            if received and received.si_signo in STOP_SIGNALS:
                tell("gateway_stopping", seconds=self._stop_seconds)
                self._server.stop(self._stop_seconds)
                return 0
            self._is_asked = self._is_asked or (received is not None and received.si_signo == signal.SIGHUP)
            self._reload_if_changed()
        tell("gateway_failed", nginx_exit_code=status)
        self._server.stop(self._stop_seconds)
        return 1

    def _state(self) -> State:
        return self._peers.known(), [_digest(self._environment.get(name, "")) for name in CERTIFICATE]

    def _adopt(self) -> bool:
        """Make the configuration of the moment NGINX's next one; False, and said why, when it is of no use."""
        # Remembered before it is used: what changes in between is seen at the next turn.
        peers, _ = self._seen = self._state()
        try:
            self._server.adopt(render({**self._environment, **peers}))
        except (UnusableValue, ConfigurationRefused) as refusal:
            tell("configuration_refused", reason=str(refusal))
            return False
        return True

    def _reload_if_changed(self) -> None:
        if not self._server.is_ready() or (self._state() == self._seen and not self._is_asked):
            return
        if not self._is_asked and not self._budget.take():
            if not self._is_held_back:
                tell("reload_held_back", reason="too many changes")
            self._is_held_back = True
            return
        self._is_asked = self._is_held_back = False
        if self._adopt():
            self._server.reload()
            tell("gateway_reloaded", peers=self._peers.known())


def main() -> None:
    if sys.argv[1:] not in ([], ["health"]):
        sys.exit("usage: python -m nginx.gateway [health]")
    try:
        if sys.argv[1:]:
            sys.exit(not is_healthy(os.environ))
        sys.exit(Gateway(os.environ).run())
    except UnusableValue as refusal:
        tell("configuration_refused", reason=str(refusal))
        sys.exit(1)


if __name__ == "__main__":
    main()

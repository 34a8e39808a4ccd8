"""A suite in containers, in a copy of the checkout, so that nothing of it touches a person's own."""

import json
import os
import re
import shlex
import shutil
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PATIENCE_SECONDS = 120.0
COMMAND_SECONDS = 600.0
_PAUSE_SECONDS = 0.5
STAYING = ("gateway", "auth", "social", "producer", "postgres", "redis")
"""The services that run until they are stopped."""

_OF_A_PERSON = re.compile(r"(CALLBOARD|AUTH|SOCIAL|PRODUCER|POSTGRES|REDIS|JWT|CORS|LOG|COMPOSE)_")
_BLOCK = re.compile(r"^(?:##+ (?P<heading>[^\n]+)|```sh compose\n(?P<text>.*?)^```)$", re.MULTILINE | re.DOTALL)

Container = dict[str, Any]
"""What ``docker inspect`` says."""


class ComposeFailed(Exception):
    """A command ended with an error; the message has all that it printed."""


def blocks_of(page: str) -> list[tuple[str, str]]:
    """The heading above it, and the text, of every block that the compose tests run."""
    heading, found = "", []
    for match in _BLOCK.finditer(page):
        if match["heading"] is None:
            found.append((heading, match["text"]))
        else:
            heading = match["heading"]
    return found


@dataclass(frozen=True, slots=True)
class Compose:
    """One project. ``directory`` is its checkout, ``environment`` what its commands are run with.

    ``places`` are what a page names and what stands here in its place: a host, a port.
    """

    command: tuple[str, ...]
    directory: Path
    environment: Mapping[str, str]
    places: Mapping[str, str]

    @classmethod
    def of(cls, command: str, directory: Path, shims: Path, project: str, places: Mapping[str, str]) -> "Compose":
        """`command` is how compose is called here; in pages it is ``docker compose``, and `shims` make it so."""
        environment = {name: value for name, value in os.environ.items() if not _OF_A_PERSON.match(name)}
        # BuildKit under docker-compose 1, which would have its own builder else.
        environment |= {"COMPOSE_PROJECT_NAME": project, "COMPOSE_DOCKER_CLI_BUILD": "1", "DOCKER_BUILDKIT": "1"}
        docker = shutil.which("docker") or "docker"
        words = tuple(shlex.split(command))
        if words[:2] != ("docker", "compose"):
            shim = shims / "docker"
            compose = shlex.join([shutil.which(words[0]) or words[0], *words[1:]])
            text = f'#!/bin/sh\nif [ "$1" = compose ]; then shift; exec {compose} "$@"; fi\nexec {docker} "$@"\n'
            shim.write_text(text, encoding="utf-8")
            shim.chmod(0o755)
            environment["PATH"] = f"{shims}{os.pathsep}{environment['PATH']}"
        return cls(words, directory, environment, places)

    def attempt(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run any command in the checkout, whatever its end."""
        return subprocess.run(
            command,
            cwd=self.directory,
            env=dict(self.environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )

    def any(self, *command: str) -> str:
        """Run any command in the checkout; gives what it printed to stdout. Raises ComposeFailed."""
        done = self.attempt(*command)
        if done.returncode:
            raise ComposeFailed(f"{shlex.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout

    def run(self, *arguments: str) -> str:
        """Run compose itself. Raises ComposeFailed."""
        return self.any(*self.command, *arguments)

    def follow(self, page: str, heading: str, block: int = 0) -> str:
        """Do what a page says below a heading, word by word but for `places`. Raises ComposeFailed."""
        text = (self.directory / page).read_text(encoding="utf-8")
        script = [body for found, body in blocks_of(text) if found == heading][block]
        for place, here in self.places.items():
            script = script.replace(place, here)
        return self.any("bash", "-euo", "pipefail", "-c", script)

    def containers(self, *services: str) -> list[Container]:
        """All of these services, or of the project; ended ones too."""
        ids = self.run("ps", "-a", "-q", *services).split()
        found: list[Container] = json.loads(self.any("docker", "inspect", *ids)) if ids else []
        return found

    def execute(self, container: Container, *command: str) -> str:
        return self.any("docker", "exec", container["Id"], *command)

    def up(self, *options: str) -> None:
        """Start, or change to what the files say now, and wait for it. Raises ComposeFailed."""
        self.run("up", "-d", *options)
        self.wait_until_healthy()

    def wait_until_healthy(self) -> None:
        """Return when all that stays is healthy; raises ComposeFailed with the last lines of what is not."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while missing := self._unhealthy():
            if time.monotonic() > deadline:
                logs = self.run("logs", "--no-color", "--tail", "30", *missing)
                raise ComposeFailed(f"not healthy: {', '.join(missing)}\n{logs}")
            time.sleep(_PAUSE_SECONDS)

    def _unhealthy(self) -> list[str]:
        states: dict[str, list[str]] = {service: [] for service in STAYING}
        for container in self.containers(*STAYING):
            states[service_of(container)].append(container["State"].get("Health", {}).get("Status", "none"))
        return [service for service, found in states.items() if not found or set(found) != {"healthy"}]


def service_of(container: Container) -> str:
    return str(container["Config"]["Labels"]["com.docker.compose.service"])

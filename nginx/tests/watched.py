"""A gateway under its own process 1, and what can be asked of it."""

import http.client
import json
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from nginx.tests.upstream import PATIENCE_SECONDS

ROOT = Path(__file__).parents[2]
REPLICA = "/social/api/socials/connect-token"


@dataclass(frozen=True, slots=True)
class Watched:
    """A gateway under `nginx.gateway`, and the names it looks up."""

    process: subprocess.Popen[bytes]
    directory: Path
    environment: dict[str, str]

    @property
    def port(self) -> int:
        return int(self.environment["CALLBOARD_PORT"])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def socket_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/social/api/socials/ws"

    @property
    def nginx(self) -> int:
        """The process id of NGINX."""
        return int((self.directory / "run" / "nginx.pid").read_text(encoding="ascii"))

    @property
    def workers(self) -> set[str]:
        """NGINX's worker processes, those of before a reload too."""
        return set(Path(f"/proc/{self.nginx}/task/{self.nginx}/children").read_text(encoding="ascii").split())

    def name(self, **names: list[str]) -> None:
        """Replace what the name server knows."""
        candidate = self.directory / "names.candidate"
        candidate.write_text(json.dumps(names), encoding="utf-8")
        candidate.replace(self.directory / "names")

    @property
    def log(self) -> str:
        """All that it and NGINX have written so far."""
        return (self.directory / "log").read_text(encoding="utf-8")

    def lines(self) -> list[dict[str, Any]]:
        """The log's whole lines so far, each an object."""
        return [json.loads(line) for line in self.log.splitlines() if line.startswith("{") and line.endswith("}")]

    def told(self, event: str) -> list[dict[str, Any]]:
        """The lines of this event so far."""
        return [line for line in self.lines() if line.get("event") == event]

    def status(self, path: str) -> int:
        """What a new connection gets for this path; 0 when there is none."""
        line = http.client.HTTPConnection("127.0.0.1", self.port, PATIENCE_SECONDS)
        try:
            line.request("GET", path)
            return line.getresponse().status
        except (OSError, http.client.HTTPException):
            return 0
        finally:
            line.close()

    def replica(self) -> str:
        """Which upstream answers for social, or the status of the refusal."""
        answer = httpx.get(self.url + REPLICA, trust_env=False)
        return str(answer.json()["upstream"]) if answer.status_code == httpx.codes.OK else str(answer.status_code)

    def healthy(self) -> bool:
        command = [sys.executable, "-m", "nginx.gateway", "health"]
        return subprocess.run(command, env=self.environment, cwd=ROOT, check=False).returncode == 0

    def end(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE_SECONDS)

"""A private PostgreSQL cluster in a temporary directory. It refuses to run as root: then it runs as nobody."""

import os
import shutil
import subprocess
import tempfile
import time
import uuid
from pathlib import Path

import asyncpg

from callboard_testkit.waiting import PATIENCE_SECONDS, free_port, wait_for_port


def _binary(name: str) -> str:
    found = shutil.which(name)
    if found:
        return found
    candidates = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    if not candidates:
        raise FileNotFoundError(f"{name} is not installed")
    return str(candidates[-1])


def _as_nobody() -> list[str]:
    return ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"] if os.geteuid() == 0 else []


class PostgresServer:
    """One cluster for a test session; `create_database` gives each test a database of its own."""

    def __init__(self) -> None:
        self.port = free_port()
        self._home = Path(tempfile.mkdtemp(prefix="callboard-postgres-"))
        self._process: subprocess.Popen[bytes] | None = None
        if os.geteuid() == 0:
            shutil.chown(self._home, "nobody", "nogroup")

    def initialise(self) -> None:
        arguments = [_binary("initdb"), "-D", str(self._home / "data"), "-U", "callboard", "-A", "trust", "--no-sync"]
        subprocess.run([*_as_nobody(), *arguments], check=True, stdout=subprocess.DEVNULL, cwd=self._home)

    def start(self) -> None:
        arguments = [_binary("postgres"), "-D", str(self._home / "data"), "-p", str(self.port), "-h", "127.0.0.1"]
        arguments += ["-k", str(self._home), "-c", "fsync=off", "-c", "log_min_messages=panic"]
        self._process = subprocess.Popen([*_as_nobody(), *arguments], stderr=subprocess.DEVNULL, cwd=self._home)
        wait_for_port(self.port)
        self._wait_until_ready()

    def _wait_until_ready(self) -> None:
        """It listens before it has started up, and refuses whoever comes in between."""
        arguments = [_binary("pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        deadline = time.monotonic() + PATIENCE_SECONDS
        while subprocess.run(arguments, check=False).returncode != 0:
            if time.monotonic() > deadline:
                raise TimeoutError("PostgreSQL does not start")

    def stop(self) -> None:
        """End it at once, as a crash would; `start` brings it back with its data."""
        if self._process is not None:
            self._process.terminate()
            # An immediate shutdown is SIGQUIT; the postmaster takes its children with it.
            self._process.send_signal(3)
            self._process.wait()
            self._process = None

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self._home, ignore_errors=True)

    async def create_database(self) -> str:
        """A fresh, empty database; gives its SQLAlchemy URL."""
        name = f"test_{uuid.uuid4().hex}"
        connection = await asyncpg.connect(host="127.0.0.1", port=self.port, user="callboard", database="postgres")
        try:
            await connection.execute(f'CREATE DATABASE "{name}"')
        finally:
            await connection.close()
        return f"postgresql+asyncpg://callboard@127.0.0.1:{self.port}/{name}"

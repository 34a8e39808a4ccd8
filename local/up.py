"""``python -m local.up``: the whole suite on this machine, in the foreground, until Ctrl-C.

CALLBOARD_SOCIAL_PROCESSES, in the environment or in .env, is how many processes of social there are, 1 to 16; it is 1
if nothing is said. ``--run-dir`` and ``--port 0`` give a second suite beside this one; ``suite.json`` there says where
its parts are, once it is ready.
"""

import argparse
import fcntl
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local.demo import Demo, NoDemo, seed, write_private
from local.environment import ROOT
from local.suite import DEFAULT_DIRECTORY, LOOPBACK, SERVICES, CannotStart, Suite, plan
from local.supervision import Supervisor, supervised

WORKER = "demo-worker"
READY_FILE = "suite.json"

REDIS_CONFIGURATION = """\
bind {host}
port {port}
requirepass {password}
dir "{directory}"
appendonly yes
save ""
maxmemory-policy noeviction
daemonize no
"""

BANNER = """
Callboard is up: {url}
{login}
Try, in another terminal:

  export CALLBOARD_URL={url}
  {callboard} watch --token-file {token}
  {callboard} run --token-file {token} -- sh -c 'for n in 1 2 3; do echo line $n; sleep 1; done'

Logs are in {logs}. Ctrl-C stops everything; the data stays in {directory}."""


@contextmanager
def only_one(directory: Path) -> Iterator[int]:
    """Hold the directory's lock; gives its descriptor. Raises CannotStart when another suite runs there.

    supervisord keeps the descriptor too: should this process be killed, the suite that it leaves still counts.
    """
    descriptor = os.open(directory / "lock", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(descriptor, 32).decode().strip() or "unknown"
        os.close(descriptor)
        message = (
            f"a suite already runs in {directory} (process {holder}); stop it first, with Ctrl-C or: kill {holder}"
        )
        raise CannotStart(message) from None
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def note_holder(lock: int, pid: int) -> None:
    os.ftruncate(lock, 0)
    os.pwrite(lock, str(pid).encode(), 0)


def prepare(suite: Suite) -> None:
    """Directories, the configuration of Redis and of the gateway."""
    for name in ("log", "nginx", "redis"):
        (suite.directory / name).mkdir(mode=0o700, exist_ok=True)
    redis = REDIS_CONFIGURATION.format(
        host=LOOPBACK,
        port=suite.ports.redis,
        password=suite.redis_password,
        directory=suite.directory / "redis",
    )
    write_private(suite.directory / "redis.conf", redis)
    command = [sys.executable, str(ROOT / "nginx" / "render.py"), str(suite.directory / "nginx" / "nginx.conf")]
    rendered = subprocess.run(command, env=dict(suite.environment), capture_output=True, text=True, check=False)
    if rendered.returncode:
        raise CannotStart(rendered.stderr.strip())


def migrate(suite: Suite) -> None:
    for service in SERVICES:
        command = [sys.executable, "-m", f"callboard_{service}", "migrate"]
        done = subprocess.run(
            command,
            cwd=suite.directory,
            env=dict(suite.environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        with (suite.log_directory / "migrate.log").open("ab") as log:
            log.write(done.stdout)
        if done.returncode:
            raise CannotStart(f"{service} cannot migrate its database:\n{done.stdout.decode(errors='replace')}")


def describe(suite: Suite, supervisor: Supervisor) -> str:
    """What a program that started this suite needs to know, as JSON."""
    pids = {name: program["pid"] for name, program in supervisor.programs().items() if program["pid"]}
    redis = suite.environment["REDIS_URL"]
    socials, socials_internal = zip(*suite.social_addresses().values(), strict=True)
    addresses = suite.addresses() | {"socials": socials, "socials_internal": socials_internal}
    known = {"addresses": addresses, "redis": redis, "supervisor": supervisor.process.pid, "pids": pids}
    return json.dumps(known, indent=2) + "\n"


def start_demo(suite: Suite, supervisor: Supervisor) -> Demo | None:
    try:
        demo = seed(suite.gateway, suite.directory)
    except NoDemo as error:
        print(f"No demo: {error}.")
        return None
    supervisor.start(WORKER)
    return demo


def banner(suite: Suite, demo: Demo | None) -> str:
    login = "" if demo is None else f"Log in as {demo.login} with the password {demo.password}\n"
    return BANNER.format(
        url=suite.public_url,
        login=login,
        callboard=_shown(Path(sys.executable).with_name("callboard")),
        token="FILE" if demo is None else _shown(demo.token_file),
        logs=_shown(suite.log_directory),
        directory=_shown(suite.directory),
    )


def _shown(path: Path) -> Path:
    return path.relative_to(ROOT) if path.is_relative_to(ROOT) else path


def run(directory: Path, port: str | None, *, with_demo: bool) -> None:
    """Bring the suite up and stay until a signal comes; all its programs are gone afterwards."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    ready_file = directory / READY_FILE
    with only_one(directory) as lock:
        ready_file.unlink(missing_ok=True)
        suite = plan(directory, port)
        prepare(suite)
        migrate(suite)
        with supervised(suite, lock) as supervisor:
            note_holder(lock, supervisor.process.pid)
            try:
                supervisor.wait_until_ready()
                demo = start_demo(suite, supervisor) if with_demo else None
                write_private(ready_file, describe(suite, supervisor))
                print(banner(suite, demo), flush=True)
                supervisor.process.wait()
                raise CannotStart("supervisord has ended, and every program with it")
            finally:
                _ignore_signals()
                print("\nStopping.", flush=True)
                ready_file.unlink(missing_ok=True)


def _ignore_signals() -> None:
    """Once we stop, a second Ctrl-C would only leave programs behind."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m local.up", description="The whole suite, until Ctrl-C.")
    parser.add_argument(
        "--run-dir", type=Path, default=DEFAULT_DIRECTORY, help="data, logs and sockets; var/ by default"
    )
    parser.add_argument("--port", help="the gateway's port; 0 takes a free one")
    parser.add_argument("--no-demo", action="store_true", help="no demo organisation and no demo worker")
    options = parser.parse_args()
    os.umask(0o077)  # databases, logs and keys are their owner's alone
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    try:
        run(options.run_dir.resolve(), options.port, with_demo=not options.no_demo)
    except KeyboardInterrupt:
        print("Stopped.")
    except CannotStart as error:
        sys.exit(f"callboard: {error}")


if __name__ == "__main__":
    main()

"""The benchmarks' own Python environment."""

from benchmarks.peers.tools import Tools, printed

SHOW = "import sys, importlib.metadata as m; print(', '.join(f'{name} {m.version(name)}' for name in sys.argv[1:]))"
SERVE_OPTIONS = ("--loop", "uvloop", "--http", "httptools", "--ws-per-message-deflate", "false", "--backlog", "4096")
QUIET_OPTIONS = ("--no-access-log", "--log-level", "warning", "--timeout-graceful-shutdown", "1")


def python_versions(tools: Tools, *packages: str) -> str:
    """As ``python-socketio 5.18.1, uvicorn 0.54.0``."""
    return printed(tools.python, "-c", SHOW, *packages)


def uvicorn_command(tools: Tools, factory: str, port: int) -> list[str]:
    """Serves an application of `programs/`, with the parts that uvicorn is fast with."""
    target = f"benchmarks.peers.programs.{factory}"
    command = [tools.python, "-m", "uvicorn", "--factory", target, "--host", "127.0.0.1", "--port", str(port)]
    return [*command, *SERVE_OPTIONS, *QUIET_OPTIONS]

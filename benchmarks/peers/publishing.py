"""The command line that publishes, for a server's `publisher`."""

import sys


def publish_command(wire: str, port: int, *, rate: int, seconds: float, size: int, organisation: int) -> list[str]:
    """Runs `publish.py`, from the root of the checkout."""
    options = {"port": port, "rate": rate, "seconds": seconds, "size": size, "organisation": organisation}
    given = [text for name, value in options.items() for text in (f"--{name}", str(value))]
    return [sys.executable, "-m", "benchmarks.peers.publish", wire, *given]

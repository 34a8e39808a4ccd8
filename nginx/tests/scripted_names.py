"""``python -m nginx.tests.scripted_names FILE``: the gateway's own process, under a name server that is a JSON file."""

import json
import os
import sys
from pathlib import Path

from nginx.gateway import Gateway


def resolve(host: str) -> list[str]:
    """The addresses that the file has for this host now."""
    known: dict[str, list[str]] = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    if host not in known:
        raise OSError(-2, "Name or service not known")
    return known[host]


if __name__ == "__main__":
    sys.exit(Gateway(os.environ, resolve).run())

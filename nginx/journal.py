"""What the gateway's own process says: one JSON object a line, beside NGINX's access log."""

import json
import sys
from datetime import UTC, datetime


def tell(event: str, **fields: object) -> None:
    """``event`` is a fixed snake_case name; no field holds a credential."""
    at = datetime.now(UTC).isoformat(timespec="seconds")
    sys.stdout.write(json.dumps({"at": at, "event": event, **fields}) + "\n")
    sys.stdout.flush()

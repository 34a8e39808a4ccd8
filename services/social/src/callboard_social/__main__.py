"""``python -m callboard_social serve``."""

import argparse

from callboard_servicekit.serve import Listener, serve

from callboard_social.app import create_app
from callboard_social.settings import SocialSettings
from callboard_social.wire.carrier import BoundedCarrier

MAX_FRAME_BYTES = 1024 * 1024
"""Over it uvicorn cuts the connection, and the close code may be lost; the lane has a smaller bound and closes in
peace."""
PING_SECONDS = 25.0
PONG_SECONDS = 10.0


def main() -> None:
    parser = argparse.ArgumentParser(prog="callboard_social", description="Connect tokens, sockets and fan-out.")
    parser.add_argument("command", choices=["serve"])
    parser.parse_args()
    settings = SocialSettings()
    listener = Listener(
        settings.host,
        settings.port,
        settings.internal_port,
        {
            "ws": BoundedCarrier,
            "ws_max_size": MAX_FRAME_BYTES,
            "ws_ping_interval": PING_SECONDS,
            "ws_ping_timeout": PONG_SECONDS,
            "ws_per_message_deflate": False,
        },
    )
    serve("social", create_app(settings), settings, listener)


if __name__ == "__main__":
    main()

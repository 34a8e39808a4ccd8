"""``python -m callboard_social serve | migrate``."""

import argparse

from callboard_servicekit.migrations import migrate
from callboard_servicekit.serve import Listener, serve

from callboard_social.app import create_app
from callboard_social.handoff import FirstBytes, HandoffProtocol
from callboard_social.migrations import SCRIPTS
from callboard_social.settings import SocialSettings

SERVICE = "social"
MAX_FRAME_BYTES = 1024 * 1024
"""Over it uvicorn cuts the connection; what is carried has smaller bounds of its own."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="callboard_social", description="Connect tokens, sockets, rooms, fan-out.")
    parser.add_argument("command", choices=("serve", "migrate"))
    command = parser.parse_args().command
    settings = SocialSettings()
    if command == "migrate":
        migrate(settings.database_url, SERVICE, SCRIPTS)
    else:
        serve(SERVICE, create_app(settings), settings, _listener(settings))


def _listener(settings: SocialSettings) -> Listener:
    return Listener(
        settings.host,
        settings.port,
        settings.internal_port,
        {
            "http": FirstBytes,
            "ws": HandoffProtocol,
            "ws_max_size": MAX_FRAME_BYTES,
            "ws_ping_interval": None,  # sockets that are handed on are pinged by one timer for all
            "ws_per_message_deflate": False,
        },
    )


if __name__ == "__main__":
    main()

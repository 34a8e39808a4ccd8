"""``python -m callboard_auth serve | migrate``."""

import argparse

from callboard_servicekit.migrations import migrate
from callboard_servicekit.serve import Listener, serve

from callboard_auth.app import create_app
from callboard_auth.migrations import SCRIPTS
from callboard_auth.settings import AuthSettings

SERVICE = "auth"


def main() -> None:
    parser = argparse.ArgumentParser(prog="callboard_auth", description="Accounts, organisations, sessions and keys.")
    parser.add_argument("command", choices=("serve", "migrate"))
    command = parser.parse_args().command
    settings = AuthSettings()
    if command == "migrate":
        migrate(settings.database_url, SERVICE, SCRIPTS)
    else:
        listener = Listener(settings.host, settings.port, settings.internal_port)
        serve(SERVICE, create_app(settings), settings, listener)


if __name__ == "__main__":
    main()

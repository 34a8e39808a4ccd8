"""``python -m callboard_producer serve | migrate``."""

import argparse

from callboard_servicekit.migrations import migrate
from callboard_servicekit.serve import Listener, serve

from callboard_producer.app import create_app
from callboard_producer.migrations import SCRIPTS
from callboard_producer.settings import ProducerSettings

SERVICE = "producer"


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="callboard_producer", description="Executions, their log lines, and agents' events."
    )
    parser.add_argument("command", choices=("serve", "migrate"))
    command = parser.parse_args().command
    settings = ProducerSettings()
    if command == "migrate":
        migrate(settings.database_url, SERVICE, SCRIPTS)
    else:
        listener = Listener(settings.host, settings.port, settings.internal_port)
        serve(SERVICE, create_app(settings), settings, listener)


if __name__ == "__main__":
    main()

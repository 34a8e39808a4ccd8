"""``python -m callboard_servicekit check-config | settings``, for images that hold a service and no command line."""

import click

from callboard_servicekit.configuration.command import check_config, settings


@click.group()
def main() -> None:
    """Tools for who runs the services."""


main.add_command(check_config)
main.add_command(settings)

if __name__ == "__main__":
    main(prog_name="python -m callboard_servicekit")

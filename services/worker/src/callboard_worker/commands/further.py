"""Commands that other installed packages add: entry points of the group ``callboard.commands``.

They are loaded when they are asked for, so that a broken one cannot break the others.
"""

from importlib.metadata import EntryPoint, entry_points

import click

GROUP = "callboard.commands"


def further_names() -> list[str]:
    return sorted({entry.name for entry in entry_points(group=GROUP)})


def further_command(name: str) -> click.Command | None:
    """The command of this name; one that cannot be loaded says so when it is called. None when there is none."""
    found = list(entry_points(group=GROUP, name=name))
    return _load(found[0]) if found else None


def _load(entry: EntryPoint) -> click.Command:
    try:
        command = entry.load()
    except Exception as error:  # noqa: BLE001 - a broken package may raise anything
        return _broken(entry.name, type(error).__name__)
    return command if isinstance(command, click.Command) else _broken(entry.name, "not a command")


def _broken(name: str, reason: str) -> click.Command:
    def explain() -> None:
        raise click.ClickException(f"{name} is installed but cannot be loaded: {reason}")

    settings = {"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []}
    return click.Command(name, callback=explain, help=f"(cannot be loaded: {reason})", context_settings=settings)

"""``callboard check-config`` and ``callboard settings``, where a service is installed."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import click

from callboard_servicekit.configuration.examination import examine
from callboard_servicekit.configuration.reference import render
from callboard_servicekit.configuration.report import Report
from callboard_servicekit.configuration.service import installed_services
from callboard_servicekit.configuration.sources import Sources


def _replicas(_context: click.Context, _parameter: click.Parameter, given: tuple[str, ...]) -> Mapping[str, int]:
    replicas = {}
    for text in given:
        name, _, number = text.partition("=")
        if not number.isascii() or not number.isdecimal() or int(number) == 0:
            raise click.BadParameter("service=number, such as producer=2")
        replicas[name] = int(number)
    return replicas


@click.command("check-config")
@click.option(
    "--env-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file of NAME=value lines; the environment wins over it.",
)
@click.option("--replicas", multiple=True, callback=_replicas, help="How many are to run, such as producer=2.")
@click.option("--offline", is_flag=True, help="Look at the settings alone: ask no Redis, no database, no auth.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def check_config(env_file: Path | None, replicas: Mapping[str, int], *, offline: bool, form: str) -> None:
    """Show what the installed services would run with, and refuse what cannot go well.

    Secrets are never shown. The exit code is 1 when something is refused, 0 when there are only warnings.
    """
    report = _examined(env_file, replicas, is_offline=offline)
    click.echo(report.as_json() if form == "json" else report.as_text())
    if report.is_refused:
        raise click.exceptions.Exit(1)


@click.command("settings")
def settings() -> None:
    """Print every setting of the installed services, as Markdown."""
    services, _ = installed_services()
    click.echo(render(services), nl=False)


def _examined(env_file: Path | None, replicas: Mapping[str, int], *, is_offline: bool) -> Report:
    services, broken = installed_services()
    unknown = set(replicas) - {service.name for service in services}
    if unknown:
        raise click.UsageError(f"No such service is installed: {', '.join(sorted(unknown))}.")
    try:
        sources = Sources.read(env_file)
    except (OSError, ValueError) as error:
        raise click.ClickException(f"{env_file} cannot be read: {type(error).__name__}") from error
    report = examine(services, sources, replicas, is_offline=is_offline)
    return replace(report, findings=(*broken, *report.findings))

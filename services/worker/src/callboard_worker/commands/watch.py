import asyncio
import sys
from pathlib import Path

import click
from callboard_contracts.channels import Channel

from callboard_worker.commands.environment import api_token, client_for, token_file_option, url_option
from callboard_worker.console.console import Console
from callboard_worker.console.interruption import Interrupted, Interruption
from callboard_worker.watching.display import FrameDisplay, LineDisplay
from callboard_worker.watching.watching import Display, Watching


def _execution(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    try:
        return value and Channel.parse(f"execution:{value}").id
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


@click.command()
@url_option
@token_file_option
@click.option("--execution", metavar="TASK", callback=_execution, help="Also show this execution's log.")
@click.option("--logs", is_flag=True, help="Also show every log, each line behind its task.")
@click.option("--json", "as_json", is_flag=True, help="Print frames as JSON, one per line.")
def watch(url: str, token_file: Path | None, execution: str | None, *, logs: bool, as_json: bool) -> None:
    """Show what happens in the organisation, live, until Ctrl-C."""
    console = Console()
    display: Display = (
        FrameDisplay(console) if as_json else LineDisplay(console, name_tasks=logs, is_coloured=sys.stdout.isatty())
    )
    asyncio.run(_watch(url, api_token(token_file), console, display, execution, all_logs=logs))


async def _watch(
    url: str, token: str, console: Console, display: Display, task_id: str | None, *, all_logs: bool
) -> None:
    interruption = Interruption()
    with interruption.listening():
        async with client_for(url, token, console) as client:
            watching = Watching(client, display, task_id, all_logs=all_logs)
            try:
                await interruption.unless(watching.follow())
            except Interrupted:
                return

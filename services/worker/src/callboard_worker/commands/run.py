import asyncio
import re
from pathlib import Path

import click
from callboard_contracts.wire import IDENTIFIER_PATTERN

from callboard_worker.commands.environment import (
    api_token,
    child_environment,
    client_for,
    masker_for,
    token_file_option,
    url_option,
)
from callboard_worker.console.console import Console
from callboard_worker.console.interruption import Interruption
from callboard_worker.running.command_run import EXIT_CANNOT_REPORT, Command, CommandRun
from callboard_worker.sdk.errors import CallboardError


def _task_id(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    if value is not None and not re.fullmatch(IDENTIFIER_PATTERN, value, re.ASCII):
        raise click.BadParameter("an id has letters, digits and . _ ~ -, begins with a letter or digit, at most 128")
    return value


@click.command(context_settings={"allow_interspersed_args": False})
@url_option
@token_file_option
@click.option("--task-id", callback=_task_id, help="The execution's id; made from the name by default.")
@click.option("--name", help="What people see; the command by default.")
@click.option("--secret-env", multiple=True, metavar="VAR", help="Mask the value of this variable. May be repeated.")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def run(
    *,
    url: str,
    token_file: Path | None,
    task_id: str | None,
    name: str | None,
    secret_env: tuple[str, ...],
    command: tuple[str, ...],
) -> None:
    """Run COMMAND and report it: its status, and its output as a log.

    Exits as the command does; 127 and 126 when it cannot be started, 130 and 143 after SIGINT and SIGTERM, 125 when
    the gateway refuses the report from the start (the command is not run then).
    """
    token = api_token(token_file)
    masker = masker_for(token, secret_env)
    if task_id is not None and masker.mask(task_id) != task_id:
        raise click.UsageError("There is a secret in the task id, which is shown to the organisation.")
    job = Command.of(command, child_environment(), masker, name, task_id)
    raise click.exceptions.Exit(asyncio.run(_report(url, token, job)))


async def _report(url: str, token: str, command: Command) -> int:
    console, interruption = Console(), Interruption()
    with interruption.listening():
        console.say(f"task {command.task_id}")
        async with client_for(url, token, console) as client:
            try:
                return (await CommandRun(client, command, interruption, console).to_its_end()).exit_code
            except CallboardError as error:
                console.say(f"cannot report, so {command.name} is not run: {error}")
                return EXIT_CANNOT_REPORT

import asyncio
from collections.abc import Sequence
from pathlib import Path

import click

from callboard_worker.commands.environment import (
    api_token,
    child_environment,
    client_for,
    masker_for,
    token_file_option,
    url_option,
)
from callboard_worker.console.console import Console
from callboard_worker.console.interruption import Interrupted, Interruption
from callboard_worker.running.command_run import Command, CommandRun
from callboard_worker.running.jobs import BadJobFile, Job, read_jobs
from callboard_worker.running.masking import Masker
from callboard_worker.running.schedule import Schedule
from callboard_worker.sdk.client import CallboardClient
from callboard_worker.sdk.errors import CallboardError

KILL_AFTER_SECONDS = 5.0
"""After a signal; a supervisor that waits ten for us would leave a stubborn child behind."""


@click.command()
@url_option
@token_file_option
@click.option(
    "--jobs",
    "job_file",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The allow-list: a TOML file of [[job]] name, command, every, secret_env.",
)
def worker(url: str, token_file: Path | None, job_file: Path) -> None:
    """Run the jobs of a file in turn, each when it is due, for ever. Ends with the running job CANCELLED."""
    try:
        jobs = read_jobs(job_file)
    except BadJobFile as error:
        raise click.UsageError(str(error)) from error
    token = api_token(token_file)
    maskers = {job: masker_for(token, job.secret_env) for job in jobs}
    asyncio.run(_work(url, token, maskers))


async def _work(url: str, token: str, maskers: dict[Job, Masker]) -> None:
    console, interruption = Console(), Interruption()
    with interruption.listening():
        async with client_for(url, token, console) as client:
            await _in_turn(client, [*maskers], maskers, interruption, console)


async def _in_turn(
    client: CallboardClient,
    jobs: Sequence[Job],
    maskers: dict[Job, Masker],
    interruption: Interruption,
    console: Console,
) -> None:
    clock = asyncio.get_running_loop().time
    schedule = Schedule(jobs, clock())
    while interruption.first is None:
        job, due = schedule.next()
        try:
            await interruption.unless(asyncio.sleep(due - clock()))
        except Interrupted:
            return
        schedule.started(job, clock())
        command = Command.of(job.command, child_environment(), maskers[job], job.name)
        run = CommandRun(client, command, interruption, console, echo=False, kill_after_seconds=KILL_AFTER_SECONDS)
        try:
            ending = await run.to_its_end()
        except CallboardError as error:
            console.say(f"{command.task_id} cannot be reported, so it is not run: {error}")
        else:
            console.say(f"{command.task_id} {ending.status}")

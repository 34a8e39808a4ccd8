"""``callboard``: run, watch, token, worker, and what installed services add."""

from typing import Any

import click

from callboard_worker.commands.further import further_command, further_names
from callboard_worker.commands.run import run
from callboard_worker.commands.token import token
from callboard_worker.commands.watch import watch
from callboard_worker.commands.worker import worker
from callboard_worker.console.terminal import neutralised
from callboard_worker.sdk.errors import CallboardError


class _Callboard(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *further_names()})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Ours first: nobody else's package can change what they do."""
        return super().get_command(ctx, cmd_name) or further_command(cmd_name)

    def invoke(self, ctx: click.Context) -> Any:
        """What the gateway refuses is one line and exit code 1, not a traceback."""
        try:
            return super().invoke(ctx)
        except CallboardError as error:
            raise click.ClickException(neutralised(str(error))) from error


@click.group(cls=_Callboard)
def main() -> None:
    """Report to Callboard, and watch it.

    CALLBOARD_URL is the gateway's address, CALLBOARD_TOKEN an API token.
    """


main.add_command(run)
main.add_command(watch)
main.add_command(token)
main.add_command(worker)

import asyncio
import os
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import click
from callboard_contracts.accounts import MAX_OVERLAP_SECONDS, ApiToken
from callboard_contracts.wire import format_time

from callboard_worker.commands.accounts import Account, signed_in
from callboard_worker.commands.environment import PASSWORD_VARIABLE, url_option
from callboard_worker.console.durations import parse_duration
from callboard_worker.console.terminal import neutralised
from callboard_worker.sdk.gateway import GatewayOptions

PATIENCE = timedelta(seconds=15)
"""Somebody sits and waits."""
MAX_NAME_LENGTH = 128
MAX_OVERLAP = timedelta(seconds=MAX_OVERLAP_SECONDS)

Answer = TypeVar("Answer")
Decorated = TypeVar("Decorated", bound=Callable[..., Any])


@click.group()
def token() -> None:
    """Make, list, rotate and revoke API tokens.

    Asks for the password, unless CALLBOARD_PASSWORD has it.
    """


def _login_option(command: Decorated) -> Decorated:
    return click.option("--login", required=True, help="Login name or e-mail address.")(command)


def _lifetime(_context: click.Context, _parameter: click.Parameter, value: str | None) -> timedelta | None:
    try:
        return None if value is None else parse_duration(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


def _overlap(_context: click.Context, _parameter: click.Parameter, value: str) -> timedelta:
    try:
        overlap = timedelta(0) if value == "0" else parse_duration(value)
    except ValueError as error:
        raise click.BadParameter(f"{error}; 0 is none") from error
    if overlap > MAX_OVERLAP:
        raise click.BadParameter(f"at most {MAX_OVERLAP.days}d")
    return overlap


@token.command()
@click.argument("name")
@url_option
@_login_option
@click.option("--expires-in", callback=_lifetime, metavar="DURATION", help="Such as 30d; never by default.")
def create(name: str, url: str, login: str, expires_in: timedelta | None) -> None:
    """Make an API token and print it, alone: export CALLBOARD_TOKEN=$(callboard token create ...)."""
    if not 1 <= len(name.strip()) <= MAX_NAME_LENGTH:
        raise click.UsageError(f"A token's name has 1 to {MAX_NAME_LENGTH} characters.")
    expires_at = _expiry(expires_in)

    async def create_and_show(account: Account) -> None:
        # Shown before we log out: it is never shown again, whatever happens then.
        click.echo((await account.create_token(name, expires_at)).token)

    _signed_in(url, login, create_and_show)


@token.command("list")
@url_option
@_login_option
def list_tokens(url: str, login: str) -> None:
    """Show the API tokens: id, name, when made, when they expire, when last used, what they were rotated to."""
    for entry in _signed_in(url, login, Account.tokens):
        click.echo("  ".join(_columns(entry)))


@token.command()
@click.argument("token_id", metavar="ID")
@url_option
@_login_option
@click.option(
    "--overlap",
    callback=_overlap,
    metavar="DURATION",
    default="1h",
    show_default=True,
    help="How much longer the old token works, 7d at most; 0 ends it at once.",
)
@click.option(
    "--expires-in", callback=_lifetime, metavar="DURATION", help="Such as 30d; by default when the old one would have."
)
def rotate(token_id: str, url: str, login: str, overlap: timedelta, expires_in: timedelta | None) -> None:
    """Replace an API token and print the new one, alone. What uses it stays the same agent to everybody else."""
    expires_at = _expiry(expires_in)

    async def rotate_and_show(account: Account) -> None:
        rotated = await account.rotate_token(token_id, overlap, expires_at)
        click.echo(rotated.token)
        click.echo(f"callboard: the old token works until {format_time(rotated.replaces.expires_at)}", err=True)

    _signed_in(url, login, rotate_and_show)


@token.command()
@click.argument("token_id", metavar="ID")
@url_option
@_login_option
def revoke(token_id: str, url: str, login: str) -> None:
    """Revoke an API token; what uses it is disconnected."""
    _signed_in(url, login, lambda account: account.revoke_token(token_id))


def _expiry(lifetime: timedelta | None) -> datetime | None:
    return None if lifetime is None else datetime.now(UTC) + lifetime


def _signed_in(url: str, login: str, work: Callable[[Account], Awaitable[Answer]]) -> Answer:
    password = os.environ.get(PASSWORD_VARIABLE) or click.prompt("Password", hide_input=True, err=True)

    async def signed_in_work() -> Answer:
        async with signed_in(url, login, password, GatewayOptions.with_patience(PATIENCE)) as account:
            return await work(account)

    return asyncio.run(signed_in_work())


def _columns(entry: ApiToken) -> tuple[str, ...]:
    def moment(when: datetime | None) -> str:
        return "never" if when is None else format_time(when)

    return (
        neutralised(entry.id),
        neutralised(entry.name),
        f"made {moment(entry.created_at)}",
        f"expires {moment(entry.expires_at)}",
        f"used {moment(entry.last_used_at)}",
        *(() if entry.replaced_by is None else (f"rotated to {neutralised(entry.replaced_by)}",)),
    )

"""Where the gateway is and which token opens it: from the environment, or from files, never from an option's value."""

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from callboard_worker.console.console import Console
from callboard_worker.running.encodings import with_encodings
from callboard_worker.running.masking import Masker
from callboard_worker.sdk.client import DEFAULT_URL, CallboardClient
from callboard_worker.sdk.gateway import GatewayOptions, checked_url

TOKEN_VARIABLE = "CALLBOARD_TOKEN"
PASSWORD_VARIABLE = "CALLBOARD_PASSWORD"
OWN_SECRETS = (TOKEN_VARIABLE, PASSWORD_VARIABLE)

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


def _address(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    try:
        return checked_url(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


def url_option(command: Decorated) -> Decorated:
    """``--url``, else CALLBOARD_URL, else the local suite."""
    return click.option(
        "--url",
        envvar="CALLBOARD_URL",
        default=DEFAULT_URL,
        show_default=True,
        show_envvar=True,
        callback=_address,
        help="The gateway's address.",
    )(command)


def token_file_option(command: Decorated) -> Decorated:
    """``--token-file``. There is no option for the token itself: command lines can be read by everyone (`ps`)."""
    return click.option(
        "--token-file",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help=f"A file with the API token, instead of {TOKEN_VARIABLE}.",
    )(command)


def api_token(token_file: Path | None) -> str:
    """The API token; raises UsageError when there is none."""
    token = token_file.read_text(encoding="utf-8") if token_file else os.environ.get(TOKEN_VARIABLE, "")
    token = token.strip()
    if not token:
        raise click.UsageError(f"Set {TOKEN_VARIABLE} to an API token (callboard token create), or give --token-file.")
    if not token.isascii() or not token.isprintable():
        raise click.UsageError("The API token has characters that no API token has.")
    return token


def client_for(url: str, token: str, console: Console) -> CallboardClient:
    """A client that tries for ever, and says so when it has to."""
    return CallboardClient(url, token, GatewayOptions(on_retry=console.retrying))


def masker_for(token: str, secret_variables: Iterable[str]) -> Masker:
    """Masks our own secrets and the values of these variables; raises UsageError for one that is not set."""
    names = tuple(secret_variables)
    missing = [name for name in names if name not in os.environ]
    if missing:
        # A slip in a name would let the secret through.
        raise click.UsageError("These variables are to be masked but are not set: " + ", ".join(missing))
    own = (os.environ.get(name, "") for name in OWN_SECRETS)
    return Masker(with_encodings([token, *own, *(os.environ[name] for name in names)]))


def child_environment() -> Mapping[str, str]:
    """Our environment without our own secrets: what we run has no business with them."""
    return {name: value for name, value in os.environ.items() if name not in OWN_SECRETS}

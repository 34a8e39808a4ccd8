"""The ``.env`` file: secrets made once, kept for ever. ``python -m local.environment`` completes it."""

import os
import secrets
from pathlib import Path

ROOT = Path(__file__).parents[1]
ENV_FILE = ROOT / ".env"
SECRETS = {
    "AUTH_KEY_PASSPHRASE": "Encrypts the signing keys in the database of auth. Losing it ends every session.",
    "SOCIAL_TICKET_SECRET": "Signs ws-connect tokens; the same for every replica of social.",
    "POSTGRES_PASSWORD": "Under compose: of the superuser of PostgreSQL, as its volume was made with.",
    "AUTH_DATABASE_PASSWORD": "Under compose: of the role of auth in PostgreSQL; a part of a URL, so A-Z a-z 0-9 - _",
    "PRODUCER_DATABASE_PASSWORD": "Under compose: of the role of producer in PostgreSQL; of the same characters.",
    "SOCIAL_DATABASE_PASSWORD": "Under compose: of the role of social in PostgreSQL; of the same characters.",
    "REDIS_PASSWORD": "Under compose: of Redis; of the same characters.",
}


def read_environment_file(path: Path) -> dict[str, str]:
    """``NAME=value`` lines, with or without quotes; what is empty counts as absent. No file is an empty one."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    found: dict[str, str] = {}
    for line in lines:
        name, separator, value = line.strip().removeprefix("export ").partition("=")
        if separator and not name.startswith("#"):
            found[name.strip()] = _unquoted(value.strip())
    return {name: value for name, value in found.items() if value}


def _unquoted(value: str) -> str:
    is_quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
    return value[1:-1] if is_quoted else value


def complete_environment_file(path: Path) -> list[str]:
    """Append a random value for each secret that is missing; gives their names. Nothing that is set is changed."""
    present = read_environment_file(path)
    missing = [name for name in SECRETS if name not in present]
    # Made with its mode, not changed to it: nobody else can have opened it in between.
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "a+", encoding="utf-8") as file:
        os.fchmod(descriptor, 0o600)
        file.seek(0)
        text = file.read()
        if missing and text and not text.endswith("\n"):
            file.write("\n")
        for name in missing:
            file.write(f"# {SECRETS[name]}\n{name}={secrets.token_urlsafe(36)}\n")
    return missing


def main() -> None:
    added = complete_environment_file(ENV_FILE)
    print(f"{ENV_FILE.name}: added {', '.join(added)}" if added else f"{ENV_FILE.name}: nothing was missing")


if __name__ == "__main__":
    main()

#!/bin/sh
# Writes requirements.lock anew: every dependency of every package, test and local tool, with hashes.
set -eu
cd "$(dirname "$0")/.."

projects=$(mktemp)
trap 'rm -f "$projects"' EXIT
trap 'exit 130' INT TERM HUP

[ -x .venv/bin/uv ] || .venv/bin/python -m pip install --quiet --disable-pip-version-check uv
set --
for project in libs/*/pyproject.toml services/*/pyproject.toml; do
    echo "./${project%/pyproject.toml}" >>"$projects"
    set -- "$@" --no-emit-package "$(sed -n 's/^name = "\(.*\)"$/\1/p' "$project")"
done
.venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
    --no-annotate --group pyproject.toml:dev --group pyproject.toml:local "$@" "$projects" -o requirements.lock

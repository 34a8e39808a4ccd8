#!/bin/sh
# Writes the locks anew, each with hashes:
#   requirements.lock              every dependency of every package, test and local tool
#   */requirements.lock            what one image holds, at the same versions; services/ itself has one with all of them
#   local/build/requirements.lock  what builds our packages into images
#   benchmarks/requirements.lock   the peers, at versions of their own
set -eu
cd "$(dirname "$0")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP

[ -x .venv/bin/uv ] || .venv/bin/python -m pip install --quiet --disable-pip-version-check uv

own=
for project in libs/*/pyproject.toml services/*/pyproject.toml; do
    echo "./${project%/pyproject.toml}" >>"$work/everything"
    own="$own --no-emit-package $(sed -n 's/^name = "\(.*\)"$/\1/p' "$project")"
done

# lock OUTPUT ARGUMENT...: ours are left out, they come from this checkout
lock() {
    output=$1
    shift
    # shellcheck disable=SC2086 # a list of options
    .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
        --no-annotate $own "$@" -o "$output"
}

# lock_image FOLDER REQUIREMENT...: at the versions of the lock at the top
lock_image() {
    output=$1/requirements.lock
    shift
    printf '%s\n' "$@" >"$work/image"
    lock "$output" --constraint "$work/versions" "$work/image"
}

lock requirements.lock --group pyproject.toml:dev --group pyproject.toml:local "$work/everything"
sed -n 's/^\([a-z0-9].*==.*\) \\$/\1/p' requirements.lock >"$work/versions"

mkdir -p local/build
lock_image local/build hatchling
for service in auth social producer; do
    lock_image "services/$service" ./libs/contracts ./libs/servicekit "./services/$service"
done
lock_image services ./libs/contracts ./libs/servicekit ./services/auth ./services/producer ./services/social
lock_image services/worker ./libs/contracts ./services/worker
lock benchmarks/requirements.lock benchmarks/requirements.in
lock_image tests-e2e ./libs/contracts ./libs/testkit ./services/worker pytest-timeout

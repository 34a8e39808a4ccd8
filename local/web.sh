#!/bin/sh
# What web/ needs on this machine, from the Node and npm that .venv carries: development tools only, nothing for browsers.
#
#   local/web.sh install    the locked tools into web/node_modules, when they are not there
#   local/web.sh check      formatting and types
#   local/web.sh fmt        format
#   local/web.sh test       the tests that run in Node
#   local/web.sh lock       write package-lock.json anew
set -eu
cd "$(dirname "$0")/../web"
PATH=$(cd ../.venv/bin && pwd):$PATH
STAMP=node_modules/installed

case ${1-} in
install)
    state=$(pwd | cat - package-lock.json | sha256sum)
    if [ "$(cat "$STAMP" 2>/dev/null)" != "$state" ]; then
        echo "bootstrap: installing the locked tools into web/node_modules"
        npm ci --silent --no-audit --no-fund
        printf '%s\n' "$state" >"$STAMP"
    fi
    ;;
check)
    npx --no-install prettier --check --log-level warn .
    npx --no-install tsc --project tsconfig.json
    ;;
fmt) npx --no-install prettier --write --log-level warn . ;;
test) node --test --test-reporter=dot 'tests/**/*.test.js' ;;
lock)
    npm install --package-lock-only --silent
    # Addresses that npm adds for people; an install does not need them.
    node -e '
        const { readFileSync, writeFileSync } = require("node:fs");
        const lock = JSON.parse(readFileSync("package-lock.json", "utf8"));
        for (const entry of Object.values(lock.packages)) delete entry.funding;
        writeFileSync("package-lock.json", JSON.stringify(lock, null, 2) + "\n");'
    ;;
*)
    sed -n '2,8p' "../local/web.sh" >&2
    exit 2
    ;;
esac

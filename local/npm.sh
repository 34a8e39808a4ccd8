#!/bin/sh
# The packages of a folder that has a package.json, with the Node and npm that .venv carries.
#
#   local/npm.sh install FOLDER    the locked packages into FOLDER/node_modules, when they are not there
#   local/npm.sh lock FOLDER       write FOLDER/package-lock.json anew
set -eu
cd "$(dirname "$0")/.."
PATH=$(pwd)/.venv/bin:$PATH
STAMP=node_modules/installed

if [ $# != 2 ]; then
    sed -n '2,5p' local/npm.sh >&2
    exit 2
fi
cd "$2"
case $1 in
install)
    state=$(pwd | cat - package-lock.json | sha256sum)
    if [ "$(cat "$STAMP" 2>/dev/null)" != "$state" ]; then
        echo "bootstrap: installing the locked packages into $2/node_modules"
        npm ci --silent --no-audit --no-fund
        printf '%s\n' "$state" >"$STAMP"
    fi
    ;;
lock)
    npm install --package-lock-only --silent
    # Addresses that npm adds for people; an install does not need them.
    node -e '
        const { readFileSync, writeFileSync } = require("node:fs");
        const lock = JSON.parse(readFileSync("package-lock.json", "utf8"));
        for (const entry of Object.values(lock.packages)) delete entry.funding;
        writeFileSync("package-lock.json", JSON.stringify(lock, null, 2) + "\n");'
    ;;
esac

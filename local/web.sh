#!/bin/sh
# The JavaScript of this repository, with the Node that .venv carries and the tools of web/: development only, nothing
# for browsers. Beside web/ it is tests-e2e/clients, whose programs run the seeds' own client code.
#
#   local/web.sh install    the locked packages of both, when they are not there
#   local/web.sh check      formatting and types
#   local/web.sh fmt        format
#   local/web.sh test       the tests of web/ that run in Node
#   local/web.sh lock       write both package-lock.json anew
set -eu
cd "$(dirname "$0")/../web"
PATH=$(cd ../.venv/bin && pwd):$PATH
CLIENTS=../tests-e2e/clients

prettier() {
    npx --no-install prettier --log-level warn "$1" .
    npx --no-install prettier --log-level warn --config .prettierrc.json --ignore-path "$CLIENTS/.prettierignore" "$1" "$CLIENTS"
}

case ${1-} in
install)
    ../local/npm.sh install web
    ../local/npm.sh install tests-e2e/clients
    ;;
check)
    prettier --check
    npx --no-install tsc --project tsconfig.json
    npx --no-install tsc --project "$CLIENTS/tsconfig.json"
    ;;
fmt) prettier --write ;;
test) node --test --test-reporter=dot 'tests/**/*.test.js' ;;
lock)
    ../local/npm.sh lock web
    ../local/npm.sh lock tests-e2e/clients
    ;;
*)
    sed -n '2,10p' "../local/web.sh" >&2
    exit 2
    ;;
esac

#!/bin/sh
# The type checker over every package and every folder of tests. Test folders are no packages and repeat file names,
# so each is checked by itself.
set -eu
cd "$(dirname "$0")/.."

for package in libs/*/src/* services/*/src/*; do
    if [ -f "$package/__init__.py" ]; then set -- "$@" -p "$(basename "$package")"; fi
done
.venv/bin/mypy "$@"
.venv/bin/mypy local nginx/*.py
.venv/bin/mypy -p benchmarks
for tests in libs/*/tests services/*/tests/unit services/*/tests/integration nginx/tests tests-repo tests-e2e/conftest.py \
    tests-e2e/*/; do
    if [ -e "$tests" ]; then .venv/bin/mypy "$tests"; fi
done

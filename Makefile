# The only entry point: people, hooks and CI run the same targets.

SHELL := /bin/sh
BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest -q
COVER := $(BIN)/coverage run -m pytest -q

.DEFAULT_GOAL := help
.PHONY: help bootstrap env up fmt lint types test sure lock

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

bootstrap: ## Install what is missing: system packages, .venv
	@local/bootstrap.sh

env: bootstrap ## Make .env with random secrets; add what is missing, change nothing
	@$(BIN)/python -m local.environment

up: bootstrap ## Run the whole suite here, until Ctrl-C
	@exec $(BIN)/python -m local.up

fmt: bootstrap ## Format, and fix what can be fixed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lint: bootstrap types ## Check format, rules, types and which way imports point
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports

types: bootstrap ## Check types alone
	@local/types.sh

test: lint ## Everything CI runs: lint, then every tier of tests with coverage
	@local/bootstrap.sh tests
	$(BIN)/coverage erase
	$(COVER) libs services/*/tests/unit
	$(COVER) services/*/tests/integration
	$(PYTEST) local/tests nginx/tests
	$(PYTEST) tests-repo
	$(PYTEST) tests-e2e
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

sure: ## What a person runs before a push: a clean tree, and make test
	@test -z "$$(git status --porcelain)" || { git status --short; echo "the tree is not clean"; exit 1; }
	@$(MAKE) test

lock: bootstrap ## Write requirements.lock anew
	@local/lock.sh

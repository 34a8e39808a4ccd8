# The only entry point: people, hooks and CI run the same targets.

SHELL := /bin/sh
BIN := .venv/bin
COMPOSE ?= docker compose
PYTEST := $(BIN)/python -m pytest -q
COVER := $(BIN)/coverage run -m pytest -q

.DEFAULT_GOAL := help
.PHONY: help bootstrap tools env up fmt lint types test test-clients bench sure lock compose-test screenshots

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

bootstrap: ## Install what is missing: system packages, .venv
	@local/bootstrap.sh

tools: ## Install what formats, checks and tests JavaScript
	@local/bootstrap.sh tools

env: bootstrap ## Make .env with random secrets; add what is missing, change nothing
	@$(BIN)/python -m local.environment

up: bootstrap ## Run the whole suite here, until Ctrl-C
	@exec $(BIN)/python -m local.up

fmt: tools ## Format, and fix what can be fixed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	local/web.sh fmt

lint: tools types ## Check format, rules, types and which way imports point
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	local/web.sh check

types: bootstrap ## Check types alone
	@local/types.sh

test: lint ## Everything CI runs: lint, then every tier of tests with coverage
	@local/bootstrap.sh tests
	$(BIN)/coverage erase
	local/web.sh test
	$(COVER) libs services/*/tests/unit
	@echo "$(COVER) services/*/tests/integration, social's beside the others'"
	@$(COVER) $(filter-out services/social/%,$(wildcard services/*/tests/integration)) & others=$$!; \
	$(COVER) services/social/tests/integration; social=$$?; wait $$others && exit $$social
	$(PYTEST) local/tests nginx/tests benchmarks/tests
	$(PYTEST) tests-repo
	$(PYTEST) tests-e2e/clauses tests-e2e/journeys tests-e2e/documents
	$(PYTEST) tests-e2e/clients
	$(PYTEST) tests-e2e/browser
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

test-clients: bootstrap ## The seeds' own clients, npm's and Python's Socket.IO among them, before two replicas of social
	@local/bootstrap.sh tests
	$(PYTEST) tests-e2e/clients

compose-test: bootstrap ## The suite in containers: up from nothing, scaled, backed up, under TLS. Needs Docker
	@local/bootstrap.sh tests
	COMPOSE="$(COMPOSE)" $(PYTEST) tests-e2e/compose

screenshots: ## Take the pictures of docs/images anew
	@local/bootstrap.sh tests
	CALLBOARD_SCREENSHOTS=$(CURDIR)/docs/images $(PYTEST) tests-e2e/browser/test_screenshots.py -k desktop

bench: ## Ours and the peers side by side, in about half an hour; one scenario with SCENARIO=flood
	@local/bench.sh run $(SCENARIO)

sure: ## What a person runs before a push: a clean tree, and make test
	@test -z "$$(git status --porcelain)" || { git status --short; echo "the tree is not clean"; exit 1; }
	@$(MAKE) test

lock: tools ## Write every requirements.lock and package-lock.json anew
	@local/lock.sh
	@local/web.sh lock
	@local/npm.sh lock benchmarks

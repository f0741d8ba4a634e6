.DEFAULT_GOAL := help
SHELL := /bin/sh

CUSTOMERS ?= 1000
WORKERS ?= 1
PORT ?= 8080
ROUNDS ?= 1
SEED ?=
POLICY ?=
TESTS ?=
ONLY ?=

UV := $(shell command -v uv || echo .local/tools/bin/uv)
RUN := PYTHONPATH=deploy/local $(UV) run --frozen
LOCAL := $(RUN) python -m leopard_local

.PHONY: help
help: ## Show what there is to make
	@awk 'BEGIN {FS = ":.*## "} /^[a-z0-9-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: .venv ## Send a campaign through a stack of its own and watch it (CUSTOMERS=1000 WORKERS=1)
	@$(LOCAL) demo --customers $(CUSTOMERS) --workers $(WORKERS)

.PHONY: up
up: .venv ## Keep a stack up on 127.0.0.1 until Ctrl-C (PORT=8080 WORKERS=1)
	@$(LOCAL) up --port $(PORT) --workers $(WORKERS)

.PHONY: test
test: .venv ## Run all tests (TESTS=path or pytest's options to run some)
	@$(RUN) pytest $(TESTS)

.PHONY: chaos
chaos: .venv ## Kill everything in mid-campaign and count what is lost or doubled (ROUNDS=1 SEED= POLICY=retry|fail)
	@PYTHONPATH=deploy/local:tests $(UV) run --frozen python -m chaos --rounds $(ROUNDS) $(if $(SEED),--seed $(SEED)) $(if $(POLICY),--policy $(POLICY))

BENCH := PYTHONPATH=deploy/local:tests $(UV) run --frozen --group peers python -m benchmarks

.PHONY: bench
bench: .venv ## Measure Leopard beside ceilings and peers, an hour (ONLY=worker,peers to measure some)
	@$(BENCH) $(if $(ONLY),--only $(ONLY))

.PHONY: bench-quick
bench-quick: .venv ## See in two minutes that everything can be measured
	@$(BENCH) --quick $(if $(ONLY),--only $(ONLY))

.PHONY: check
check: .venv ## Check format, style, types and imports
	@$(RUN) ruff format --check .
	@$(RUN) ruff check .
	@$(RUN) mypy shared/src shared/tests services deploy/local tests
	@$(RUN) lint-imports --no-logo

.PHONY: fmt
fmt: .venv ## Format, and mend what can be mended
	@$(RUN) ruff format .
	@$(RUN) ruff check --fix .

.PHONY: clean
clean: ## Remove what was built, and the data of local stacks
	rm -rf .local .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

.venv: uv.lock pyproject.toml shared/pyproject.toml $(wildcard services/*/pyproject.toml) | $(filter .local/%,$(UV))
	@$(UV) sync --frozen --quiet
	@touch .venv

.local/tools/bin/uv:
	@PYTHONPATH=deploy/local python3 -m leopard_local.bootstrap .local/tools

.DEFAULT_GOAL := help
SHELL := /bin/sh

# arguments of make (`make up PORT=8081`) count, variables of the environment do not
CUSTOMERS = 1000
WORKERS = 1
PORT = 8080
ROUNDS = 1
SEED =
POLICY =
TESTS =
ONLY =
TAG = latest
BASE_URL =
DATABASE_URL =
AMQP_URL =
DOCKER_BUILD = docker build
FAULTS = 500
FILES = 10000

UV := $(shell command -v uv || echo .local/tools/bin/uv)
RUN := PYTHONPATH=deploy/local $(UV) run --frozen
LOCAL := $(RUN) python -m leopard_local
STORES = $(if $(DATABASE_URL),--database-url '$(DATABASE_URL)') $(if $(AMQP_URL),--amqp-url '$(AMQP_URL)')

.PHONY: help
help: ## Show all targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z0-9-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: .venv ## Start a local stack, send a campaign, show its progress (CUSTOMERS=1000 WORKERS=1)
	@$(LOCAL) demo --customers $(CUSTOMERS) --workers $(WORKERS) $(STORES)

.PHONY: up
up: .venv ## Run a local stack on 127.0.0.1 until Ctrl-C (PORT=8080 WORKERS=1 DATABASE_URL= AMQP_URL=)
	@$(LOCAL) up --port $(PORT) --workers $(WORKERS) $(STORES)

.PHONY: sample-data
sample-data: .venv ## Load sample data into a running Leopard (BASE_URL=)
	@$(LOCAL) samples $(BASE_URL)

.PHONY: demo-campaign
demo-campaign: .venv ## Send a campaign through a running Leopard (BASE_URL= CUSTOMERS=1000)
	@$(LOCAL) campaign $(BASE_URL) --customers $(CUSTOMERS)

.PHONY: test
test: .venv ## Run all tests (TESTS=path or pytest options to run some)
	@$(RUN) pytest $(TESTS)

.PHONY: coverage
coverage: .venv ## Run all tests and report their coverage (TESTS=)
	@$(RUN) coverage run -m pytest $(TESTS)
	@$(RUN) coverage report

.PHONY: chaos
chaos: .venv ## Inject faults during campaigns, count lost and duplicate messages (ROUNDS=1 SEED= POLICY=retry|fail)
	@PYTHONPATH=deploy/local:tests $(UV) run --frozen python -m chaos --rounds $(ROUNDS) $(if $(SEED),--seed $(SEED)) $(if $(POLICY),--policy $(POLICY))

.PHONY: faults
faults: .venv ## Inject errors into background tasks, check that every campaign finishes (FAULTS=500 SEED=)
	@FAULTS=$(FAULTS) SEED=$(SEED) $(RUN) pytest tests/faults -s -q $(TESTS)

BENCH := PYTHONPATH=deploy/local:tests $(UV) run --frozen --group peers python -m benchmarks

.PHONY: bench
bench: .venv ## Run all benchmarks, in half an hour (ONLY=worker,peers to run some)
	@$(BENCH) $(if $(ONLY),--only $(ONLY))

.PHONY: bench-quick
bench-quick: .venv ## Check in two minutes that all benchmarks run
	@$(BENCH) --quick $(if $(ONLY),--only $(ONLY))

CHART := PYTHONPATH=deploy/local:tests $(UV) run --frozen --group chart

.PHONY: chart
chart: .venv ## Test the Helm chart without a cluster; needs helm (FILES=10000 values files)
	@FILES=$(FILES) $(CHART) pytest tests/chart -n auto $(TESTS)

.PHONY: chart-server
chart-server: .venv ## Build Kubernetes' API server for the chart's tests, once; needs Go, else they use one in memory
	@$(CHART) python -m chart.server_build

.PHONY: chart-defaults
chart-defaults: .venv ## Write the chart's copy of values.yaml, which its templates read
	@$(CHART) python -m chart.defaults

.PHONY: images
images: ## Build the images of all services (TAG=latest DOCKER_BUILD="docker build")
	@set -e; for service in campaign-api dispatcher sender-worker; do \
	  $(DOCKER_BUILD) -t leopard/$$service:$(TAG) -f services/$$service/Dockerfile .; done; \
	$(DOCKER_BUILD) -t leopard/provider-simulator:$(TAG) -f tests/provider_simulator/Dockerfile .

.PHONY: containers
containers: .venv ## Run the images with the chart's restrictions, and tests/e2e against them; needs Docker
	@$(CHART) python -m containers --tag $(TAG)

.PHONY: e2e
e2e: .venv ## Run tests/e2e against a running Leopard (BASE_URL=http://127.0.0.1:8080)
	@LEOPARD_BASE_URL=$(BASE_URL) $(RUN) pytest tests/e2e $(TESTS)

.PHONY: e2e-kind
e2e-kind: .venv ## Install into kind (or the cluster of KUBECONFIG), run tests/e2e, replace every pod during a campaign
	@deploy/kind/e2e.sh

.PHONY: check
check: .venv ## Check format, style, types, imports and migrations
	@$(RUN) ruff format --check .
	@$(RUN) ruff check .
	@$(RUN) mypy shared/src shared/tests services deploy/local tests
	@$(RUN) lint-imports --no-logo
	@PYTHONPATH=deploy/local:tests $(UV) run --frozen python -m migration_sql .local/migrations
	@$(RUN) squawk .local/migrations/*.sql

.PHONY: openapi
openapi: .venv ## Write docs/openapi.json from the application
	@PYTHONPATH=deploy/local:tests $(UV) run --frozen python -m api_contract

.PHONY: settings-table
settings-table: .venv ## Write the table of settings in the README from the settings classes
	@PYTHONPATH=deploy/local:tests $(UV) run --frozen python -m settings_table

CLIENT := .local/openapi-client
GENERATOR := openapi-python-client==0.29.1
# packages that a generated client imports
CLIENT_NEEDS := --with httpx==0.28.1 --with attrs==26.1.0

.PHONY: openapi-client
openapi-client: .venv ## Generate a Python client from docs/openapi.json, and call the API with it
	@rm -rf $(CLIENT)
	@$(UV) tool run --quiet $(GENERATOR) generate --path docs/openapi.json --output-path $(CLIENT)/leopard_client --meta none --config tests/api_contract/generator.yaml --fail-on-warning
	@PYTHONPATH=deploy/local:tests:$(CLIENT) $(UV) run --frozen $(CLIENT_NEEDS) pytest tests/api_contract/generated_client.py $(TESTS)

.PHONY: fmt
fmt: .venv ## Format, and apply automatic fixes
	@$(RUN) ruff format .
	@$(RUN) ruff check --fix .

.PHONY: clean
clean: ## Remove build output and the data of local stacks
	rm -rf .local .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

.venv: uv.lock pyproject.toml shared/pyproject.toml $(wildcard services/*/pyproject.toml) | $(filter .local/%,$(UV))
	@$(UV) sync --frozen --quiet
	@touch .venv

.local/tools/bin/uv:
	@PYTHONPATH=deploy/local python3 -m leopard_local.bootstrap .local/tools

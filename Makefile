# Two commands matter: `make run` (the demo) and `make test`. Both build .venv from hash-pinned files.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
INSTALL = $(PIP) install --require-hashes -r
SELF = $(PIP) install --no-deps --no-build-isolation -e .

.DEFAULT_GOAL := help
# Whoever runs the tests with this set would have each of their processes compile what it loads.
unexport PYTHONDONTWRITEBYTECODE
.PHONY: help run test check format lint types contracts unit soak bench docs shots cast screens requirements clean

help: ## this list
	@grep -E '^[a-z]+:.*## ' Makefile | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 24

run: $(VENV)/.run ## the demo: gateway, simulated upstream, traffic and the console
	@$(BIN)/quotadeck demo

test: check unit ## everything that must hold before a commit

check: format-check lint types contracts ## format, lint, strict types, import contracts

format-check: $(VENV)/.dev
	@$(BIN)/ruff format --check .

format: $(VENV)/.dev ## write the format
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

lint: $(VENV)/.dev
	@$(BIN)/ruff check .

types: $(VENV)/.dev
	@$(BIN)/mypy --num-workers auto

contracts: $(VENV)/.dev
	@$(BIN)/lint-imports

unit: $(VENV)/.dev
	@$(BIN)/pytest

soak: $(VENV)/.dev ## the long counts: hundreds of kills, minutes of load, wiring taken out line by line
	@$(BIN)/pytest -n 0 -m soak --timeout 3600
	@$(BIN)/python -m tests.mutation

bench: $(VENV)/.dev ## timings and ratios, with the machine they were taken on
	@$(BIN)/python -m tests.bench

docs: $(VENV)/.dev ## write the generated parts of the documents
	@$(BIN)/python -m tests.docs --write

shots: $(VENV)/.dev ## take the pictures of the screen that the README shows: a quarter of an hour
	@$(BIN)/python -m tests.shots --columns 120 --rows 32 --wait analytics \
	  --first '~700,=storm ×,p,nightly import: too many at once,enter' --settle 80 tests/pictures/overview.svg \
	  -- $(BIN)/quotadeck demo --scene noisy-neighbour --pace 7 --theme dark --no-hints
	@$(BIN)/python -m tests.shots --columns 100 --rows 26 --wait analytics --first '~70,=storm,l,x2' \
	  tests/pictures/limit.svg -- $(BIN)/quotadeck demo --theme dark --no-hints

cast: $(VENV)/.dev ## play the cast that the README names: a storm, one key, and it helped
	@$(BIN)/python -m tests.cast tests/pictures/storm.cast --until 'storm ×' \
	  --keys '~6,p,~2,nightly import: too many at once,~1.5,enter,=throttled is over,~6' \
	  -- $(BIN)/quotadeck demo --scene noisy-neighbour --pace 0.5 --theme dark --no-hints

screens: $(VENV)/.dev ## write the kept screens that the tests compare with; then read what changed
	@$(BIN)/python -m tests.screens --write

requirements: $(VENV)/.dev ## pin every dependency with its hashes (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	  --no-emit-index-url --no-annotate pyproject.toml .ci/build.in -o requirements.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	  --no-emit-index-url --no-annotate pyproject.toml .ci/build.in --group dev -c requirements.txt -o requirements-dev.txt

clean: ## remove what was built
	rm -rf $(VENV) dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Quotadeck needs Python 3.11 or newer; set PYTHON=… to one." >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
	  { echo "Python's venv is missing: install it first (Debian: apt install python3-venv)." >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements.txt pyproject.toml | $(VENV)/bin/python
	@echo "building the environment in $(VENV) …"
	@$(INSTALL) requirements.txt
	@$(SELF)
	@touch $@

$(VENV)/.dev: requirements-dev.txt pyproject.toml | $(VENV)/bin/python
	@echo "building the test environment in $(VENV) …"
	@$(INSTALL) requirements-dev.txt
	@$(SELF)
	@touch $@ $(VENV)/.run

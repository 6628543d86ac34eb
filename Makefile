# The one door. Every target sets up what it needs, once, from Python 3.11 or newer, make and git.

# the first that is new enough; else python3, which then says what is missing
ifndef PYTHON
PYTHON := $(or $(shell for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done),python3)
endif
VENV := .venv
VENV_SAM := .venv-sam
BIN := $(VENV)/bin
SAM := $(VENV_SAM)/bin/sam
SOURCES := $(wildcard layers/tandem/tandem functions cli lab bench tests)
WORKERS ?= 2
# `make test FORKS=no`: every test in the process of its worker, in a world of its own
FORKS ?= yes
PYTEST := $(if $(filter no,$(FORKS)),--unforked)

# the SAM CLI reports to nobody and keeps its own files here
export SAM_CLI_TELEMETRY := 0
export __SAM_CLI_APP_DIR := $(CURDIR)/$(VENV_SAM)/app
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help demo demo-trouble lab bench structure quick test test-fast test-e2e prove prove-fast prove-e2e mutants coverage storm check lint \
	format types layers template lock setup setup-lab clean

help: ## what there is
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

demo: setup-lab ## deploy the real template on this machine, kill the active appliance, watch the addresses follow
	@exec $(STOPPABLE) $(BIN)/python -m lab.demo

demo-trouble: setup-lab ## the same while EC2 fails one call in three, throttles and shows old routes; two minutes
	@exec $(STOPPABLE) $(BIN)/python -m lab.demo --trouble

lab: setup-lab ## the same deployment, staying up: pull its levers from a second terminal
	@exec $(STOPPABLE) $(BIN)/python -m lab up

quick: $(VENV)/.ready ## half a minute at most: the unit tests and properties of what has changed (else the last commit)
	@tests=$$($(BIN)/python -m tests.affected --changed --in tests/unit tests/properties) || exit 1; \
	if [ -z "$$tests" ]; then echo "no unit test imports what has changed"; \
	else $(BIN)/pytest -n $(WORKERS) $(PYTEST) $$tests; fi

test: test-fast test-e2e ## before a commit, ten minutes at most: all that is quick, and a failover on the deployed stack

test-fast: $(VENV)/.ready
	@echo "== tests: all but the end to end"
	$(BIN)/pytest -n $(WORKERS) --dist worksteal --durations 12 -m "not prove" --ignore tests/e2e $(PYTEST) tests

test-e2e: setup
	@echo "== tests: tests/e2e (the template, deployed in the lab)"
	$(BIN)/pytest --durations 3 -m "not prove" $(PYTEST) tests/e2e

prove: setup ## all that `make test` leaves out: every crash, every field, the storm, the deployed stack, the demos
	@$(MAKE) --no-print-directory prove-e2e
	@$(MAKE) --no-print-directory --jobs 3 --output-sync=line prove-fast demo demo-trouble

prove-fast: $(VENV)/.ready
	@echo "== proof: crash sweeps, field sweep, storm"
	$(BIN)/pytest -n $(WORKERS) --dist load --maxschedchunk 1 --durations 12 -m prove --ignore tests/e2e $(PYTEST) tests

prove-e2e: setup
	@echo "== proof: tests/e2e (three workers, each with a deployed stack)"
	$(BIN)/pytest -n 3 --dist loadfile --durations 12 -m prove $(PYTEST) tests/e2e

mutants: $(VENV)/.ready ## break one rule at a time (NAMES=…, or all) and say which test notices; a minute to an hour
	$(BIN)/python -m tests.mutants $(NAMES)

coverage: $(VENV)/.ready ## which lines the tests of `make test` run, the deployed stack left out; no gate
	$(BIN)/pytest -n $(WORKERS) --dist worksteal -q -m "not prove" --ignore tests/e2e --cov --cov-report=term $(PYTEST) tests

storm: $(VENV)/.ready ## anything that can happen, in any order, for minutes, and properties with new examples; prints its seed
	TANDEM_STORM_EXAMPLES=$(EXAMPLES) $(BIN)/pytest --hypothesis-profile=exploring --hypothesis-seed=$(SEED) \
		$(PYTEST) tests/storm tests/properties
EXAMPLES ?= 60
SEED ?= $(shell date +%s)

bench: $(VENV)/.ready ## how fast it is, beside what others do: tables, plots, bench/results.json; seven minutes
	$(BIN)/python -m bench

structure: $(VENV)/.ready ## how much code there is, and how much of it one look goes through
	$(BIN)/python -m bench.structure

check: lint types layers template test ## the static checks too: what CI runs before the proof

lint: $(VENV)/.ready ## ruff: rules and form
	@echo "== lint"
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)

format: $(VENV)/.ready ## put the code in its form
	$(BIN)/ruff check --fix $(SOURCES)
	$(BIN)/ruff format $(SOURCES)

types: $(VENV)/.ready ## mypy
	@echo "== types"
	$(BIN)/mypy

layers: $(VENV)/.ready ## who may import whom
	@echo "== layers: who may import whom"
	$(BIN)/lint-imports --no-logo

template: $(VENV_SAM)/.ready ## sam validate
	@echo "== template"
	$(SAM) validate --lint --region us-east-1

setup: $(VENV)/.ready $(VENV_SAM)/.ready ## the environments; every other target sets up what it needs

setup-lab: $(VENV)/.lab $(VENV_SAM)/.ready ## what the lab and the command line need, without the tools that judge the code

$(VENV)/.ready: $(VENV)/.dev $(VENV)/.lab
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.locked | $(VENV)/.lab
	$(call install,$(VENV),requirements/dev.txt,130,--upon)
	@touch $@

$(VENV)/.lab: $(VENV)/.locked pyproject.toml layers/tandem/requirements.txt
	@exec $(BIN)/python -m pip install -qq --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.locked: requirements/lab.txt
	$(call install,$(VENV),requirements/lab.txt,40)
	@touch $@

$(VENV_SAM)/.ready: requirements/sam.txt
	$(call install,$(VENV_SAM),requirements/sam.txt,60)
	@touch $@

# install(folder, lock, megabytes): a fresh virtual environment with what the lock says; with --upon, upon what is there
define install
@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Tandem needs Python 3.11 or newer; this is %d.%d. Say which: make PYTHON=python3.12" % sys.version_info[:2])'
@exec $(STOPPABLE) "$(PYTHON)" -m lab.installing $(1) $(2) $(3) $(4)
endef

# Holds a Ctrl-C back until Python catches it, where `env` can: Python's own handler would print a traceback. With `exec` a
# SIGTERM to make reaches Python itself, and no shell between them.
STOPPABLE := $(shell env --block-signal=INT true 2>/dev/null && echo env --block-signal=INT)

lock: ## compile the locks anew (needs uv); UPGRADE=urllib3 takes the newest of a package
	cd requirements && $(COMPILE) dev.in -o dev.txt && $(COMPILE) -c dev.txt lab.in -o lab.txt && $(COMPILE) sam.in -o sam.txt
	cd layers/tandem && $(COMPILE) requirements.txt -o requirements.lock

UV ?= uv
COMPILE = $(UV) pip compile --quiet $(UPGRADE:%=--upgrade-package %) --universal --python-version 3.11 --generate-hashes \
	--no-header --no-emit-index-url --no-emit-find-links

clean: ## remove everything that make has made, unless a lab or a demo is up
	@! test -d .lab || "$(PYTHON)" -m lab.cleaning
	rm -rf $(VENV) $(VENV_SAM) .aws-sam .lab build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	rm -rf layers/tandem/*.egg-info *.egg-info

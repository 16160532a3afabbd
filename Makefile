# `make` lists the verbs. PYTHON picks the interpreter, VENV the virtual environment.
PYTHON ?= python3
VENV ?= .venv
PIP := $(VENV)/bin/python -m pip --disable-pip-version-check --quiet
STAMPS := $(VENV)/.stamps
# Where results of a run may differ with the number of cores, tests use one thread each.
THREADS := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1

.DEFAULT_GOAL := help
.PHONY: help demo test test-long lint format bench clean

help: ## list the verbs
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(STAMPS)/demo: pyproject.toml | $(VENV)/bin/python
	@echo "installing Garb (serving) into $(VENV)"
	$(PIP) install --editable '.[cpu]'
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/test: pyproject.toml | $(VENV)/bin/python
	@echo "installing Garb (serving, training, tests) into $(VENV)"
	$(PIP) install --editable '.[cpu,train,postgres,test]'
	@mkdir -p $(STAMPS) && touch $(STAMPS)/demo $@

$(STAMPS)/bench: $(STAMPS)/test
	$(PIP) install --editable '.[cpu,train,bench]'
	@touch $@

demo: $(STAMPS)/demo ## draw a small shop, index it, match street photos, leave a report
	$(VENV)/bin/garb demo

test: $(STAMPS)/test ## the tests, without the slow ones and those on real photos
	$(THREADS) $(VENV)/bin/python -m pytest -m "not slow and not real_data" $(PYTEST_ARGS)

test-long: $(STAMPS)/test ## the slow tests, and with GARB_DATA those on real photos
	$(THREADS) $(VENV)/bin/python -m pytest -m "slow or real_data" $(PYTEST_ARGS)

lint: $(STAMPS)/test ## style, types (mypy strict) and the direction of imports
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports --no-cache

format: $(STAMPS)/test ## rewrite the sources as the linter wants them
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

bench: $(STAMPS)/bench ## everything measured beside its peers; writes docs/performance.md
	$(VENV)/bin/python -m benchmarks.report

clean: ## remove the environment, caches and builds (var/ stays)
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Two commands do everything on a fresh machine: `make demo` and `make test`.
# Each target makes or refreshes .venv by itself; only Python >= 3.11 and make are needed.
#
#   make test PYTHON=python3.12 VENV=.venv-3.12     another interpreter, another environment
#   make test ARGS="tests/engine -k overlap"        arguments for pytest, in one process
#   make test WORKERS=0                             all tests in one process, one after the other

VENV ?= .venv
PYTHON ?=
ARGS ?=
COVERAGE ?= yes
# Many tests wait for processes that they start. A test file stays with one worker, and with it
# what the file sets up once; what is process-wide is each worker's own.
WORKERS ?= 2

PY := $(VENV)/bin/python
setup = @VENV="$(VENV)" PYTHON="$(PYTHON)" sh scripts/setup-env.sh
pytest = -m pytest $(if $(ARGS),,-n $(WORKERS) --dist loadfile)

.DEFAULT_GOAL := help
.PHONY: help demo test leak-check lint format types schema docs bench wheel ci clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: ## Run the main job: a Temporal worker, profiled; ends with the files to open
	$(setup) examples
	@$(PY) -m examples.metadata_crawl $(ARGS)

test: ## Run the tests and measure coverage (COVERAGE=no leaves that out)
	$(setup) test
ifeq ($(COVERAGE)$(ARGS),yes)
	@$(PY) -m coverage erase
	$(PY) -m coverage run $(pytest) -m "not slow"
	@$(PY) -m coverage combine --quiet
	$(PY) -m coverage report
else
	$(PY) $(pytest) -m "not slow" $(ARGS)
endif

leak-check: ## Check this library and its example for leaks: profiling 10,000 calls must not leak
	$(setup) test
	$(PY) -W ignore scripts/leak_check.py
	$(PY) -m application_sdk.monitoring leaks examples.leak_check:describe_tables --max-seconds 60

lint: ## Check style and format
	$(setup) dev
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .

format: ## Put all files into the project's format
	$(setup) dev
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

types: ## Check the types with mypy --strict and pyright
	$(setup) dev
	$(PY) -m mypy --strict
	$(PY) -m pyright --pythonpath $(PY)

schema: ## Generate docs/reference/profile.schema.json from the model
	$(setup) test
	$(PY) scripts/profile_schema.py

docs: ## Build the documentation into build/docs
	$(setup) docs
	$(PY) -m mkdocs build --strict --quiet
	@echo "open build/docs/index.html"

bench: ## Run the benchmarks: ratios, each against its peers in the same run
	$(setup) dev
	@for program in benchmarks/bench_*.py; do \
	    echo "== $$program"; $(PY) "$$program" $(ARGS) || exit 1; done

wheel: ## Build the wheel into dist/
	$(setup) dev
	$(PY) -m build --wheel --outdir dist .

ci: ## Run all that CI runs, from this checkout
	.ci/run

clean: ## Remove everything that the targets above made
	rm -rf .venv .venv-* build dist profiles demo-profiles htmlcov .mypy_cache .ruff_cache .pytest_cache
	rm -rf *.egg-info .coverage .coverage.*
	find . -name __pycache__ -type d -not -path './viewer/node_modules/*' -prune -exec rm -rf {} +

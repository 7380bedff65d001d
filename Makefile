# The two commands: make report, make test. `make` alone explains the rest.
.DEFAULT_GOAL := help
PYTHON ?= python3
COMPANY ?= demo
VENV := .venv
SPARK := .venv-spark
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

help: ## say what each target does
	@grep -hE '^[a-z]+:.*## ' Makefile | sed -E 's/^([a-z]+):.*## /\1|/' | awk -F'|' '{printf "  make %-8s %s\n", $$1, $$2}'

report: $(VENV)/installed ## set up, run the company (COMPANY=demo) and print where its report is
	$(BIN)/crm run $(COMPANY)

test: $(VENV)/installed-test ## set up and run the tests
	$(BIN)/python -m pytest -n 2 --dist loadgroup

lab: $(VENV)/installed ## open the notebooks in JupyterLab
	$(BIN)/jupyter lab notebooks

check: $(VENV)/installed-test ## lint, format and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

lock: ## write the lock files anew from pyproject.toml (needs uv)
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header pyproject.toml -o requirements.lock
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header pyproject.toml --extra test --extra postgresql --extra mysql -c requirements.lock -o requirements-test.lock
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header pyproject.toml --extra spark --extra test -c requirements-test.lock -o requirements-spark.lock

spark: $(SPARK)/installed ## hold the features of customers on Spark against DuckDB (needs Java 17)
	$(SPARK)/bin/python -m pytest tests/analysis/test_features_on_spark.py -q

clean: ## remove the environments; data and reports stay
	rm -rf $(VENV) $(SPARK) .pytest_cache .mypy_cache .ruff_cache

$(VENV)/installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or later is needed: make PYTHON=/path/to/python3.11 …" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/installed-test: requirements-test.lock $(VENV)/installed
	$(BIN)/pip install --quiet --require-hashes -r requirements-test.lock
	@touch $@

$(SPARK)/installed: requirements-spark.lock
	$(PYTHON) -m venv $(SPARK)
	$(SPARK)/bin/pip install --quiet --require-hashes -r requirements-spark.lock
	@touch $@

.PHONY: help report test lab check lock spark clean

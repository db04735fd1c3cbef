# Everything a newcomer needs: `make run` and `make test`.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PLUGINS := $(wildcard plugins/*/pyproject.toml)
FOLDERS := . nodes $(patsubst %/pyproject.toml,%,$(PLUGINS))
STAMP := $(VENV)/.installed

.PHONY: run test check bench fuzz docs assets lock clean

run: $(STAMP) assets
	@$(BIN)/muntin up

test: $(STAMP) assets
	@$(BIN)/pytest -q -rs -n 2 --dist loadfile $(ARGS)

check: $(STAMP)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/mypy --explicit-package-bases --exclude 'second_runtime/muntin_programs|broken_plugins/' $(wildcard tests nodes/tests plugins/*/tests)
	@$(BIN)/lint-imports

bench: $(STAMP) assets
	@$(BIN)/python tests/bench/run.py $(ARGS)

fuzz: $(STAMP)
	@MUNTIN_FUZZ_S=$${MUNTIN_FUZZ_S:-60} $(BIN)/pytest -q -m "fuzz or long" --timeout 3600 $(ARGS)

docs: $(STAMP)
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

assets: $(STAMP)
	@$(BIN)/python core/muntin/web/build.py

# What is installed is exactly what constraints.txt names, by hash; our own folders come on top.
$(STAMP): constraints.txt pyproject.toml nodes/pyproject.toml $(PLUGINS)
	@command -v $(PYTHON) >/dev/null || { echo "muntin needs python3 (3.11 or newer): apt install python3"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "muntin needs Python 3.11 or newer."; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "muntin needs python3-venv: apt install python3-venv"; exit 1; }
	@command -v git >/dev/null || { echo "muntin needs git: apt install git"; exit 1; }
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV)
	@echo "Installing what constraints.txt names ..."
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r constraints.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation $(addprefix -e ,$(FOLDERS))
	@$(BIN)/python -m compileall -q core nodes plugins # starts are a second faster
	@touch $@

# Resolve anew; only when dependencies change.
lock:
	@$(PYTHON) -m venv $(VENV)-lock
	@$(VENV)-lock/bin/pip install --quiet pip-tools
	@$(VENV)-lock/bin/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras --no-emit-index-url \
		--no-emit-trusted-host --no-emit-find-links --no-annotate --no-header --output-file constraints.txt requirements.in
	@rm -rf $(VENV)-lock

clean:
	@rm -rf $(VENV) core/muntin/static/dist

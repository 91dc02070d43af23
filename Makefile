# Everything one needs on a machine that has Python 3.11+ and make. Each target does its own set-up.
#
#   make conformance   judge the shipped iso7816 card; the report is out/report.html
#   make test          ruff, mypy, import-linter and the project's own tests
#   make bench         the benchmarks, one at a time
#   make lint          only the static checks of `make test`
#   make lock          resolve the lock files anew (UPGRADE=1 takes newer releases)
#   make clean         remove the environment and everything generated
#
# PYTHON=/path/to/python chooses the interpreter for the environment; PYTEST="-k vpcd" narrows `make test`.

VENV  := .venv
BIN   := $(VENV)/bin
READY := $(VENV)/.ready
PCSC  := $(VENV)/.pcsc

# pyscard has no wheel for Linux: it is built here when its tools are present, and left out otherwise.
# The setuptools that builds it comes from requirements.lock.
CAN_BUILD_PCSC := $(shell [ "$$(uname)" = Darwin ] || { command -v swig && command -v cc && ls /usr/include/PCSC/winscard.h; } >/dev/null 2>&1 && echo yes)
SETUP := $(READY) $(if $(CAN_BUILD_PCSC),$(PCSC))

.DEFAULT_GOAL := help
.PHONY: help conformance test lint bench lock clean setup

help:
	@sed -n '3,10s/^#//p' Makefile

setup: $(SETUP)

conformance: $(SETUP)
	$(BIN)/conformance run --card sim:iso7816 --out out

test: lint
	$(BIN)/pytest -n 2 --dist loadgroup $(PYTEST)

lint: $(SETUP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(SETUP)
	$(BIN)/pytest --benchmark-enable --benchmark-only -o python_files='test_*.py bench_*.py' tests/bench tests/system $(PYTEST)

# Only the stamps say that set-up is complete: a set-up that broke off is done again from its start.
$(READY): requirements.lock pyproject.toml
	@found=; \
	for name in "$(PYTHON)" python3 python3.14 python3.13 python3.12 python3.11; do \
		[ -n "$$name" ] || continue; \
		if "$$name" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; \
		then found=$$name; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
		echo 'No Python 3.11 or newer with the venv module was found.' >&2; \
		echo 'Install one (Debian: apt-get install python3 python3-venv) or name it: make PYTHON=/path/to/python3' >&2; \
		exit 3; \
	fi; \
	[ -x $(BIN)/python ] && $(BIN)/python -c '' 2>/dev/null || { echo "Creating $(VENV) with $$found"; "$$found" -m venv --clear $(VENV); }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(PCSC): requirements-pcsc.lock $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-build-isolation -r requirements-pcsc.lock
	@touch $@

# The lock is resolved on the oldest Python we support and holds the hashes of every wheel of a release.
LOCK      := build/lock/bin
LOCK_ARGS := --quiet --strip-extras --allow-unsafe --generate-hashes --no-header --no-emit-options \
             --no-emit-index-url --no-emit-find-links --no-emit-trusted-host $(if $(UPGRADE),--upgrade)

lock: $(LOCK)/pip-compile
	$(LOCK)/pip-compile $(LOCK_ARGS) --extra dev --build-deps-for editable -o requirements.lock pyproject.toml
	$(LOCK)/python -c "import tomllib; print(*tomllib.load(open('pyproject.toml', 'rb'))['project']['optional-dependencies']['pcsc'], sep='\n')" > build/pcsc.in
	$(LOCK)/pip-compile $(LOCK_ARGS) --no-annotate -o requirements-pcsc.lock build/pcsc.in

$(LOCK)/pip-compile:
	$(or $(PYTHON),python3.11) -m venv --clear build/lock
	$(LOCK)/python -m pip install --quiet --disable-pip-version-check 'pip-tools==7.6.2'

clean:
	rm -rf $(VENV) out build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .benchmarks
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

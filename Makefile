# make setup | run | test | test-long | bench | lint | audit | resolve | clean
#
# Needs make, git, Python 3.11 or newer with venv, and PyPI (npm's registry too for `make test`
# where no Chromium is installed, or with CHROME=npm). Everything is put into .venv/ and .cache/;
# once there, no command needs the network.

PORT ?= 8501
VENV := .venv
BIN := $(VENV)/bin
# The interpreter to build .venv with: `make setup PYTHON=/path/to/python3.12`. Left empty, the
# first of these that runs and is new enough. A .venv/ that already works is kept.
PYTHON ?=
CANDIDATES := python3.13 python3.12 python3.11 python3 python
NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))

# Python compiles what is imported when it first is: all at once would take twice the time.
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet install --no-compile

.PHONY: help setup dev browser run test test-long bench lint audit resolve clean
.DELETE_ON_ERROR:

help:
	@sed -n '1s/^# //p' Makefile

# A stamp is touched only when its step has succeeded, so an interrupted step is done again.
$(VENV)/.made:
	@if $(BIN)/python -c '$(NEW_ENOUGH)' 2>/dev/null && $(BIN)/python -m pip --version >/dev/null 2>&1; then \
	  touch $@; exit 0; \
	fi; \
	python=; for candidate in $(if $(PYTHON),"$(PYTHON)",$(CANDIDATES)); do \
	  if "$$candidate" -c '$(NEW_ENOUGH)' 2>/dev/null; then python=$$candidate; break; fi; \
	done; \
	if [ -z "$$python" ]; then \
	  echo "Python 3.11 or newer is needed; $(if $(PYTHON),PYTHON=$(PYTHON) is not one,none of $(CANDIDATES) is one)." >&2; \
	  echo "Install one, or name one: make setup PYTHON=/path/to/python3.12" >&2; exit 1; \
	fi; \
	if ! "$$python" -c 'import ensurepip, venv' 2>/dev/null; then \
	  echo "$$python has no venv module (on Debian and Ubuntu: apt-get install python3-venv)." >&2; exit 1; \
	fi; \
	echo "building $(VENV) with $$("$$python" --version)"; \
	"$$python" -m venv --clear $(VENV) && touch $@

$(VENV)/.runtime: requirements.txt $(VENV)/.made
	@echo "installing requirements.txt"
	@$(PIP) -r requirements.txt
	@touch $@

$(VENV)/.dev: requirements-dev.txt $(VENV)/.runtime
	@echo "installing requirements-dev.txt"
	@$(PIP) -r requirements-dev.txt
	@touch $@

setup: $(VENV)/.runtime
	@:

dev: $(VENV)/.dev
	@:

# Without a browser the rest of the suite is still worth running: the browser tests are skipped, and
# the summary says why.
browser: $(VENV)/.dev
	@chromium=$$($(BIN)/python -m tests.browser.chromium) && echo "browser: $$chromium" || true

run: setup
	@echo "http://localhost:$(PORT)"
	@exec $(BIN)/streamlit run app.py --server.port $(PORT)

# Lint and types are tests too (tests/test_setup.py): one summary says it all. Files in the order of
# tests/conftest.py: else those of few long tests would come last, and one core would idle. Three
# workers fill two cores: each waits now and then for a browser or a command.
test: dev browser
	@$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder

# Searches of many minutes, of which `make test` runs a seeded sample.
test-long: dev
	@$(BIN)/python -m pytest -m long

bench: dev browser
	@$(BIN)/python -m bench
	@$(BIN)/python -m analytics.quality

lint: dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

# Needs the network. 1: something has a known vulnerability, 2: a package was skipped, 3: no answer.
audit: dev
	@$(BIN)/python .ci/audit.py

# Whether requirements can be met on each Python, from wheels alone; nothing is installed.
PYTHONS ?= 3.11 3.12 3.13
resolve: dev
	@for version in $(PYTHONS); do for file in requirements.txt requirements-dev.txt; do \
	  echo "Python $$version: $$file"; \
	  $(PIP) --dry-run --ignore-installed --only-binary=:all: --python-version $$version \
	    --target .cache/resolve -r $$file >/dev/null || exit 1; \
	done; done

# The store in data/local is the user's: it stays.
clean:
	@rm -rf $(VENV) .cache .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

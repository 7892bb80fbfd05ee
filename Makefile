# `make quickstart` and `make test` set up .venv by themselves, once.

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

.PHONY: help quickstart serve-demo test test-slow lint format clean

help:  ## This list.
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile

quickstart: $(READY)  ## Train, evaluate, explain, export and ask a small model.
	@$(BIN)/python -m pipelines.quickstart

serve-demo: $(READY)  ## Serve the quickstart model with a page to explore it.
	@test -d saved_models/quickstart/1 || $(MAKE) --no-print-directory quickstart
	@$(BIN)/python -m pipelines.serve --model_dir=saved_models/quickstart

test: lint  ## Lint, format check and the fast tests.
	@$(BIN)/python -m pytest -n 2 --dist loadfile -m "not slow"

test-slow: $(READY)  ## The tests that take longer.
	@$(BIN)/python -m pytest -n 2 --dist loadfile -m slow

lint: $(READY)
	@$(BIN)/python -m ruff check .
	@$(BIN)/python -m ruff format --check .

format: $(READY)  ## Put the code in order.
	@$(BIN)/python -m ruff check --fix .
	@$(BIN)/python -m ruff format .

clean:  ## Remove the set-up and all runs and exports.
	rm -rf .venv runs saved_models/*/

# The stamp is written last, so an interrupted set-up is done again. The resolver of an
# old pip, such as the 23.0 that Python 3.10 brings, does not come to an end here. The
# warning that is ignored goes with every editable installation.
$(READY): setup.cfg pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(None if (3, 10) <= v < (3, 14) else f"Python 3.10 to 3.13 is needed, this is {v.major}.{v.minor}; try: make PYTHON=python3.12")'
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear .venv
	@echo "Installing into .venv (a few minutes the first time)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check 'pip>=25'
	@PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $(READY)

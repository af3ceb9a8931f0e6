# What a fresh machine needs: Python >= 3.11, git and make. Everything else is installed into .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Bytecode is most of a start-up: never go without it.
unexport PYTHONDONTWRITEBYTECODE

# The demo commits: on a machine where git knows nobody yet, a stand-in does, for the demo alone.
STAND_IN := GIT_AUTHOR_NAME=demo GIT_AUTHOR_EMAIL=demo@example.com GIT_COMMITTER_NAME=demo GIT_COMMITTER_EMAIL=demo@example.com
IDENTITY := $(if $(shell git config user.email),,env $(STAND_IN))

# Every core takes a file of tests at a time, or a folder: what its tests share is made once.
SPREAD := --numprocesses logical --dist loadgroup

.PHONY: demo test test-all test-long test-soak lint docs bench clean

demo: $(VENV)/.installed  ## a project with a trained and registered model, in demo/
	$(IDENTITY) $(BIN)/mlops new demo --defaults --run

test: $(VENV)/.tested  ## the tests, in under 15 minutes
	$(BIN)/python -m pytest $(SPREAD)

test-all: $(VENV)/.tested  ## and the longer suites
	$(BIN)/python -m pytest $(SPREAD) -m "not soak"

test-long: $(VENV)/.tested  ## the longer suites alone, as .ci/run calls them; a test that hangs is ended and named
	$(BIN)/python -m pytest $(SPREAD) --timeout 900 --durations 25 -m long

test-soak: $(VENV)/.tested  ## runs of full size: thousands of generated cases, hundreds of kills
	$(BIN)/python -m pytest $(SPREAD) --durations 25 -m soak

lint: $(VENV)/.developed  ## style and types of our own code
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: $(VENV)/.documented  ## the documentation site, in site/: every link is checked
	$(BIN)/zensical build --clean --strict

bench: $(VENV)/.tested  ## ratios against the peers, printed
	$(BIN)/python benchmarks/new.py
	$(BIN)/python benchmarks/update.py
	$(BIN)/python benchmarks/evolution.py
	$(BIN)/python benchmarks/serving.py
	$(BIN)/python benchmarks/search.py
	$(BIN)/python benchmarks/large.py

clean:  ## all that the other targets made, but for demo/
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache

$(VENV)/.created:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet uv
	touch $@

$(VENV)/.installed: $(VENV)/.created pyproject.toml
	$(BIN)/uv pip install --quiet --python $(BIN)/python --editable .
	touch $@

$(VENV)/.tested: $(VENV)/.created pyproject.toml
	$(BIN)/uv pip install --quiet --python $(BIN)/python --editable ".[test]"
	touch $@

$(VENV)/.developed: $(VENV)/.created pyproject.toml
	$(BIN)/uv pip install --quiet --python $(BIN)/python --editable ".[dev]"
	touch $@

$(VENV)/.documented: $(VENV)/.created pyproject.toml
	$(BIN)/uv pip install --quiet --python $(BIN)/python --editable ".[docs]"
	touch $@

# What a fresh machine needs: Python >= 3.11, git and make. Everything else is installed into .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# The library's tests have an environment of their own, with the packages of a project.
KIT := .venv-kit
EXTRAS := aws azure fastapi gcp lightgbm search sklearn tensorflow train
# Bytecode is most of a start-up: never go without it.
unexport PYTHONDONTWRITEBYTECODE

# The demo commits: on a machine where git knows nobody yet, a stand-in does, for the demo alone.
STAND_IN := GIT_AUTHOR_NAME=demo GIT_AUTHOR_EMAIL=demo@example.com GIT_COMMITTER_NAME=demo GIT_COMMITTER_EMAIL=demo@example.com
IDENTITY := $(if $(shell git config user.email),,env $(STAND_IN))

# Every core takes a file of tests at a time, or a folder: what its tests share is made once. tests/conftest.py orders them.
# One process more than there are cores, since tests also wait for a disk or a program.
CORES := $(shell $(PYTHON) -c 'import os; print(os.cpu_count())')
SPREAD := --numprocesses $(shell expr $(CORES) + 1) --dist loadgroup --no-loadscope-reorder
# A core has a test of its own: more threads of scikit-learn would only wait for each other.
test test-kit test-long test-long-projects test-long-kit test-soak: export OMP_NUM_THREADS := 1
# make test COVERAGE=1 measures the lines that run, of the library and of the generator, and prints a figure for each.
# Of the generator, the lines that the tests' own processes run: thousands of programs are started, 0.2 s more for each.
COVER_KIT := $(if $(COVERAGE),-m slipcover --skip-covered --source template/project/kit/src/mlops_kit,)
COVER := $(if $(COVERAGE),-m slipcover --skip-covered --source generator/mlops_scaffold,)
SITE_PACKAGES = "$$($(KIT)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"

.PHONY: demo test test-kit test-all test-long test-long-projects test-long-kit test-soak lint style types types-kit docs sbom bench clean

demo: $(VENV)/.installed  ## a project with a trained and registered model, in demo/
	$(IDENTITY) $(BIN)/mlops new demo --defaults --run

test: $(VENV)/.tested test-kit  ## the tests
	$(BIN)/python $(COVER) -m pytest $(SPREAD)

test-kit: $(KIT)/.tested  ## the library's tests alone
	$(KIT)/bin/python $(COVER_KIT) -m pytest $(SPREAD) tests/kit

test-all: test test-long  ## and the longer suites

test-long: $(VENV)/.tested $(KIT)/.tested  ## the longer suites alone, as .ci/run calls them; a test that hangs is ended and named
	$(MAKE) --jobs 2 test-long-projects test-long-kit

test-long-projects:
	$(BIN)/python -m pytest $(SPREAD) --timeout 900 --durations 25 -m "long and not soak"

test-long-kit:  # one process, beside those of test-long-projects
	$(KIT)/bin/python -m pytest --timeout 900 -m "long and not soak" tests/kit

test-soak: $(VENV)/.tested $(KIT)/.tested  ## runs of full size: hundreds of kills, thousands of generated cases
	$(KIT)/bin/python -m pytest $(SPREAD) -m soak tests/kit
	$(BIN)/python -m pytest $(SPREAD) -m soak

lint: style types types-kit  ## style and types of our own code

style: $(VENV)/.developed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	cd template/project/kit && $(CURDIR)/$(BIN)/ruff check --no-respect-gitignore . && $(CURDIR)/$(BIN)/ruff format --check --no-respect-gitignore .

types: $(VENV)/.developed
	$(BIN)/mypy

types-kit: $(KIT)/.tested
	$(KIT)/bin/mypy --config-file tests/kit/mypy.ini

docs: $(VENV)/.documented  ## the documentation site, in site/: every link is checked
	$(BIN)/zensical build --clean --strict

sbom: $(VENV)/.created  ## build/sbom.json: the packages that the tool runs with, as CycloneDX
	rm -rf build/sbom && mkdir -p build/sbom/generator/mlops_scaffold
	cp pyproject.toml README.md LICENSE build/sbom/ && cp generator/bundle_hook.py build/sbom/generator/
	cp generator/mlops_scaffold/__init__.py build/sbom/generator/mlops_scaffold/
	$(BIN)/uv export --quiet --project build/sbom --no-dev --format cyclonedx1.5 --output-file build/sbom.json
	rm -rf build/sbom

bench: $(VENV)/.tested  ## ratios against the peers, printed
	$(BIN)/python benchmarks/new.py
	$(BIN)/python benchmarks/update.py
	$(BIN)/python benchmarks/fleet.py
	$(BIN)/python benchmarks/ci_cost.py
	$(BIN)/python benchmarks/evolution.py
	$(BIN)/python benchmarks/serving.py
	$(BIN)/python benchmarks/search.py
	$(BIN)/python benchmarks/large.py
	$(BIN)/python benchmarks/million.py

# Its pyproject.toml is copied: beside it, uv would read the one above it, which is a template.
$(KIT)/.tested: $(VENV)/.created template/project/kit/pyproject.toml tests/kit/requirements.txt
	$(BIN)/uv venv --quiet --allow-existing --python $(BIN)/python $(KIT)
	cp template/project/kit/pyproject.toml $(KIT)/
	$(BIN)/uv pip install --quiet --python $(KIT)/bin/python -r $(KIT)/pyproject.toml $(EXTRAS:%=--extra %) -r tests/kit/requirements.txt
	echo "$(CURDIR)/template/project/kit/src" > $(SITE_PACKAGES)/mlops_kit.pth
	sed 's|ROOT|$(CURDIR)|g' tests/measured.pth > $(SITE_PACKAGES)/measured.pth
	touch $@

clean:  ## all that the other targets made, but for demo/
	rm -rf $(VENV) $(KIT) .pytest_cache .mypy_cache .ruff_cache

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

# Everything a developer needs, from a bare clone. Wants: make, Python >= 3.11 with venv. `make help` lists the targets.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# More words for pytest, e.g. make test PYTEST_ARGS="tests/cases"
PYTEST_ARGS ?= -n 2 --dist loadfile
BENCH_ARGS ?=

# make demo HOST=0.0.0.0 PORT=8080 DATA=/srv/shiyu FRESH=1
# Taken from the command line alone: some shells export a HOST that means something else.
HOST = 127.0.0.1
PORT = 8000
DATA =
FRESH =

INSTALLED := $(VENV)/.installed
FACES := shiyu/static/.built
FACE_SOURCES := $(shell find web -type f -not -path '*/node_modules/*' -not -path '*/dist/*' -not -path '*/.vite/*' -not -path '*/__pycache__/*' 2>/dev/null)

.DEFAULT_GOAL := help
.PHONY: help venv demo test check fix web browser e2e screenshots bench eval docs doctor lock
.DELETE_ON_ERROR:

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

$(INSTALLED): requirements.lock pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-build-isolation --no-deps --editable .
	@touch $@

venv: $(INSTALLED) ## the Python environment: exactly the packages of requirements.lock

$(FACES): $(INSTALLED) $(FACE_SOURCES)
	$(BIN)/python web/build.py build
	@touch $@

web: $(FACES) ## build the faces, when their sources changed

demo: $(INSTALLED) $(FACES) ## a small city to play with  (HOST= PORT=8000 DATA= FRESH=1)
	@exec $(BIN)/shiyu demo --host $(HOST) --port $(PORT) $(if $(DATA),--data "$(DATA)") $(if $(filter-out 0 no false,$(FRESH)),--fresh)

browser: $(INSTALLED) ## find a Chromium for the tests, or install one
	$(BIN)/python -m tests.kit.browser

test: $(INSTALLED) $(FACES) browser ## all tests  (PYTEST_ARGS="-k word")
	$(BIN)/python -m pytest $(PYTEST_ARGS)

e2e: $(INSTALLED) $(FACES) browser ## only the tests that drive a browser
	$(BIN)/python -m pytest -m browser $(PYTEST_ARGS)

screenshots: $(INSTALLED) $(FACES) browser ## pictures of every face, to be looked at  (in screenshots/)
	$(BIN)/python -m tests.kit.screenshots

check: $(INSTALLED) ## format, lint, types, the ladder of imports
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/lint-imports --no-logo
	@if test -f web/package.json; then echo $(BIN)/python web/build.py check; $(BIN)/python web/build.py check; fi

fix: $(INSTALLED) ## format, and mend what can be mended by itself
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(INSTALLED) ## measure  (BENCH_ARGS=)
	$(BIN)/python -m benchmarks $(BENCH_ARGS)

eval: $(INSTALLED) ## judge the classifiers on real texts  (SHIYU_EVAL_DATA=folder)
	@test -n "$$SHIYU_EVAL_DATA" || { echo "make eval needs SHIYU_EVAL_DATA, the folder of the evaluation data" >&2; exit 2; }
	$(BIN)/python -m benchmarks.eval

docs: $(INSTALLED) ## write the generated pages of docs/ anew
	$(BIN)/shiyu docs

doctor: $(INSTALLED) ## look whether this installation is healthy
	$(BIN)/shiyu doctor

lock: ## resolve pyproject.toml into requirements.lock anew  (needs uv)
	uv pip compile --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 --extra dev pyproject.toml -o requirements.lock

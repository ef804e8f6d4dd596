# make demo   the main job on real data that ships with the package
# make test   everything that guards the project
# make lint   the quick part of it
# Each target sets itself up in .venv first.

BASE := $(shell python3.11 -c 'print("python3.11")' 2>/dev/null || echo python3)
BIN := .venv/bin
READY := .venv/.askew-installed

.PHONY: demo test lint

$(READY): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(BASE) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

demo: $(READY)
	PATH="$(CURDIR)/$(BIN):$$PATH" bash examples/demo.sh demo

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# One thread: on a small, busy machine several were seen to be ten times slower.
test: lint
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest

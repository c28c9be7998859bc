# One command for each habit. `make check` is what continuous integration runs after the tests. `make test` takes minutes,
# `make test-all` half an hour: it adds the tests that are marked long.
PYTHON ?= python

.PHONY: install test test-all check lint types imports doctest format bench dist

install:
	$(PYTHON) -m pip install -e ".[dev]"

test:
	$(PYTHON) -m pytest -n auto

test-all:
	$(PYTHON) -m pytest -n auto -m ""

check: lint types imports doctest

lint:
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .

types:
	$(PYTHON) -m mypy

imports:
	lint-imports

doctest:
	$(PYTHON) -m pytest --doctest-modules core plugins zoo

format:
	$(PYTHON) -m ruff check --fix .
	$(PYTHON) -m ruff format .

bench:
	$(PYTHON) -m benchmarks startup
	$(PYTHON) -m benchmarks training

dist:
	$(PYTHON) -m hatchling build

# make report | make test | make lint | make notebooks | make bench | make torture | make clean
# Each makes .venv with what it needs, from pyproject.toml. Options for the report: make report ARGS="--data DIR"

PYTHON ?= python3
BIN := .venv/bin
ARGS ?=

.PHONY: report test lint notebooks bench torture clean

report: .venv/report.stamp
	$(BIN)/linclf report $(ARGS)

test: .venv/test.stamp
	$(BIN)/python -m pytest $(ARGS)

lint: .venv/test.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

notebooks: .venv/notebooks.stamp
	$(BIN)/jupyter lab notebooks

bench: .venv/bench.stamp
	$(BIN)/python benchmarks/run.py $(ARGS)

torture: .venv/test.stamp
	$(BIN)/python tests/torture/run.py $(ARGS)

clean:
	rm -rf .venv build dist

# One stamp an extra: installed again only when pyproject.toml changes, or the template that Jupyter gets a copy of.
.venv/%.stamp: pyproject.toml $(wildcard linclf/report/templates/linclf/*) | .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[$*]"
	touch $@

.venv:
	$(PYTHON) -c 'import sys; sys.exit("linclf needs Python 3.11 or later") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv .venv

# make report | make test | make test-lowest | make lint | make notebooks | make docs | make bench | make torture | make mutants | make clean
# Each makes .venv with what it needs, from pyproject.toml. Options for the report: make report ARGS="--data DIR"

PYTHON ?= python3
BIN := .venv/bin
ARGS ?=
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
UV := $(or $(shell command -v uv),$(BIN)/uv)

.PHONY: report test test-lowest lint notebooks docs bench torture mutants clean

report: .venv/report.stamp
	$(BIN)/linclf report $(ARGS)

# The whole suite runs on all cores, measures which lines and branches it runs, and fails under 95 %; parts of it, as
# ARGS, do not. Processes side by side have one BLAS thread each: with more, those of small products wait for each other.
WHOLE := --numprocesses logical --dist loadgroup --no-loadscope-reorder

test: .venv/test.stamp
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest $(or $(ARGS),$(WHOLE) --cov)

# With the lowest versions that pyproject.toml allows.
test-lowest: .venv-lowest/test.stamp
	OPENBLAS_NUM_THREADS=1 .venv-lowest/bin/python -m pytest $(or $(ARGS),$(WHOLE))

lint: .venv/test.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	@if [ -x tests/node_modules/.bin/eslint ]; then \
	  tests/node_modules/.bin/eslint --config tests/eslint.config.mjs linclf/report/templates/linclf; \
	else echo "The JavaScript is not linted here: npm install --prefix tests brings what that takes."; fi

# Copies to work on: what is in notebooks/ stays as it is, and so does a copy that is there. JupyterLab sees all of
# reports/, to which notebooks link: from a copy that is one folder nearer.
notebooks: .venv/notebooks.stamp
	mkdir -p reports/notebooks
	for each in $(notdir $(wildcard notebooks/*.ipynb)); do \
	  test -e reports/notebooks/$$each || \
	    sed 's|](../reports/|](../|g' notebooks/$$each > reports/notebooks/$$each; done
	@echo "Your copies are in reports/notebooks: delete one, and it is made anew next time."
	$(BIN)/jupyter lab --ServerApp.root_dir=reports --LabApp.default_url=/lab/tree/notebooks $(ARGS)

# The documentation, as a site that needs no server: open site/index.html.
docs: .venv/docs.stamp
	$(BIN)/python -m sphinx --fail-on-warning --keep-going --quiet --fresh-env --doctree-dir build/doctrees docs site

bench: .venv/bench.stamp
	$(BIN)/python benchmarks/run.py $(ARGS)

torture: .venv/test.stamp
	$(BIN)/python tests/torture/run.py $(ARGS)

mutants: .venv/mutants.stamp
	rm -rf mutants
	OPENBLAS_NUM_THREADS=1 $(BIN)/mutmut run --max-children 2
	$(BIN)/mutmut results --all true | $(BIN)/python tests/torture/mutants.py

clean:
	rm -rf .venv .venv-lowest build dist site mutants .coverage*

# One stamp an extra: installed again only when pyproject.toml changes, or the template that Jupyter gets a copy of.
# uv takes a third of pip's time; where it is not to be had, or finds less than pip with its settings, pip does it.
.venv/%.stamp: pyproject.toml $(wildcard linclf/report/templates/linclf/*) | .venv
	@echo "Installing linclf[$*] and what it needs into .venv: a minute or two, once."
	test -x $(UV) || $(PIP) uv || true
	$(UV) pip install --quiet --python $(BIN)/python --compile-bytecode --editable ".[$*]" || $(PIP) --editable ".[$*]"
	touch $@

.venv-lowest/test.stamp: pyproject.toml
	$(PYTHON) -m venv --clear .venv-lowest
	.venv-lowest/bin/python -m pip install --quiet --disable-pip-version-check uv
	.venv-lowest/bin/uv pip install --python .venv-lowest/bin/python --resolution lowest-direct --editable ".[test]"
	touch $@

.venv:
	@echo "Making .venv, an environment for linclf alone."
	$(PYTHON) -c 'import sys; sys.exit("linclf needs Python 3.11 or later") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv .venv

"""The rooms of the package: no import runs upwards, and none in a circle."""

import ast
from graphlib import TopologicalSorter

import pytest
from helpers import ROOT

PACKAGE = ROOT / "linclf"
ORDER = ("errors", "system", "data", "training", "classifier", "studies", "claims", "report", "losses", "plot", "cli")
"""The package's rooms from the ground up; each imports from itself and from those before it."""
MODULES = {
    ".".join(file.relative_to(ROOT).with_suffix("").parts): file
    for file in PACKAGE.rglob("*.py")
    if file.name not in ("__init__.py", "__main__.py")
}


def imported(module):
    """The package's modules that ``module`` imports: late ones and those for type checking too."""
    package = module.rpartition(".")[0]
    for node in ast.walk(ast.parse(MODULES[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in MODULES)
        elif isinstance(node, ast.ImportFrom):
            above = ".".join(package.split(".")[: len(package.split(".")) - node.level + 1]) if node.level else ""
            source = ".".join(filter(None, (above, node.module)))
            yield from {source, *(f"{source}.{alias.name}" for alias in node.names)} & MODULES.keys()
            # What "from linclf import train" stands for is the public API, which is above all rooms.
            assert source != "linclf" or all(f"linclf.{alias.name}" in MODULES for alias in node.names), module


@pytest.mark.parametrize("module", MODULES)
def test_no_import_runs_upwards(module):
    own = ORDER.index(module.split(".")[1])
    assert {name for name in imported(module) if ORDER.index(name.split(".")[1]) > own} == set()


def test_no_import_runs_in_a_circle():
    TopologicalSorter({module: set(imported(module)) for module in MODULES}).prepare()  # CycleError names the circle


def test_few_modules_are_in_the_root_and_none_is_long():
    assert len(list(PACKAGE.glob("*.py"))) <= 7
    for file in MODULES.values():
        text = file.read_text(encoding="utf-8")
        assert len(text.splitlines()) <= 700, file
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef):
                assert node.end_lineno - node.lineno < 60, (file, node.name)

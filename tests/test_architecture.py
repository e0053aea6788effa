"""The rooms of the package: no import runs upwards, and none in a circle."""

import ast
from graphlib import TopologicalSorter

from helpers import ROOT

PACKAGE = ROOT / "linclf"
ORDER = ("errors", "system", "data", "training", "classifier", "studies", "claims", "report", "losses", "plot", "cli")
"""The package's rooms from the ground up; each imports from itself and from those before it."""
MODULES = {
    ".".join(file.relative_to(ROOT).with_suffix("").parts): ast.parse(file.read_text(encoding="utf-8"))
    for file in PACKAGE.rglob("*.py")
    if file.name not in ("__init__.py", "__main__.py")
}


def imported(module):
    """The package's modules that ``module`` imports: late ones and those for type checking too."""
    package = module.split(".")[:-1]
    for node in ast.walk(MODULES[module]):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in MODULES)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            source = ".".join([*above, *([node.module] if node.module else [])])
            names = {f"{source}.{alias.name}" for alias in node.names}
            yield from {source, *names} & MODULES.keys()
            # What "from linclf import train" stands for is the public API, which is above all rooms.
            assert source != "linclf" or names <= MODULES.keys(), module


def room(module):
    return ORDER.index(module.split(".")[1])


def test_no_import_runs_upwards():
    assert [(m, other) for m in MODULES for other in imported(m) if room(other) > room(m)] == []


def test_no_import_runs_in_a_circle():
    TopologicalSorter({module: set(imported(module)) for module in MODULES}).prepare()  # CycleError names the circle


def test_there_are_six_modules_in_the_root_and_sixty_in_all():
    assert {name.split(".")[1] for name in MODULES if name.count(".") == 1} == {"cli", "errors", "losses", "plot"}
    assert len(MODULES) + 2 <= 60

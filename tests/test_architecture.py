"""The rooms of the package: no import runs upwards, none in a circle, and a call passes few of them."""

import ast
import re
import sys
import threading
from graphlib import TopologicalSorter

from helpers import ROOT, blobs, config, write_images

from linclf import load_dataset, train
from linclf.report.views.reference import curves
from linclf.studies.reference import ReferenceStudy

PACKAGE = ROOT / "linclf"
ORDER = ("errors", "system", "data", "training", "classifier", "studies", "claims", "report", "losses", "plot", "cli")
"""The package's rooms from the ground up; each imports from itself and from those before it."""
MODULES = {
    ".".join(file.relative_to(ROOT).with_suffix("").parts): ast.parse(file.read_text(encoding="utf-8"))
    for file in PACKAGE.rglob("*.py")
    if file.stat().st_size and file not in (PACKAGE / "__init__.py", PACKAGE / "__main__.py")
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
            yield from {source, f"{source}.__init__", *names} & MODULES.keys()
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


def modules_passed(call):
    """The files of the package in which a function is called."""
    files = set()

    def note(frame, *_):
        files.add(frame.f_code.co_filename)

    sys.setprofile(note)
    threading.setprofile(note)
    try:
        call()
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    return {file for file in files if file.startswith(str(PACKAGE))}


def test_who_follows_a_call_passes_few_modules(tmp_path):
    write_images(tmp_path / "photos")
    results = ReferenceStudy("synthetic:20", tmp_path, epochs=1, progress=False).run("base")
    for call, most in (
        (lambda: train(config(), blobs(), blobs(seed=1), progress=False), 10),
        (lambda: train([config(), config(shuffle=True)], blobs(), progress=False), 10),
        (lambda: load_dataset(tmp_path / "photos", image_size=4), 11),
        (lambda: curves(results, "base", 1, number=1)._repr_mimebundle_(), 8),
    ):
        passed = modules_passed(call)
        assert 1 < len(passed) <= most, passed


WITH_ARRAYS = ("claims.bootstrap", "claims.statistics", "classifier.classifier", "data.inputs", "data.surrogate")
WITH_ARRAYS += ("training.estimators", "training.losses", "training.model", "training.stack", "training.train")
ANY_SHAPE = ("make_tasks", "plain_array", "stored_array", "with_array")
SHAPE = re.compile(r"\((?:[\w.·*+²() ]+, ?)+(?:[\w.·*+ ]+)?\)")
"""Such as (n, d), (C,) or (epochs + 1,)."""


def test_whoever_takes_or_gives_arrays_states_their_shapes():
    """In the docstring of the function, or once for all in that of its class or module."""
    checked = 0
    for owner in (owner for name in WITH_ARRAYS for owner in ast.walk(MODULES[f"linclf.{name}"])):
        for function in owner.body if isinstance(owner, ast.Module | ast.ClassDef) else ():
            if isinstance(function, ast.FunctionDef) and not function.name.startswith(("_", *ANY_SHAPE)):
                types = ast.unparse(function.args) + ast.unparse(function.returns)
                if re.search("ndarray|Examples|Images", types):
                    checked += 1
                    assert SHAPE.search(f"{ast.get_docstring(function)} {ast.get_docstring(owner)}"), function.name
    assert checked > 60

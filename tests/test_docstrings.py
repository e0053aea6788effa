"""Docstrings state what a reader cannot guess: formulas, and the shapes of arrays. ruff's D sees to their form."""

import inspect
import pydoc
import re

import linclf

SHAPE = re.compile(r"\((?:[\w.·*+²() ]+, ?)+(?:[\w.·*+ ]+)?\)")
"""Such as (n, d), (C,) or (epochs + 1,)."""
COMPUTE_WITH_ARRAYS = [
    "claims.bootstrap",
    "claims.statistics",
    "data.surrogate",
    "training.losses",
    "training.model",
    "training.stack",
]


def located(name):
    thing = pydoc.locate(f"linclf.{name}")
    assert thing, name
    return thing


def functions(owner):
    """The public functions of a module, and the methods of its classes or of a class, with the owner of each."""
    module = inspect.ismodule(owner)
    for key in [*vars(owner)] if module else dir(owner):
        member = inspect.getattr_static(owner, key)
        member = inspect.unwrap(getattr(member, "__func__", getattr(member, "fget", member)))
        home = getattr(member, "__module__", None) or ""
        if key.startswith("_") or not (home == owner.__name__ if module else home.startswith("linclf.")):
            continue
        if inspect.isclass(member):
            yield from functions(member)
        elif inspect.isfunction(member):
            yield member, owner


def test_whoever_takes_or_gives_arrays_states_their_shapes():
    """In the docstring of the function, or once for all in that of its class or module."""
    public = [getattr(linclf, name) for name in (*linclf.__all__, "SoftmaxClassifier", "SVMClassifier")]
    checked = [pair for name in COMPUTE_WITH_ARRAYS for pair in functions(located(name))]
    checked += [pair for thing in public for pair in (functions(thing) if inspect.isclass(thing) else [(thing, thing)])]
    assert len(checked) > 60
    for function, owner in checked:
        types = " ".join(map(str, function.__annotations__.values()))
        if re.search("ndarray|Examples|Images", types):
            assert SHAPE.search(f"{function.__doc__} {owner.__doc__}"), function

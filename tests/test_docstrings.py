"""Docstrings state what a reader cannot guess: formulas, and the shapes of arrays. ruff's D sees to their form."""

import inspect
import pydoc
import re

import pytest

import linclf

FORMULA = re.compile(r"[Σλη²Φ‖√∓←·]|<-| [+<]?= |\^T|\b(?:exp|log|max|softmax|sigmoid|sqrt)\b ?\(")
SHAPE = re.compile(r"\((?:[\w.·*+²() ]+, ?)+(?:[\w.·*+ ]+)?\)")
"""Such as (n, d), (C,) or (epochs + 1,)."""

MODULES = (
    "claims.bootstrap", "claims.statistics", "data.surrogate",
    "training.losses", "training.model", "training.stack",
)  # fmt: skip
"""Modules whose functions compute with arrays."""
NEED_A_FORMULA = (
    *(f"training.losses.{name}{gradient}" for name in linclf.training.losses.LOSSES for gradient in ("", "_gradient")),
    "training.losses.sigmoid",
    "training.model.Linear.scores",
    "training.model.Linear.initial",
    "training.model.softmax",
    "training.losses.penalty",
    "training.losses.penalty_factor",
    "training.losses.cost_and_gradient",
    "training.stack.scores",
    "training.stack.Stack.descend",
    "training.stack.Stack.move_towards",
    "training.config.Config",
    "training.history.History",
    "training.estimators.SoftmaxClassifier",
    "training.estimators.SVMClassifier",
    "classifier.classifier.Classifier.predict_proba",
    "claims.bootstrap.levels",
    "claims.statistics.rising",
    "claims.statistics.variation",
    "claims.statistics.rms_difference",
    "claims.statistics.settling_epoch",
    "data.inputs.Standardizer",
    "data.surrogate",
    "data.surrogate.fit_surrogate",
    "studies.metrics.low_frequency_share",
)


def functions(owner):
    """The public functions that a module defines, and the methods of its classes or of a class, each with its owner."""
    module = inspect.ismodule(owner)
    for key in [*vars(owner)] if module else dir(owner):
        found = inspect.getattr_static(owner, key)
        found = inspect.unwrap(getattr(found, "__func__", getattr(found, "fget", found)))
        own = getattr(found, "__module__", None) or ""
        if key.startswith("_") or not (own == owner.__name__ if module else own.startswith("linclf.")):
            continue
        if inspect.isclass(found):
            yield from functions(found)
        elif inspect.isfunction(found):
            yield found, owner


def located(name):
    found = pydoc.locate(f"linclf.{name}")
    assert found, name
    return found


PUBLIC = [getattr(linclf, name) for name in (*linclf.__all__, "SoftmaxClassifier", "SVMClassifier")]
FUNCTIONS = [pair for name in MODULES for pair in functions(located(name))]
FUNCTIONS += [pair for found in PUBLIC for pair in (functions(found) if inspect.isclass(found) else [(found, found)])]


@pytest.mark.parametrize("name", NEED_A_FORMULA)
def test_what_computes_a_formula_states_it(name):
    assert FORMULA.search(located(name).__doc__)


@pytest.mark.parametrize(("function", "owner"), FUNCTIONS, ids=lambda found: getattr(found, "__qualname__", "-"))
def test_whoever_takes_or_gives_arrays_states_their_shapes(function, owner):
    """In the docstring of the function, or once for all in that of its class or module."""
    types = " ".join(map(str, function.__annotations__.values()))
    if re.search("ndarray|Examples|Images", types):
        assert SHAPE.search(f"{function.__doc__} {owner.__doc__}"), function.__doc__

"""What ``import linclf`` offers, lists and loads."""

import rlcompleter
import subprocess
import sys

import pytest

import linclf

PUBLIC = {
    "Augmentation", "Classifier", "Config", "ConfigError", "DataError", "Dataset", "DivergenceError", "History",
    "LinclfError", "Linear", "Provenance", "Run", "Standardizer", "load_dataset", "sweep", "train",
}  # fmt: skip
OPTIONAL = {"SVMClassifier", "SoftmaxClassifier", "plot"}


def printed(code):
    """The words that ``code`` prints in a fresh process."""
    return {*subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()}


def test_dir_and_completion_list_everything_public_and_nothing_else():
    completed = rlcompleter.Completer({"linclf": linclf}).attr_matches("linclf.")  # it looks each name up
    for listed in (dir(linclf), [name.removeprefix("linclf.").rstrip("()") for name in completed]):
        assert {name for name in listed if not name.startswith("__")} == PUBLIC | OPTIONAL
    assert {"__all__", "__doc__", "__file__", "__name__", "__path__"} <= {*dir(linclf)}
    for name in PUBLIC | OPTIONAL - {"plot"}:
        assert getattr(linclf, name).__name__ == name
    assert linclf.plot.__all__ == ["confusion", "history", "images", "templates"]
    with pytest.raises(AttributeError, match=r"^module 'linclf' has no attribute 'Softmax'$"):
        _ = linclf.Softmax


def test_what_people_look_at_is_one_short_line():
    data = linclf.load_dataset("synthetic:50")
    standardize = linclf.Standardizer.fit(data.train_images[0])
    config = linclf.Config(learning_rate=0.001, l2=0.1, epochs=1)
    (run,) = linclf.train(config, (standardize(data.train_images[0]), data.train_labels[0]), progress=False)
    assert [repr(data), repr(run), repr(run.model)] == [
        "Dataset(Gaussian surrogate of CIFAR-10: 250 training, 50 test; shape (32, 32, 3), 10 classes)",
        "Run(cross_entropy, learning rate 0.001, L2 0.1, 1 epochs, seed 0)",
        "Linear(10 classes, 3,072 inputs, float32)",
    ]


def test_with_numpy_alone_all_but_estimators_and_plots_is_listed_and_imported():
    alone = "import sys; sys.modules.update(sklearn=None, matplotlib=None); "
    assert printed(alone + "import linclf; print(*(name for name in dir(linclf) if name[0] != '_'))") == PUBLIC
    names = "from linclf import *; print(*(name for name in globals() if name[0] != '_' and name != 'sys'))"
    assert printed(alone + names) == PUBLIC == {*linclf.__all__}


def test_importing_it_loads_numpy_and_little_more():
    """What is slow to import is imported by what needs it: `import linclf` shall cost little more than NumPy."""
    # What was there before is Python's own, or of what measures coverage.
    before = "import sys, contextlib, copy, dataclasses, threading, numpy; before = {*sys.modules}"
    loaded = printed(f"{before}; import linclf; print(*{{*sys.modules}} - before)")
    assert {name.partition(".")[0] for name in loaded} == {"linclf"}
    late = tuple(
        f"linclf.{name}" for name in ("classifier", "data.load", "data.readers", "report", "training.estimators")
    )
    assert not [name for name in loaded if name.startswith(late)]

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
WITH_NUMPY_ALONE = "import sys; sys.modules.update(sklearn=None, matplotlib=None); "


def printed(code):
    """The words that ``code`` prints in a fresh process."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()


def completed(namespace):
    """What Python's own tab completion offers after ``linclf.``; it looks each name up."""
    offered = rlcompleter.Completer(namespace).attr_matches("linclf.")
    return {name.removeprefix("linclf.").rstrip("()") for name in offered}


def test_dir_and_completion_list_everything_public_and_nothing_else():
    for listed in (dir(linclf), completed({"linclf": linclf})):
        assert {name for name in listed if not name.startswith("__")} == PUBLIC | OPTIONAL
    assert {"__all__", "__doc__", "__file__", "__name__", "__path__"} <= {*dir(linclf)}


def test_every_public_name_is_what_it_is_called():
    for name in PUBLIC | OPTIONAL - {"plot"}:
        assert getattr(linclf, name).__name__ == name
    assert linclf.plot.__all__ == ["confusion", "history", "images", "templates"]


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


def test_an_unknown_name_is_no_attribute():
    with pytest.raises(AttributeError, match=r"^module 'linclf' has no attribute 'Softmax'$"):
        _ = linclf.Softmax


def test_with_numpy_alone_all_but_classifiers_and_pictures_is_listed_and_imported():
    listing = "import linclf; print(*(name for name in dir(linclf) if name[0] != '_'))"
    assert {*printed(WITH_NUMPY_ALONE + listing)} == PUBLIC
    names = "from linclf import *; print(*(name for name in globals() if name[0] != '_' and name != 'sys'))"
    assert {*printed(WITH_NUMPY_ALONE + names)} == PUBLIC == {*linclf.__all__}


def test_importing_it_loads_numpy_and_little_more():
    """What is slow to import is imported by what needs it: `import linclf` shall cost little more than NumPy."""
    # What was there before is Python's own, or of what measures coverage.
    light = "import sys, contextlib, copy, dataclasses, threading, numpy; before = {*sys.modules}"
    own = {*printed(f"{light}; import linclf; print(*{{*sys.modules}} - before)")}
    assert {name.partition(".")[0] for name in own} == {"linclf"}
    late = (
        "linclf.classifier",
        "linclf.data.load",
        "linclf.data.readers",
        "linclf.report",
        "linclf.training.estimators",
    )
    assert not [name for name in own if name.startswith(late)]

"""Train, study and report a single-layer image classifier.

>>> import linclf
>>> data = linclf.load_dataset("synthetic:200")
>>> standardize = linclf.Standardizer.fit(data.train_images[0])
>>> X, y = standardize(data.train_images[0]), data.train_labels[0]
>>> config = linclf.Config(loss="cross_entropy", learning_rate=0.001, l2=0.1, epochs=5)
>>> run, = linclf.train(config, (X, y), progress=False)
>>> run.model.W.shape
(10, 3072)
"""

from typing import TYPE_CHECKING

from linclf.data.inputs import Augmentation, Standardizer
from linclf.errors import ConfigError, DataError, DivergenceError, LinclfError
from linclf.training import Config, History, Linear, Run
from linclf.training.train import sweep, train

if TYPE_CHECKING:
    from linclf import plot as plot
    from linclf.classifier.classifier import Classifier
    from linclf.data.dataset import Dataset, Provenance
    from linclf.data.load import load_dataset
    from linclf.training.estimators import SoftmaxClassifier as SoftmaxClassifier
    from linclf.training.estimators import SVMClassifier as SVMClassifier

__all__ = [
    "Augmentation",
    "Classifier",
    "Config",
    "ConfigError",
    "DataError",
    "Dataset",
    "DivergenceError",
    "History",
    "LinclfError",
    "Linear",
    "Provenance",
    "Run",
    "Standardizer",
    "load_dataset",
    "sweep",
    "train",
]
# Not in __all__: "from linclf import *" works with NumPy alone; these need scikit-learn or matplotlib.
_CLASSIFIERS = ("SVMClassifier", "SoftmaxClassifier")
_LATE = {
    "Classifier": "classifier.classifier",
    "Dataset": "data.dataset",
    "Provenance": "data.dataset",
    "load_dataset": "data.load",
    **dict.fromkeys(_CLASSIFIERS, "training.estimators"),
}


def __getattr__(name: str) -> object:
    """Import what is slow to import when it is first asked for: readers, scikit-learn estimators, pictures."""
    from importlib import import_module

    if name == "plot":
        return import_module(".plot", __name__)
    if name in _LATE:
        return getattr(import_module(f".{_LATE[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """The public names, for tab completion, which looks them up: each only where the package that it needs is."""
    from importlib.util import find_spec

    classifiers = _CLASSIFIERS if find_spec("sklearn") else ()
    pictures = ("plot",) if find_spec("matplotlib") else ()
    return sorted([*__all__, *classifiers, *pictures, *(name for name in globals() if name.startswith("__"))])

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

from typing import Any

from .config import Config
from .datasets import Dataset, Provenance, load_dataset
from .errors import ConfigError, DataError, DivergenceError, LinclfError
from .model import Linear
from .preprocessing import Standardizer
from .sweep import sweep
from .training import History, Run, train

__all__ = [
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


def __getattr__(name: str) -> Any:
    """The scikit-learn estimators, imported when first asked for: the rest of the library needs NumPy alone."""
    if name in ("SVMClassifier", "SoftmaxClassifier"):
        from . import estimators

        return getattr(estimators, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

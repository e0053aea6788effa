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

from importlib import import_module
from typing import TYPE_CHECKING, Any

from linclf.data.augmentation import Augmentation
from linclf.data.standardize import Standardizer
from linclf.errors import ConfigError, DataError, DivergenceError, LinclfError
from linclf.training.config import Config
from linclf.training.history import History
from linclf.training.loop import Run, train
from linclf.training.model import Linear
from linclf.training.sweep import sweep

if TYPE_CHECKING:
    from linclf.data.dataset import Dataset, Provenance
    from linclf.data.load import load_dataset
    from linclf.training.estimators import SoftmaxClassifier as SoftmaxClassifier
    from linclf.training.estimators import SVMClassifier as SVMClassifier

__all__ = [
    "Augmentation",
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


_LATE = {
    **dict.fromkeys(("Dataset", "Provenance"), "data.dataset"),
    "load_dataset": "data.load",
    **dict.fromkeys(("SVMClassifier", "SoftmaxClassifier"), "training.estimators"),
}


def __getattr__(name: str) -> Any:
    """What is imported when first asked for: the readers take time, the scikit-learn estimators more than NumPy."""
    if name in _LATE:
        return getattr(import_module(f".{_LATE[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

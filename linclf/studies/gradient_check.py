"""The exact statements of the reference, checked on the code that trains: gradients and the hinge at zero."""

import numpy as np

from linclf.data.dataset import Dataset
from linclf.data.standardize import Standardizer
from linclf.training.config import Config
from linclf.training.loop import train
from linclf.training.losses import get_loss
from linclf.training.model import Linear

from .splits import split_rows

_STEP = 1e-5  # of the central differences, in float64


def gradient_error(
    loss: str,
    X: np.ndarray,
    y: np.ndarray,
    n_classes: int,
    l2: float = 0.1,
    sample_weight: np.ndarray | None = None,
) -> float:
    """Maximum relative error of the gradient that training descends against central differences of its cost.

    Both come out of ``train`` itself: one step with η = 1 on all images moves a model by minus its gradient, and the
    cost before training (epochs = 0) of 2 (C d + C) models, each with one entry moved by ±h, gives the differences
    (cost(+h) - cost(-h)) / 2h, all in one stack. Relative error of an entry: |a - n| / max(|a| + |n|, m / 1000)
    with m the maximum of |a|: entries of about 0 are all rounding.

    Args:
        loss: its name.
        X: inputs (n, d), taken in float64; keep d small. Images that come close to a kink of the hinge are left out.
        y: labels (n,).
        n_classes: C.
        l2: λ.
        sample_weight: weights of the images, (n,), as in ``train``.

    >>> X, y = np.random.default_rng(0).normal(size=(8, 3)), np.arange(8) % 2
    >>> gradient_error("cross_entropy", X, y, n_classes=2) < 1e-6
    True
    """
    X = X.astype(np.float64)
    model = Linear.initial(n_classes, X.shape[1], seed=0)
    if loss == "multiclass_hinge":
        smooth = _distance_to_kinks(model.scores(X), y) > 1e-3
        X, y = X[smooth], y[smooth]
        sample_weight = None if sample_weight is None else sample_weight[smooth]

    config = Config(loss=loss, learning_rate=1.0, l2=l2, epochs=1, batch_size=len(X))
    (run,) = train(config, (X, y), sample_weight=sample_weight, init=[model], evaluate=False, progress=False)
    analytic = np.concatenate([(model.W - run.model.W).ravel(), model.b - run.model.b])

    entries = np.concatenate([model.W.ravel(), model.b])
    moved = entries + _STEP * np.concatenate([np.eye(len(entries)), -np.eye(len(entries))])
    init = [Linear(row[: model.W.size].reshape(model.W.shape), row[model.W.size :]) for row in moved]
    config = Config(loss=loss, learning_rate=1.0, l2=l2, epochs=0)
    runs = train([config] * len(init), (X, y), sample_weight=sample_weight, init=init, progress=False)
    costs = [run.history.train_cost[0] for run in runs if run.history]
    up, down = np.split(np.array(costs), 2)
    numeric = (up - down) / (2 * _STEP)
    floor = np.abs(analytic).max() / 1000
    return float(np.max(np.abs(analytic - numeric) / np.maximum(np.abs(analytic) + np.abs(numeric), floor)))


def hinge_at_zero(X: np.ndarray, y: np.ndarray, n_classes: int) -> float:
    """Mean multi-class hinge of the images at W = 0, b = 0: C - 1, whatever the images.

    >>> hinge_at_zero(np.ones((2, 3)), np.array([0, 9]), n_classes=10)
    9.0
    """
    scores = Linear(np.zeros((n_classes, X.shape[1])), np.zeros(n_classes)).scores(X)
    return float(get_loss("multiclass_hinge").value(scores, y).mean())


def exact_statements(data: Dataset, n_validation: int) -> dict[str, dict[str, float]]:
    """What the exact statements E1 to E3 are about, measured on this data; under a second.

    E1 and E2: :func:`gradient_error` of the two losses and :func:`hinge_at_zero`. E3: the sizes of the full split and
    how many images train and validate both.
    """
    n_classes = len(data.class_names)
    stride = max(1, data.test_images[0].size * n_classes // 300)  # about 300 weights to differentiate by
    few = slice(20)
    standardize = Standardizer.fit(data.train_images[0])
    X, y = standardize(data.train_images[0][few], np.float64)[:, ::stride], data.train_labels[0][few]
    errors = {loss: gradient_error(loss, X, y, n_classes) for loss in ("cross_entropy", "multiclass_hinge")}
    train, validation = split_rows("full", data, n_validation)
    return {
        "E1": {"relative_error": errors["cross_entropy"]},
        "E2": {"relative_error": errors["multiclass_hinge"], "loss_at_zero": hinge_at_zero(X, y, n_classes)},
        "E3": {
            "n_train": len(train),
            "n_validation": len(validation),
            "in_both": len(set(train) & set(validation)),
        },
    }


def _distance_to_kinks(S: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Minimum of |S_j - S_y + 1| over the other classes, (n,)."""
    margins = np.abs(S - S[y, np.arange(len(y))] + 1)
    margins[y, np.arange(len(y))] = np.inf
    return margins.min(axis=0)

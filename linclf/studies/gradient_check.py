"""The exact statements of the reference, checked on the code that trains: gradients and the hinge at zero."""

import numpy as np

from linclf.training.config import Config
from linclf.training.loop import train
from linclf.training.losses import get_loss
from linclf.training.model import Linear

_STEP = 1e-5  # of the central differences, in float64


def gradient_error(loss: str, X: np.ndarray, y: np.ndarray, n_classes: int, l2: float = 0.1) -> float:
    """Greatest relative error of the gradient that training descends against central differences of its cost.

    Both come out of ``train`` itself: one step with η = 1 on all images moves a model by minus its gradient, and the
    cost before training (epochs = 0) of 2 (C d + C) models, each with one entry moved by ±h, gives the differences
    (cost(+h) - cost(-h)) / 2h, all in one stack. Relative error of an entry: |a - n| / max(|a| + |n|, m / 1000)
    with m the greatest |a|: entries of about 0 are all rounding.

    Args:
        loss: its name.
        X: inputs (n, d), taken in float64; keep d small. Images that come close to a kink of the hinge are left out.
        y: labels (n,).
        n_classes: C.
        l2: λ.

    >>> X, y = np.random.default_rng(0).normal(size=(8, 3)), np.arange(8) % 2
    >>> gradient_error("cross_entropy", X, y, n_classes=2) < 1e-6
    True
    """
    X = X.astype(np.float64)
    model = Linear.initial(n_classes, X.shape[1], seed=0)
    if loss == "multiclass_hinge":
        smooth = _distance_to_kinks(model.scores(X), y) > 1e-3
        X, y = X[smooth], y[smooth]

    config = Config(loss=loss, learning_rate=1.0, l2=l2, epochs=1, batch_size=len(X))
    (run,) = train(config, (X, y), init=[model], evaluate=False, progress=False)
    analytic = np.concatenate([(model.W - run.model.W).ravel(), model.b - run.model.b])

    entries = np.concatenate([model.W.ravel(), model.b])
    moved = entries + _STEP * np.concatenate([np.eye(len(entries)), -np.eye(len(entries))])
    init = [Linear(row[: model.W.size].reshape(model.W.shape), row[model.W.size :]) for row in moved]
    config = Config(loss=loss, learning_rate=1.0, l2=l2, epochs=0)
    runs = train([config] * len(init), (X, y), init=init, progress=False)
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


def _distance_to_kinks(S: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Least |S_j - S_y + 1| over the other classes, (n,)."""
    margins = np.abs(S - S[y, np.arange(len(y))] + 1)
    margins[y, np.arange(len(y))] = np.inf
    least: np.ndarray = margins.min(axis=0)
    return least

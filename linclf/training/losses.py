"""Losses: scores and labels in, one value and one gradient per image out.

Shape convention, here and in the whole package: the class axis comes first. ``S`` holds the scores, (C, n) for one
network or (C, K, n) for a stack of K; ``y`` holds the n labels, 0..C-1. A loss gives one value per image, (n,) or
(K, n), and a gradient shaped like S. It never sees images, weights or λ: mean, penalty and chain rule live in
``training``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import numpy as np

from linclf.data.inputs import Examples
from linclf.errors import ConfigError
from linclf.system.threads import one_blas_thread

from .model import Linear, softmax


def _true_class(y: np.ndarray) -> Any:
    """Index of the true-class scores in S; what it takes is (n,) or (n, K), with the axes turned round."""
    return (y, ..., np.arange(len(y)))


def _true_scores(S: np.ndarray, y: np.ndarray) -> np.ndarray:
    return S[_true_class(y)].T


def _onehot(y: np.ndarray, S: np.ndarray) -> np.ndarray:
    """Whether each class is the true class of each image, to be broadcast over S."""
    return _classes(len(S), S.ndim) == y


@cache
def _classes(n: int, ndim: int) -> np.ndarray:
    """0..n-1 along the first of ``ndim`` axes; cached, since every training step needs it."""
    return np.arange(n).reshape(-1, *[1] * (ndim - 1))


def cross_entropy(S: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Cross-entropy of the softmax, -log p_y = log Σ_j exp(S_j) - S_y, in nats.

    Finite for any finite scores: the highest score is subtracted first.

    >>> cross_entropy(np.zeros((10, 1)), np.array([3])).round(4)
    array([2.3026])
    """
    shifted = S - S.max(axis=0)
    return np.log(np.exp(shifted).sum(axis=0)) - _true_scores(shifted, y)


def cross_entropy_gradient(S: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Gradient of :func:`cross_entropy` with respect to the scores, softmax(S) - onehot(y).

    >>> cross_entropy_gradient(np.zeros((2, 1)), np.array([0]))
    array([[-0.5],
           [ 0.5]])
    """
    G: np.ndarray = S - S.max(axis=0)
    np.exp(G, out=G)
    G /= G.sum(axis=0)
    G -= _onehot(y, S)
    return G


def multiclass_hinge(S: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Multi-class hinge summed over classes, Σ_{j≠y} max(0, S_j - S_y + 1).

    C - 1 if all scores are equal. This is the loss of Weston and Watkins (1999), with margin 1; Crammer and Singer's
    takes the largest term in place of the sum.

    >>> multiclass_hinge(np.zeros((10, 1)), np.array([3]))
    array([9.])
    """
    margins = S - _true_scores(S, y) + 1
    margins[_true_class(y)] = 0
    return np.maximum(margins, 0).sum(axis=0)


def multiclass_hinge_gradient(S: np.ndarray, y: np.ndarray) -> np.ndarray:
    """A subgradient of :func:`multiclass_hinge` with respect to the scores.

    1 for a wrong class whose margin is violated, and minus their number for the true class. At a kink
    (S_j = S_y - 1) the margin counts as not violated.

    >>> multiclass_hinge_gradient(np.zeros((3, 1)), np.array([0]))
    array([[-2.],
           [ 1.],
           [ 1.]])
    """
    G: np.ndarray = (S - _true_scores(S, y) > -1).astype(S.dtype)
    G[_true_class(y)] = 1 - G.sum(axis=0).T  # which counts the true class too
    return G


def binary_cross_entropy(S: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Cross-entropy of one sigmoid per class, mean over the classes, (1/C) Σ_j [log(1 + exp(S_j)) - t_j S_j], in nats.

    t_j is 1 for the true class and 0 for the others: one class against the rest, so that adding a constant to all
    scores changes it, unlike the other losses. Finite for any finite scores; log 2 if all scores are 0.

    >>> binary_cross_entropy(np.zeros((10, 1)), np.array([3])).round(4)
    array([0.6931])
    """
    softplus = np.maximum(S, 0) + np.log1p(np.exp(-np.abs(S)))
    return (softplus.sum(axis=0) - _true_scores(S, y)) / len(S)


def binary_cross_entropy_gradient(S: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Gradient of :func:`binary_cross_entropy` with respect to the scores, (sigmoid(S) - onehot(y)) / C.

    >>> binary_cross_entropy_gradient(np.zeros((2, 1)), np.array([0]))
    array([[-0.25],
           [ 0.25]])
    """
    G = sigmoid(S)
    G -= _onehot(y, S)
    G /= len(S)
    return G


def sigmoid(S: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-S)), entry by entry, without overflow."""
    small = np.exp(-np.abs(S))  # at most 1
    return np.where(S >= 0, 1, small) / (1 + small)


@dataclass(frozen=True)
class Loss:
    """All that the package knows of a loss.

    Attributes:
        name: its name in ``Config``.
        words: its name on pages.
        value: a function of scores and labels.
        gradient: the same, with respect to the scores.
        link: what makes probabilities of scores, "softmax" or, for one sigmoid per class, "sigmoid"; None if nothing
            does.
        kinks: whether the gradient jumps; finite differences are taken beside the kinks.
        curvature: a function of the number of classes C, how large the curvature in the scores is beside that of the
            cross-entropy: good learning rates are that much smaller.
    """

    name: str
    words: str
    value: Callable[[np.ndarray, np.ndarray], np.ndarray]
    gradient: Callable[[np.ndarray, np.ndarray], np.ndarray]
    link: Literal["softmax", "sigmoid"] | None = None
    kinks: bool = False
    curvature: Callable[[int], float] = lambda n_classes: 1.0

    def probabilities(self, S: np.ndarray) -> np.ndarray:
        """Probabilities of the classes from scores S (C, ...): softmax(S), or sigmoid(S) over its sum.

        Raises:
            ConfigError: a loss without a link to probabilities.
        """
        if self.link is None:
            raise ConfigError(f"a network trained with the {self.name} has scores, not probabilities: call scores")
        return softmax(-np.logaddexp(0, -S) if self.link == "sigmoid" else S)  # log sigmoid(S)

    def sureness(self, S: np.ndarray) -> np.ndarray:
        """How sure answers are, by their scores S (C, n), (n,).

        By the probability of the answer, or, without a link, by how far the highest score is ahead of the second.
        """
        if self.link:
            return self.probabilities(S.astype(np.float64)).max(axis=0)
        second, first = np.partition(S, -2, axis=0)[-2:]
        return first - second


LOSSES = {
    loss.name: loss
    for loss in (
        Loss("cross_entropy", "cross-entropy", cross_entropy, cross_entropy_gradient, link="softmax"),
        Loss(
            "multiclass_hinge",
            "SVM loss",
            multiclass_hinge,
            multiclass_hinge_gradient,
            kinks=True,
            curvature=lambda n_classes: n_classes / 2,
        ),
        Loss(
            "binary_cross_entropy",
            "binary cross-entropy",
            binary_cross_entropy,
            binary_cross_entropy_gradient,
            link="sigmoid",
            curvature=lambda n_classes: 1 / n_classes,
        ),
    )
}
"""The losses by name. A loss is two functions and its entry here; all else follows."""


def get_loss(name: str) -> Loss:
    """The loss called ``name``; ConfigError naming the known ones if there is none."""
    if not isinstance(name, str) or name not in LOSSES:
        raise ConfigError(f"unknown loss {name!r}: choose one of {', '.join(LOSSES)}")
    return LOSSES[name]


_CHUNK = 1000  # images scored at a time


def total(values: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Σ_i w_i v_i of the values v (..., n) and weights w (n,), 1 by default, in float64, (...)."""
    return values.sum(axis=-1, dtype=np.float64) if weights is None else values @ weights


def penalty(W: np.ndarray, l2: np.ndarray | float) -> np.ndarray:
    """λ‖W‖², summed in float64: of a stack's weights W (C, K, d) and λ (K,) one number per network; of (C, d), one."""
    return l2 * np.square(W).sum(axis=(0, -1), dtype=np.float64)


def penalty_factor(l2: np.ndarray | float) -> np.ndarray | float:
    """2λ, one number or (K,): the gradient of the penalty with respect to W is 2λW."""
    return 2 * l2


def largest_eigenvalue(X: np.ndarray, weights: np.ndarray | None = None) -> float:
    """The largest eigenvalue L of X^T X / n, at least 1, of inputs X (n, d); with weights (n,) of the weighted mean.

    The cost of :func:`cross_entropy` bends by at most L / 2 (Böhning, 1992): a good learning rate is small against
    1 / L. Of more than 500 rows that weigh something as many are taken, evenly spread.

    >>> round(largest_eigenvalue(np.array([[2.0, 2.0], [-2.0, -2.0]])), 6)
    8.0
    """
    w = np.ones(len(X)) if weights is None else weights
    rows = np.flatnonzero(w)
    rows = rows[:: -(-len(rows) // 500)]
    A = X[rows] * np.sqrt(w[rows] / w[rows].sum())[:, None]
    with one_blas_thread():  # beside another program several wait for each other, a hundred times as long
        return max(1.0, float(np.linalg.eigvalsh(A @ A.T if len(rows) < A.shape[1] else A.T @ A)[-1]))


def cost_and_gradient(model: Linear, examples: Examples, loss: Loss, l2: float) -> tuple[float, np.ndarray, np.ndarray]:
    """Mean loss + λ‖W‖² of one network on all images, and its gradients with respect to W (C, d) and b (C,).

    With weights, of mean 1, the mean is weighted. Scores are computed in the type of the inputs; sums, penalty and
    gradients in the type of the weights.
    """
    X, y, *weights = examples
    converted = Linear(model.W.astype(X.dtype), model.b.astype(X.dtype))
    cost, dW, db = 0.0, np.zeros_like(model.W), np.zeros_like(model.b)
    for i in range(0, len(y), _CHUNK):
        x, labels, *w = (A[i : i + _CHUNK] for A in (X, y, *weights))
        S = converted.scores(x)
        cost += float(total(loss.value(S, labels), *w))
        G = loss.gradient(S, labels)
        for factor in w:
            G *= factor
        dW += G @ x
        db += G.sum(axis=1)
    dW /= len(y)
    dW += penalty_factor(l2) * model.W
    return cost / len(y) + float(penalty(model.W, l2)), dW, db / len(y)

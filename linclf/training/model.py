"""The model: one linear layer."""

import os
from dataclasses import dataclass

import numpy as np

from linclf.data.inputs import LazyInputs, plain_array
from linclf.errors import DataError

INITIAL_SPREAD = 0.01
"""Standard deviation of the initial weights and biases, as in the reference."""

INITIAL_WEIGHTS = ("normal", "xavier", "zeros")
"""The ways to draw initial weights (``Linear.initial``)."""


def softmax(S: np.ndarray) -> np.ndarray:
    """exp(S_j) / Σ_k exp(S_k) of the scores S (C, ...), the class axis first, without overflow."""
    exponentials = np.exp(S - S.max(axis=0))
    return exponentials / exponentials.sum(axis=0)


@dataclass(frozen=True)
class Linear:
    """A single layer, S = W X^T + b.

    Attributes:
        W: weights, (C, d), one row per class; for images of shape (h, w, c) a row reshapes to a picture.
        b: biases, (C,).

    >>> model = Linear(np.eye(2), np.zeros(2))
    >>> model.predict(np.array([[3.0, 1.0], [0.0, 2.0]]))
    array([0, 1])
    """

    W: np.ndarray
    b: np.ndarray

    def __repr__(self) -> str:
        return f"Linear({self.W.shape[0]} classes, {self.W.shape[-1]:,} inputs, {self.W.dtype})"

    @classmethod
    def initial(cls, n_classes: int, n_inputs: int, seed: int, init: str = "normal") -> "Linear":
        """Weights and biases drawn from N(0, 0.01²), in float64; the same for the same seed.

        ``init="xavier"`` draws weights from N(0, 2 / (d + C)) instead, and leaves the biases at 0 (Glorot and Bengio,
        2010): the same weights but for their scale. ``init="zeros"`` starts at 0, which a single layer can.
        """
        if init == "zeros":
            return cls(np.zeros((n_classes, n_inputs)), np.zeros(n_classes))
        rng = np.random.default_rng(seed)
        if init == "xavier":
            return cls(rng.normal(0, np.sqrt(2 / (n_inputs + n_classes)), (n_classes, n_inputs)), np.zeros(n_classes))
        return cls(rng.normal(0, INITIAL_SPREAD, (n_classes, n_inputs)), rng.normal(0, INITIAL_SPREAD, n_classes))

    def scores(self, X: np.ndarray | LazyInputs) -> np.ndarray:
        """Scores S = W X^T + b of the images X (n, d), as (C, n): the class axis first; DataError for another shape.

        >>> Linear(np.eye(2), np.array([0.0, 0.5])).scores(np.array([[3.0, 1.0]]))
        array([[3. ],
               [1.5]])
        """
        X = X[:] if isinstance(X, LazyInputs) else plain_array(X, "X")
        if X.ndim != 2 or X.shape[1] != self.W.shape[1]:
            advice = "; of a single image, give X[None]" if X.shape == self.W.shape[1:] else ""
            raise DataError(f"expected inputs X (n, {self.W.shape[1]}), found shape {X.shape}{advice}")
        if X.dtype.kind not in "biuf":
            raise DataError(f"expected inputs X of numbers, found {X.dtype}")
        # OpenBLAS computes with what lies beside a small matrix, too, which may raise this flag; the scores are right.
        with np.errstate(invalid="ignore"):
            return self.W @ X.T + self.b[:, None]

    def predict(self, X: np.ndarray | LazyInputs) -> np.ndarray:
        """The class with the highest score for each of the n images X (n, d) (the first of equals), (n,)."""
        return self.scores(X).argmax(axis=0)

    def predict_proba(self, X: np.ndarray | LazyInputs) -> np.ndarray:
        """Probabilities softmax(S) of the classes for the images X (n, d), as (C, n): the class axis first, as scores.

        They mean little for a network that was trained with another loss than the cross-entropy.

        >>> Linear(np.eye(2), np.zeros(2)).predict_proba(np.array([[1.0, 1.0]]))
        array([[0.5],
               [0.5]])
        """
        return softmax(self.scores(X))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write W and b to one ``.npz`` file, whole or not at all.

        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     Linear(np.eye(2), np.zeros(2)).save(f"{folder}/model.npz")
        ...     Linear.load(f"{folder}/model.npz").b
        array([0., 0.])
        """
        from linclf.system.files import write_whole  # slow to import, as zipfile is, and few need them

        write_whole(path, lambda file: np.savez(file, W=self.W, b=self.b))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Linear":
        """Read what :meth:`save` wrote; DataError if the file holds anything else."""
        from linclf.data.readers.npz import read_arrays

        arrays = read_arrays(path, ("W", "b").__contains__, "a model saved by Linear.save, with arrays W and b")
        W, b = (arrays.get(name, np.empty(0)) for name in ("W", "b"))
        if W.ndim != 2 or b.shape != W.shape[:1]:
            raise DataError(f"{path}: expected W (classes, inputs) and b (classes,), found {W.shape} and {b.shape}")
        if not all(array.dtype.kind == "f" and np.isfinite(array).all() for array in (W, b)):
            raise DataError(f"{path}: expected W and b of finite numbers, found {W.dtype} and {b.dtype}")
        return cls(W, b)


def from_coefficients(coef: np.ndarray, intercept: np.ndarray) -> Linear:
    """The network of the ``coef_`` (C, d) and ``intercept_`` (C,) of an estimator.

    For two classes scikit-learn keeps one row, the second minus the first. Minus and plus half of it have that
    difference, on which alone the loss depends.
    """
    if len(coef) > 1:
        return Linear(coef, intercept)
    return Linear(np.outer([-0.5, 0.5], coef), np.outer([-0.5, 0.5], intercept).ravel())

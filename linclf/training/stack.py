"""K linear networks side by side, so that each mini-batch is read once and the matrix products are wide.

Shapes: W (C, K, d), used as the (C K, d) matrix; b (C, K); scores S and their gradient G (C, K, n). C classes,
K networks, d inputs, n images. A single network is a stack of one.
"""

from collections.abc import Sequence

import numpy as np

from .matmul import Products, spaced
from .model import Linear


class Stack:
    """The weights of K networks while they train, changed in place.

    The weights are kept as W = shrink · V with one scalar a network: the penalty's part of a step then scales K numbers
    instead of passing over all weights. (At K = 40 that pass took a tenth of the training time.)
    """

    def __init__(self, models: Sequence[Linear], dtype: np.dtype) -> None:
        self._V = spaced(np.stack([model.W for model in models], axis=1), dtype)
        self._products = Products(_matrix(self._V))
        self._b = np.stack([model.b for model in models], axis=1).astype(dtype)
        self._shrink = np.ones(len(models), dtype)
        self._least = 1.0  # no greater than any of them

    def set_rates(self, learning_rate: Sequence[float], l2: Sequence[float]) -> None:
        """The learning rate η of the next steps, and λ, a number a network."""
        dtype = self._V.dtype
        self._learning_rate = np.array(learning_rate, dtype)
        self._weight_decay = (2 * np.array(learning_rate) * np.array(l2)).astype(dtype)
        self._keep = 1 - self._weight_decay
        self._least_keep = float(self._keep.min())

    @property
    def W(self) -> np.ndarray:
        """The weights, (C, K, d)."""
        self._fold()
        return self._V

    def scores(self, x: np.ndarray) -> np.ndarray:
        """S = W x^T + b of the images x (n, d), (C, K, n)."""
        S = self._products.scores(x).reshape(*self._b.shape, len(x))
        S *= self._shrink[:, None]
        S += self._b[:, :, None]
        return S

    def descend(self, G: np.ndarray, x: np.ndarray) -> None:
        """W -= η G x / n + 2ηλ W and b -= η mean(G), in place; G (C, K, n) is used up."""
        step = self._learning_rate / -len(x)
        self._b += step * G.sum(axis=2)
        self._shrink *= self._keep
        self._least *= self._least_keep
        if self._least < 0.1:  # dividing by what has shrunk must neither overflow nor lose digits
            self._fold()
        G *= (step / self._shrink)[:, None]
        self._products.add(_matrix(G), x)

    def move_towards(self, other: "Stack", keep: np.ndarray) -> None:
        """A <- keep A + (1 - keep) W for the weights and biases W of another stack, with a ``keep`` a network."""
        self.W[:] = keep[:, None] * self.W + (1 - keep)[:, None] * other.W
        self._b[:] = keep * self._b + (1 - keep) * other._b

    def _fold(self) -> None:
        """Let V be the weights themselves again."""
        if (self._shrink != 1).any():
            self._V *= self._shrink[:, None]
            self._shrink[:] = 1
        self._least = 1.0

    def model(self, k: int) -> Linear:
        """Network k as it is now."""
        return Linear(self.W[:, k].copy(), self._b[:, k].copy())


class MomentumStack(Stack):
    """The same with Polyak's heavy ball: M <- μM - η (G x / n + 2λW), W <- W + M, with a μ a network."""

    def __init__(self, models: Sequence[Linear], dtype: np.dtype, momentum: Sequence[float]) -> None:
        super().__init__(models, dtype)
        self._momentum = np.array(momentum, dtype)
        self._M = spaced(np.zeros_like(self._V), dtype)
        self._steps = Products(_matrix(self._M))
        self._m = np.zeros_like(self._b)  # of the biases

    def descend(self, G: np.ndarray, x: np.ndarray) -> None:
        """One step, in place; G (C, K, n) is used up."""
        step = self._learning_rate / -len(x)
        self._m *= self._momentum
        self._m += step * G.sum(axis=2)
        self._b += self._m
        self._M *= self._momentum[:, None]
        self._M -= self._weight_decay[:, None] * self._V
        G *= step[:, None]
        self._steps.add(_matrix(G), x)
        self._V += self._M


def _matrix(A: np.ndarray) -> np.ndarray:
    """(C, K, n) as (C K, n), the same memory."""
    return A.reshape(-1, A.shape[2])


def make_stack(models: Sequence[Linear], dtype: np.dtype, momentum: Sequence[float]) -> Stack:
    """A stack that starts from ``models``; without momentum it takes fewer passes over the weights."""
    return MomentumStack(models, dtype, momentum) if any(momentum) else Stack(models, dtype)

"""K linear networks side by side, so that each mini-batch is read once and the matrix products are wide.

Shapes: W (C, K, d), used as the (C K, d) matrix; b (C, K); scores S and their gradient G (C, K, n). C classes,
K networks, d inputs, n images. A single network is a stack of one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .matmul import add_product, scores
from .model import Linear
from .objective import penalty_factor


@dataclass(frozen=True)
class State:
    """What the training of a network starts or goes on from.

    Attributes:
        weights: W and b.
        velocity: what momentum has made of W's steps and b's, M; None at the start.
        averaged: the averaged weights; None at the start.
    """

    weights: Linear
    velocity: Linear | None = None
    averaged: Linear | None = None


class Stack:
    """The weights of K networks while they train, changed in place.

    They are kept as W = scale · V with one scale per network: the penalty's part of a step then multiplies K numbers
    instead of passing over all weights, which at K = 40 took a tenth of the training time. scikit-learn's WeightVector
    and Bottou's SGD do the same.
    """

    def __init__(self, models: Sequence[Linear], dtype: np.dtype) -> None:
        self._V = np.stack([model.W for model in models], axis=1).astype(dtype)
        self._b = np.stack([model.b for model in models], axis=1).astype(dtype)
        self._scale = np.ones(len(models), dtype)
        self._min_scale = 1.0  # no greater than any of them

    def set_rates(self, learning_rate: Sequence[float], l2: Sequence[float]) -> None:
        """The learning rate η of the next steps, and λ: one of each per network."""
        dtype = self._V.dtype
        self._learning_rate = np.array(learning_rate, dtype)
        self._weight_decay = (np.array(learning_rate) * penalty_factor(np.array(l2))).astype(dtype)
        self._decay = 1 - self._weight_decay
        self._min_decay = float(self._decay.min())

    @property
    def W(self) -> np.ndarray:
        """The weights, (C, K, d)."""
        self._rescale()
        return self._V

    def scores(self, x: np.ndarray) -> np.ndarray:
        """S = W x^T + b of the images x (n, d), (C, K, n)."""
        S = scores(_matrix(self._V), x).reshape(*self._b.shape, len(x))
        S *= self._scale[:, None]
        S += self._b[:, :, None]
        return S

    def descend(self, G: np.ndarray, x: np.ndarray) -> None:
        """W -= η (G x / n + 2λW) and b -= η mean(G), in place; G (C, K, n) is used up."""
        step = self._learning_rate / -len(x)
        self._b += step * G.sum(axis=2)
        self._scale *= self._decay
        self._min_scale *= self._min_decay
        if self._min_scale < 0.1:  # dividing by a small scale must neither overflow nor lose digits
            self._rescale()
        G *= (step / self._scale)[:, None]
        add_product(_matrix(self._V), _matrix(G), x)

    def move_towards(self, other: "Stack", keep: np.ndarray) -> None:
        """A <- keep A + (1 - keep) W for the weights and biases W of another stack; keep (K,), one per network."""
        self.W[:] = keep[:, None] * self.W + (1 - keep)[:, None] * other.W
        self._b[:] = keep * self._b + (1 - keep) * other._b

    def _rescale(self) -> None:
        """Let V be the weights themselves again, at scale 1."""
        if (self._scale != 1).any():
            self._V *= self._scale[:, None]
            self._scale[:] = 1
        self._min_scale = 1.0

    def model(self, k: int) -> Linear:
        """Network k as it is now."""
        return Linear(self.W[:, k].copy(), self._b[:, k].copy())

    def velocity(self, k: int) -> Linear | None:
        """M of network k as it is now; without momentum there is none."""
        return None


class MomentumStack(Stack):
    """The same with Polyak's heavy ball: M <- μM - η (G x / n + 2λW), W <- W + M, with one μ per network."""

    def __init__(self, states: Sequence[State], dtype: np.dtype, momentum: Sequence[float]) -> None:
        super().__init__([state.weights for state in states], dtype)
        self._momentum = np.array(momentum, dtype)
        self._M = np.zeros_like(self._V)
        self._m = np.zeros_like(self._b)  # of the biases
        for k, state in enumerate(states):
            if state.velocity is not None:
                self._M[:, k], self._m[:, k] = state.velocity.W, state.velocity.b

    def descend(self, G: np.ndarray, x: np.ndarray) -> None:
        """One step, in place; G (C, K, n) is used up."""
        step = self._learning_rate / -len(x)
        self._m *= self._momentum
        self._m += step * G.sum(axis=2)
        self._b += self._m
        self._M *= self._momentum[:, None]
        self._M -= self._weight_decay[:, None] * self._V
        G *= step[:, None]
        add_product(_matrix(self._M), _matrix(G), x)
        self._V += self._M

    def velocity(self, k: int) -> Linear:
        """M of network k as it is now."""
        return Linear(self._M[:, k].copy(), self._m[:, k].copy())


def _matrix(A: np.ndarray) -> np.ndarray:
    """(C, K, n) as (C K, n), the same memory."""
    return A.reshape(-1, A.shape[2])

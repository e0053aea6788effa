"""K linear networks side by side, so that each mini-batch is read once and the matrix products are wide.

Shapes: W (C, K, d), used as the (C K, d) matrix; b (C, K); scores S and their gradient G (C, K, n). C classes,
K networks, d inputs, n images. A single network is a stack of one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .losses import penalty_factor
from .model import Linear


@dataclass(frozen=True)
class State:
    """Where the training of a network starts, or continues.

    Attributes:
        weights: W and b.
        velocity: the momentum buffers M of W and b; None at the start.
        averaged: the averaged weights; None at the start.
    """

    weights: Linear
    velocity: Linear | None = None
    averaged: Linear | None = None


class Stack:
    """The weights of K networks while they train, changed in place.

    W = scale · V with one scale per network: weight decay multiplies K numbers in place of a pass over all weights,
    which at K = 40 took a tenth of the training time. scikit-learn's WeightVector and Bottou's SGD do the same.
    """

    def __init__(self, models: Sequence[Linear], dtype: np.dtype) -> None:
        self._V = np.stack([model.W for model in models], axis=1).astype(dtype)
        self._b = np.stack([model.b for model in models], axis=1).astype(dtype)
        self._scale = np.ones(len(models), dtype)
        self._min_scale = 1.0  # a lower bound of all scales
        self._buffer = np.empty_like(_matrix(self._V))

    def set_rates(self, learning_rate: Sequence[float], l2: Sequence[float]) -> None:
        """Set the learning rate η and λ of the next steps, one per network."""
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
        """W -= η (G x / n + 2λW) and b -= η mean(G), in place; overwrites G (C, K, n)."""
        step = self._learning_rate / -len(x)
        self._b += step * G.sum(axis=2)
        self._scale *= self._decay
        self._min_scale *= self._min_decay
        if self._min_scale < 0.1:  # dividing by a small scale must neither overflow nor lose digits
            self._rescale()
        G *= (step / self._scale)[:, None]
        self._V += self._product(G, x)

    def _product(self, G: np.ndarray, x: np.ndarray) -> np.ndarray:
        """G x (C, K, d), in memory that the next call overwrites: to ask for new memory at each step takes long."""
        return np.matmul(_matrix(G), x, out=self._buffer).reshape(self._V.shape)

    def move_towards(self, other: "Stack", keep: np.ndarray) -> None:
        """A <- keep A + (1 - keep) W for the weights and biases W of another stack; keep (K,), one per network."""
        self.W[:] = keep[:, None] * self.W + (1 - keep)[:, None] * other.W
        self._b[:] = keep * self._b + (1 - keep) * other._b

    def _rescale(self) -> None:
        """Multiply V by the scales, so that all scales are 1 again."""
        if (self._scale != 1).any():
            self._V *= self._scale[:, None]
            self._scale[:] = 1
        self._min_scale = 1.0

    def model(self, k: int) -> Linear:
        """A copy of network k."""
        return Linear(self.W[:, k].copy(), self._b[:, k].copy())

    def velocity(self, k: int) -> Linear | None:
        """The momentum buffers of network k, or None without momentum."""
        return None


class MomentumStack(Stack):
    """A stack with Polyak's heavy ball: M <- μM - η (G x / n + 2λW), W <- W + M, with one μ per network."""

    def __init__(self, states: Sequence[State], dtype: np.dtype, momentum: Sequence[float]) -> None:
        super().__init__([state.weights for state in states], dtype)
        self._momentum = np.array(momentum, dtype)
        self._M = np.zeros_like(self._V)
        self._m = np.zeros_like(self._b)  # of the biases
        for k, state in enumerate(states):
            if state.velocity is not None:
                self._M[:, k], self._m[:, k] = state.velocity.W, state.velocity.b

    def descend(self, G: np.ndarray, x: np.ndarray) -> None:
        """One step, in place; overwrites G (C, K, n)."""
        step = self._learning_rate / -len(x)
        self._m *= self._momentum
        self._m += step * G.sum(axis=2)
        self._b += self._m
        self._M *= self._momentum[:, None]
        self._M -= self._weight_decay[:, None] * self._V
        G *= step[:, None]
        self._M += self._product(G, x)
        self._V += self._M

    def velocity(self, k: int) -> Linear:
        """The momentum buffers of network k."""
        return Linear(self._M[:, k].copy(), self._m[:, k].copy())


def _matrix(A: np.ndarray) -> np.ndarray:
    """(C, K, n) as (C K, n), the same memory."""
    return A.reshape(-1, A.shape[2])


def scores(W: np.ndarray, x: np.ndarray) -> np.ndarray:
    """W x^T for weights W (m, d) and inputs x (n, d), (m, n) and contiguous."""
    # The same product, but the BLAS takes 13 to 20 % less time for a step of one network with the taller matrix first.
    return np.ascontiguousarray((x @ W.T).T) if len(x) > len(W) else W @ x.T

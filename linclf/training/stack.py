"""K linear networks side by side, so that each mini-batch is read once and the matrix products are wide.

Shapes: W (C, K, d), used as the (C K, d) matrix; b (C, K); scores S and their gradient G (C, K, n). C classes,
K networks, d inputs, n images. A single network is a stack of one.
"""

import ctypes
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from .losses import penalty_factor
from .model import Linear


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


_ROW_MAJOR, _NOT_TRANSPOSED = 101, 111  # constants of the C interface to BLAS
_SYMBOLS = (
    ("scipy_cblas_{}gemm64_", ctypes.c_int64),
    ("cblas_{}gemm64_", ctypes.c_int64),
    ("cblas_{}gemm", ctypes.c_int),
)
"""How builds of NumPy name the matrix product of that interface, and the integers that its sizes are."""


def scores(W: np.ndarray, x: np.ndarray) -> np.ndarray:
    """W x^T for weights W (m, d) and inputs x (n, d), (m, n) and contiguous."""
    # The same product, but the BLAS takes 13 to 20 % less time for a step of one network with the taller matrix first.
    return np.ascontiguousarray((x @ W.T).T) if len(x) > len(W) else W @ x.T


def add_product(W: np.ndarray, G: np.ndarray, x: np.ndarray) -> None:
    """W += G x in place, for C-contiguous W (m, d), G (m, n) and x (n, d) of one type, float32 or float64.

    NumPy would make G x first and then add it, in another pass over the weights, which takes up to a tenth of a
    training step. Its BLAS can add while it multiplies; a second BLAS (SciPy's) could too, but the threads of two wait
    for each other.
    """
    (m, d), n = W.shape, len(x)
    if not (W.dtype == G.dtype == x.dtype and G.shape == (m, n) and x.shape == (n, d)):
        raise ValueError(f"expected W (m, d), G (m, n) and x (n, d) of one type, not {W.shape}, {G.shape}, {x.shape}")
    gemm = _gemm(W.dtype.char)
    if gemm is None or not (W.flags.carray and G.flags.c_contiguous and x.flags.c_contiguous):
        W += G @ x
    else:
        left, right, out = (A.ctypes.data for A in (G, x, W))
        gemm(_ROW_MAJOR, _NOT_TRANSPOSED, _NOT_TRANSPOSED, m, d, n, 1.0, left, n, right, d, 1.0, out, d)


@cache
def _gemm(char: str) -> Callable[..., None] | None:
    """C <- alpha A B + beta C of NumPy's own BLAS for float32 ("f") or float64 ("d"); None where it is out of reach."""
    letter, real = {"f": ("s", ctypes.c_float), "d": ("d", ctypes.c_double)}[char]
    try:  # what a library was linked with can be found through it
        library = ctypes.CDLL(np._core._multiarray_umath.__file__)  # type: ignore[attr-defined]
    except (AttributeError, OSError):
        return None
    for name, integer in _SYMBOLS:
        gemm: Any = getattr(library, name.format(letter), None)
        if gemm is not None:
            matrix = [ctypes.c_void_p, integer]
            gemm.argtypes = [*[ctypes.c_int] * 3, *[integer] * 3, real, *matrix, *matrix, real, *matrix]
            gemm.restype = None
            return gemm
    return None

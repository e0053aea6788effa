"""The two matrix products of a training step, shared out among the BLAS's threads; and room between rows.

NumPy brings a BLAS that can add a product in place, and make several in one call; this calls it directly. A second BLAS
(SciPy's) would do it too, but the threads of the two wait for each other: one BLAS in the loop.
"""

import ctypes
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

_ROW_MAJOR, _PLAIN, _TRANSPOSED = 101, 111, 112  # constants of the C interface to BLAS
# How builds of NumPy name that interface and the number of threads, and the integers that sizes are.
_BUILDS: tuple[tuple[str, str, Any], ...] = (
    ("scipy_cblas_{}64_", "scipy_openblas_get_num_threads64_", ctypes.c_int64),
    ("cblas_{}64_", "openblas_get_num_threads64_", ctypes.c_int64),
    ("cblas_{}", "openblas_get_num_threads", ctypes.c_int),
)
_LEAST_PART = 1_000_000
"""Multiplications that each of several products in one call must exceed. Fewer are hardly worth a thread, and crash
OpenBLAS (its issue 5980, mended in August 2026)."""
_LEAST_INPUTS = 256
"""Inputs that a part must have: with fewer, adding up the parts of the scores takes as long as is gained."""
_FEW_ROWS = 16
"""Rows of weights up to which x W^T is faster than W x^T, and then turned round: a tenth at ten rows."""
_LINE = 64  # bytes of a line of the processor's cache

_Place = tuple[int, int]
"""Where a matrix begins in memory, and how many numbers there are from one of its rows to the next."""


class Products:
    """The products of a training step with weights W (m, d): the scores W x^T of n images x, and W += G x.

    Where the BLAS has several threads, each takes some of the d inputs, columns of W and of x: it needs nothing of what
    the others do, and their parts of the scores are added up. (The threads of one product, as a BLAS shares it out,
    prepare matrices for each other: a step's two products for four networks took 0.55 ms that way, not 0.32.)

    Args:
        W: float32 or float64, changed in place. x (n, d) and G (m, n) must have its type. In all three each row lies
            in one piece.
    """

    def __init__(self, W: np.ndarray) -> None:
        self._W, self._place = W, _place(W)
        self._blas = _blas(W.dtype.char)
        self._parts: dict[int, _Parts | None] = {}  # by n: made once, not at every step
        self._x, self._x_place = W, self._place

    def scores(self, x: np.ndarray) -> np.ndarray:
        """W x^T, (m, n)."""
        W, n = self._W, len(x)
        if parts := self._parts_for(n):
            return parts.scores(self._place_of(x))
        # Faster with the taller matrix on the left.
        return np.ascontiguousarray((x @ W.T).T) if n >= len(W) else W @ x.T

    def add(self, G: np.ndarray, x: np.ndarray) -> None:
        """W += G x, without a temporary where NumPy's BLAS can be reached."""
        (m, d), n, blas = self._W.shape, len(x), self._blas
        G_place, x_place = self._checked(G, m, n), self._place_of(x)
        if parts := self._parts_for(n):
            parts.add(G_place, x_place)
        elif blas:
            blas.gemm(_ROW_MAJOR, _PLAIN, _PLAIN, m, d, n, 1.0, *G_place, *x_place, 1.0, *self._place)
        else:
            np.add(self._W, G @ x, out=self._W)

    def _place_of(self, x: np.ndarray) -> _Place:
        """Found once for both products of a step."""
        if x is not self._x:
            self._x, self._x_place = x, self._checked(x, len(x), self._W.shape[1])
        return self._x_place

    def _checked(self, A: np.ndarray, *shape: int) -> _Place:
        if A.dtype != self._W.dtype or A.shape != shape:
            wanted = f"{self._W.dtype} {shape} in a product with weights {self._W.shape}"
            raise ValueError(f"expected {wanted}, not {A.dtype} {A.shape}")
        return _place(A)

    def _parts_for(self, n: int) -> "_Parts | None":
        if n not in self._parts:
            self._parts[n] = self._cut(n)
        return self._parts[n]

    def _cut(self, n: int) -> "_Parts | None":
        """A part a thread of the BLAS, or as many as are worth it; None for a single one."""
        (m, d), line, blas = self._W.shape, _LINE // self._W.itemsize, self._blas
        if blas is None:
            return None
        for count in range(blas.threads(), 1, -1):
            width = d // count // line * line
            if width >= _LEAST_INPUTS and m * n * width > _LEAST_PART:
                return _Parts(blas, self._W, n, count, width)
        return None


class _Parts:
    """The products with n images in ``count`` parts: each of ``width`` inputs, the last of all that are left."""

    def __init__(self, blas: "_Blas", W: np.ndarray, n: int, count: int, width: int) -> None:
        (m, d), few = W.shape, len(W) <= _FEW_ROWS
        S = np.empty((count, n, m) if few else (count, m, n), W.dtype)
        self._S = S.transpose(0, 2, 1) if few else S
        inputs = [width] * (count - 1) + [d - width * (count - 1)]
        apart = width * W.itemsize  # bytes between the parts of a row

        self._G, self._x = _Matrices(blas, count), _Matrices(blas, count, apart)
        weights, scores = _Matrices(blas, count, apart), _Matrices(blas, count, S.strides[0])
        weights.set(_place(W))
        scores.set(_place(S[0]))
        left, right = (self._x, weights) if few else (weights, self._x)
        rows, columns = ([size] * count for size in S.shape[1:])
        self._score = blas.batch(rows, columns, inputs, left, right, _TRANSPOSED, 0.0, scores)
        self._add = blas.batch([m] * count, inputs, [n] * count, self._G, self._x, _PLAIN, 1.0, weights)

    def scores(self, x: _Place) -> np.ndarray:
        self._x.set(x)
        self._score()
        S: np.ndarray = np.add.reduce(self._S, axis=0, out=np.empty(self._S.shape[1:], self._S.dtype))
        return S

    def add(self, G: _Place, x: _Place) -> None:
        self._G.set(G)
        self._x.set(x)
        self._add()


class _Matrices:
    """One matrix of each product of a call: where it begins, ``apart`` bytes from the one before, and its row's length.

    Kept as the BLAS reads them. (Setting arrays of NumPy takes three times as long.)
    """

    def __init__(self, blas: "_Blas", count: int, apart: int = 0) -> None:
        self.starts, self.strides = (ctypes.c_void_p * count)(), (blas.integer * count)()
        self._offsets = [apart * i for i in range(count)]

    def set(self, place: _Place) -> None:
        start, stride = place
        self.starts[:] = [start + offset for offset in self._offsets]
        self.strides[:] = [stride] * len(self._offsets)


@dataclass(frozen=True)
class _Blas:
    """The functions of NumPy's BLAS for one type of number, ``real``, and the type of their sizes.

    Of another BLAS than OpenBLAS, ``threads`` says 1: no product is then cut.
    """

    gemm: Any
    gemm_batch: Any
    threads: Callable[[], int]
    real: Any
    integer: Any

    def batch(
        self,
        m: list[int],
        n: list[int],
        k: list[int],
        A: _Matrices,
        B: _Matrices,
        B_as: int,
        beta: float,
        C: _Matrices,
    ) -> Callable[[], None]:
        """A call that makes C_i <- A_i B_i + beta C_i, (m_i, n_i), over k_i numbers each, a product a thread.

        With B_as=_TRANSPOSED, B_i is (n_i, k_i).
        """
        count = len(m)

        def each(kind: Any, values: list[Any]) -> Any:
            return (kind * count)(*values)

        arrays = (
            *(each(ctypes.c_int, [value] * count) for value in (_PLAIN, B_as)),
            *(each(self.integer, sizes) for sizes in (m, n, k)),
            *(each(self.real, [1.0] * count), A.starts, A.strides, B.starts, B.strides),
            *(each(self.real, [beta] * count), C.starts, C.strides),
            each(self.integer, [1] * count),  # a product a group: those of a group would be of one size
        )
        *addresses, sizes_of_groups = map(ctypes.addressof, arrays)
        arguments = _ROW_MAJOR, *addresses, count, sizes_of_groups

        def call(kept: object = arrays) -> None:
            self.gemm_batch(*arguments)

        return call


def _place(A: np.ndarray) -> _Place:
    (m, n), (row, number), size = A.shape, A.strides, A.itemsize
    if (n > 1 and number != size) or (m > 1 and (row % size or row < n * size)):
        raise ValueError("expected matrices whose rows lie in one piece, one after the other")
    # ``A.ctypes`` takes three times as long, and each step asks for several addresses.
    address = ctypes.addressof(ctypes.c_char.from_buffer(A.data)) if A.flags.carray else A.ctypes.data
    return address, max(row // size, n)  # the stride of a single row may be anything


def spaced(A: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """A copy of ``A`` whose rows begin at lines of the processor's cache, with one such line free between them.

    Rows of 3,072 numbers are whole pages: without the free line a column's numbers share one place in the cache, and
    push each other out: steps took 3 to 12 % longer on two processors.
    """
    line = _LINE // dtype.itemsize
    *shape, d = A.shape
    space = -(-d // line) * line + line
    memory = np.empty(math.prod(shape) * space + line, dtype)
    start = -memory.ctypes.data % _LINE // dtype.itemsize
    copy: np.ndarray = memory[start : start + memory.size - line].reshape(*shape, space)[..., :d]
    copy[:] = A
    return copy


@cache
def _blas(char: str) -> _Blas | None:
    """The BLAS of NumPy for float32 ("f") or float64 ("d"); None where it cannot be reached."""
    letter, real = {"f": ("s", ctypes.c_float), "d": ("d", ctypes.c_double)}[char]
    try:
        # The symbols of what this module was linked with can be found through it.
        library = ctypes.CDLL(np._core._multiarray_umath.__file__)  # type: ignore[attr-defined]
    except (AttributeError, OSError):
        return None
    for name, threads_name, integer in _BUILDS:
        gemm, gemm_batch = (getattr(library, name.format(letter + what), None) for what in ("gemm", "gemm_batch"))
        if gemm is None:
            continue
        place = [ctypes.c_void_p, integer]
        gemm.argtypes = [*[ctypes.c_int] * 3, *[integer] * 3, real, *place, *place, real, *place]
        gemm.restype = None
        threads = getattr(library, threads_name, None)
        if gemm_batch is None or threads is None:
            return _Blas(gemm, None, lambda: 1, real, integer)
        gemm_batch.argtypes = [ctypes.c_int, *[ctypes.c_void_p] * 13, integer, ctypes.c_void_p]
        gemm_batch.restype = None
        return _Blas(gemm, gemm_batch, threads, real, integer)
    return None

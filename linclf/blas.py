"""What a step's matrix products need beyond NumPy: one that is added onto what is there, and room between rows.

NumPy brings a BLAS that can add a product in place; this calls it directly. A second BLAS (SciPy's) would do it too,
but the threads of the two wait for each other: one BLAS in the loop.
"""

import ctypes
import math
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

_ROW_MAJOR, _NO_TRANSPOSE = 101, 111  # constants of the C interface to BLAS
# How builds of NumPy name the C interface, and the integers each counts in.
_BUILDS = (
    ("scipy_cblas_{}gemm64_", ctypes.c_int64),
    ("cblas_{}gemm64_", ctypes.c_int64),
    ("cblas_{}gemm", ctypes.c_int),
)


def product_adder(out: np.ndarray) -> Callable[[np.ndarray, np.ndarray], None]:
    """A function of A and B that does out += A B, without a temporary where NumPy's BLAS can be reached.

    Args:
        out: (m, n), float32 or float64. A (m, k) and B (k, n) must have its type. In all three each row lies in one
            piece.
    """
    gemm, target = _gemm(out.dtype.char), _rows(out)  # looked up once, not at every step

    def add_product(A: np.ndarray, B: np.ndarray) -> None:
        (m, k), n = A.shape, B.shape[1]
        if not (A.dtype == B.dtype == out.dtype and out.shape == (m, n) and len(B) == k):
            raise ValueError(
                f"add_product: {A.dtype} {A.shape} times {B.dtype} {B.shape} does not fit {out.dtype} {out.shape}"
            )
        if gemm is None:
            np.add(out, A @ B, out=out)
        else:
            gemm(_ROW_MAJOR, _NO_TRANSPOSE, _NO_TRANSPOSE, m, n, k, 1.0, *_rows(A), *_rows(B), 1.0, *target)

    return add_product


def _rows(A: np.ndarray) -> tuple[int, int]:
    """Where a matrix begins, and how many numbers there are from one row to the next."""
    (m, n), (row, number), size = A.shape, A.strides, A.itemsize
    if (n > 1 and number != size) or (m > 1 and (row % size or row < n * size)):
        raise ValueError("add_product: expected matrices whose rows lie in one piece, one after the other")
    # ``A.ctypes`` takes three times as long, and each step asks for two addresses.
    address = ctypes.addressof(ctypes.c_char.from_buffer(A.data)) if A.flags.carray else A.ctypes.data
    return address, max(row // size, n)  # the stride of a single row may be anything


def spaced(A: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """A copy of ``A`` whose rows begin at lines of the processor's cache, with one such line free between them.

    Rows of 3,072 numbers are whole pages: without the free line a column's numbers share one place in the cache, and
    push each other out. On two cores a step of four networks took 5 to 12 % longer.
    """
    line = 64 // dtype.itemsize
    *shape, d = A.shape
    space = -(-d // line) * line + line
    memory = np.empty(math.prod(shape) * space + line, dtype)
    start = -memory.ctypes.data % 64 // dtype.itemsize
    copy: np.ndarray = memory[start : start + memory.size - line].reshape(*shape, space)[..., :d]
    copy[:] = A
    return copy


@cache
def _gemm(char: str) -> Any:
    """The BLAS's gemm for float32 ("f") or float64 ("d"), a foreign function, or None where it cannot be found."""
    letter, real = {"f": ("s", ctypes.c_float), "d": ("d", ctypes.c_double)}[char]
    try:
        # The symbols of what this module was linked with can be found through it.
        library = ctypes.CDLL(np._core._multiarray_umath.__file__)  # type: ignore[attr-defined]
    except (AttributeError, OSError):
        return None
    for name, integer in _BUILDS:
        gemm = getattr(library, name.format(letter), None)
        if gemm is not None:
            sizes = [integer] * 3
            gemm.argtypes = [
                *[ctypes.c_int] * 3, *sizes, real,
                ctypes.c_void_p, integer, ctypes.c_void_p, integer, real, ctypes.c_void_p, integer,
            ]  # fmt: skip
            gemm.restype = None
            return gemm
    return None

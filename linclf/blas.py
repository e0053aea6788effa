"""The one matrix product that NumPy does not offer: added in place onto what is there.

NumPy brings a BLAS that can do it; this calls that BLAS directly. A second BLAS (SciPy's) would do it too, but the
threads of the two wait for each other: one BLAS in the loop.
"""

import ctypes
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


def add_product(A: np.ndarray, B: np.ndarray, out: np.ndarray) -> None:
    """out += A B, without a temporary where NumPy's BLAS can be reached, else with one.

    Args:
        A, B, out: (m, k), (k, n) and (m, n), all C-contiguous, of one type, float32 or float64.
    """
    gemm = _gemm(A.dtype.char)
    (m, k), n = A.shape, B.shape[1]
    if gemm is None:
        out += A @ B
        return
    if not (A.flags.c_contiguous and B.flags.c_contiguous and out.flags.c_contiguous):
        raise ValueError("add_product: expected C-contiguous matrices")
    if not (A.dtype == B.dtype == out.dtype and out.shape == (m, n) and len(B) == k):
        raise ValueError(
            f"add_product: {A.dtype} {A.shape} times {B.dtype} {B.shape} does not fit {out.dtype} {out.shape}"
        )
    gemm(
        _ROW_MAJOR, _NO_TRANSPOSE, _NO_TRANSPOSE, m, n, k, 1.0,
        A.ctypes.data, k, B.ctypes.data, n, 1.0, out.ctypes.data, n,
    )  # fmt: skip


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

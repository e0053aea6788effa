"""Which of OpenBLAS's kernels train faster on this machine."""

import contextlib
import json
import os
import subprocess
import sys

import numpy as np

from .datasets.cache import cache_folder
from .environment import blas, cpuinfo, processor
from .errors import LinclfError
from .files import write_text

_AVX512 = {"avx512f", "avx512cd", "avx512bw", "avx512dq", "avx512vl"}
_CORETYPES = {"SkylakeX": "SKYLAKEX", "Haswell": "HASWELL", "Zen": "HASWELL"}
"""Kernels as threadpoolctl calls them -> as OPENBLAS_CORETYPE does."""
_WORTH_IT = 0.92
"""Share of the time that other kernels may take to be worth it: clear of noise."""
_PROBE = """
import time
import numpy as np
W, x, G = (np.ones(shape, np.float32) for shape in ((200, 3072), (100, 3072), (200, 100)))
def once():
    started = time.process_time()
    for _ in range(5):
        W @ x.T
        G @ x
    return time.process_time() - started
print(min(once() for _ in range(12)))
"""


def other_kernels() -> str | None:
    """The OPENBLAS_CORETYPE of the kernels that this processor could run in place of NumPy's; None without a choice."""
    chosen = _CORETYPES.get(blas().get("kernels", ""))
    if chosen is None or not set(cpuinfo("flags").split()) >= _AVX512:
        return None
    return next(name for name in _CORETYPES.values() if name != chosen)


def better_kernels() -> str | None:
    """The OPENBLAS_CORETYPE with which NumPy trains faster here than with the kernels that OpenBLAS chose; or None.

    OpenBLAS knows processors by name. Where there is AVX-512, its choice between those kernels and the AVX2 ones has
    been seen a fifth too slow either way, on processors of one name; so the two are timed. That is done once a machine
    and version of NumPy, and kept in the cache folder: other kernels round otherwise.
    """
    other = other_kernels()
    if other is None or "OPENBLAS_CORETYPE" in os.environ:
        return None

    chosen = next(name for name in _CORETYPES.values() if name != other)
    known, kept = f"{processor()}, NumPy {np.__version__}, {chosen}", None
    with contextlib.suppress(LinclfError):
        kept = cache_folder() / "kernels.json"
    found: dict[str, str] = {}
    with contextlib.suppress(OSError, ValueError):
        found = json.loads(kept.read_text(encoding="utf-8")) if kept else {}
    if found.get(known) not in _CORETYPES.values():
        seconds = {name: _seconds_with(name) for name in (chosen, other)}
        found[known] = other if seconds[other] < _WORTH_IT * seconds[chosen] else chosen
        if kept:
            with contextlib.suppress(OSError):
                write_text(kept, json.dumps(found))
    return other if found[known] == other else None


def _seconds_with(coretype: str) -> float:
    """Processor time of a stack's two matrix products with these kernels, in a process of its own."""
    environ = os.environ | {"OPENBLAS_CORETYPE": coretype, "OPENBLAS_NUM_THREADS": "1"}
    try:
        done = subprocess.run([sys.executable, "-c", _PROBE], env=environ, capture_output=True, check=True, timeout=60)
        return float(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        return float("inf")

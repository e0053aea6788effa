"""What results are computed with: versions, BLAS, processor, cores, memory and commit."""

import contextlib
import os
import platform
import time
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

_PACKAGES = ("linclf", "numpy", "matplotlib", "papermill", "nbconvert", "ipykernel")


@cache
def environment() -> dict[str, Any]:
    """Versions, BLAS, processor, cores, numeric type and commit, as plain values for JSON."""
    from importlib.metadata import PackageNotFoundError, version  # slow to import, as subprocess is

    versions = {"python": platform.python_version()}
    for package in _PACKAGES:
        with contextlib.suppress(PackageNotFoundError):
            versions[package] = version(package)
    return {
        "versions": versions,
        "system": platform.platform(terse=True),
        "processor": processor(),
        "cores": cores(),
        "blas": blas(),
        "dtype": "float32",
        **_commit(),
    }


def describe() -> dict[str, str]:
    """:func:`environment` in words, for people."""
    found = environment()
    blas, commit = found["blas"], found["commit"]
    return {
        "versions": ", ".join(f"{name} {number}" for name, number in found["versions"].items()),
        "BLAS": f"{blas['name']} {blas['version']}"
        + (f", {blas['kernels']} kernels, {_threads(blas['threads'])}" if "kernels" in blas else ""),
        "processor": f"{found['processor']}, {found['cores']} cores, {found['system']}",
        "numeric type": found["dtype"],
        "commit": f"{commit[:12]}, {'clean' if found['clean'] else 'with uncommitted changes'}"
        if commit
        else "not in a git checkout",
    }


def _threads(number: int) -> str:
    return f"{number} thread{'s' * (number != 1)}, one for each stack that trains"  # sweep.py limits a task to one


def source_tree() -> Path | None:
    """The checkout that this package is imported from, with the notebooks beside it; None where it was installed."""
    root = Path(__file__).parent.parent.parent
    return root if (root / "notebooks").is_dir() else None


def cores() -> int:
    """The number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def available_memory() -> float:
    """Bytes of memory that are free or can be freed without swapping; infinite where the system does not say."""
    with contextlib.suppress(OSError, ValueError, StopIteration):
        lines = Path("/proc/meminfo").read_text().splitlines()
        return 1024.0 * int(next(line for line in lines if line.startswith("MemAvailable:")).split()[1])
    return float("inf")


def product_speed(n: int = 2048) -> float:
    """FLOP per second of float32 products of square matrices of n rows, on all cores: the best of three."""
    A = np.ones((n, n), np.float32)
    seconds = []
    for _ in range(3):
        started = time.perf_counter()
        A @ A
        seconds.append(time.perf_counter() - started)
    return 2.0 * n**3 / min(seconds)


def processor() -> str:
    """The processor's model name, or its architecture where the system does not say more."""
    with contextlib.suppress(OSError, StopIteration):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line for line in lines if line.startswith("model name")).partition(":")[2].strip()
    return platform.processor() or platform.machine()


def blas() -> dict[str, Any]:
    """Name and version of NumPy's BLAS and, where threadpoolctl is installed, its kernels and threads."""
    built: Any = np.show_config(mode="dicts")
    blas = built["Build Dependencies"]["blas"]
    found = {"name": blas["name"], "version": blas["version"]}
    with contextlib.suppress(ImportError):
        from threadpoolctl import threadpool_info

        for pool in threadpool_info():
            if pool["user_api"] == "blas":
                found |= {"kernels": pool.get("architecture"), "threads": pool["num_threads"]}
                break
    return found


def _commit() -> dict[str, Any]:
    """Commit of the source tree this package is imported from, and whether the tree held anything uncommitted."""
    root = source_tree()
    if root is None or not (root / ".git").exists():
        return {"commit": None, "clean": None}

    import subprocess

    def git(*words: str) -> str:
        return subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=True).stdout.strip()

    try:
        # Reports are what a run writes: they do not make the code another.
        return {
            "commit": git("rev-parse", "HEAD"),
            "clean": not git("status", "--porcelain", "--", ".", ":!reports"),
        }
    except (OSError, subprocess.CalledProcessError):
        return {"commit": None, "clean": None}

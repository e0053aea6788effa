"""What results are computed with: versions, BLAS, processor, cores, memory and commit."""

import math
import os
import platform
import timeit
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

_PROC = Path("/proc/self")
_PACKAGES = ("linclf", "numpy", "matplotlib", "papermill", "nbconvert", "ipykernel")


@cache
def environment() -> dict[str, Any]:
    """Versions, BLAS, processor, cores, numeric type and commit, as plain values for JSON."""
    from importlib.metadata import PackageNotFoundError, version  # slow to import, as subprocess is

    versions = {"python": platform.python_version()}
    for package in _PACKAGES:
        with suppress(PackageNotFoundError):
            versions[package] = version(package)
    machine = {"system": platform.platform(terse=True), "processor": processor(), "cores": cores()}
    return {"versions": versions, **machine, "blas": blas(), "dtype": "float32", **_commit()}


def describe() -> dict[str, str]:
    """:func:`environment` in words, for people."""
    known = environment()
    blas, commit = known["blas"], known["commit"]
    state, kernels = "clean" if known["clean"] else "with uncommitted changes", ""
    if "kernels" in blas:
        threads = "1 thread" if blas["threads"] == 1 else f"{blas['threads']} threads"
        kernels = f", {blas['kernels']} kernels, {threads}; a group of networks that train together has one"
    return {
        "versions": ", ".join(f"{name} {number}" for name, number in known["versions"].items()),
        "BLAS": f"{blas['name']} {blas['version']}{kernels}",
        "processor": f"{known['processor']}, {known['cores']} cores, {known['system']}",
        "numeric type": known["dtype"],
        "commit": f"{commit[:12]}, {state}" if commit else "not in a git checkout",
    }


def source_tree() -> Path | None:
    """The checkout that this package is imported from, with the notebooks beside it; None where it was installed."""
    root = Path(__file__).parent.parent.parent
    return root if (root / "notebooks").is_dir() else None


def cores() -> int:
    """The number of cores that this process may use: by its affinity, and by the quota of its container."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quotas = [usable * 1.0]
    for _, (quota, period) in _limits("cpu", ("cpu.max",), ("cpu.cfs_quota_us", "cpu.cfs_period_us")):
        quotas.append(quota / period if quota > 0 else usable)
    return max(1, math.ceil(min(quotas)))


def available_memory() -> float:
    """Bytes of memory that are free or can be freed without swapping; infinite where the system does not say.

    That of a container, or of a job of a cluster, is what its limit leaves.
    """
    free = [math.inf]
    with suppress(OSError, ValueError, StopIteration):
        lines = Path("/proc/meminfo").read_text().splitlines()
        free.append(1024.0 * int(next(line for line in lines if line.startswith("MemAvailable:")).split()[1]))
    versions = ("memory.max", "memory.current"), ("memory.limit_in_bytes", "memory.usage_in_bytes")
    for group, (allowed, used) in _limits("memory", *versions):
        with suppress(OSError, ValueError, KeyError):
            statistics = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
            cached = statistics.get("total_inactive_file", statistics["inactive_file"])
            free.append(max(0.0, allowed - used + int(cached)))
    return min(free)


def _limits(controller: str, *versions: tuple[str, ...]) -> Iterator[tuple[Path, tuple[int, int]]]:
    """The control groups that limit this process, each with the two numbers in its files of either version."""
    for group in _control_groups(controller):
        for names in versions:
            with suppress(OSError, ValueError):  # "max", or no such file at this level
                first, second = (int(word) for name in names for word in (group / name).read_text().split())
                yield group, (first, second)


def _control_groups(controller: str) -> Iterator[Path]:
    """The folders of the control groups that limit this process, of version 1 or 2: its own and those above it."""
    with suppress(OSError, ValueError):
        groups = [line.split(":", 2) for line in (_PROC / "cgroup").read_text().splitlines()]
        for mount in (_PROC / "mountinfo").read_text().splitlines():
            before, _, after = mount.partition(" - ")
            (_, _, _, root, place, *_), (kind, _, options) = before.split(" "), after.split(" ", 2)
            for number, controllers, path in groups:
                if (kind == "cgroup2" and number == "0") or (
                    kind == "cgroup" and controller in controllers.split(",") and controller in options.split(",")
                ):
                    # In a container the path may begin above what is mounted: its end is not there, what is mounted is.
                    top = Path(place)
                    group = top / path.removeprefix(root).lstrip("/")
                    yield from (folder for folder in (group, *group.parents) if folder.is_relative_to(top))


def product_speed(n: int = 2048) -> float:
    """FLOP per second of float32 products of square matrices of n rows, on all cores: the best of three."""
    A = np.ones((n, n), np.float32)
    return 2.0 * n**3 / min(timeit.repeat(lambda: A @ A, number=1, repeat=3))


def processor() -> str:
    """The processor's model name, or its architecture where the system does not say more."""
    with suppress(OSError, StopIteration):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line for line in lines if line.startswith("model name")).partition(":")[2].strip()
    return platform.processor() or platform.machine()


def blas() -> dict[str, Any]:
    """Name and version of NumPy's BLAS and, where threadpoolctl knows it, its kernels and threads."""
    from threadpoolctl import threadpool_info

    built: Any = np.show_config(mode="dicts")
    found = {name: built["Build Dependencies"]["blas"][name] for name in ("name", "version")}
    for pool in [pool for pool in threadpool_info() if pool["user_api"] == "blas"][:1]:
        found |= {"kernels": pool.get("architecture"), "threads": pool["num_threads"]}
    return found


def _commit() -> dict[str, Any]:
    """Commit of the source tree this package is imported from, and whether the tree held anything uncommitted."""
    root, known = source_tree(), {"commit": None, "clean": None}
    if root is None or not (root / ".git").exists():
        return known

    import subprocess

    # Of a hook, or of another checkout: GIT_DIR, GIT_WORK_TREE, GIT_INDEX_FILE and their like are not about this one.
    environ = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}

    def git(*words: str) -> str:
        command = ["git", "--no-optional-locks", *words]
        return subprocess.run(command, cwd=root, env=environ, capture_output=True, text=True, check=True).stdout.strip()

    with suppress(OSError, subprocess.CalledProcessError):
        # Reports are what a run writes: they do not make the code another.
        return {"commit": git("rev-parse", "HEAD"), "clean": not git("status", "--porcelain", "--", ".", ":!reports")}
    return known

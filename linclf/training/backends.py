"""The tasks of a sweep on joblib's backends, in processes or on other machines, which map the images from files."""

import os
import sys
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from linclf.data.inputs import Examples, stored_array, with_array
from linclf.errors import ConfigError

from .loop import Run, Task, train_stack
from .threads import AfterEpoch, one_blas_thread


def chosen_backend() -> tuple[bool, int | None]:
    """Whether ``joblib.parallel_config`` chose a backend of processes, and the number of jobs if it was given."""
    if "joblib" not in sys.modules:  # it is slow to import, and nobody has used it
        return False, None
    import joblib

    backend, _ = joblib.parallel.get_active_backend(prefer="threads")
    _, n_jobs = joblib.parallel.get_active_backend()  # with a preference it would be 1 by default
    return not getattr(backend, "supports_sharedmem", False), n_jobs


def run_in_processes(
    tasks: Sequence[Task], after_epoch: AfterEpoch, folder: str | os.PathLike[str] | None
) -> Iterator[tuple[int, list[Run]]]:
    """Run the tasks on the chosen backend; yields index and runs of each as soon as it is done.

    Args:
        tasks: one per stack.
        after_epoch: called once per epoch of a task when the task is done.
        folder: visible to all workers; the images are in a new folder in it meanwhile.
    """
    import joblib

    backend, n_jobs = joblib.parallel.get_active_backend()
    # A backend that others register with joblib may return all results at the end.
    streams = bool(getattr(backend, "supports_return_generator", False))
    images = tempfile.TemporaryDirectory(prefix="linclf-", dir=folder, ignore_cleanup_errors=True)
    with images as stored, _safe_path():
        calls = [joblib.delayed(_run_mapped)(i, task) for i, task in enumerate(_on_disk(tasks, Path(stored)))]
        return_as = "generator_unordered" if streams else "list"
        finished = joblib.Parallel(n_jobs or -1, batch_size=1, pre_dispatch="all", return_as=return_as)(calls)
        try:
            for i, runs in finished:
                for _ in range(tasks[i].configs[0].epochs):
                    after_epoch()
                yield i, runs
        finally:
            if streams:
                with warnings.catch_warnings():
                    warnings.filterwarnings("ignore", ".* tasks which were still being processed")  # as intended
                    finished.close()


@contextmanager
def _safe_path() -> Iterator[None]:
    """Let processes that start meanwhile import nothing from the current folder, as ``python -c`` and ``-m`` do."""
    before = os.environ.get("PYTHONSAFEPATH")
    os.environ["PYTHONSAFEPATH"] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ["PYTHONSAFEPATH"]
        else:
            os.environ["PYTHONSAFEPATH"] = before


def _run_mapped(i: int, task: Task) -> tuple[int, list[Run]]:
    """Train a task in this worker, whose images are on disk."""
    with one_blas_thread():
        mapped = replace(task, train=_mapped(task.train), validation=_mapped(task.validation))
        return i, train_stack(mapped, lambda: None)


def _on_disk(tasks: Sequence[Task], folder: Path) -> list[Task]:
    """The tasks with files in place of arrays; images that tasks share are written once."""
    stored: dict[int, Any] = {}

    def store(examples: Examples | None) -> Any:
        if examples is None:
            return None
        if id(examples) not in stored:
            X, *targets = examples
            files = [folder / f"{len(stored)}-{i}.npy" for i in range(len(examples))]
            for file, array in zip(files, (stored_array(X), *targets), strict=True):
                np.save(file, array)
            stored[id(examples)] = with_array(X, files[0]), *files[1:]  # type: ignore[arg-type]
        return stored[id(examples)]

    return [replace(task, train=store(task.train), validation=store(task.validation)) for task in tasks]


def _mapped(files: Any) -> Any:
    """The examples that :func:`_on_disk` stored; inputs are a read-only map of their file."""
    if files is None:
        return None
    X, *targets = files
    return with_array(X, np.load(str(stored_array(X)), mmap_mode="r")), *map(np.load, targets)


@contextmanager
def engine(backend: str | None, scheduler: str | None = None) -> Iterator[None]:
    """joblib's ``parallel_config`` for a backend by name, with a client of the scheduler for Dask.

    Raises:
        ConfigError: an unknown backend, one that is not installed, or a scheduler that does not answer.
    """
    if backend is None:
        if scheduler is not None:
            raise ConfigError(f"--scheduler {scheduler} needs --backend dask")
        yield
        return
    with ExitStack() as stack:
        try:
            import joblib

            if backend == "dask":
                from distributed import Client

                if scheduler is None:
                    raise ConfigError("--backend dask needs --scheduler ADDRESS, such as tcp://127.0.0.1:8786")
                stack.enter_context(Client(scheduler, timeout=5))  # type: ignore[no-untyped-call]
            stack.enter_context(joblib.parallel_config(backend=backend))
        except ImportError as error:
            raise ConfigError(f"backend {backend!r} needs {error.name}: pip install it first") from None
        except OSError as error:
            raise ConfigError(f"no scheduler answers at {scheduler}: start one there, or check the address") from error
        except ValueError as error:
            raise ConfigError(f"unknown backend or scheduler ({backend}, {scheduler}): {error}") from None
        yield

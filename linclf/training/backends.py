"""joblib's engines: the tasks of a sweep in processes or on other machines, which map the images from files."""

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
    """Whether an engine of processes was chosen by ``joblib.parallel_config``, and how many jobs, if that was said."""
    if "joblib" not in sys.modules:  # nobody can have chosen; it is slow to import
        return False, None
    import joblib

    backend, _ = joblib.parallel.get_active_backend(prefer="threads")
    _, n_jobs = joblib.parallel.get_active_backend()  # asked with a preference, joblib says 1 where nothing was chosen
    return not getattr(backend, "supports_sharedmem", False), n_jobs


def run_in_processes(
    tasks: Sequence[Task], after_epoch: AfterEpoch, folder: str | os.PathLike[str] | None
) -> Iterator[tuple[int, list[Run]]]:
    """Run the tasks on the engine that the user chose; yields the number and runs of each as it finishes.

    Args:
        tasks: one per stack.
        after_epoch: called for each epoch of a task when it has finished.
        folder: one that all workers see; in it the images stand in a folder of this call's own, until it ends.
    """
    import joblib

    backend, n_jobs = joblib.parallel.get_active_backend()
    streams = bool(getattr(backend, "supports_return_generator", False))  # Ray's gives all results at the end
    with tempfile.TemporaryDirectory(prefix="linclf-", dir=folder, ignore_cleanup_errors=True) as own:
        calls = [joblib.delayed(_run_mapped)(i, task) for i, task in enumerate(_on_disk(tasks, Path(own)))]
        workers = joblib.Parallel(
            n_jobs=n_jobs or -1,
            batch_size=1,
            pre_dispatch="all",
            return_as="generator_unordered" if streams else "list",
        )
        finished = workers(calls)
        try:
            for i, runs in finished:
                for _ in range(tasks[i].configs[0].epochs):
                    after_epoch()
                yield i, runs
        finally:
            if streams:
                with warnings.catch_warnings():
                    warnings.filterwarnings("ignore", ".* tasks which were still being processed")  # they shall not be
                    finished.close()


def _run_mapped(i: int, task: Task) -> tuple[int, list[Run]]:
    """A task in a worker of its own, whose images are on disk."""
    with one_blas_thread():
        mapped = replace(task, train=_mapped(task.train), validation=_mapped(task.validation))
        return i, train_stack(mapped, lambda: None)


def _on_disk(tasks: Sequence[Task], folder: Path) -> list[Task]:
    """The tasks with files in place of arrays, each set of images written once."""
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
    """What :func:`_on_disk` stored, as read-only maps of the files."""
    if files is None:
        return None
    X, *targets = files
    return with_array(X, np.load(str(stored_array(X)), mmap_mode="r")), *map(np.load, targets)


@contextmanager
def engine(backend: str | None, scheduler: str | None = None) -> Iterator[None]:
    """joblib's ``parallel_config`` for a backend by name, connected to the scheduler where it needs one.

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
            elif backend == "ray":
                from ray.util.joblib import register_ray

                register_ray()
            stack.enter_context(joblib.parallel_config(backend=backend))
        except ImportError as error:
            raise ConfigError(f"backend {backend!r} needs {error.name}: pip install it first") from None
        except OSError as error:
            raise ConfigError(f"no scheduler answers at {scheduler}: start one there, or check the address") from error
        except ValueError as error:
            raise ConfigError(f"unknown backend or scheduler ({backend}, {scheduler}): {error}") from None
        yield

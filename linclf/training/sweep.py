"""Many trainings at once: grouped into stacks, a task each, run through joblib on the engine that the user chose.

By default threads, one a core. ``with joblib.parallel_config(backend="loky")``, "dask" or "ray", around the call, runs
the same tasks in processes or on other machines: these map the images from files, and send back results only.
Every task has one BLAS thread wherever it runs: the threads of a matrix product this small wait for each other more
than they gain, and so the same kind of machine gives the same bits, whatever the engine and whatever runs beside it.
"""

import os
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from linclf.data.standardize import LazyInputs
from linclf.errors import ConfigError
from linclf.system.progress import Progress

from .config import Config
from .history import Evaluate
from .loop import Run, grouped, train
from .validate import Images

NETWORKS_A_TASK = 20
"""Wide enough for the matrix products, and enough tasks to keep every worker busy."""


@dataclass(frozen=True, eq=False)
class Task:
    """One call of ``train``: networks that share their mini-batches, and the images they see.

    Attributes:
        train, validation: what ``train`` takes; tasks that share them share the object.
    """

    configs: Sequence[Config]
    train: Images
    validation: Images | None
    n_classes: int | None = None
    evaluate: Evaluate = True


def sweep(
    configs: Sequence[Config],
    train: Images,
    validation: Images | None = None,
    *,
    n_classes: int | None = None,
    evaluate: Evaluate = True,
    folder: str | os.PathLike[str] | None = None,
    progress: bool = True,
) -> list[Run]:
    """Train one network a config, as ``linclf.train`` does, on all cores or on a cluster.

    Args:
        configs: any number; those that share their mini-batches train in stacks of ``NETWORKS_A_TASK``.
        train, validation, n_classes, evaluate: as in ``train``.
        folder: where workers that are processes find the images, a folder that all of their machines see; a temporary
            one by default.
        progress: show a line with the epochs done and the time left.

    Returns:
        One Run a config, in the order of ``configs``; the same bits whatever the engine, on one kind of machine.

    Raises:
        As ``train``; the first error ends the sweep.

    >>> X, y = np.array([[-1.0], [1.0]]), np.array([0, 1])
    >>> runs = sweep([Config(learning_rate=1.0, l2=l2, epochs=20) for l2 in (0.0, 0.1)], (X, y), progress=False)
    >>> [run.model.predict(X).tolist() for run in runs]
    [[0, 1], [0, 1]]
    """
    members = stacks(configs)
    tasks = [Task([configs[i] for i in own], train, validation, n_classes, evaluate) for own in members]
    runs: dict[int, Run] = {}
    with Progress(sum(own.configs[0].epochs for own in tasks), len(configs), enabled=progress) as line:
        for done, trained in run_tasks(tasks, line.epoch, folder=folder):
            runs.update(zip(members[done], trained, strict=True))
    return [runs[i] for i in range(len(configs))]


def stacks(configs: Sequence[Config]) -> list[list[int]]:
    """Numbers of the configs of each task: they share their mini-batches, and are ``NETWORKS_A_TASK`` at most."""
    return [group[i : i + NETWORKS_A_TASK] for group in grouped(configs) for i in range(0, len(group), NETWORKS_A_TASK)]


def run_tasks(
    tasks: Sequence[Task], after_epoch: Callable[[], None], folder: str | os.PathLike[str] | None = None
) -> Iterator[tuple[int, list[Run]]]:
    """Run the tasks; the number and runs of each as soon as it has finished, in whatever order they do.

    ``after_epoch`` is called after each epoch of each task; for an engine of processes, when the task has finished.
    """
    if not tasks:  # a notebook whose runs are stored does not wait for joblib
        return
    try:
        import joblib
        from threadpoolctl import threadpool_limits
    except ImportError as error:
        raise ConfigError(f"sweeps need {error.name}: pip install 'linclf[report]'") from None
    from linclf.system.environment import cores  # slow to import, as signal is

    backend, _ = joblib.parallel.get_active_backend(prefer="threads")
    _, n_jobs = joblib.parallel.get_active_backend()  # asked with a preference, joblib says 1 where nothing was chosen
    threads = bool(getattr(backend, "supports_sharedmem", False))
    streams = bool(getattr(backend, "supports_return_generator", False))  # Ray's gives all results at the end
    stop = threading.Event()
    failures: list[BaseException] = []

    def epoch_done() -> None:
        if stop.is_set():
            raise _Stopped
        after_epoch()

    def run(i: int, task: Task) -> tuple[int, list[Run]]:
        try:
            return _run(i, task, epoch_done)
        except _Stopped:
            raise
        except BaseException as error:
            failures.append(error)
            stop.set()  # joblib reports the error only when the other tasks have ended, so they end after their epoch
            raise

    with ExitStack() as stack:
        if threads:
            stack.enter_context(threadpool_limits(1, user_api="blas"))  # a thread could only set it for all
            stack.enter_context(_on_interrupt(stop.set))
            calls = [joblib.delayed(run)(i, task) for i, task in enumerate(tasks)]
        else:
            import tempfile

            place = folder or stack.enter_context(tempfile.TemporaryDirectory(prefix="linclf-"))
            calls = [joblib.delayed(_run_mapped)(i, task) for i, task in enumerate(_on_disk(tasks, place))]
        workers = joblib.Parallel(
            n_jobs=n_jobs or (cores() if threads else -1),
            prefer="threads",
            batch_size=1,
            pre_dispatch="all",
            return_as="generator_unordered" if streams else "list",
        )
        finished = workers(calls)
        try:
            for i, runs in finished:
                if not threads:
                    for _ in range(tasks[i].configs[0].epochs):
                        after_epoch()
                yield i, runs
        except _Stopped:  # a task that had to stop may be heard of before the one that made it
            raise (failures[0] if failures else KeyboardInterrupt()) from None
        finally:
            stop.set()
            if streams:
                with warnings.catch_warnings():
                    warnings.filterwarnings("ignore", ".* tasks which were still being processed")  # they shall not be
                    finished.close()


@contextmanager
def _on_interrupt(act: Callable[[], None]) -> Iterator[None]:
    """Call ``act`` on Ctrl-C before anything else hears of it."""
    import signal

    if threading.current_thread() is not threading.main_thread():  # which alone gets signals
        yield
        return
    before = signal.getsignal(signal.SIGINT)

    def interrupted(*_: object) -> None:
        act()
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, interrupted)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


class _Stopped(Exception):
    """Another task failed, or the sweep was interrupted: this one need not go on."""


def _run(i: int, task: Task, after_epoch: Callable[[], None] | bool = False) -> tuple[int, list[Run]]:
    runs = train(
        task.configs,
        task.train,
        task.validation,
        n_classes=task.n_classes,
        evaluate=task.evaluate,
        progress=after_epoch,
    )
    return i, runs


def _run_mapped(i: int, task: Task) -> tuple[int, list[Run]]:
    """A task in a worker of its own, whose images are on disk."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, user_api="blas"):
        return _run(i, replace(task, train=_mapped(task.train), validation=_mapped(task.validation)))


def _on_disk(tasks: Sequence[Task], folder: str | os.PathLike[str]) -> list[Task]:
    """The tasks with files in place of arrays, each set of images written once."""
    stored: dict[int, Any] = {}

    def store(images: Images | None) -> Any:
        if images is not None and id(images) not in stored:
            X, y = images
            file, labels = (os.path.join(folder, f"{name}{len(stored)}.npy") for name in "Xy")
            np.save(file, X.images if isinstance(X, LazyInputs) else X)
            np.save(labels, y)
            stored[id(images)] = replace(X, images=file) if isinstance(X, LazyInputs) else file, labels  # type: ignore[arg-type]
        return stored.get(id(images))

    return [replace(task, train=store(task.train), validation=store(task.validation)) for task in tasks]


def _mapped(files: Any) -> Any:
    """What :func:`_on_disk` stored, as read-only maps of the files."""
    if files is None:
        return None
    X, labels = files
    file: Any = X.images if isinstance(X, LazyInputs) else X
    images = np.load(file, mmap_mode="r")
    return replace(X, images=images) if isinstance(X, LazyInputs) else images, np.load(labels)


@contextmanager
def engine(backend: str | None, scheduler: str | None = None) -> Iterator[None]:
    """joblib's ``parallel_config`` for a backend by name, connected to the scheduler where it needs one.

    Raises:
        ConfigError: an unknown backend, one that is not installed, or a scheduler that does not answer.
    """
    import joblib

    if backend is None:
        if scheduler is not None:
            raise ConfigError(f"--scheduler {scheduler} needs --backend dask")
        yield
        return
    with ExitStack() as stack:
        try:
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

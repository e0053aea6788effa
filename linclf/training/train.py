"""``train`` and ``sweep``: many networks, grouped into stacks and trained side by side.

``sweep`` runs its tasks on threads, one per core, or on joblib's backend that the user chose: in processes or on other
machines. A task has one BLAS thread wherever it runs, and stacks do not depend on the number of cores: the same kind of
machine gives the same bits, whatever the backend.
"""

import os
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial

import numpy as np

from linclf.data.inputs import Examples
from linclf.errors import ConfigError
from linclf.system.progress import Progress
from linclf.system.threads import AfterEpoch, Result, one_blas_thread, side_by_side

from .config import Config, check_configs, check_init, checked_examples
from .loop import Evaluate, Run, Task, batch_key, train_stack
from .model import Linear
from .stack import State


def train(
    configs: Config | Sequence[Config],
    train: Examples,
    validation: Examples | None = None,
    *,
    sample_weight: np.ndarray | None = None,
    init: Sequence[Linear] | None = None,
    n_classes: int | None = None,
    evaluate: Evaluate = True,
    progress: bool | Callable[[], None] = True,
) -> list[Run]:
    """Train one network per config; those that share their mini-batches train together, as one stack.

    One stack uses all threads of the BLAS, or one thread for some seconds whenever other programs use the cores: BLAS
    threads that wait for each other cost 5 to 20 times what they bring. Networks that do not share their mini-batches
    are several stacks, which train side by side, each with one BLAS thread. While epochs run, these limits hold for the
    whole process.

    Args:
        configs: one or more; any mix of losses, learning rates, penalties and seeds.
        train: inputs X (n, d) and labels y (n,), 0..C-1. Computed in float32, or in float64 if X is float64 or of
            whole numbers of 32 bits or more. X may be what ``Standardizer.lazily`` gives: images that stay uint8, or in
            a file, and are converted as needed. Masked, sparse and dated arrays and those with units are refused.
        validation: the same for validation images, (X, y), or (X, y, weights) if they have weights.
        sample_weight: a weight of 0 or more per training image, (n,). They are scaled to mean 1, so that their size
            does not count, and the mean over n images is Σ w_i L_i / n, both in the gradient of a mini-batch and in
            loss, cost and accuracy. By default every image counts once.
        init: the initial model of each config; by default drawn from the config's seed, as its ``init`` says.
        n_classes: C, if the labels do not show it; by default from ``init``, else the highest training label + 1.
        evaluate: measure loss, cost and accuracy before training and after each epoch: on both sets of images (True),
            on "validation" images alone, which saves the time that the training images take, or on none (False).
        progress: show a line with the epochs done and the time left; or a function to call after each epoch of a stack.

    Returns:
        One Run per config, in the order of ``configs``. The same seeds give the same numbers, to rounding: the last
        bits can depend on the number of BLAS threads, and so on how busy the machine was. For the same bits, use
        ``sweep`` or one BLAS thread (``OPENBLAS_NUM_THREADS=1``).

    Raises:
        DataError: shapes that do not fit, labels outside 0..C-1, NaN or infinite inputs, an empty set, weights below 0.
        ConfigError: no config, an ``init`` that does not fit, or ``restore_best`` without validation images.
        DivergenceError: the loss became infinite or NaN; names epoch, setting and learning rate.

    >>> X, y = np.array([[-1.0], [1.0]]), np.array([0, 1])
    >>> run, = train(Config(learning_rate=1.0, l2=0.0, epochs=20), (X, y), progress=False)
    >>> run.model.predict(X)
    array([0, 1])
    """
    configs = [configs] if isinstance(configs, Config) else list(configs)
    stacks = grouped(configs, most=len(configs) or 1)
    tasks = make_tasks(stacks, configs, train, validation, n_classes, evaluate, init, sample_weight)
    shown = bool(progress) and not callable(progress)
    with Progress(sum(task.configs[0].epochs for task in tasks), len(configs), enabled=shown) as line:
        after_epoch = progress if callable(progress) else line.epoch
        if len(tasks) == 1:  # with all threads of the BLAS
            return in_order(stacks, [(0, train_stack(tasks[0], after_epoch))])
        return in_order(stacks, side_by_side([partial(train_stack, task) for task in tasks], after_epoch))


NETWORKS_PER_TASK = 20
"""Wide enough for the matrix products, and enough tasks to keep every worker busy."""


def sweep(
    configs: Config | Sequence[Config],
    train: Examples,
    validation: Examples | None = None,
    *,
    sample_weight: np.ndarray | None = None,
    init: Sequence[Linear] | None = None,
    n_classes: int | None = None,
    evaluate: Evaluate = True,
    folder: str | os.PathLike[str] | None = None,
    progress: bool = True,
) -> list[Run]:
    """Train one network per config, as ``linclf.train`` does, on all cores or on a cluster.

    Args:
        configs: any number; those that share their mini-batches train in stacks of at most ``NETWORKS_PER_TASK``.
        train: inputs X (n, d) and labels y (n,), 0..C-1, as in ``train``.
        validation: the same for validation images, as in ``train``.
        sample_weight: a weight of 0 or more per training image, as in ``train``.
        init: the initial model of each config, as in ``train``.
        n_classes: C, if the labels do not show it, as in ``train``.
        evaluate: what is measured before training and after each epoch, as in ``train``.
        folder: where tasks in other processes read the images from, visible to all machines; by default the system's
            temporary folder. A sweep makes a new folder in it, and removes that at the end.
        progress: show a line with the epochs done and the time left.

    Returns:
        One Run per config, in the order of ``configs``; the same bits whatever the backend, on one kind of machine.

    Raises:
        As ``train``; the first error ends the sweep.

    >>> import numpy as np
    >>> X, y = np.array([[-1.0], [1.0]]), np.array([0, 1])
    >>> runs = sweep([Config(learning_rate=1.0, l2=l2, epochs=20) for l2 in (0.0, 0.1)], (X, y), progress=False)
    >>> [run.model.predict(X).tolist() for run in runs]
    [[0, 1], [0, 1]]
    """
    configs = [configs] if isinstance(configs, Config) else list(configs)
    members = stacks(configs)
    tasks = make_tasks(members, configs, train, validation, n_classes, evaluate, init, sample_weight)
    with Progress(sum(task.configs[0].epochs for task in tasks), len(configs), enabled=progress) as line:
        return in_order(members, run_tasks(tasks, line.epoch, folder))


def stacks(configs: Sequence[Config], most: int = NETWORKS_PER_TASK) -> list[list[int]]:
    """Indices of the configs of each task: at most ``most`` that share their mini-batches, and at most half of all.

    Half, so that two cores have something to do.
    """
    return grouped(configs, min(most, -(-len(configs) // 2) or 1))


def grouped(configs: Sequence[Config], most: int) -> list[list[int]]:
    """Indices of the configs of each stack: at most ``most`` that see the same mini-batches in the same order.

    Networks of one loss are side by side, so that a loss works on a slice of the stack. Networks with momentum, which
    takes more passes over the weights, are in stacks of their own.
    """
    groups: dict[tuple[object, ...], list[int]] = {}
    for i in sorted(range(len(configs)), key=lambda i: configs[i].loss):
        groups.setdefault((*batch_key(configs[i]), configs[i].momentum > 0), []).append(i)
    return [group[i : i + most] for group in groups.values() for i in range(0, len(group), most)]


def make_tasks(
    stacks: Sequence[Sequence[int]],
    configs: Sequence[Config],
    train: Examples,
    validation: Examples | None,
    n_classes: int | None,
    evaluate: Evaluate,
    init: Sequence[Linear] | None = None,
    sample_weight: np.ndarray | None = None,
) -> list[Task]:
    """One task per stack (indices of configs). Checks all arguments, once for all tasks; errors as ``train``."""
    if init:
        n_classes = n_classes or len(init[0].b)
    train = checked_examples("training", train, n_classes, sample_weight=sample_weight)
    n_classes, n_inputs = n_classes or int(train[1].max()) + 1, train[0].shape[1]
    if validation is not None:
        validation = checked_examples("validation", validation, n_classes, like=train[0])
    check_configs(configs, n_inputs, validated=validation is not None and bool(evaluate))
    if init is not None:
        check_init(init, len(configs), n_classes, n_inputs)
    starts = None if init is None else [State(model) for model in init]
    return [
        Task([configs[i] for i in rows], train, validation, n_classes, evaluate, starts and [starts[i] for i in rows])
        for rows in stacks
    ]


def run_tasks(
    tasks: Sequence[Task], after_epoch: AfterEpoch, folder: str | os.PathLike[str] | None = None
) -> Iterator[tuple[int, list[Run]]]:
    """Run the tasks on threads or on the chosen backend; yields index and runs of each task as soon as it is done.

    ``after_epoch`` is called after each epoch of each task; where tasks run in processes, when a task is done.
    """
    n_jobs, threads = None, True
    if "joblib" in sys.modules:  # else nobody has chosen a backend, and it is slow to import
        import joblib

        backend, _ = joblib.parallel.get_active_backend(prefer="threads")
        _, n_jobs = joblib.parallel.get_active_backend()  # with a preference it would be 1 by default
        threads = getattr(backend, "supports_sharedmem", False)
    if tasks and threads:
        yield from side_by_side([partial(train_stack, task) for task in tasks], after_epoch, n_jobs)
    elif tasks:
        yield from run_in_processes(tasks, after_epoch, folder)


def in_order(stacks: Sequence[Sequence[int]], finished: Iterable[tuple[int, Sequence[Result]]]) -> list[Result]:
    """One result per config, in the order of the configs, from the index of each stack and the results of its networks.

    >>> in_order([[0, 2], [1]], [(1, ["b"]), (0, ["a", "c"])])
    ['a', 'b', 'c']
    """
    by_config: dict[int, Result] = {}
    for number, results in finished:
        by_config.update(zip(stacks[number], results, strict=True))
    return [by_config[i] for i in range(len(by_config))]


def run_in_processes(
    tasks: Sequence[Task], after_epoch: AfterEpoch, folder: str | os.PathLike[str] | None
) -> Iterator[tuple[int, list[Run]]]:
    """Run the tasks on the chosen backend; yields index and runs of each as soon as it is done.

    Args:
        tasks: one per stack.
        after_epoch: called once per epoch of a task when the task is done.
        folder: visible to all workers; the images are in a new folder in it meanwhile.
    """
    import tempfile  # slow to import, as joblib is

    import joblib

    backend, n_jobs = joblib.parallel.get_active_backend()
    # A backend that others register with joblib may return all results at the end.
    streams = bool(getattr(backend, "supports_return_generator", False))
    images = tempfile.TemporaryDirectory(prefix="linclf-", dir=folder, ignore_cleanup_errors=True)
    with images as stored, _safe_path():
        joblib.dump([*tasks], file := os.path.join(stored, "tasks"))  # images that tasks share are written once
        calls = [joblib.delayed(_run_stored)(file, i) for i in range(len(tasks))]
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
        del os.environ["PYTHONSAFEPATH"]
        if before is not None:
            os.environ["PYTHONSAFEPATH"] = before


def _run_stored(file: str, i: int) -> tuple[int, list[Run]]:
    """Train a task in this worker; the arrays of the file are mapped, not read."""
    import joblib

    with one_blas_thread():
        return i, train_stack(joblib.load(file, mmap_mode="r")[i], lambda: None)


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

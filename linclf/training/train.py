"""Many networks: stacks of fixed width, trained on all cores of this machine or on the engine that the user chose.

By default threads, one per core. ``with joblib.parallel_config(backend="loky")``, "dask" or "ray", around the call,
runs the same tasks in processes or on other machines. Wherever a task runs it has one BLAS thread, and the stacks do
not depend on the number of cores: so the same kind of machine gives the same bits, whatever the engine.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import TypeVar

import numpy as np

from linclf.data.inputs import Examples
from linclf.system.progress import Progress

from .config import Config, check_configs, check_init, checked_examples
from .history import Evaluate
from .loop import Run, Task, batch_key, train_stack
from .model import Linear
from .stack import State
from .threads import AfterEpoch, side_by_side


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

    A stack has all of the BLAS's threads; but as soon as other programs are seen to use the cores, it has one, for some
    seconds: threads that have to wait for each other would cost 5 to 20 times what they bring. Networks that do not
    share their mini-batches are several stacks, which train side by side, each with one BLAS thread. While epochs run,
    these limits hold for the whole process.

    Args:
        configs: one or more; any mix of losses, learning rates, penalties and seeds.
        train: inputs X (n, d) and labels y (n,), 0..C-1. Computed in float64 if X is float64, else in float32. X may
            be what ``Standardizer.lazily`` gives: images that stay uint8, or in a file, and are converted as needed.
        validation: the same for validation images, (X, y), or (X, y, weights) where these have weights of their own.
        sample_weight: a weight of 0 or more per training image, (n,). They are scaled to mean 1, so that their size
            does not count, and the mean over images becomes Σ w_i L_i / n, in the gradient (where n images are a
            mini-batch) and in loss, cost and accuracy. By default every image counts once.
        init: the model each config starts from; by default one drawn from the config's seed, as its ``init`` says.
        n_classes: C, if the labels do not show it; by default from ``init``, else the highest training label + 1.
        evaluate: measure loss, cost and accuracy before training and after each epoch: on both sets of images (True),
            on "validation" images alone, which saves the time that the training images take, or on none (False).
        progress: show a line with the epochs done and the time left; or a function to call after each epoch of each
            stack instead.

    Returns:
        One Run per config, in the order of ``configs``. The same seeds give the same numbers to rounding. The last bits
        can depend on how many threads the BLAS has, and so on whether the machine was busy; where they have to be the
        same, use ``sweep``, or one thread (``OPENBLAS_NUM_THREADS=1``).

    Raises:
        DataError: shapes that do not fit, labels outside 0..C-1, NaN or infinite inputs, an empty set, weights below 0.
        ConfigError: no config, an ``init`` that does not fit, or a best epoch asked for that nothing tells.
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
        if len(tasks) == 1:  # alone, and so with all of the BLAS's threads
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
        init: the model each config starts from, as in ``train``.
        n_classes: C, if the labels do not show it, as in ``train``.
        evaluate: what is measured before training and after each epoch, as in ``train``.
        folder: where workers that are processes find the images, a folder that all of their machines see; the system's
            temporary folder by default. Each sweep makes a folder of its own in it, and removes it at the end.
        progress: show a line with the epochs done and the time left.

    Returns:
        One Run per config, in the order of ``configs``; the same bits whatever the engine, on one kind of machine.

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
    """Numbers of the configs of each task: they share their mini-batches, and are ``most`` at most.

    They are half of all at most, so that two cores have something to do.
    """
    return grouped(configs, min(most, -(-len(configs) // 2) or 1))


def run_tasks(
    tasks: Sequence[Task], after_epoch: AfterEpoch, folder: str | os.PathLike[str] | None = None
) -> Iterator[tuple[int, list[Run]]]:
    """Run the tasks; the number and runs of each as soon as it has finished, in whatever order they do.

    ``after_epoch`` is called after each epoch of each task; for an engine of processes, when the task has finished.
    """
    from .backends import chosen_backend, run_in_processes  # slow to import, as tempfile is

    elsewhere, n_jobs = chosen_backend()
    if tasks and elsewhere:
        yield from run_in_processes(tasks, after_epoch, folder)
    elif tasks:
        yield from side_by_side([partial(train_stack, task) for task in tasks], after_epoch, n_jobs)


Result = TypeVar("Result")


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
    """One task per stack, given as numbers of configs, on examples that are checked here, once; errors as ``train``."""
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
        Task([configs[i] for i in own], train, validation, n_classes, evaluate, starts and [starts[i] for i in own])
        for own in stacks
    ]


def grouped(configs: Sequence[Config], most: int) -> list[list[int]]:
    """The stacks: numbers of configs whose networks see the same mini-batches in the same order, at most ``most`` each.

    Networks of one loss stand side by side: a loss then works on a slice of the stack. Momentum takes more passes over
    the weights, which those without it need not pay for.
    """
    groups: dict[tuple[object, ...], list[int]] = {}
    for i in sorted(range(len(configs)), key=lambda i: configs[i].loss):
        config = configs[i]
        key = *batch_key(config), config.momentum > 0
        groups.setdefault(key, []).append(i)
    return [group[i : i + most] for group in groups.values() for i in range(0, len(group), most)]


def in_order(stacks: Sequence[Sequence[int]], finished: Iterable[tuple[int, Sequence[Result]]]) -> list[Result]:
    """A result per config, in the order of the configs, from the number of each stack and its networks' results."""
    found: dict[int, Result] = {}
    for number, results in finished:
        found.update(zip(stacks[number], results, strict=True))
    return [found[i] for i in range(len(found))]

"""Many networks: stacks of fixed width, trained on all cores of this machine or on the engine that the user chose.

By default threads, one per core. ``with joblib.parallel_config(backend="loky")``, "dask" or "ray", around the call,
runs the same tasks in processes or on other machines. Wherever a task runs it has one BLAS thread, and the stacks do
not depend on the number of cores: so the same kind of machine gives the same bits, whatever the engine.
"""

import os
from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from linclf.system.progress import Progress

from .config import Config
from .history import Evaluate
from .loop import Run, train_stack
from .model import Linear
from .pool import AfterEpoch, side_by_side
from .tasks import Task, grouped, in_order, make_tasks
from .validate import Examples, Weighted

NETWORKS_PER_TASK = 20
"""Wide enough for the matrix products, and enough tasks to keep every worker busy."""


def sweep(
    configs: Config | Sequence[Config],
    train: Examples,
    validation: Weighted | None = None,
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
    from .backends import chosen_backend, run_elsewhere  # slow to import, as tempfile is

    elsewhere, n_jobs = chosen_backend()
    if tasks and elsewhere:
        yield from run_elsewhere(tasks, after_epoch, folder)
    elif tasks:
        yield from side_by_side([partial(train_stack, task) for task in tasks], after_epoch, n_jobs)

"""Mini-batch gradient descent on mean loss + λ‖W‖²: the one training loop.

K networks that see the same mini-batches train as one stack (``stack`` says how); a single network is a stack of one.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from linclf.errors import DivergenceError
from linclf.system.progress import Progress

from .batches import epochs
from .config import Config
from .history import Evaluate, History, Record, slices_of_one_loss
from .losses import Loss
from .model import Linear
from .pool import AfterEpoch, adaptive_blas_threads, side_by_side
from .stack import MomentumStack, Stack, State
from .tasks import Task, grouped, in_order, make_tasks
from .validate import Examples, Weighted


@dataclass(frozen=True)
class Run:
    """One trained network: its Config, model and history (None without evaluation).

    seconds is the wall time of the stack that it was trained in, evaluation included, divided by the number of
    networks in that stack.
    """

    config: Config
    model: Linear
    history: History | None
    seconds: float

    def __repr__(self) -> str:
        own = self.config
        return (
            f"Run({own.loss}, learning rate {own.learning_rate:g}, L2 {own.l2:g}, {own.epochs} epochs, seed {own.seed})"
        )


def train(
    configs: Config | Sequence[Config],
    train: Examples,
    validation: Weighted | None = None,
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


def train_stack(task: Task, after_epoch: AfterEpoch) -> list[Run]:
    """Train K networks that share their mini-batches, to the end."""
    started = time.perf_counter()
    running = training(task)
    record = next(running)
    for _ in running:
        after_epoch()
    seconds = (time.perf_counter() - started) / len(task.configs)
    return [Run(config, record.model(k), record.history(k), seconds) for k, config in enumerate(task.configs)]


def training(task: Task) -> Iterator[Record]:
    """The training loop, for K networks that share their mini-batches.

    Yields the record of what is measured, the same object before training and after each epoch.
    """
    configs, dtype, init = task.configs, task.train[0].dtype, task.init
    if init is None:
        shape = task.n_classes, task.train[0].shape[1]
        init = [State(Linear.initial(*shape, config.seed, config.init)) for config in configs]
    losses = slices_of_one_loss(configs)
    momentum = [config.momentum for config in configs]
    stack = MomentumStack(init, dtype, momentum) if any(momentum) else Stack([own.weights for own in init], dtype)
    averaging = np.array([config.averaging for config in configs], dtype)
    measured = Stack([state.averaged or state.weights for state in init], dtype) if averaging.any() else stack
    record = Record(configs, losses, stack, measured, task.train, task.validation, task.evaluate)
    with adaptive_blas_threads():
        record.add()
    yield record

    for epoch, batches in enumerate(epochs(task.train, configs[0]), start=task.done + 1):
        # Divergence is caught below, in words.
        with np.errstate(over="ignore", invalid="ignore"), adaptive_blas_threads() as look:
            stack.set_rates([config.learning_rate_at(epoch) for config in configs], [config.l2 for config in configs])
            for x, *targets in batches:
                G = _gradient(losses, stack.scores(x), *targets)
                stack.descend(G, x)
                look()
            if measured is not stack:
                measured.move_towards(stack, keep=np.minimum(averaging, 1 - 1 / epoch))
            _check_finite(epoch, configs, record.add())
        yield record


def _gradient(
    losses: list[tuple[Loss, slice]], S: np.ndarray, y: np.ndarray, weights: np.ndarray | None = None
) -> np.ndarray:
    """The gradient of each network's own loss with respect to its scores, each image's times its weight, (C, K, n)."""
    if len(losses) == 1:
        G = losses[0][0].gradient(S, y)
    else:
        G = np.concatenate([loss.gradient(S[:, members], y) for loss, members in losses], axis=1)
    if weights is not None:
        G *= weights
    return G


def _check_finite(epoch: int, configs: Sequence[Config], values: np.ndarray) -> None:
    """Stop at the first network of the stack whose cost (or, without evaluation, whose weights) left the numbers."""
    for config, value in zip(configs, values, strict=True):
        if not np.isfinite(value):
            raise DivergenceError(
                f"training diverged: the {config.loss} loss became {'NaN' if np.isnan(value) else 'infinite'} in "
                f"epoch {epoch} of {config.epochs} with learning rate {config.learning_rate:g} and L2 {config.l2:g}; "
                "use a smaller learning rate"
            )

"""Mini-batch gradient descent on mean loss + λ‖W‖²: the one training loop.

K networks that see the same mini-batches train as one stack (``stack`` says how); a single network is a stack of one.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from linclf.data.inputs import Examples
from linclf.errors import DivergenceError

from .config import Config
from .history import Evaluate, History, Record, slices_of_one_loss
from .losses import Loss
from .model import Linear
from .stack import MomentumStack, Stack, State
from .threads import AfterEpoch, adaptive_blas_threads

Batch = tuple[np.ndarray, ...]
"""Inputs x (n, d), labels (n,) and, if images have them, weights (n,) of a mini-batch."""


def batch_key(config: Config) -> tuple[object, ...]:
    """What decides the mini-batches: networks whose configs agree on it see the same ones in the same order."""
    drawn = config.shuffle or config.augment is not None
    return config.epochs, config.batch_size, config.shuffle, config.augment, config.seed if drawn else None


def epochs(examples: Examples, config: Config) -> Iterator[Iterator[Batch]]:
    """The mini-batches of each epoch; a batch is valid until the next one, and the last of an epoch may be smaller."""
    X, *targets = examples
    # Two streams, independent of each other and of the initial weights.
    order_rng, place_rng = (np.random.default_rng([config.seed, stream]) for stream in (1, 2))
    buffer = np.empty((min(config.batch_size, len(X)), X.shape[1]), X.dtype)  # new memory costs more than the copy

    def batches(order: np.ndarray | None) -> Iterator[Batch]:
        for i in range(0, len(X), config.batch_size):
            rows: slice | np.ndarray = slice(i, i + config.batch_size)
            if order is None:
                x = X[rows]  # without a copy
            else:
                rows = order[rows]  # "clip" below, since "raise" would gather into other memory first
                x = X.take(rows, axis=0, out=buffer[: len(rows)], mode="clip")
            yield x if config.augment is None else config.augment(x, place_rng), *[target[rows] for target in targets]

    for _ in range(config.epochs):
        yield batches(order_rng.permutation(len(X)) if config.shuffle else None)


@dataclass(frozen=True, eq=False)
class Task:
    """The training of one stack: networks that share their mini-batches, and the images that they are trained on.

    Attributes:
        configs: one per network; those of one loss stand side by side.
        train, validation: checked examples; tasks with the same images share one object.
        n_classes: C.
        evaluate: what is measured before training and after each epoch.
        init: where each network starts; None draws initial weights from the configs' seeds.
        done: epochs trained before, for the decayed learning rate and the average.
    """

    configs: Sequence[Config]
    train: Examples
    validation: Examples | None
    n_classes: int
    evaluate: Evaluate = True
    init: Sequence[State] | None = None
    done: int = 0


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
        c = self.config
        return f"Run({c.loss}, learning rate {c.learning_rate:g}, L2 {c.l2:g}, {c.epochs} epochs, seed {c.seed})"


def train_stack(task: Task, after_epoch: AfterEpoch) -> list[Run]:
    """Train K networks that share their mini-batches, to the end."""
    started = time.perf_counter()
    epochs_done = training(task)
    record = next(epochs_done)
    for _ in epochs_done:
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
    stack = MomentumStack(init, dtype, momentum) if any(momentum) else Stack([state.weights for state in init], dtype)
    averaging = np.array([config.averaging for config in configs], dtype)
    measured = Stack([state.averaged or state.weights for state in init], dtype) if averaging.any() else stack
    record = Record(configs, losses, stack, measured, task.train, task.validation, task.evaluate)
    with adaptive_blas_threads():
        record.add()
    yield record

    for epoch, batches in enumerate(epochs(task.train, configs[0]), start=task.done + 1):
        # Divergence is caught below, in words.
        with np.errstate(over="ignore", invalid="ignore"), adaptive_blas_threads() as check_cores:
            stack.set_rates([config.learning_rate_at(epoch) for config in configs], [config.l2 for config in configs])
            for x, *targets in batches:
                G = _gradient(losses, stack.scores(x), *targets)
                stack.descend(G, x)
                check_cores()
            if measured is not stack:
                measured.move_towards(stack, keep=np.minimum(averaging, 1 - 1 / epoch))
            _check_finite(epoch, configs, record.add())
        yield record


def _gradient(
    losses: list[tuple[Loss, slice]], S: np.ndarray, y: np.ndarray, weights: np.ndarray | None = None
) -> np.ndarray:
    """Gradient of each network's loss with respect to its scores, times the weights of the images, (C, K, n)."""
    if len(losses) == 1:
        G = losses[0][0].gradient(S, y)
    else:
        G = np.concatenate([loss.gradient(S[:, members], y) for loss, members in losses], axis=1)
    if weights is not None:
        G *= weights
    return G


def _check_finite(epoch: int, configs: Sequence[Config], values: np.ndarray) -> None:
    """DivergenceError for the first network whose cost (or, without evaluation, sum of weights) is not finite."""
    for config, value in zip(configs, values, strict=True):
        if not np.isfinite(value):
            raise DivergenceError(
                f"training diverged: the {config.loss} loss became {'NaN' if np.isnan(value) else 'infinite'} in "
                f"epoch {epoch} of {config.epochs} with learning rate {config.learning_rate:g} and L2 {config.l2:g}; "
                "use a smaller learning rate"
            )

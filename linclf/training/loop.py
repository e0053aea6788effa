"""Mini-batch gradient descent on mean loss + λ‖W‖²: the one training loop, and what it measures on the way.

K networks that see the same mini-batches train as one stack (``stack`` says how); a single network is a stack of one.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from linclf.data.inputs import Examples
from linclf.errors import DivergenceError
from linclf.system.threads import AfterEpoch, adaptive_blas_threads

from .config import Config
from .losses import Loss, get_loss, penalty, total
from .model import Linear
from .stack import MomentumStack, Stack, State

Evaluate = bool | Literal["validation"]
"""Which images are measured: both sets (True), validation images alone, or none (False)."""


@dataclass(frozen=True)
class History:
    """How one network did before training (index 0) and after each epoch, (epochs + 1,) each, in float64.

    loss: mean over images, in nats for the cross-entropy, without the penalty. cost: loss + λ‖W‖², the number whose
    gradient training follows. accuracy: share of images, 0..1. With weights, means and shares are weighted. NaN on
    images that were not measured.
    """

    train_loss: np.ndarray
    validation_loss: np.ndarray
    train_cost: np.ndarray
    validation_cost: np.ndarray
    train_accuracy: np.ndarray
    validation_accuracy: np.ndarray


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


def training(task: Task) -> Iterator["Record"]:
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
    record = Record(task, losses, stack, measured)
    with np.errstate(invalid="ignore"), adaptive_blas_threads():  # see Linear.scores
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
            rate = config.learning_rate_at(epoch)
            advice = "use a smaller learning rate"
            if rate * config.l2 > 1:
                advice = f"use a smaller L2: each step multiplies weights by 1 - 2 x {rate:g} x L2, which is below -1"
            raise DivergenceError(
                f"training diverged: the {config.loss} loss became {'NaN' if np.isnan(value) else 'infinite'} in "
                f"epoch {epoch} of {config.epochs} with learning rate {config.learning_rate:g} and L2 {config.l2:g}; "
                f"{advice}"
            )


_CHUNK = 500  # images scored at a time


def slices_of_one_loss(configs: Sequence[Config]) -> list[tuple[Loss, slice]]:
    """The losses of a stack, in its order, each with its networks, which are side by side."""
    names = [config.loss for config in configs]
    return [
        (get_loss(name), slice(names.index(name), names.index(name) + names.count(name)))
        for name in dict.fromkeys(names)
    ]


class Record:
    """Measures K networks while they train, and keeps the models to return.

    ``trained`` is the stack that trains; ``measured`` is measured and returned: the same, or the averaged weights.
    """

    def __init__(self, task: Task, losses: Sequence[tuple[Loss, slice]], trained: Stack, measured: Stack) -> None:
        self._configs, self._losses, self._trained, self._measured = task.configs, losses, trained, measured
        self._l2 = np.array([config.l2 for config in task.configs])
        both = task.evaluate and task.evaluate != "validation"
        self._sets = task.train if both else None, task.validation if task.evaluate else None
        self._rows: list[np.ndarray] = []  # (6, K) per epoch, in the order of History's fields
        self._best: dict[int, Linear] = {}

    def add(self) -> np.ndarray:
        """Measure the stack; returns a number per network, (K,), that is finite unless training has diverged."""
        stack = self._measured
        if self._sets == (None, None):
            return stack.W.sum(axis=(0, 2))
        (train_loss, train_accuracy), (validation_loss, validation_accuracy) = (
            self._loss_and_accuracy(examples) for examples in self._sets
        )
        added = penalty(stack.W, self._l2)
        costs = train_loss + added, validation_loss + added
        self._rows.append(np.array([train_loss, validation_loss, *costs, train_accuracy, validation_accuracy]))
        for k, config in enumerate(self._configs):
            if config.restore_best and np.argmin([row[1, k] for row in self._rows]) == len(self._rows) - 1:
                self._best[k] = stack.model(k)
        return sum(cost for cost, examples in zip(costs, self._sets, strict=True) if examples)

    def model(self, k: int) -> Linear:
        """Network k as it is now, or as it was in its best epoch, the first of equals."""
        return self._best[k] if self._configs[k].restore_best else self._measured.model(k)

    def state(self, k: int) -> State:
        """Where the training of network k can continue."""
        return State(self._trained.model(k), self._trained.velocity(k), self._measured.model(k))

    def history(self, k: int) -> History | None:
        """The history of network k; None without evaluation."""
        return History(*np.array([row[:, k] for row in self._rows]).T) if self._rows else None

    def _loss_and_accuracy(self, examples: Examples | None) -> np.ndarray:
        """Mean loss and accuracy of each network, (2, K), summed in float64; NaN without images."""
        if examples is None:
            return np.full((2, len(self._l2)), np.nan)
        X, *targets = examples
        loss_sum, correct = np.zeros((2, len(self._l2)))
        for i in range(0, len(X), _CHUNK):
            S = self._measured.scores(X[i : i + _CHUNK])
            labels, *weights = [target[i : i + _CHUNK] for target in targets]
            for loss, members in self._losses:
                loss_sum[members] += total(loss.value(S[:, members], labels), *weights)
            correct += total(S.argmax(axis=0) == labels, *weights)
        return np.array([loss_sum, np.minimum(correct, len(X))]) / len(X)  # weights of mean 1, but for rounding

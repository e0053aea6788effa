"""Mini-batch gradient descent on mean loss + λ‖W‖²: the one training loop.

K networks that see the same mini-batches train as one stack (``stack`` says how); a single network is a stack of one.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from .config import Config
from .errors import ConfigError, DivergenceError
from .inputs import Images, checked_images, checked_init
from .losses import LOSSES, Loss
from .model import Linear
from .preprocessing import LazyInputs
from .progress import Progress
from .stack import Stack

_CHUNK = 1000  # images scored at a time during evaluation


@dataclass(frozen=True)
class History:
    """How one network did before training (index 0) and after each epoch, (epochs + 1,) each, in float64.

    loss: mean over images, in nats for the cross-entropy, without the penalty. cost: loss + λ‖W‖², the number whose
    gradient training follows. accuracy: share of images, 0..1. NaN on validation images where none were given.
    """

    train_loss: np.ndarray
    validation_loss: np.ndarray
    train_cost: np.ndarray
    validation_cost: np.ndarray
    train_accuracy: np.ndarray
    validation_accuracy: np.ndarray


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


def train(
    configs: Config | Sequence[Config],
    train: Images,
    validation: Images | None = None,
    *,
    init: Sequence[Linear] | None = None,
    n_classes: int | None = None,
    evaluate: bool = True,
    progress: bool | Callable[[], None] = True,
) -> list[Run]:
    """Train one network a config; those that share their mini-batches train together, as one stack.

    Args:
        configs: one or more; any mix of losses, learning rates, penalties and seeds.
        train: inputs X (n, d) and labels y (n,), 0..C-1. Computed in float64 if X is float64, else in float32. X may
            be what ``Standardizer.lazily`` gives: images that stay uint8, or in a file, and are converted as needed.
        validation: the same for validation images.
        init: the model each config starts from; by default N(0, 0.01²) drawn from the config's seed.
        n_classes: C, if the labels do not show it; by default from ``init``, else the greatest training label + 1.
        evaluate: measure loss, cost and accuracy before training and after each epoch.
        progress: show a line with the epochs done and the time left; or a function to call after each epoch instead.

    Returns:
        One Run a config, in the order of ``configs``. The same seeds on the same machine give the same bits.

    Raises:
        DataError: shapes that do not fit, labels outside 0..C-1, NaN or infinite inputs, an empty set.
        ConfigError: no config, or an ``init`` that does not fit.
        DivergenceError: the loss became infinite or NaN; names epoch, setting and learning rate.

    >>> X, y = np.array([[-1.0], [1.0]]), np.array([0, 1])
    >>> run, = train(Config(learning_rate=1.0, l2=0.0, epochs=20), (X, y), progress=False)
    >>> run.model.predict(X)
    array([0, 1])
    """
    configs = [configs] if isinstance(configs, Config) else list(configs)
    if not configs:
        raise ConfigError("expected at least one Config to train, none was given")
    if init:
        n_classes = n_classes or len(init[0].b)
    train = checked_images("training", train, n_classes)
    n_classes, n_inputs = n_classes or int(train[1].max()) + 1, train[0].shape[1]
    if validation is not None:
        validation = checked_images("validation", validation, n_classes, like=train[0])
    if init is None:
        models = [Linear.initial(n_classes, n_inputs, config.seed) for config in configs]
    else:
        models = checked_init(init, len(configs), n_classes, n_inputs)

    stacks = grouped(configs)
    runs: dict[int, Run] = {}
    epochs = sum(configs[members[0]].epochs for members in stacks)
    with Progress(epochs, len(configs), enabled=progress is True) as line:
        after_epoch = progress if callable(progress) else line.epoch
        for members in stacks:
            own = [configs[i] for i in members], [models[i] for i in members]
            stack = _train_stack(*own, train, validation, evaluate, after_epoch)
            runs.update(zip(members, stack, strict=True))
    return [runs[i] for i in range(len(configs))]


def _train_stack(
    configs: list[Config],
    models: list[Linear],
    train: Images,
    validation: Images | None,
    evaluate: bool,
    after_epoch: Callable[[], None],
) -> list[Run]:
    """The training loop, for K networks that share their mini-batches."""
    started = time.perf_counter()
    X, y = train
    stack = Stack(models, X.dtype)
    learning_rate, l2, lr_decay = (
        np.array([getattr(config, name) for config in configs]) for name in ("learning_rate", "l2", "lr_decay")
    )
    losses = _slices_of_one_loss(configs)
    history = [_evaluate(stack, losses, l2, train, validation)] if evaluate else []

    with np.errstate(over="ignore", invalid="ignore"):  # divergence is caught below, in words
        for epoch, order in enumerate(_orders(configs[0], len(X)), start=1):
            for x, labels in _batches(X, y, order, configs[0].batch_size):
                G = _gradient(losses, stack.scores(x), labels)
                stack.descend(G, x, learning_rate, l2)
            learning_rate = learning_rate * lr_decay
            if evaluate:
                history.append(_evaluate(stack, losses, l2, train, validation))
            _check_finite(epoch, configs, _sum_of_costs(history[-1]) if evaluate else stack.W.sum(axis=(0, 2)))
            after_epoch()

    seconds = (time.perf_counter() - started) / len(configs)
    series = np.array(history).transpose(2, 1, 0) if evaluate else [None] * len(configs)  # (K, 6, epochs + 1)
    return [
        Run(config, model, None if numbers is None else History(*numbers), seconds)
        for config, model, numbers in zip(configs, stack.models(), series, strict=True)
    ]


def _gradient(losses: list[tuple[Loss, slice]], S: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The gradient of each network's own loss with respect to its scores, (C, K, n)."""
    parts = [loss.gradient(S[:, members], y) for loss, members in losses]
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)


def _evaluate(
    stack: Stack, losses: list[tuple[Loss, slice]], l2: np.ndarray, train: Images, validation: Images | None
) -> tuple[np.ndarray, ...]:
    """The History's six numbers for each network of the stack, (K,) each; cost = mean loss + λ‖W‖²."""
    penalty = l2 * np.square(stack.W).sum(axis=(0, 2), dtype=np.float64)
    train_loss, train_accuracy = _loss_and_accuracy(stack, losses, train)
    validation_loss, validation_accuracy = (
        _loss_and_accuracy(stack, losses, validation) if validation else (np.full(len(l2), np.nan),) * 2
    )
    return (
        train_loss,
        validation_loss,
        train_loss + penalty,
        validation_loss + penalty,
        train_accuracy,
        validation_accuracy,
    )


def _sum_of_costs(numbers: tuple[np.ndarray, ...]) -> np.ndarray:
    """Of :func:`_evaluate`'s numbers, what leaves the numbers if any of them does, (K,)."""
    _, _, train_cost, validation_cost, _, validation_accuracy = numbers
    return train_cost + np.where(np.isnan(validation_accuracy), 0, validation_cost)


def _loss_and_accuracy(stack: Stack, losses: list[tuple[Loss, slice]], images: Images) -> tuple[np.ndarray, np.ndarray]:
    """Mean loss and share of right predictions of each network, (K,) each, summed in float64."""
    X, y = images
    loss_sum, correct = np.zeros((2, losses[-1][1].stop))
    for i in range(0, len(X), _CHUNK):
        S, labels = stack.scores(X[i : i + _CHUNK]), y[i : i + _CHUNK]
        for loss, members in losses:
            loss_sum[members] += loss.value(S[:, members], labels).sum(axis=-1, dtype=np.float64)
        correct += (S.argmax(axis=0) == labels).sum(axis=-1)
    return loss_sum / len(X), correct / len(X)


def grouped(configs: Sequence[Config]) -> list[list[int]]:
    """Numbers of the configs whose networks see the same mini-batches in the same order, a list each.

    Networks of one loss stand side by side: a loss then works on a slice of the stack.
    """
    groups: dict[tuple[object, ...], list[int]] = {}
    for i in sorted(range(len(configs)), key=lambda i: configs[i].loss):
        config = configs[i]
        key = config.epochs, config.batch_size, config.seed if config.shuffle else None
        groups.setdefault(key, []).append(i)
    return list(groups.values())


def _orders(config: Config, n: int) -> Iterator[np.ndarray | None]:
    """The order of the n images in each epoch; None is the stored order, which needs no copy."""
    rng = np.random.default_rng([config.seed, 1])  # its own stream: independent of the initial weights
    for _ in range(config.epochs):
        yield rng.permutation(n) if config.shuffle else None


def _batches(
    X: np.ndarray | LazyInputs, y: np.ndarray, order: np.ndarray | None, batch_size: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Inputs and labels of each mini-batch, valid until the next; the last one may be smaller."""
    gathered = np.empty((min(batch_size, len(X)), X.shape[1]), X.dtype)  # once: new memory costs more than the copy
    for i in range(0, len(X), batch_size):
        rows = slice(i, i + batch_size) if order is None else order[i : i + batch_size]
        if isinstance(rows, slice) or isinstance(X, LazyInputs):
            yield X[rows], y[rows]
        else:  # "clip", since "raise" would gather into other memory first
            yield X.take(rows, axis=0, out=gathered[: len(rows)], mode="clip"), y[rows]


def _slices_of_one_loss(configs: list[Config]) -> list[tuple[Loss, slice]]:
    names = [config.loss for config in configs]
    return [
        (loss, slice(names.index(name), names.index(name) + names.count(name)))
        for name, loss in LOSSES.items()
        if name in names
    ]


def _check_finite(epoch: int, configs: list[Config], values: np.ndarray) -> None:
    """Stop at the first network of the stack whose cost (or, without evaluation, whose weights) left the numbers."""
    for config, value in zip(configs, values, strict=True):
        if not np.isfinite(value):
            raise DivergenceError(
                f"training diverged: the {config.loss} loss became {'NaN' if np.isnan(value) else 'infinite'} in "
                f"epoch {epoch} of {config.epochs} with learning rate {config.learning_rate:g} and L2 {config.l2:g}; "
                "use a smaller learning rate"
            )

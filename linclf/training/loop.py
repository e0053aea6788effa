"""Mini-batch gradient descent on mean loss + λ‖W‖²: the one training loop.

K networks that see the same mini-batches train as one stack (``stack`` says how); a single network is a stack of one.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from linclf.errors import ConfigError, DivergenceError
from linclf.system.progress import Progress

from .batches import batch_key, epochs
from .config import Config
from .history import Evaluate, History, Record, slices_of_one_loss
from .losses import Loss
from .model import Linear
from .stack import Stack, make_stack
from .validate import Images, checked_images, checked_init


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
    evaluate: Evaluate = True,
    progress: bool | Callable[[], None] = True,
) -> list[Run]:
    """Train one network a config; those that share their mini-batches train together, as one stack.

    Args:
        configs: one or more; any mix of losses, learning rates, penalties and seeds.
        train: inputs X (n, d) and labels y (n,), 0..C-1. Computed in float64 if X is float64, else in float32. X may
            be what ``Standardizer.lazily`` gives: images that stay uint8, or in a file, and are converted as needed.
        validation: the same for validation images.
        init: the model each config starts from; by default one drawn from the config's seed, as its ``init`` says.
        n_classes: C, if the labels do not show it; by default from ``init``, else the greatest training label + 1.
        evaluate: measure loss, cost and accuracy before training and after each epoch: on both sets of images (True),
            on "validation" images alone, which saves the time that the training images take, or on none (False).
        progress: show a line with the epochs done and the time left; or a function to call after each epoch instead.

    Returns:
        One Run a config, in the order of ``configs``. The same seeds on the same machine give the same bits.

    Raises:
        DataError: shapes that do not fit, labels outside 0..C-1, NaN or infinite inputs, an empty set.
        ConfigError: no config, an ``init`` that does not fit, or a best epoch asked for that nothing tells.
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
        models = [Linear.initial(n_classes, n_inputs, config.seed, config.init) for config in configs]
    else:
        models = checked_init(init, len(configs), n_classes, n_inputs)

    if any(config.restore_best for config in configs) and (validation is None or not evaluate):
        raise ConfigError("restore_best needs validation images, and their evaluation, to tell which epoch is best")
    for config in configs:
        if config.augment is not None and config.augment.columns.shape[1] != n_inputs:
            raise ConfigError(
                f"expected the inputs of images of shape {config.augment.image_shape} to mirror or move, not {n_inputs}"
            )

    stacks = grouped(configs)
    runs: dict[int, Run] = {}
    n_epochs = sum(configs[members[0]].epochs for members in stacks)
    with Progress(n_epochs, len(configs), enabled=progress is True) as line:
        after_epoch = progress if callable(progress) else line.epoch
        for members in stacks:
            own = [configs[i] for i in members], [models[i] for i in members]
            trained = _train_stack(*own, train, validation, evaluate, after_epoch)
            runs.update(zip(members, trained, strict=True))
    return [runs[i] for i in range(len(configs))]


def _train_stack(
    configs: list[Config],
    models: list[Linear],
    train: Images,
    validation: Images | None,
    evaluate: Evaluate,
    after_epoch: Callable[[], None],
) -> list[Run]:
    """The training loop, for K networks that share their mini-batches."""
    started = time.perf_counter()
    losses = slices_of_one_loss(configs)
    dtype = train[0].dtype
    stack = make_stack(models, dtype, [config.momentum for config in configs])
    measured = Stack(models, dtype) if any(config.averaging for config in configs) else stack
    record = Record(configs, losses, train, validation, evaluate)
    record.add(measured)

    averaging = np.array([config.averaging for config in configs], dtype)
    with np.errstate(over="ignore", invalid="ignore"):  # divergence is caught below, in words
        for epoch, batches in enumerate(epochs(train, configs[0]), start=1):
            stack.set_rates([config.learning_rate_at(epoch) for config in configs], [config.l2 for config in configs])
            for x, labels in batches:
                G = _gradient(losses, stack.scores(x), labels)
                stack.descend(G, x)
            if measured is not stack:
                measured.move_towards(stack, keep=np.minimum(averaging, 1 - 1 / epoch))
            _check_finite(epoch, configs, record.add(measured))
            after_epoch()

    seconds = (time.perf_counter() - started) / len(configs)
    return [Run(config, record.model(k), record.history(k), seconds) for k, config in enumerate(configs)]


def _gradient(losses: list[tuple[Loss, slice]], S: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The gradient of each network's own loss with respect to its scores, (C, K, n)."""
    if len(losses) == 1:
        return losses[0][0].gradient(S, y)
    return np.concatenate([loss.gradient(S[:, members], y) for loss, members in losses], axis=1)


def grouped(configs: Sequence[Config]) -> list[list[int]]:
    """Numbers of the configs whose networks see the same mini-batches in the same order, a list each.

    Networks of one loss stand side by side: a loss then works on a slice of the stack. Momentum takes more passes over
    the weights, which those without it need not pay for.
    """
    groups: dict[tuple[object, ...], list[int]] = {}
    for i in sorted(range(len(configs)), key=lambda i: configs[i].loss):
        config = configs[i]
        key = *batch_key(config), config.momentum > 0
        groups.setdefault(key, []).append(i)
    return list(groups.values())


def _check_finite(epoch: int, configs: list[Config], values: np.ndarray) -> None:
    """Stop at the first network of the stack whose cost (or, without evaluation, whose weights) left the numbers."""
    for config, value in zip(configs, values, strict=True):
        if not np.isfinite(value):
            raise DivergenceError(
                f"training diverged: the {config.loss} loss became {'NaN' if np.isnan(value) else 'infinite'} in "
                f"epoch {epoch} of {config.epochs} with learning rate {config.learning_rate:g} and L2 {config.l2:g}; "
                "use a smaller learning rate"
            )

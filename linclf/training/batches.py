"""Which images each step sees: the order of an epoch, its mini-batches, and how their images are placed."""

from collections.abc import Iterator

import numpy as np

from .config import Config
from .validate import Weighted

Batch = tuple[np.ndarray, ...]
"""Inputs x (n, d), labels (n,) and, if images have them, weights (n,) of a mini-batch."""


def batch_key(config: Config) -> tuple[object, ...]:
    """What decides the mini-batches: networks whose configs agree on it see the same ones in the same order."""
    drawn = config.shuffle or config.augment is not None
    return config.epochs, config.batch_size, config.shuffle, config.augment, config.seed if drawn else None


def epochs(examples: Weighted, config: Config) -> Iterator[Iterator[Batch]]:
    """The mini-batches of each epoch, valid until the next; the last one of an epoch may be smaller."""
    X = examples[0]
    # One stream for each: independent of the initial weights, and of one another.
    order_rng, place_rng = (np.random.default_rng([config.seed, stream]) for stream in (1, 2))
    gathered = np.empty((min(config.batch_size, len(X)), X.shape[1]), X.dtype)  # new memory costs more than the copy
    for _ in range(config.epochs):
        # Stored order needs no copy.
        order = order_rng.permutation(len(X)) if config.shuffle else None
        batches = _batches(examples, order, config.batch_size, gathered)
        yield batches if config.augment is None else ((config.augment(x, place_rng), *own) for x, *own in batches)


def _batches(examples: Weighted, order: np.ndarray | None, batch_size: int, gathered: np.ndarray) -> Iterator[Batch]:
    X, *targets = examples
    for i in range(0, len(X), batch_size):
        if order is None:
            yield X[i : i + batch_size], *[target[i : i + batch_size] for target in targets]
        else:  # "clip", since "raise" would gather into other memory first
            rows = order[i : i + batch_size]
            yield X.take(rows, axis=0, out=gathered[: len(rows)], mode="clip"), *[target[rows] for target in targets]

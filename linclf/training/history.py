"""Loss, cost and accuracy before training and after each epoch, and the choice of the best epoch."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from linclf.data.inputs import Examples

from .config import Config
from .losses import Loss, get_loss, penalty, total
from .model import Linear
from .stack import Stack, State

_CHUNK = 500  # images scored at a time

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


def slices_of_one_loss(configs: Sequence[Config]) -> list[tuple[Loss, slice]]:
    """The losses of a stack, in its order, each with its networks, which are side by side."""
    names = [config.loss for config in configs]
    return [
        (get_loss(name), slice(names.index(name), names.index(name) + names.count(name)))
        for name in dict.fromkeys(names)
    ]


class Record:
    """Measures K networks while they train, and keeps the models to return.

    Args:
        trained: the stack that trains.
        measured: the stack that is measured and returned: ``trained``, or the averaged weights.
    """

    def __init__(
        self,
        configs: Sequence[Config],
        losses: Sequence[tuple[Loss, slice]],
        trained: Stack,
        measured: Stack,
        train: Examples,
        validation: Examples | None,
        evaluate: Evaluate,
    ) -> None:
        self._configs, self._losses, self._trained, self._measured = configs, losses, trained, measured
        self._l2 = np.array([config.l2 for config in configs])
        self._sets = train if evaluate and evaluate != "validation" else None, validation if evaluate else None
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

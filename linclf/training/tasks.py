"""The stacks of a training: which networks train together, and what they start from."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from .batches import batch_key
from .config import Config
from .history import Evaluate
from .model import Linear
from .stack import State
from .validate import Weighted, check_configs, check_init, checked_examples

Result = TypeVar("Result")


@dataclass(frozen=True, eq=False)
class Task:
    """The training of one stack: networks that share their mini-batches, and the images that they see.

    Attributes:
        configs: one per network; those of one loss stand side by side.
        train, validation: checked examples; tasks that share them share the object.
        n_classes: C.
        evaluate: what is measured before training and after each epoch.
        init: what each network starts from; None draws them from the configs' seeds.
        done: epochs that they trained before, for the decayed learning rate and the average.
    """

    configs: Sequence[Config]
    train: Weighted
    validation: Weighted | None
    n_classes: int
    evaluate: Evaluate = True
    init: Sequence[State] | None = None
    done: int = 0


def make_tasks(
    stacks: Sequence[Sequence[int]],
    configs: Sequence[Config],
    train: Weighted,
    validation: Weighted | None,
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

"""What the study of data of one's own tries: the search's grid, how much of it there is, and the final networks."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from linclf.data.dataset import Dataset
from linclf.studies.seeds import Seeds
from linclf.training.config import Config

LOSSES = ("cross_entropy", "multiclass_hinge")
PENALTIES = (0.0, 0.001, 0.01, 0.1, 1.0)
"""Values of λ."""
STEPS = (0.1, 0.5, 2.5, 12.5)
"""Values of η, in units that :func:`grid` chooses for the data."""
GRIDS = (STEPS, PENALTIES), (STEPS[1::2], PENALTIES[::2])
"""The grid, and a coarse one for a search that would be too long otherwise."""

SEARCH = 1e12
"""Products of a weight and an input that the search may take: about 20 seconds on two cores."""
SCORE = 300
"""Such products that take as long as what the loss makes of a score."""
FEWEST_EPOCHS = 8
LARGEST_STACK = 2e7
"""Weights that train together: they, their gradients and scores fit the memory of a laptop."""
SHARES = (8, 4, 2)
"""The learning curve's numbers of images, as parts of all."""
DRAWS = 3
"""Networks of each of them, at most; each has images of its own."""


IMBALANCED = 2.0
"""How many times the images of the smallest class the largest must have, to be called so."""


@dataclass(frozen=True, kw_only=True)
class Plan(Seeds):
    """What a report on data of one's own varies: everything a user may choose, and nothing else.

    The seeds and epochs are those of each final network; the search's networks take as many epochs, or fewer where it
    would be too long.
    """


@dataclass(frozen=True)
class Choice:
    """What the search chose."""

    loss: str
    learning_rate: float
    l2: float


@dataclass(frozen=True)
class Size:
    """How much the search takes: configurations, images that train, and epochs of each."""

    choices: Sequence[Choice]
    n_train: int
    epochs: int


def search_size(plan: Plan, n_train: int, n_inputs: int, n_classes: int, largest_eigenvalue: float) -> Size:
    """All configurations on all images for all epochs or, where that is too long, fewer of each.

    >>> size = search_size(Plan(), 8000, 3072, 10, largest_eigenvalue=900.0)
    >>> len(size.choices), size.n_train, size.epochs
    (40, 8000, 40)
    """
    for steps, penalties in GRIDS:
        choices = grid(n_classes, largest_eigenvalue, steps, penalties)
        per_image = len(choices) * (n_inputs + SCORE) * n_classes
        epochs = min(plan.epochs, max(FEWEST_EPOCHS, int(SEARCH / (per_image * n_train))))
        if per_image * n_train * epochs <= SEARCH:
            break
    return Size(choices, min(n_train, max(n_classes, 100, int(SEARCH / (per_image * epochs)))), epochs)


def grid(n_classes: int, largest_eigenvalue: float, steps: Sequence[float], penalties: Sequence[float]) -> list[Choice]:
    """Each loss with each η and λ, but for those whose penalty alone would make training jump, 2ηλ near 1 or above.

    η is a step over the largest curvature of the inputs; the SVM loss sums over classes.
    """
    found = []
    for loss in LOSSES:
        scale = largest_eigenvalue * (n_classes / 2 if loss == "multiclass_hinge" else 1)
        for step in steps:
            rate = float(f"{step / scale:.2g}")
            found += [Choice(loss, rate, l2) for l2 in penalties if 2 * rate * l2 <= 0.5]
    return found


def is_imbalanced(data: Dataset) -> bool:
    """Whether the largest class has at least twice the images of the smallest."""
    total = np.sum(list(data.counts().values()), axis=0)
    return bool(total.max() >= IMBALANCED * total.min())


def largest_eigenvalue(X: np.ndarray) -> float:
    """The largest eigenvalue of X^T X / n, at least 1: what the step of gradient descent has to be small against.

    >>> largest_eigenvalue(np.array([[2.0, 2.0], [-2.0, -2.0]]))
    8.0
    """
    X = np.asarray(X, np.float64)
    return max(1.0, float(np.linalg.eigvalsh(X @ X.T)[-1]) / len(X))


def recipe(choice: Choice, n_train: int, epochs: int, seed: int) -> Config:
    """How a network trains: from zero, shuffled, η divided by ten after each third of the epochs.

    At least 20 mini-batches make an epoch, of 10 to 100 images.
    """
    return Config(
        loss=choice.loss,
        learning_rate=choice.learning_rate,
        l2=choice.l2,
        lr_decay=0.1,
        lr_decay_every=-(-epochs // 3),
        init="zeros",
        shuffle=True,
        epochs=epochs,
        batch_size=min(100, max(10, n_train // 20)),
        seed=seed,
    )

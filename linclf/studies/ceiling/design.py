"""What the study of the ceiling tries: the search space, the ingredients, and how much of it all."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from linclf.data.augmentation import Augmentation
from linclf.data.split import N_VALIDATION
from linclf.studies.splits import check_whole
from linclf.training.config import Config

INGREDIENTS = {
    "data": "all the data",
    "search": "λ, η and batch size searched",
    "momentum": "momentum",
    "longer": "longer, best epoch restored",
    "decay": "learning-rate decay, by ten",
    "xavier": "Xavier weights",
    "shuffle": "shuffling",
    "augment": "flips and shifts",
    "averaging": "averaged weights",
}
"""What can be added to the baseline, in the order in which it is mixed in, as a table calls it."""

EVERYTHING = frozenset(INGREDIENTS)

ENSEMBLES, MEMBERS = 5, 5
"""How many ensembles of the baseline, and of how many networks each."""
MOMENTUM, AVERAGING, SHIFT = 0.9, 0.8, 1
BATCH_SIZES = (50, 100, 200)
"""That the fine search draws from."""

# On standardised images the largest η of each loss still trains, and the smallest is too small; λ up to where it harms.
_RATES = {"cross_entropy": (-4, -1), "multiclass_hinge": (-5, -2), "binary_cross_entropy": (-3, 0)}
_PENALTIES = {"cross_entropy": (-3, 0), "multiclass_hinge": (-3, 0), "binary_cross_entropy": (-4, -1)}
LOSSES = tuple(_RATES)


@dataclass(frozen=True)
class Size:
    """How much is trained.

    Attributes:
        rates, penalties: values of η, and of λ beside 0, in the coarse grid of each loss.
        draws: configurations of each loss in the fine search.
        search_epochs: of each configuration of the search.
        epochs: of the baseline; all the data take two fifths of them, and training for longer twice as many.
        seeds: of everything but the search.
        curve: shares of the training images on the learning curve, below 1.
        iterations: maximum number of them for the solver that looks for the optimum.
    """

    rates: int
    penalties: int
    draws: int
    search_epochs: int
    epochs: int
    seeds: int
    curve: Sequence[float]
    iterations: int


FULL = Size(7, 4, 35, 12, 40, 5, (1 / 49, 3 / 49, 10 / 49, 20 / 49), 500)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What the study varies: everything a user may choose, and nothing else.

    Attributes:
        size: how much is trained, on all the images there are. No parameter of the report: a sketch would mislead.
        n_validation: images that validate the final networks; at most a fifth of all there are.

    Raises:
        ConfigError: a number of images that is no whole number above 0.
    """

    size: Size = FULL
    n_validation: int = N_VALIDATION

    def __post_init__(self) -> None:
        check_whole("n_validation", self.n_validation, 1, 10**9)

    @property
    def seeds_in_words(self) -> str:
        """The seeds as a page names them."""
        return f"0 in the search; 0 to {self.size.seeds - 1} elsewhere, and to {ENSEMBLES * MEMBERS - 1} in ensembles"


@dataclass(frozen=True)
class Choice:
    """What the search chose for a loss."""

    learning_rate: float
    l2: float
    batch_size: int


def grid(loss: str, size: Size) -> tuple[list[float], list[float]]:
    """The η and the λ of the coarse grid of a loss, each evenly spaced in its logarithm; the first λ is 0."""
    rates, penalties = np.logspace(*_RATES[loss], size.rates), np.logspace(*_PENALTIES[loss], size.penalties)
    return [float(f"{rate:.2g}") for rate in rates], [0.0, *(float(f"{penalty:.2g}") for penalty in penalties)]


def coarse(size: Size, image_shape: Sequence[int]) -> list[Config]:
    """The grid of each loss over (η, λ), everything else being as in the recipe with all ingredients."""
    return [
        search_config(loss, Choice(rate, l2, 100), size, image_shape)
        for loss in LOSSES
        for rate in grid(loss, size)[0]
        for l2 in grid(loss, size)[1]
    ]


def fine(best: Mapping[str, Choice], size: Size, image_shape: Sequence[int]) -> list[Config]:
    """Random configurations of each loss around the best of the grid, within half a decade of η and a decade of λ."""
    rng = np.random.default_rng(0)
    configs = []
    for loss, found in best.items():
        l2 = found.l2 or grid(loss, size)[1][1] / 10
        for _ in range(size.draws):
            rate, penalty = found.learning_rate * 10 ** rng.uniform(-0.5, 0.5), l2 * 10 ** rng.uniform(-1, 1)
            choice = Choice(float(f"{rate:.3g}"), float(f"{penalty:.3g}"), int(rng.choice(BATCH_SIZES)))
            configs.append(search_config(loss, choice, size, image_shape))
    return configs


def search_config(loss: str, choice: Choice, size: Size, image_shape: Sequence[int]) -> Config:
    """A configuration of the search: all ingredients but momentum, at the search's number of epochs."""
    config = recipe(EVERYTHING - {"momentum", "longer"}, loss, choice, size, image_shape, seed=0)
    return replace(config, epochs=size.search_epochs, lr_decay_every=-(-size.search_epochs // 3))


def recipe(
    ingredients: Collection[str], loss: str, choice: Choice, size: Size, image_shape: Sequence[int], seed: int
) -> Config:
    """The Config of the reference's setting 3 with the changes of each ingredient, in the order of INGREDIENTS.

    "data" is for the caller, but for its number of epochs.
    """
    fields: dict[str, Any] = {"loss": loss, "learning_rate": 0.001, "l2": 0.1, "epochs": size.epochs, "batch_size": 100}
    for name in INGREDIENTS:
        if name in ingredients:
            fields |= _changes(name, fields, choice, image_shape)
    return Config(**fields, seed=seed)


def _changes(name: str, fields: dict[str, Any], choice: Choice, image_shape: Sequence[int]) -> dict[str, Any]:
    match name:
        case "data":
            return {"epochs": -(-2 * fields["epochs"] // 5)}
        case "search":
            return {"learning_rate": choice.learning_rate, "l2": choice.l2, "batch_size": choice.batch_size}
        case "momentum":  # a step of momentum goes 1 / (1 - μ) times as far in the end
            return {"momentum": MOMENTUM, "learning_rate": (1 - MOMENTUM) * fields["learning_rate"]}
        case "longer":
            return {"epochs": 2 * fields["epochs"], "restore_best": True}
        case "decay":
            return {"lr_decay": 0.1, "lr_decay_every": -(-fields["epochs"] // 3)}
        case "xavier":
            return {"init": "xavier"}
        case "shuffle":
            return {"shuffle": True}
        case "augment" if len(image_shape) == 3:
            h, w, c = image_shape
            return {"augment": Augmentation(image_shape=(h, w, c), flip=True, shift=min(SHIFT, min(h, w) // 8))}
        case "augment":  # feature vectors have no mirror image
            return {}
        case "averaging":
            return {"averaging": AVERAGING}
        case _:
            raise ValueError(name)

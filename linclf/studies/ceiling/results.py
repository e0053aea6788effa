"""What the study of the ceiling found: finished runs and choices, which the report's views and ceiling.json show."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from linclf.data.dataset import Dataset
from linclf.studies import metrics
from linclf.studies.results import FORMAT
from linclf.studies.splits import Cut, Split
from linclf.studies.store import StoredRun
from linclf.training.model import Linear
from linclf.training.validate import Examples

from .design import Choice, Plan


@dataclass(frozen=True)
class CeilingResults:
    """All trainings of the study, and what was chosen by them.

    Attributes:
        plan, dataset: what was varied, and on which data.
        choosing: the images on which everything is chosen: none of them is a test image.
        n_first: how many of them the baseline trains on, the first ones.
        final: the images of the networks at the end.
        split: the standardised images of a cut; they are made when first asked for, nothing is trained.
        search, fine_search: the coarse grid of each loss, and random configurations around the best of each grid.
        chosen: η, λ and batch size of each loss: those with the highest validation accuracy of all that was searched.
        chosen_loss: the loss of the configuration with the highest validation accuracy.
        ablation: the baseline, "+x" with one ingredient, "all" of them, and "-x" without one; one run per seed.
        chosen_mix: "all" or "-x": the mix of these with the highest mean validation accuracy.
        ensemble_members: networks of the baseline, enough for several ensembles.
        optimum: the minimum of the softmax's cost at the chosen λ.
        finals: the tested networks by loss and number of training images, such as "cross_entropy 49000".
    """

    plan: Plan
    dataset: Dataset = field(repr=False)
    choosing: Cut
    n_first: int
    final: Cut
    split: Callable[[Cut], Split] = field(repr=False)
    search: Sequence[StoredRun]
    fine_search: Sequence[StoredRun]
    chosen: Mapping[str, Choice]
    chosen_loss: str
    ablation: Mapping[str, Sequence[StoredRun]]
    chosen_mix: str
    ensemble_members: Sequence[StoredRun]
    optimum: StoredRun
    finals: Mapping[str, Sequence[StoredRun]]

    def final_runs(self, loss: str | None = None) -> Sequence[StoredRun]:
        """The final networks of a loss (the chosen one by default) on all the training images, one per seed."""
        return self.finals[final_name(loss or self.chosen_loss, len(self.final.train))]

    def document(self) -> dict[str, Any]:
        """All records as plain values, for ``ceiling.json``."""
        steps = {
            "search": self.search,
            "fine_search": self.fine_search,
            "ablation": [run for runs in self.ablation.values() for run in runs],
            "ensemble_members": self.ensemble_members,
            "optimum": [self.optimum],
            "finals": [run for runs in self.finals.values() for run in runs],
        }
        return {
            "format": FORMAT,
            "images": {
                "train": len(self.choosing.train),
                "validation": len(self.choosing.validation),
                "final": len(self.final.train),
            },
            "chosen": {loss: asdict(choice) for loss, choice in self.chosen.items()},
            "chosen_loss": self.chosen_loss,
            "chosen_mix": self.chosen_mix,
            **{step: [run.record for run in runs] for step, runs in steps.items()},
        }


def final_name(loss: str, n_train: int) -> str:
    """What the final networks of a loss and number of training images are called."""
    return f"{loss} {n_train}"


def right(model: Linear, images: Examples) -> np.ndarray:
    """Whether the model gives each image its class, bool (n,)."""
    return metrics.predicted(model, images[0]) == images[1]


def validation_accuracy(run: StoredRun) -> float:
    """Validation accuracy of the weights that a run returned, 0..1."""
    return float(run.record["validation_accuracy"][run.record["epoch"]])

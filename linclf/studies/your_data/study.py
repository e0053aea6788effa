"""The study of data of one's own: a network tuned on validation images, tested, and trained on fewer images beside."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from linclf.data.dataset import Dataset
from linclf.studies import metrics
from linclf.studies.splits import Cut, Split, split_rows
from linclf.studies.store import StoredRun
from linclf.studies.workspace import Job, Label, Workspace
from linclf.training.config import Config
from linclf.training.loop import Run
from linclf.training.sweep import NETWORKS_PER_TASK, stacks
from linclf.training.tasks import in_order

from .design import (
    DRAWS,
    LARGEST_STACK,
    SHARES,
    Choice,
    Plan,
    Size,
    is_imbalanced,
    largest_eigenvalue,
    recipe,
    search_size,
)
from .results import YourDataResults, validation_accuracy

_ROWS = 500  # images from which the largest eigenvalue is told


class YourDataStudy:
    """How well one linear layer tells the classes of a data set apart, and what limits it.

    Everything is chosen on validation images: those that the data brought, else the last training batch, a fifth. The
    chosen network is trained again on all the training images, and tested.

    Args:
        data, out_dir, progress, fresh: see :class:`linclf.studies.workspace.Workspace`.
        plan: fields of :class:`.design.Plan`: seeds, first_seed, epochs.

    Raises:
        ConfigError, DataError: at once, before anything is trained.
    """

    def __init__(
        self,
        data: str | Path | Dataset,
        out_dir: str | Path,
        *,
        progress: bool = True,
        fresh: bool = False,
        **plan: Any,
    ) -> None:
        self.plan = Plan(**plan)
        self.workspace = Workspace(data, out_dir, progress=progress, fresh=fresh)
        data = self.workspace.data
        n, given = sum(map(len, data.train_labels)), data.validation_labels is not None
        n_validation = 0 if given else len(data.train_labels[-1])
        # Too few batches are refused before anything runs.
        validation = split_rows("batch" if len(data.train_labels) < 2 else "full", data, n_validation).validation
        if not given:
            validation = range(n - n_validation, n)
        self.choosing = Cut(range(n - n_validation), validation)
        self.final = Cut(range(n), validation)

    def run(self) -> YourDataResults:
        """The results. Stacks not stored yet are trained, step by step, and stored as they finish."""
        data, split = self.workspace.data, cache(self.workspace.split)
        X = split(self.choosing).train[0]
        size = search_size(self.plan, len(X), X.shape[1], len(data.class_names), largest_eigenvalue(X[:_ROWS]))
        search = self._search(size)
        best = max(search, key=_merit).record
        chosen = Choice(best["loss"], best["learning_rate"], best["l2"])
        finals, balanced, curve = self._finals(chosen)
        return YourDataResults(
            plan=self.plan,
            dataset=data,
            choosing=self.choosing,
            final=self.final,
            split=split,
            size=size,
            search=search,
            chosen=chosen,
            finals=finals,
            balanced=balanced,
            curve=curve,
        )

    def _search(self, size: Size) -> list[StoredRun]:
        """One run per choice, all from the same seed."""
        configs = [recipe(choice, size.n_train, size.epochs, self.plan.first_seed) for choice in size.choices]
        weights = len(self.workspace.data.class_names) * self.workspace.data.test_images[0].size
        members = stacks(configs, max(1, min(NETWORKS_PER_TASK, int(LARGEST_STACK / weights))))
        jobs = [
            Job("your-data-search", self.choosing, [({}, configs[i]) for i in own], size.n_train) for own in members
        ]
        return in_order(members, enumerate(self.workspace.train(jobs, _untested, evaluate="validation")))

    def _finals(self, chosen: Choice) -> tuple[list[StoredRun], list[StoredRun], dict[int, list[StoredRun]]]:
        """The final networks, one per seed, with weights beside, and the learning curve; here the test images are used.

        Fewer images train for more epochs, by the root of the share, so that a short training is not what is measured.
        """
        n, epochs = len(self.final.train), self.plan.epochs
        jobs = [self._job(n, 0, recipe(chosen, n, epochs, seed)) for seed in self.plan.all_seeds]
        balanced = [replace(job, balanced=True) for job in jobs if is_imbalanced(self.workspace.data)]
        sizes: dict[int, list[Job]] = {}
        for part in SHARES:
            size = n // part
            if size >= 2 * len(self.workspace.data.class_names):
                longer = recipe(chosen, n, round(epochs * (n / size) ** 0.5), self.plan.first_seed)
                sizes[size] = [self._job(size, draw * size, longer) for draw in range(min(DRAWS, part))]
        fewer = [job for own in sizes.values() for job in own]
        self.workspace.train([*jobs, *balanced, *fewer], _tested, evaluate=False)
        return self._runs(jobs), self._runs(balanced), {n: self._runs(own) for n, own in sizes.items()}

    def _job(self, n_train: int, skip: int, config: Config) -> Job:
        return Job("your-data-final", self.final, [({"n_train": n_train}, config)], n_train, skip)

    def _runs(self, jobs: Sequence[Job]) -> list[StoredRun]:
        return [run for job in jobs for run in self.workspace.stored(job) or []]


def _merit(run: StoredRun) -> tuple[float, bool, float]:
    """Validation accuracy; of equals, cross-entropy, which gives probabilities, and the lowest validation loss."""
    record = run.record
    return validation_accuracy(run), record["loss"] == "cross_entropy", -float(record["validation_loss"])


def _untested(label: Label, run: Run, split: Split) -> StoredRun:
    """What is kept of a run of the search: how the validation images went, after the last epoch."""
    assert run.history is not None
    measured = {name: float(getattr(run.history, name)[-1]) for name in ("validation_loss", "validation_accuracy")}
    return StoredRun({**label, **asdict(run.config), **measured}, run.model)


def _tested(label: Label, run: Run, split: Split) -> StoredRun:
    """What is kept of a final network: its predictions of the test images, and how it does on all that it may learn."""
    predictions = metrics.predicted(run.model, split.test[0])
    accuracies = {
        "train_accuracy": metrics.accuracy(metrics.predicted(run.model, split.train[0]), split.train[1]),
        "test_accuracy": metrics.accuracy(predictions, split.test[1]),
    }
    return StoredRun(
        {**label, **asdict(run.config), "seconds": run.seconds, **accuracies}, run.model, predictions.astype(np.uint16)
    )

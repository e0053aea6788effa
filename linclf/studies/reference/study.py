"""The reference's study: its arms on one data set, trained where they are not stored yet, and what came of them."""

import json
import time
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from linclf.classifier.classifier import Classifier
from linclf.data.dataset import Dataset
from linclf.studies import metrics
from linclf.studies.gradient_check import exact_statements
from linclf.studies.results import FORMAT, Results, encode_correct
from linclf.studies.splits import Cut, Split, fit_standardizer, split_rows
from linclf.studies.store import Key, StoredRun
from linclf.studies.workspace import Job, Label, Workspace
from linclf.system.environment import environment
from linclf.system.files import write_text
from linclf.training.loop import Run, train
from linclf.training.losses import get_loss

from .design import ARMS, DRAW_SIZES, KEPT, Plan


class Study:
    """The arms of the reference on one data set.

    Args:
        data, out_dir, progress, fresh: see :class:`linclf.studies.workspace.Workspace`.
        plan: fields of :class:`.design.Plan`: seeds, first_seed, epochs, n_validation, lr_decay.

    Raises:
        ConfigError, DataError: at once, before anything is trained.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     study = Study("synthetic:50", folder, seeds=2, epochs=1, progress=False)
    ...     results = study.run("base", "svm")
    >>> results.curves("svm", 1, "test_accuracy").shape
    (2,)
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
        self._cut("batch")  # too few batches are refused before anything runs

    def run(self, *arms: str) -> Results:
        """The results of ``arms``. Stacks not stored yet are trained, as a sweep, and stored as they finish."""
        jobs = {job.name: job for arm in arms for job in self._jobs(arm)}
        self.workspace.train(list(jobs.values()), self._tested)
        return self.results(arms)

    def results(self, arms: Iterable[str] = tuple(ARMS)) -> Results:
        """What is stored of ``arms``; an arm of which any run is missing is left out. Nothing is trained."""
        data = self.workspace.data
        stored = {arm: runs for arm in arms if (runs := self._stored(arm))}
        document = {
            "format": FORMAT,
            "data": {
                **asdict(data.provenance),
                "class_names": list(data.class_names),
                "n_test": len(data.test_labels),
            },
            "environment": environment(),
            "plan": asdict(self.plan),
            "exact": exact_statements(data, self.plan.n_validation),
            "timings": self._timings(),
            "runs": [run.record for runs in stored.values() for run in runs],
        }
        return Results(document, data, stored)

    def classifier(self) -> Classifier | None:
        """The network to keep, with all that it takes to use it; None as long as it is not trained."""
        (arm, setting), data = KEPT, self.workspace.data
        for run in self._stored(arm):
            if (run.record["setting"], run.record["seed"]) == (setting, self.plan.first_seed):
                return Classifier.of(run.run, fit_standardizer(data, self._cut(ARMS[arm].split)), data)
        return None

    def time_shuffling(self) -> None:
        """Time the training of one network with and without shuffling, in alternation, once per seed; store each pair.

        The network is of setting 2. Evaluation is left out: it takes the same time in both.
        """
        self.workspace.store.renew(self._timings_key)
        timings = self._timings()
        if len(timings) == self.plan.seeds:
            return
        data = self.workspace.data
        split = self.workspace.split(self._cut("batch"))
        for seed in self.plan.all_seeds[len(timings) :]:
            pair: dict[str, float] = {"seed": seed}
            for arm in ("base", "shuffle") if seed % 2 else ("shuffle", "base"):
                config = self.plan.configs(arm, data)[2, seed]
                started = time.perf_counter()
                train(config, split.train, evaluate=False, progress=False)
                pair[arm] = time.perf_counter() - started
            timings.append(pair)
            write_text(self.workspace.store.path("json", self._timings_key), json.dumps(timings))

    def _cut(self, split: str) -> Cut:
        return split_rows(split, self.workspace.data, self.plan.n_validation)

    def _jobs(self, arm: str) -> list[Job]:
        """The stacks that hold the networks of an arm, and those of others with its mini-batches."""
        cut = self._cut(ARMS[arm].split)
        return [
            Job(
                "-".join(dict.fromkeys(arm for arm, _, _ in configs)) + f"-{min(seed for *_, seed in configs)}",
                cut,
                [({"arm": arm, "setting": setting}, config) for (arm, setting, _), config in configs.items()],
            )
            for configs in self.plan.stacks(arm, self.workspace.data)
        ]

    def _stored(self, arm: str) -> list[StoredRun]:
        """All runs of an arm, by setting and seed; none if any is missing."""
        runs: list[StoredRun] = []
        for job in self._jobs(arm):
            found = self.workspace.stored(job)
            if found is None:
                return []
            runs += (run for run in found if run.record["arm"] == arm)
        return sorted(runs, key=lambda run: (run.record["setting"], run.record["seed"]))

    def _tested(self, label: Label, run: Run, split: Split) -> StoredRun:
        """The run, tested: its record for ``results.json`` beside its model and predictions."""
        X, y = split.test
        scores = run.model.scores(X)
        predictions = scores.argmax(axis=0)
        losses = get_loss(run.config.loss).value(scores, y)
        assert run.history is not None
        history = {name: series.tolist() for name, series in asdict(run.history).items()}
        record = {
            **label,
            **asdict(run.config),
            "n_train": len(split.train[1]),
            "n_validation": len(split.validation[1]),
            "test_accuracy": metrics.accuracy(predictions, y),
            "seconds": run.seconds,
            **history,
            "low_frequency_share": metrics.low_frequency_share(run.model.W, self.workspace.data.test_images.shape[1:]),
            "test_correct": encode_correct(predictions == y),
            "test_draws_below": {
                str(size): metrics.share_of_draws_below(losses, history["train_loss"][-1], size)
                if size <= len(losses)
                else None
                for size in DRAW_SIZES
            },
        }
        return StoredRun(record, run.model, predictions.astype(np.uint16))

    @property
    def _timings_key(self) -> Key:
        """One per plan and data set, as with the runs."""
        data = self.workspace.data
        configs = self.plan.configs("shuffle", data).values()
        return self.workspace.key("timings", self._cut("batch"), networks=[asdict(config) for config in configs])

    def _timings(self) -> list[dict[str, Any]]:
        """What is stored of :meth:`time_shuffling`."""
        try:
            return json.loads(self.workspace.store.path("json", self._timings_key).read_text())
        except (OSError, ValueError):
            return []

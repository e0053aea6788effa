"""A study: the reference's arms on one data set, trained where they are not stored yet, and what came of them."""

import json
import time
from collections.abc import Iterable
from dataclasses import asdict
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np

from linclf.data.load import load_dataset
from linclf.data.standardize import Standardizer
from linclf.errors import ConfigError
from linclf.studies import gradient_check, metrics
from linclf.studies.report_folder import default_report_folder
from linclf.studies.results import Results, encode_correct
from linclf.studies.splits import Split, make_split, split_rows, split_sizes
from linclf.studies.store import Count, Key, Store, StoredRun, train_missing
from linclf.system.environment import available_memory, environment
from linclf.system.files import write_text
from linclf.training.config import Config
from linclf.training.loop import Run, train
from linclf.training.losses import LOSSES, get_loss
from linclf.training.model import Linear
from linclf.training.sweep import Task

from .design import ARMS, Plan

DRAW_SIZES = (1000, 5000)
"""Test images a draw in ``test_draws_below``: the sizes that claim 1.1g compares."""

Stacked = dict[tuple[int, int], Config]
"""The Config of each (setting, seed) of one stack."""


class Study:
    """The arms of the reference on one data set.

    Args:
        data: what ``load_dataset`` takes.
        out_dir: folder that keeps the finished runs, in ``runs/``; "auto" is what
            :func:`~linclf.studies.report_folder.default_report_folder` chooses, and ``kept`` then says where that is.
        progress: show a line while training.
        plan: fields of :class:`.design.Plan`: seeds, first_seed, epochs, n_validation, lr_decay.

    Raises:
        ConfigError, DataError: at once, before anything is trained.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     study = Study("synthetic:50", folder, seeds=2, epochs=1, progress=False)
    ...     results = study.run("base", "svm")
    >>> results.values("svm", 1, "test_accuracy").shape
    (2,)
    """

    def __init__(self, data: str | Path, out_dir: str | Path, *, progress: bool = True, **plan: Any) -> None:
        self.plan = Plan(**plan)
        self.source, self.started = data, time.monotonic()
        self.out_dir, self.kept = default_report_folder() if out_dir == "auto" else (Path(out_dir), "")
        self.data = load_dataset(data)
        split_sizes("batch", self.data, self.plan.n_validation)  # too few batches are refused before anything runs
        self.progress = progress
        self.store = Store.of_report(self.out_dir)

    def run(self, *arms: str) -> Results:
        """The results of ``arms``. Stacks not stored yet are trained, as a sweep, and stored as they finish."""
        self.train_missing(*arms)
        return self.results(arms)

    def train_missing(self, *arms: str) -> Count:
        """Train and store what is not stored yet of ``arms``; how many networks were, and how many had to be."""
        stacks = [(arm, configs) for arm in arms for configs in self.plan.stacks(arm, self.data)]
        split = cache(self._split)  # made for missing stacks only, once, and kept no longer than they train

        def task(i: int) -> Task:
            arm, configs = stacks[i]
            images = split(ARMS[arm].split)
            return Task(list(configs.values()), images.train, images.validation, len(self.data.class_names))

        def tested(i: int, runs: list[Run]) -> list[StoredRun]:
            arm, configs = stacks[i]
            images = split(ARMS[arm].split)
            return [self._tested(arm, setting, run, images) for (setting, _), run in zip(configs, runs, strict=True)]

        keys = [self._key(arm, configs) for arm, configs in stacks]
        return train_missing(self.store, keys, task, tested, progress=self.progress)

    def forget(self, *arms: str) -> None:
        """Let nothing be stored of ``arms``."""
        for arm in arms:
            for configs in self.plan.stacks(arm, self.data):
                self.store.forget(self._key(arm, configs))
        if "shuffle" in arms:
            self._timings_path.unlink(missing_ok=True)

    def results(self, arms: Iterable[str] = tuple(ARMS)) -> Results:
        """What is stored of ``arms``; an arm of which any run is missing is left out."""
        records = [run.record for arm in arms for run in self._finished(arm) or []]
        return Results(
            {
                "format": 1,
                "data": {
                    **asdict(self.data.provenance),
                    "class_names": list(self.data.class_names),
                    "n_test": len(self.data.test_labels),
                },
                "environment": environment(),
                "plan": asdict(self.plan),
                "exact": self.exact,
                "timings": self._stored_timings(),
                "runs": records,
            }
        )

    def models(self, arm: str, setting: int) -> list[Linear]:
        """The trained models of an arm and setting, one a seed."""
        return [run.model for run in self._of_setting(arm, setting)]

    def predictions(self, arm: str, setting: int) -> np.ndarray:
        """Predicted classes of the test images, (seeds, n_test)."""
        runs = self._of_setting(arm, setting)
        return np.stack([run.predictions for run in runs if run.predictions is not None])

    def time_shuffling(self, setting: int = 2) -> None:
        """Time the training of one network with and without shuffling, in alternation, once a seed, and store each.

        Evaluation is left out: it takes the same time in both.
        """
        timings = self._stored_timings()
        if len(timings) == self.plan.seeds:
            return
        split = self._split("batch")
        for seed in self.plan.all_seeds[len(timings) :]:
            pair: dict[str, float] = {"seed": seed}
            for arm in ("base", "shuffle") if seed % 2 else ("shuffle", "base"):
                config = self.plan.configs(arm, self.data)[setting, seed]
                started = time.perf_counter()
                train(config, split.train, evaluate=False, progress=False)
                pair[arm] = time.perf_counter() - started
            timings.append(pair)
            write_text(self._timings_path, json.dumps(timings))

    @cached_property
    def exact(self) -> dict[str, dict[str, float]]:
        """What the exact statements E1 to E3 are about, measured on this data."""
        n_classes = len(self.data.class_names)
        stride = max(1, self.data.test_images[0].size * n_classes // 300)  # about 300 weights to differentiate by
        few = slice(20)
        standardize = Standardizer.fit(self.data.train_images[0])
        X = standardize(self.data.train_images[0][few], np.float64)[:, ::stride]
        y = self.data.train_labels[0][few]
        errors = {loss: gradient_check.gradient_error(loss, X, y, n_classes) for loss in LOSSES}
        train, validation = split_rows("full", self.data, self.plan.n_validation)
        return {
            "E1": {"relative_error": errors["cross_entropy"]},
            "E2": {
                "relative_error": errors["multiclass_hinge"],
                "loss_at_zero": gradient_check.hinge_at_zero(X, y, n_classes),
            },
            "E3": {
                "n_train": len(train),
                "n_validation": len(validation),
                "in_both": len(set(train) & set(validation)),
            },
        }

    def _split(self, name: str) -> Split:
        train, validation = split_rows(name, self.data, self.plan.n_validation)
        return make_split(self.data, train, validation, lazily=self.short_of_memory)

    @cached_property
    def short_of_memory(self) -> bool:
        """Whether all images in float32 would take more than half of the memory that is free: then they stay uint8."""
        n = sum(map(len, self.data.train_labels)) + len(self.data.test_labels)
        return bool(4 * n * self.data.test_images[0].size > available_memory() / 2)

    def _tested(self, arm: str, setting: int, run: Run, split: Split) -> StoredRun:
        """The run, tested: its record for ``results.json`` beside its model and predictions."""
        X, y = split.test
        scores = run.model.scores(X)
        predictions = scores.argmax(axis=0)
        losses = get_loss(run.config.loss).value(scores, y)
        assert run.history is not None
        history = {name: series.tolist() for name, series in asdict(run.history).items()}
        record = {
            "arm": arm,
            "setting": setting,
            **asdict(run.config),
            "n_train": len(split.train[1]),
            "n_validation": len(split.validation[1]),
            "test_accuracy": metrics.accuracy(predictions, y),
            "seconds": run.seconds,
            **history,
            "sharpness": metrics.sharpness(run.model.W, self.image_shape),
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
    def image_shape(self) -> tuple[int, ...]:
        """(h, w, c) of the images, (d,) of feature vectors."""
        return self.data.test_images.shape[1:]

    def _key(self, arm: str, configs: Stacked) -> Key:
        """All that the runs of a stack depend on, but for the code."""
        return {
            "name": f"{arm}-{min(seed for _, seed in configs)}",
            "data": self.data.provenance.sha256,
            "dtype": "float32",
            "n_validation": self.plan.n_validation if ARMS[arm].split == "full" else None,
            "configs": [{"setting": setting, **asdict(config)} for (setting, _), config in configs.items()],
        }

    def _finished(self, arm: str) -> list[StoredRun] | None:
        """All runs of an arm, by setting and seed; None if any is missing."""
        stacks = [self.store.get(self._key(arm, configs)) for configs in self.plan.stacks(arm, self.data)]
        if None in stacks:
            return None
        runs = [run for stack in stacks for run in stack or []]
        return sorted(runs, key=lambda run: (run.record["setting"], run.record["seed"]))

    def _of_setting(self, arm: str, setting: int) -> list[StoredRun]:
        runs = self._finished(arm)
        if runs is None:
            raise ConfigError(f"no finished runs of arm {arm!r}: call run({arm!r}) first")
        return [run for run in runs if run.record["setting"] == setting]

    @property
    def _timings_path(self) -> Path:
        """One file a plan and data set, as with the runs."""
        configs = self.plan.configs("shuffle", self.data)
        return self.store.path("json", {**self._key("shuffle", configs), "name": "timings"})

    def _stored_timings(self) -> list[dict[str, Any]]:
        try:
            timings: list[dict[str, Any]] = json.loads(self._timings_path.read_text())
            return timings
        except (OSError, ValueError):
            return []

"""A study: the reference's arms on one data set, trained where they are not stored yet, and what came of them."""

import json
import time
from collections.abc import Iterable
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from . import checks, metrics
from .config import Config
from .datasets import load_dataset
from .environment import environment
from .errors import ConfigError
from .experiments import ARMS, Plan, Split, make_split, split_rows, split_sizes
from .files import write_text
from .losses import LOSSES, get_loss
from .model import Linear
from .preprocessing import Standardizer
from .results import Results, encode_correct
from .store import Store, StoredRun
from .training import Run, train

DRAW_SIZES = (1000, 5000)
"""Test images a draw in ``test_draws_below``: the sizes that claim 1.1g compares."""


class Study:
    """The arms of the reference on one data set.

    Args:
        data: what ``load_dataset`` takes.
        out_dir: folder that keeps the finished runs, in ``runs/``.
        progress: show a line while training.
        plan: fields of :class:`~linclf.experiments.Plan`: seeds, first_seed, epochs, n_validation, lr_decay.

    Raises:
        ConfigError, DataError: at once, before anything is trained.
    """

    def __init__(self, data: str | Path, out_dir: str | Path, *, progress: bool = True, **plan: Any) -> None:
        self.plan = Plan(**plan)
        self.source, self.out_dir, self.started = data, Path(out_dir), time.monotonic()
        self.data = load_dataset(data)
        for split in {arm.split for arm in ARMS.values()}:
            split_sizes(split, self.data, self.plan.n_validation)  # too few images are refused before anything runs
        self.progress = progress
        self.store = Store(self.out_dir / "runs")
        self._splits: dict[str, Split] = {}

    def run(self, *arms: str) -> Results:
        """The results of ``arms``. Runs not stored yet are trained, all of a split in one call, and stored."""
        missing: dict[str, list[tuple[str, int, Config]]] = {}
        for arm in arms:
            for (setting, _), config in self.plan.configs(arm, self.data).items():
                if self.store.get(self._key(arm, setting, config)) is None:
                    missing.setdefault(ARMS[arm].split, []).append((arm, setting, config))
        for name, wanted in missing.items():
            split = self._split(name)
            n_classes = len(self.data.class_names)
            runs = train(
                [config for *_, config in wanted],
                split.train,
                split.validation,
                n_classes=n_classes,
                progress=self.progress,
            )
            for (arm, setting, config), run in zip(wanted, runs, strict=True):
                self.store.put(self._key(arm, setting, config), self._tested(arm, setting, run, split))
        return self.results(arms)

    def results(self, arms: Iterable[str] = tuple(ARMS)) -> Results:
        """What is stored of ``arms``; an arm of which any run is missing is left out."""
        complete = [runs for runs in map(self._stored, arms) if None not in runs.values()]
        records = [run.record for runs in complete for run in runs.values() if run is not None]
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
        return [run.model for run in self._finished(arm, setting)]

    def predictions(self, arm: str, setting: int) -> np.ndarray:
        """Predicted classes of the test images, (seeds, n_test)."""
        return np.stack([run.predictions for run in self._finished(arm, setting)])

    def time_shuffling(self, setting: int = 2) -> None:
        """Time the training of one network with and without shuffling, in alternation, once a seed, and store it.

        Evaluation is left out: it takes the same time in both.
        """
        if self._stored_timings():
            return
        split = self._split("batch")
        timings = []
        for seed in self.plan.all_seeds:
            pair: dict[str, float] = {"seed": seed}
            for arm in ("base", "shuffle") if seed % 2 else ("shuffle", "base"):
                config = self.plan.configs(arm, self.data)[setting, seed]
                started = time.perf_counter()
                train(config, split.train, evaluate=False, progress=False)
                pair[arm] = time.perf_counter() - started
            timings.append(pair)
        write_text(self._timings_path, json.dumps(timings))

    @cached_property
    def exact(self) -> list[dict[str, Any]]:
        """The exact statements E1 to E3, each computed on this data: value, and whether it holds."""
        n_classes, stride = len(self.data.class_names), max(1, self.data.test_images[0].size // 30)
        few = slice(20)
        standardize = Standardizer.fit(self.data.train_images[0])
        X = standardize(self.data.train_images[0][few], np.float64)[:, ::stride]
        y = self.data.train_labels[0][few]
        errors = {loss: checks.gradient_error(loss, X, y, n_classes) for loss in LOSSES}
        at_zero = checks.hinge_at_zero(X, y, n_classes)
        rows = split_rows("full", self.data, self.plan.n_validation)
        sizes = [len(part) for part in rows]
        return [
            {"id": "E1", "value": errors["cross_entropy"], "holds": errors["cross_entropy"] < 1e-6},
            {
                "id": "E2",
                "value": errors["multiclass_hinge"],
                "at_zero": at_zero,
                "holds": errors["multiclass_hinge"] < 1e-6 and at_zero == n_classes - 1,
            },
            {
                "id": "E3",
                "value": sizes,
                "holds": sizes == [49_000, 1_000] and not set(rows[0]) & set(rows[1]),
            },
        ]

    def _split(self, name: str) -> Split:
        if name not in self._splits:
            self._splits[name] = make_split(name, self.data, self.plan.n_validation)
        return self._splits[name]

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
        """(h, w, c) of the images."""
        return self.data.test_images.shape[1:]

    def _key(self, arm: str, setting: int, config: Config) -> dict[str, Any]:
        """All that a run depends on, but for the code."""
        own = {"n_validation": self.plan.n_validation} if ARMS[arm].split == "full" else {}
        data = self.data.provenance.sha256
        return {"arm": arm, "setting": setting, "data": data, "dtype": "float32", **asdict(config), **own}

    def _stored(self, arm: str) -> dict[tuple[int, int], StoredRun | None]:
        configs = self.plan.configs(arm, self.data)
        return {(i, seed): self.store.get(self._key(arm, i, config)) for (i, seed), config in configs.items()}

    def _finished(self, arm: str, setting: int) -> list[StoredRun]:
        runs = [run for (i, _), run in self._stored(arm).items() if i == setting]
        if None in runs:
            raise ConfigError(f"no finished runs of arm {arm!r}, setting {setting}: call run({arm!r}) first")
        return [run for run in runs if run is not None]

    @property
    def _timings_path(self) -> Path:
        """One file a plan and data set, as with the runs."""
        config = self.plan.configs("shuffle", self.data)[2, self.plan.first_seed]
        return self.store.path("timings.json", {**self._key("shuffle", 2, config), "seeds": self.plan.seeds})

    def _stored_timings(self) -> list[dict[str, Any]]:
        try:
            timings: list[dict[str, Any]] = json.loads(self._timings_path.read_text())
            return timings
        except (OSError, ValueError):
            return []

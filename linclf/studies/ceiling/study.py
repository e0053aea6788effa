"""The study of the ceiling: what is trained, on which images, and what came of it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from linclf.data.standardize import LazyInputs
from linclf.errors import ConfigError
from linclf.studies.reference.study import Study
from linclf.studies.splits import Split, make_split, split_rows
from linclf.studies.store import Count, Key, StoredRun, train_missing
from linclf.training.config import Config
from linclf.training.loop import Run, Task
from linclf.training.sweep import stacks
from linclf.training.validate import Arrays, Examples

from .design import INGREDIENTS, LOSSES, SIZES, Choice, coarse, fine, recipe
from .optimum import softmax_optimum

EVERYTHING = frozenset(INGREDIENTS)
ENSEMBLES, MEMBERS = 5, 5
"""How many ensembles of the baseline, and of how many networks each."""


@dataclass(frozen=True)
class Trial:
    """A training of the first ``n_train`` images, called by what it tries."""

    name: str
    n_train: int
    config: Config


@dataclass(frozen=True)
class Cut:
    """Which of the training images, counted through all batches, train and which validate."""

    study: Study
    train: range
    validation: range

    @cached_property
    def split(self) -> Split:
        """These images, and the test images, standardised with the mean and deviation of those that train."""
        return make_split(self.study.data, self.train, self.validation, lazily=self.study.short_of_memory)

    def release(self) -> None:
        """Give the memory of :attr:`split` back, until it is asked for again."""
        vars(self).pop("split", None)


class Ceiling:
    """All trainings of the study; each step trains what is not stored yet when it is first asked for.

    Args:
        study: the data, and the store of finished runs.
        size: "full", or "reduced": a sketch on a tenth of the images, with a tenth of the trainings.
        fresh: train everything, also what is stored already.

    Raises:
        ConfigError: an unknown size.
    """

    def __init__(self, study: Study, size: str = "reduced", *, fresh: bool = False) -> None:
        if size not in SIZES:
            raise ConfigError(f"size must be one of {', '.join(SIZES)}, not {size!r}")
        self.study, self.name, self.size, self.fresh = study, size, SIZES[size], fresh
        self.n_classes, self.image_shape = len(study.data.class_names), study.image_shape
        self.count = Count(0, 0)
        n, (most_train, most_validation) = sum(map(len, study.data.train_labels)), self.size.most
        self.n_train, self.n_first = min(n - n // 10, most_train), min(n // 5, most_train // 5)
        # Everything is chosen on nine tenths of the training images, and the last tenth, which validates.
        self.choosing = Cut(study, range(self.n_train), range(n - n // 10, n)[:most_validation])
        # The chosen networks train on all but the images that the plan keeps for validation.
        train, validation = split_rows("full", study.data, study.plan.n_validation)
        self.final = Cut(study, train[:most_train], validation)

    def run(self) -> Count:
        """Train everything that is not stored yet; how many networks were stored, and how many had to be trained."""
        for cut, steps in ((self.choosing, ("ablation", "ensemble_members", "optimum")), (self.final, ("finals",))):
            for step in steps:
                getattr(self, step)
            cut.release()
        return self.count

    # What is trained.

    @cached_property
    def search(self) -> list[StoredRun]:
        """The coarse grid of each loss."""
        trials = [Trial("coarse", self.n_train, config) for config in coarse(self.size, self.image_shape)]
        return self._trained("search", trials, self.choosing)

    @cached_property
    def fine_search(self) -> list[StoredRun]:
        """Random configurations around the best of each grid."""
        best = {loss: _choice(_best(self.search, loss)) for loss in LOSSES}
        trials = [Trial("fine", self.n_train, config) for config in fine(best, self.size, self.image_shape)]
        return self._trained("fine", trials, self.choosing)

    @cached_property
    def chosen(self) -> dict[str, Choice]:
        """η, λ and batch size of each loss: those with the highest validation accuracy of all that was searched."""
        return {loss: _choice(_best(self.search + self.fine_search, loss)) for loss in LOSSES}

    @cached_property
    def chosen_loss(self) -> str:
        """The loss of the configuration with the highest validation accuracy."""
        return str(_best(self.search + self.fine_search)["loss"])

    @cached_property
    def ablation(self) -> dict[str, list[StoredRun]]:
        """The baseline, "+x" with one ingredient, "all" of them, and "-x" without one; a run a seed each."""
        mixes = {"base": frozenset[str]()} | {f"+{name}": frozenset([name]) for name in INGREDIENTS}
        mixes |= {"all": EVERYTHING} | {f"-{name}": EVERYTHING - {name} for name in INGREDIENTS}
        trials = [
            self._trial(name, mix, "cross_entropy", self.n_train if "data" in mix else self.n_first, seed)
            for name, mix in mixes.items()
            for seed in range(self.size.seeds)
        ]
        return _by_name(self._trained("ablation", trials, self.choosing))

    @property
    def chosen_mix(self) -> str:
        """ "all" ingredients, or all but one: the mix of ``ablation`` with the highest mean validation accuracy."""
        mixes = [name for name in self.ablation if name == "all" or name[0] == "-"]
        return max(mixes, key=lambda name: np.mean([accuracy(run) for run in self.ablation[name]]))

    @cached_property
    def ensemble_members(self) -> list[StoredRun]:
        """Networks of the baseline, enough for several ensembles."""
        seeds = range(ENSEMBLES * MEMBERS)
        trials = [self._trial("member", frozenset(), "cross_entropy", self.n_first, seed) for seed in seeds]
        return self._trained("members", trials, self.choosing)

    @cached_property
    def optimum(self) -> StoredRun:
        """The minimum of the softmax's cost at the chosen λ (or the least of the grid's above 0), without mirroring."""
        l2 = self.chosen["cross_entropy"].l2 or 1e-4  # without a penalty there need not be a minimum
        key = self._key("optimum", [], self.choosing) | {"l2": l2, "iterations": self.size.iterations}
        found = None if self.fresh else self.study.store.get(key)
        if found is None:
            iterations = self.size.iterations
            model, cost, converged = softmax_optimum(self.choosing.split.train, self.n_classes, l2, iterations)
            found = [StoredRun({"name": "optimum", "l2": l2, "cost": cost, "converged": converged}, model)]
            self.study.store.put(key, found)
        return found[0]

    @cached_property
    def finals(self) -> dict[str, list[StoredRun]]:
        """The chosen mix for each loss, and on fewer images for the chosen loss; here the test images are used.

        Called by loss and number of training images. Fewer images train for more epochs, by the root of the share, so
        that a short training is not what is measured.
        """
        n, mix = len(self.final.train), EVERYTHING - {self.chosen_mix.removeprefix("-")}
        sizes = {loss: [n] for loss in LOSSES} | {
            self.chosen_loss: [*(round(share * n) for share in self.size.curve), n]
        }
        trials = []
        for loss, counts in sizes.items():
            for m in counts:
                for seed in range(self.size.seeds):
                    trial = self._trial(f"{loss} {m}", mix, loss, m, seed)
                    trials.append(Trial(trial.name, m, _longer(trial.config, (n / m) ** 0.5)))
        return _by_name(self._trained("finals", trials, self.final, tested=True))

    def _trial(self, name: str, mix: frozenset[str], loss: str, n_train: int, seed: int) -> Trial:
        return Trial(name, n_train, recipe(mix, loss, self.chosen[loss], self.size, self.image_shape, seed))

    # How it is trained.

    def _trained(self, step: str, trials: Sequence[Trial], cut: Cut, tested: bool = False) -> list[StoredRun]:
        """A finished run a trial, in their order."""
        members = [
            [own[i] for i in stack]
            for own in _positions([trial.n_train for trial in trials]).values()
            for stack in stacks([trials[i].config for i in own])
        ]
        keys = [self._key(step, [trials[i] for i in own], cut) for own in members]

        def task(i: int) -> Task:
            own = [trials[j] for j in members[i]]
            train = first(cut.split.train, own[0].n_train)
            return Task([trial.config for trial in own], train, cut.split.validation, self.n_classes, "validation")

        def finish(i: int, runs: list[Run]) -> list[StoredRun]:
            return [
                _record(trials[j], run, cut.split.test if tested else None)
                for j, run in zip(members[i], runs, strict=True)
            ]

        for key in keys if self.fresh else ():
            self.study.store.forget(key)
        count = train_missing(self.study.store, keys, task, finish, progress=self.study.progress)
        self.count += count
        found: dict[int, StoredRun] = {}
        for own, key in zip(members, keys, strict=True):
            found.update(zip(own, self.study.store.get(key) or [], strict=True))
        return [found[i] for i in range(len(trials))]

    def _key(self, step: str, trials: Sequence[Trial], cut: Cut) -> Key:
        """All that the runs of a stack depend on, but for the code."""
        return {
            "name": f"ceiling-{step}",
            "data": self.study.data.provenance.sha256,
            "dtype": "float32",
            "rows": [str(cut.train), str(cut.validation)],
            "trials": [asdict(trial) for trial in trials],
        }

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
            "format": 1,
            "size": self.name,
            "images": {
                "train": self.n_train,
                "validation": len(self.choosing.validation),
                "final": len(self.final.train),
            },
            "chosen": {loss: asdict(choice) for loss, choice in self.chosen.items()},
            "chosen_loss": self.chosen_loss,
            "chosen_mix": self.chosen_mix,
            **{step: [run.record for run in runs] for step, runs in steps.items()},
        }


def first(images: Examples, n: int) -> Examples:
    """The first n images of a set, as views."""
    X, y = images
    return replace(X, images=X.images[:n]) if isinstance(X, LazyInputs) else X[:n], y[:n]


def _longer(config: Config, factor: float) -> Config:
    """The config with ``factor`` times the epochs, its decay stretched alike."""
    stretched = {name: max(1, round(factor * getattr(config, name))) for name in ("epochs", "lr_decay_every")}
    return replace(config, **stretched)


def _record(trial: Trial, run: Run, test: Arrays | None) -> StoredRun:
    """What is kept of a finished run; predictions only where the test images may be looked at."""
    assert run.history is not None
    record = {"name": trial.name, "n_train": trial.n_train, **asdict(run.config), "seconds": run.seconds}
    loss, accuracy = run.history.validation_loss, run.history.validation_accuracy
    epoch = int(loss.argmin()) if run.config.restore_best else len(loss) - 1
    record |= {"validation_loss": loss.tolist(), "validation_accuracy": accuracy.tolist(), "epoch": epoch}
    if test is None:
        return StoredRun(record, run.model)
    predictions = run.model.predict(test[0])
    record["test_accuracy"] = float(np.mean(predictions == test[1]))
    return StoredRun(record, run.model, predictions.astype(np.uint16))


def accuracy(run: StoredRun) -> float:
    """Validation accuracy of the weights that a run returned, 0..1."""
    return float(run.record["validation_accuracy"][run.record["epoch"]])


def _best(runs: Sequence[StoredRun], loss: str | None = None) -> dict[str, Any]:
    """The record with the highest validation accuracy, the first of equals."""
    return max((run for run in runs if loss in (None, run.record["loss"])), key=accuracy).record


def _choice(record: dict[str, Any]) -> Choice:
    return Choice(record["learning_rate"], record["l2"], record["batch_size"])


def _positions(values: Sequence[int]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for i, value in enumerate(values):
        found.setdefault(value, []).append(i)
    return found


def _by_name(runs: Sequence[StoredRun]) -> dict[str, list[StoredRun]]:
    found: dict[str, list[StoredRun]] = {}
    for run in runs:
        found.setdefault(run.record["name"], []).append(run)
    return found

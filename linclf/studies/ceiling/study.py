"""The study of the ceiling: it trains step by step what is not stored yet, each step on what the last one chose."""

from collections.abc import Collection, Sequence
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
from linclf.training.sweep import stacks
from linclf.training.tasks import in_order

from .design import ENSEMBLES, EVERYTHING, INGREDIENTS, LOSSES, MEMBERS, Choice, Plan, coarse, fine, recipe
from .optimum import softmax_optimum
from .results import CeilingResults, final_name, validation_accuracy

Trial = tuple[str, int, Config]
"""What a training is called, on how many of the first images it is, and its Config."""


class CeilingStudy:
    """How far one linear layer goes on one data set.

    Args:
        data, out_dir, progress, fresh: see :class:`linclf.studies.workspace.Workspace`.
        plan: fields of :class:`.design.Plan`: n_validation, and size in tests.

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
        self.size = self.plan.size
        self.workspace = Workspace(data, out_dir, progress=progress, fresh=fresh)
        data = self.workspace.data
        self.image_shape = data.test_images.shape[1:]
        n = sum(map(len, data.train_labels))
        # The chosen networks train on all but the images that the plan keeps for validation, or that the data brought.
        self.final = split_rows("full", data, self.plan.n_validation)
        # Everything is chosen on nine tenths of the training images, and the last tenth, which validates unless the
        # data brought others.
        n_validation = max(1, n // 10)
        self.choosing = Cut(range(n - n_validation), range(n - n_validation, n))
        if data.validation_labels is not None:
            self.choosing = self.final
        self.n_train, self.n_first = len(self.choosing.train), max(1, n // 5)

    def run(self) -> CeilingResults:
        """The results. Stacks not stored yet are trained, step by step, and stored as they finish."""
        search = self._searched("coarse", coarse(self.size, self.image_shape))
        best = {loss: _choice(_best(search, loss)) for loss in LOSSES}
        fine_search = self._searched("fine", fine(best, self.size, self.image_shape))
        searched = [*search, *fine_search]
        chosen = {loss: _choice(_best(searched, loss)) for loss in LOSSES}
        chosen_loss = str(_best(searched)["loss"])
        ablation = self._ablation(chosen)
        mixes = [name for name in ablation if name == "all" or name[0] == "-"]
        chosen_mix = max(mixes, key=lambda name: np.mean([validation_accuracy(run) for run in ablation[name]]))
        return CeilingResults(
            plan=self.plan,
            dataset=self.workspace.data,
            choosing=self.choosing,
            n_first=self.n_first,
            final=self.final,
            split=cache(self.workspace.split),
            search=search,
            fine_search=fine_search,
            chosen=chosen,
            chosen_loss=chosen_loss,
            ablation=ablation,
            chosen_mix=chosen_mix,
            ensemble_members=self._ensemble_members(chosen),
            optimum=self._optimum(chosen),
            finals=self._finals(chosen, chosen_loss, chosen_mix),
        )

    # The steps.

    def _searched(self, name: str, configs: Sequence[Config]) -> list[StoredRun]:
        return self._trained("search", [(name, self.n_train, config) for config in configs])

    def _ablation(self, chosen: dict[str, Choice]) -> dict[str, list[StoredRun]]:
        mixes = {"base": frozenset[str]()} | {f"+{name}": frozenset([name]) for name in INGREDIENTS}
        mixes |= {"all": EVERYTHING} | {f"-{name}": EVERYTHING - {name} for name in INGREDIENTS}
        trials = []
        for name, mix in mixes.items():
            n_train = self.n_train if "data" in mix else self.n_first
            for seed in range(self.size.seeds):
                trials.append((name, n_train, self._recipe(mix, "cross_entropy", chosen, seed)))
        return _by_name(self._trained("ablation", trials))

    def _ensemble_members(self, chosen: dict[str, Choice]) -> list[StoredRun]:
        configs = [self._recipe((), "cross_entropy", chosen, seed) for seed in range(ENSEMBLES * MEMBERS)]
        return self._trained("members", [("member", self.n_first, config) for config in configs])

    def _optimum(self, chosen: dict[str, Choice]) -> StoredRun:
        """The minimum of the softmax's cost at the chosen λ (or the smallest of the grid's above 0), no mirroring."""
        l2 = chosen["cross_entropy"].l2 or 1e-4  # without a penalty there need not be a minimum
        iterations, store = self.size.iterations, self.workspace.store
        key = self.workspace.key("ceiling-optimum", self.choosing, l2=l2, iterations=iterations)
        store.renew(key)
        found = store.get(key)
        if found is None:
            train, n_classes = self.workspace.split(self.choosing).train, len(self.workspace.data.class_names)
            model, cost, converged = softmax_optimum(train, n_classes, l2, iterations)
            found = [StoredRun({"name": "optimum", "l2": l2, "cost": cost, "converged": converged}, model)]
            store.put(key, found)
        return found[0]

    def _finals(self, chosen: dict[str, Choice], chosen_loss: str, chosen_mix: str) -> dict[str, list[StoredRun]]:
        """The chosen mix for each loss, and on fewer images for the chosen loss; here the test images are used.

        Fewer images train for more epochs, by the root of the share, so that a short training is not what is measured.
        Shares of fewer images than classes are left out.
        """
        n, mix = len(self.final.train), EVERYTHING - {chosen_mix.removeprefix("-")}
        trials = []
        for loss in LOSSES:
            fewer = {round(share * n) for share in self.size.curve} if loss == chosen_loss else set()
            for n_train in [*sorted(m for m in fewer if n > m >= len(self.workspace.data.class_names)), n]:
                for seed in range(self.size.seeds):
                    config = _longer(self._recipe(mix, loss, chosen, seed), (n / n_train) ** 0.5)
                    trials.append((final_name(loss, n_train), n_train, config))
        return _by_name(self._trained("finals", trials, tested=True))

    def _recipe(self, mix: Collection[str], loss: str, chosen: dict[str, Choice], seed: int) -> Config:
        return recipe(mix, loss, chosen[loss], self.size, self.image_shape, seed)

    def _trained(self, step: str, trials: Sequence[Trial], *, tested: bool = False) -> list[StoredRun]:
        """One finished run per trial, in their order."""
        by_size: dict[int, list[int]] = {}
        for i, (_, n_train, _) in enumerate(trials):
            by_size.setdefault(n_train, []).append(i)
        members = [[own[i] for i in stack] for own in by_size.values() for stack in stacks([trials[i][2] for i in own])]
        cut, finish = (self.final, _tested) if tested else (self.choosing, _untested)
        jobs = []
        for own in members:
            networks = [({"name": trials[i][0], "n_train": trials[i][1]}, trials[i][2]) for i in own]
            jobs.append(Job(f"ceiling-{step}", cut, networks, trials[own[0]][1]))
        return in_order(members, enumerate(self.workspace.train(jobs, finish, evaluate="validation")))


def _longer(config: Config, factor: float) -> Config:
    """The config with ``factor`` times the epochs, its decay stretched alike."""
    stretched = {name: max(1, round(factor * getattr(config, name))) for name in ("epochs", "lr_decay_every")}
    return replace(config, **stretched)


def _untested(label: Label, run: Run, split: Split) -> StoredRun:
    """What is kept of a finished run while the test images may not be looked at."""
    assert run.history is not None
    record = {**label, **asdict(run.config), "seconds": run.seconds}
    loss, accuracy = run.history.validation_loss, run.history.validation_accuracy
    epoch = int(loss.argmin()) if run.config.restore_best else len(loss) - 1
    record |= {"validation_loss": loss.tolist(), "validation_accuracy": accuracy.tolist(), "epoch": epoch}
    return StoredRun(record, run.model)


def _tested(label: Label, run: Run, split: Split) -> StoredRun:
    """The same, with the predictions of the test images."""
    X, y = split.test
    predictions = run.model.predict(X)
    record = _untested(label, run, split).record | {"test_accuracy": metrics.accuracy(predictions, y)}
    return StoredRun(record, run.model, predictions.astype(np.uint16))


def _best(runs: Sequence[StoredRun], loss: str | None = None) -> dict[str, Any]:
    """The record with the highest validation accuracy, the first of equals."""
    return max((run for run in runs if loss in (None, run.record["loss"])), key=validation_accuracy).record


def _choice(record: dict[str, Any]) -> Choice:
    return Choice(record["learning_rate"], record["l2"], record["batch_size"])


def _by_name(runs: Sequence[StoredRun]) -> dict[str, list[StoredRun]]:
    found: dict[str, list[StoredRun]] = {}
    for run in runs:
        found.setdefault(run.record["name"], []).append(run)
    return found

"""The reference's experiment: its settings and arms, what a user may vary, the study, and its exact statements.

A section of the report is one or two arms. An arm runs every setting for every seed; the same seed gives the same
initial weights in every arm, so differences between arms are paired by seed.
"""

import hashlib
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import cache, partial
from typing import Any

import numpy as np

from linclf.classifier.classifier import Classifier
from linclf.data.dataset import CIFAR10, N_VALIDATION, Dataset
from linclf.data.inputs import Standardizer
from linclf.data.surrogate import EMBEDDED, draw_embedded
from linclf.errors import ConfigError
from linclf.system.environment import environment
from linclf.training import Config, Linear, Loss, Run, get_loss
from linclf.training.loop import batch_key
from linclf.training.train import train

from . import metrics, results
from .results import Results
from .store import Key, StoredRun
from .study import Cut, Label, Plan, Split, Study, StudyTask, check_whole, fit_standardizer, split_rows

SETTINGS = {1: (0.0, 0.1), 2: (0.0, 0.001), 3: (0.1, 0.001), 4: (1.0, 0.001)}
"""(λ, η) of each setting, as the reference prints them."""

BATCH_SIZE = 100

DRAW_SIZES = (1000, 5000)
"""Test images per draw in ``test_draws_below``: the sizes that claim 1.1g compares."""

NETWORKS_PER_STACK = 24
"""Networks that train as one stack at most: with 8 the matrix products run 1.4 times as fast as with 4, with 24 nearly
twice; and enough stacks are left to keep every core busy."""


@dataclass(frozen=True)
class Arm:
    """One variation of the experiment.

    Attributes:
        title: what a legend calls it.
        split: "batch" (trained on training batch 1, validated on batch 2) or "full" (all training images but the last
            n_validation, which validate).
        loss, decays, shuffle: of its Config; ``decays`` says whether the plan's ``lr_decay`` holds.
        equal_updates: train for as many updates as the base arm makes, not for as many epochs.
    """

    title: str
    split: str
    loss: str = "cross_entropy"
    decays: bool = False
    shuffle: bool = False
    equal_updates: bool = False


ARMS = {
    "base": Arm("baseline", "batch"),
    "full": Arm("all batches", "full"),
    "full_updates": Arm("all batches, equal updates", "full", equal_updates=True),
    "decay": Arm("learning-rate decay", "batch", decays=True),
    "decay_full": Arm("learning-rate decay, all batches", "full", decays=True),
    "shuffle": Arm("shuffled", "batch", shuffle=True),
    "shuffle_full": Arm("shuffled, all batches", "full", shuffle=True),
    "svm": Arm("SVM", "batch", loss="multiclass_hinge"),
    "svm_full": Arm("SVM, all batches", "full", loss="multiclass_hinge"),
}


KEPT = "full", 3
"""The arm and the setting of the network that a report leaves behind, as ``model.npz``: the reference's with the most
images, and the setting that it finds best."""


def title(arm: str) -> str:
    """What a page calls an arm; unknown arms keep their name."""
    return ARMS[arm].title if arm in ARMS else arm


SECTIONS = {
    "abstract": ("base",),
    "1.1": ("base", "full", "full_updates"),
    "1.2": ("base", "decay", "full", "decay_full"),
    "1.3": ("base", "shuffle", "full", "shuffle_full"),
    "2": ("base", "svm", "full", "svm_full"),
    "3": (),
}
"""The arms that each section of the reference compares. Section 3 goes beyond it, with a study of its own."""


@dataclass(frozen=True, kw_only=True)
class ReferencePlan(Plan):
    """The parameters of the reference's study.

    Attributes:
        n_validation: images that the full split keeps for validation; at most a fifth of all there are.
        lr_decay: factor on the learning rate after each epoch, in the arms with decay.
    """

    n_validation: int = N_VALIDATION
    lr_decay: float = 0.9

    def __post_init__(self) -> None:
        super().__post_init__()
        check_whole("n_validation", self.n_validation, 1, 10**9)
        if not (isinstance(self.lr_decay, int | float) and 0 < self.lr_decay <= 1):
            raise ConfigError(f"lr_decay must be a number above 0 and at most 1, not {self.lr_decay!r}")

    def configs(self, arm: str, data: Dataset) -> dict[tuple[int, int], Config]:
        """The Config of each (setting, seed) of an arm.

        >>> from linclf import load_dataset
        >>> config = ReferencePlan(seeds=2).configs("decay", load_dataset("synthetic:50"))[4, 1]
        >>> config.l2, config.lr_decay, config.seed
        (1.0, 0.9, 1)
        """
        varied, epochs, batch_size = ARMS[arm], self.epochs, BATCH_SIZE
        if varied.equal_updates:
            # As many whole epochs as fit, and a batch size that makes the number of updates come out: on CIFAR-10
            # 4,000 updates are 8 epochs of 500 batches of 98.
            updates = self.epochs * -(-len(data.train_labels[0]) // BATCH_SIZE)
            n = len(split_rows(varied.split, data, self.n_validation).train)
            epochs = max(1, updates * BATCH_SIZE // n)
            batch_size = -(-n * epochs // updates)
        options: dict[str, Any] = {"loss": varied.loss, "shuffle": varied.shuffle}
        options |= {"epochs": epochs, "batch_size": batch_size, "lr_decay": self.lr_decay if varied.decays else 1.0}
        return {
            (setting, seed): Config(learning_rate=learning_rate, l2=l2, seed=seed, **options)
            for setting, (l2, learning_rate) in SETTINGS.items()
            for seed in self.all_seeds
        }


class ReferenceStudy(Study):
    """The arms of the reference on one data set.

    Arguments, attributes and errors are those of :class:`linclf.studies.study.Study`; the plan's fields are seeds,
    first_seed, epochs, n_validation and lr_decay.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     study = ReferenceStudy("synthetic:50", folder, seeds=2, epochs=1, progress=False)
    ...     results = study.run("base", "svm")
    >>> results.curves("svm", 1, "test_accuracy").shape
    (2,)
    """

    plan_class = ReferencePlan
    plan: ReferencePlan

    def prepare(self) -> None:
        """Too few batches are refused here."""
        self.cut = self._cut("batch")
        self._held_out = cache(partial(self.standardized, self._cut("full").validation))

    def run(self, *arms: str) -> Results:
        """The results of ``arms``. Stacks not stored yet are trained, as a sweep, and stored as they finish."""
        tasks = {task.name: task for arm in arms for task in self._tasks(arm)}
        self.train(list(tasks.values()))
        return self.results(arms)

    def results(self, arms: Iterable[str] = tuple(ARMS)) -> Results:
        """The stored results of ``arms``, without training; an arm of which any run is missing is left out."""
        data = self.data
        stored = {arm: runs for arm in arms if (runs := self._stored(arm))}
        about = {"class_names": list(data.class_names), "n_test": len(data.test_labels)}
        document = {
            "format": results.FORMAT,
            "data": {**asdict(data.provenance), **about},
            "environment": environment(),
            "plan": asdict(self.plan),
            "exact": self._exact(),
            "timings": self._timings(),
            "runs": [run.record for runs in stored.values() for run in runs],
        }
        return Results(document, data, stored, cache(self.split))

    def classifier(self) -> Classifier | None:
        """The network to keep, with all that it takes to use it; None as long as it is not trained."""
        arm, setting = KEPT
        for run in self._stored(arm):
            if (run.record["setting"], run.record["seed"]) == (setting, self.plan.first_seed):
                standardizer = fit_standardizer(self.data, self._cut(ARMS[arm].split))
                return Classifier.of(run.run, standardizer, self.data)
        return None

    def time_shuffling(self) -> None:
        """Time the training of one network with and without shuffling, in alternation, once per seed; store each pair.

        The network is of setting 2. Evaluation is left out: it takes the same time in both.
        """
        timings = self._timings()
        if len(timings) == self.plan.seeds:
            return
        images = self.split().train
        for seed in self.plan.all_seeds[len(timings) :]:
            pair: dict[str, float] = {"seed": seed}
            for arm in ("base", "shuffle") if seed % 2 else ("shuffle", "base"):
                config = self.plan.configs(arm, self.data)[2, seed]
                started = time.perf_counter()
                train(config, images, evaluate=False, progress=False)
                pair[arm] = time.perf_counter() - started
            timings.append(pair)
            self.store.put_values(self._timings_key, timings)

    def finish(self, task: StudyTask, label: Label, run: Run, split: Split) -> StoredRun:
        """The run, tested: its record for ``results.json`` beside its model and predictions."""
        loss, (X, y) = get_loss(run.config.loss), split.test
        scores = run.model.scores(X)
        losses, predictions = loss.value(scores, y), scores.argmax(axis=0)
        assert run.history is not None
        measured: dict[str, Any] = {"n_train": len(split.train[1]), "n_validation": len(split.validation[1])}
        measured |= {name: series.tolist() for name, series in asdict(run.history).items()}
        measured["low_frequency_share"] = metrics.low_frequency_share(run.model.W, self.data.test_images.shape[1:])
        measured["test_correct"] = results.encode_correct(predictions == y)
        threshold = measured["train_loss"][-1]
        draws = {str(size): metrics.share_of_draws_below(losses, threshold, size) for size in DRAW_SIZES}
        measured["test_draws_below"] = draws
        if label["arm"] in results.HELD_OUT:
            images, labels = self._held_out(task.cut)
            measured["held_out_loss"] = results.encode_losses(loss.value(run.model.scores(images), labels))
        return StoredRun.tested(label, run, predictions, y, **measured)

    def _key(self, task: StudyTask) -> Key:
        """Also, which images are held out, where their losses are kept."""
        kept = any(label["arm"] in results.HELD_OUT for label, _ in task.networks)
        held_out = str(self._cut("full").validation) if kept else None
        return super()._key(task) | {"held_out": held_out}

    def _cut(self, split: str) -> Cut:
        return split_rows(split, self.data, self.plan.n_validation)

    def _tasks(self, arm: str) -> list[StudyTask]:
        """The stacks of the networks that see the mini-batches of ``arm``, also those of other arms.

        Rounding depends on what trains together, so the stacks depend on the plan alone, not on what is asked for or
        stored.
        """
        plan = self.plan
        first = {name: plan.configs(name, self.data)[1, plan.first_seed] for name in ARMS}
        batches = {name: (ARMS[name].split, batch_key(first[name])) for name in ARMS}
        together = [name for name in ARMS if batches[name] == batches[arm]]
        networks = [
            ({"arm": name, "setting": setting}, config)
            for name in together
            for (setting, _), config in plan.configs(name, self.data).items()
        ]
        width = 1 if ARMS[arm].shuffle else NETWORKS_PER_STACK // (len(together) * len(SETTINGS))  # in seeds
        cut, tasks = self._cut(ARMS[arm].split), []
        for i in range(0, plan.seeds, width):
            seeds = plan.all_seeds[i : i + width]
            members = [(label, config) for label, config in networks if config.seed in seeds]
            tasks.append(StudyTask("-".join([*together, str(seeds[0])]), cut, members, tested=True))
        return tasks

    def _stored(self, arm: str) -> list[StoredRun]:
        """All runs of an arm, by setting and seed; none if any is missing."""
        stored = [self.stored(task) for task in self._tasks(arm)]
        if None in stored:
            return []
        runs = [run for stack in stored for run in stack or () if run.record["arm"] == arm]
        return sorted(runs, key=lambda run: (run.record["setting"], run.record["seed"]))

    @property
    def _timings_key(self) -> Key:
        """One per plan and data set, as with the runs."""
        configs = self.plan.configs("shuffle", self.data).values()
        return self.key("timings", self.cut, networks=[asdict(config) for config in configs])

    def _timings(self) -> list[dict[str, Any]]:
        """The stored results of :meth:`time_shuffling`."""
        return self.store.get_values(self._timings_key) or []

    def _exact(self) -> dict[str, dict[str, float]]:
        """:func:`exact_statements`, stored, since every page asks for them."""
        key = self.key("exact", self._cut("full"))
        exact = self.store.get_values(key)
        if exact is None:
            exact = exact_statements(self.data, self.plan.n_validation)
            self.store.put_values(key, exact)
        return exact


_STEP = 1e-5  # of the central differences, in float64
_SCORES = 40_000  # of each image in these differences, at most: memory for 400 entries of the gradient at 100 classes


def gradient_error(
    loss: str, X: np.ndarray, y: np.ndarray, n_classes: int, l2: float = 0.1, sample_weight: np.ndarray | None = None
) -> float:
    """Maximum relative error of the gradient that training descends against central differences of its cost.

    Both come out of ``train`` itself: one step with η = 1 on all images moves a model by minus its gradient, and the
    cost before training (epochs = 0) of models with one entry moved by ±h gives the differences
    (cost(+h) - cost(-h)) / 2h, all in one stack; of more than 40,000 / C entries, so many are drawn. Relative error of
    an entry: |a - n| / max(|a| + |n|, m / 1000) with m the maximum of |a|: entries of about 0 are all rounding.

    Args:
        loss: its name.
        X: inputs (n, d), taken in float64; keep d small. Images near a kink of the loss are left out.
        y: labels (n,).
        n_classes: C.
        l2: λ.
        sample_weight: weights of the images, (n,), as in ``train``.

    >>> X, y = np.random.default_rng(0).normal(size=(8, 3)), np.arange(8) % 2
    >>> gradient_error("cross_entropy", X, y, n_classes=2) < 1e-6
    True
    """
    X = X.astype(np.float64)
    model = Linear.initial(n_classes, X.shape[1], seed=0)
    if get_loss(loss).kinks:
        smooth = _is_smooth(get_loss(loss), model.scores(X), y)
        X, y = X[smooth], y[smooth]
        sample_weight = None if sample_weight is None else sample_weight[smooth]

    config = Config(loss=loss, learning_rate=1.0, l2=l2, epochs=1, batch_size=len(X))
    (run,) = train(config, (X, y), sample_weight=sample_weight, init=[model], evaluate=False, progress=False)
    analytic = np.concatenate([(model.W - run.model.W).ravel(), model.b - run.model.b])

    entries = np.concatenate([model.W.ravel(), model.b])
    drawn = np.random.default_rng(0).permutation(len(entries))[: _SCORES // n_classes + 1]
    moves = np.zeros((len(drawn), len(entries)))
    moves[np.arange(len(drawn)), drawn] = _STEP
    moved = np.concatenate([entries + moves, entries - moves])
    init = [Linear(row[: model.W.size].reshape(model.W.shape), row[model.W.size :]) for row in moved]
    config = Config(loss=loss, learning_rate=1.0, l2=l2, epochs=0)
    runs = train([config] * len(init), (X, y), sample_weight=sample_weight, init=init, progress=False)
    costs = [run.history.train_cost[0] for run in runs if run.history]
    up, down = np.split(np.array(costs), 2)
    numeric = (up - down) / (2 * _STEP)
    floor, analytic = np.abs(analytic).max() / 1000, analytic[drawn]
    return float(np.max(np.abs(analytic - numeric) / np.maximum(np.abs(analytic) + np.abs(numeric), floor)))


def exact_statements(data: Dataset, n_validation: int) -> dict[str, dict[str, float]]:
    """Measure what the exact statements E1 to E3 are about, on this data; under a second.

    E1 and E2: :func:`gradient_error` of the two losses, and the mean multi-class hinge at W = 0, b = 0, C - 1 whatever
    the images. E3: the sizes of the full split and how many images train and validate both.
    """
    n_classes, images = len(data.class_names), data.train_images[0]
    stride = max(1, images[0].size * n_classes // 300)  # about 300 weights to differentiate by
    X, y = Standardizer.fit(images)(images[:20], np.float64)[:, ::stride], data.train_labels[0][:20]
    errors = {loss: gradient_error(loss, X, y, n_classes) for loss in ("cross_entropy", "multiclass_hinge")}
    at_zero = get_loss("multiclass_hinge").value(np.zeros((n_classes, len(y))), y)
    train, validation = split_rows("full", data, n_validation)
    return {
        "E1": {"relative_error": errors["cross_entropy"]},
        "E2": {"relative_error": errors["multiclass_hinge"], "loss_at_zero": float(at_zero.mean())},
        "E3": {"n_train": len(train), "n_validation": len(validation), "in_both": len(set(train) & set(validation))},
    }


def _is_smooth(loss: Loss, S: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Whether the gradient of an image's loss does not jump where one of its scores is moved by 1e-3, (n,)."""
    moves = 1e-3 * np.concatenate([np.eye(len(S)), -np.eye(len(S))])
    before = loss.gradient(S, y)
    jumps = [np.abs(loss.gradient(S + move[:, None], y) - before).max(axis=0) for move in moves]
    return np.max(jumps, axis=0) < 0.01


COMPARED = ("base", "svm")
"""The arms that are shown beside the same on the surrogate."""
N_TEST = 5000
"""Images of the surrogate that test them."""


def on_surrogate(study: ReferenceStudy) -> dict[tuple[str, int], StoredRun] | None:
    """The network of each arm compared and each setting, trained and tested on the surrogate; None off CIFAR-10.

    Everything else is as in the study's first seed. A record holds "arm", "setting" and "test_accuracy", which is of
    5,000 images of the surrogate. What is not stored yet is trained.
    """
    data, plan = study.data, study.plan
    if data.provenance.name != CIFAR10:
        return None
    tasks = []
    for arm in COMPARED:
        configs = plan.configs(arm, data)
        networks = [({"arm": arm, "setting": setting}, configs[setting, plan.first_seed]) for setting in SETTINGS]
        tasks.append(StudyTask(f"surrogate-{arm}", Cut(range(len(data.train_labels[0])), range(N_TEST)), networks))
    surrogate = _OnSurrogate(data, study.out_dir, progress=study.progress)
    stored = surrogate.train(tasks, evaluate=False)
    study.count += surrogate.count
    return {(run.record["arm"], run.record["setting"]): run for runs in stored for run in runs}


class _OnSurrogate(Study):
    """Networks on images of the surrogate: as many of them train and test as a cut has to train and to validate."""

    def inputs(self, cut: Cut | None = None) -> Split:
        """Images of the surrogate."""
        (train, train_labels), (test, test_labels) = draw_embedded(*map(len, cut or self.cut))
        standardize = Standardizer.fit(train)
        tested = standardize(test), test_labels
        return Split((standardize(train), train_labels), tested, tested)

    def finish(self, task: StudyTask, label: Label, run: Run, split: Split) -> StoredRun:
        """The label and the test accuracy."""
        X, y = split.test
        return StoredRun(label | {"test_accuracy": metrics.accuracy(run.model.predict(X), y)}, run.model)

    def _key(self, task: StudyTask) -> Key:
        file, sizes = hashlib.sha256(EMBEDDED.read_bytes()).hexdigest(), [*map(len, task.cut)]
        networks = [asdict(config) for _, config in task.networks]
        return {"name": task.name, "file": file, "sizes": sizes, "networks": networks}

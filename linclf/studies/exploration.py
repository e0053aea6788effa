"""Any setting, beside the reference's four on the same images."""

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, fields, replace
from functools import cache

import numpy as np

from linclf.data.dataset import Dataset
from linclf.data.inputs import Augmentation
from linclf.errors import ConfigError, DivergenceError
from linclf.training import Config, History, Linear, Run
from linclf.training.config import OPTIONS
from linclf.training.loop import training
from linclf.training.train import grouped, make_tasks

from .reference import SETTINGS, ReferenceStudy
from .results import Results
from .study import Cut, Plan, Split, Study, check_whole, slice_rows

LARGEST = 1e4
"""The weights of a network that can be shown, where training diverged."""


@dataclass(frozen=True, kw_only=True)
class ExplorationPlan(Plan, Config):
    """The parameters of an exploration: the options of Config but those that the page sets, and how many images train.

    Attributes:
        flip, shift: of :class:`linclf.Augmentation`.
        n_train: training images, the first ones: of batch 1, then of the batches that do not validate; more than there
            are is all of them, and 0 is batch 1.
    """

    learning_rate: float = 0.001
    l2: float = 2.0
    flip: bool = False
    shift: int = 0
    n_train: int = 0

    def __post_init__(self) -> None:
        Plan.__post_init__(self)
        Config.__post_init__(self)
        check_whole("n_train", self.n_train, 0, 10**9)
        check_whole("shift", self.shift, 0, 1000)
        for name, instead in (("seed", "first_seed"), ("augment", "flip and shift"), ("restore_best", "fewer epochs")):
            if getattr(self, name) != OPTIONS[name].default:
                raise ConfigError(f"{name} cannot be varied here: choose {instead}")

    def config(self, number: int, image_shape: tuple[int, ...]) -> Config:
        """The Config of a network by its number from 0; ConfigError for what cannot be trained."""
        augment = None
        if self.flip or self.shift:
            if len(image_shape) != 3:
                raise ConfigError("expected no flip and no shift: the inputs are feature vectors, which have no sides")
            augment = Augmentation(image_shape=image_shape, flip=self.flip, shift=self.shift)
        chosen = {name: getattr(self, name) for name in OPTIONS}
        return Config(**chosen | {"augment": augment, "seed": self.first_seed + number})


@dataclass(frozen=True)
class Explored:
    """The trained networks of an exploration.

    Attributes:
        runs: of the chosen setting, one per seed. Where training diverged, histories are NaN from there on, and models
            are those of the last epoch whose weights are at most ``LARGEST``, which half precision can hold.
        checkpoints: the first of them as it was after some of the epochs.
        seconds: that training them took.
        broke: where training diverged, that and what to do, in a sentence; else empty.
        reference: the reference's settings on the same images, arms "base" and "svm".
        split: the images of a cut, by default those that trained, validated and tested all this.
        earlier: the first network of each of the reference's settings after those of these epochs before the last.
    """

    runs: Sequence[Run]
    checkpoints: dict[int, Linear]
    seconds: float
    broke: str
    reference: Results
    split: Callable[..., Split]
    earlier: dict[int, dict[int, Linear]]

    @property
    def dataset(self) -> Dataset:
        """The data set, with the chosen training images alone."""
        return self.reference.dataset


class Exploration(Study):
    """A setting of one's own on a data set.

    Arguments, attributes and errors are those of :class:`linclf.studies.study.Study`; the folder keeps the runs of the
    reference's settings.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     explored = Exploration("synthetic:50", folder, l2=0.5, epochs=2, n_train=40, progress=False).run([0, 1])
    >>> len(explored.runs[0].history.train_loss), list(explored.checkpoints), len(explored.split().train[1])
    (3, [0, 1], 40)
    """

    plan_class = ExplorationPlan
    plan: ExplorationPlan

    def prepare(self) -> None:
        """The chosen training images, and the reference's study on the same."""
        data, plan = _first_images(self.data, self.plan.n_train), self.plan
        plan.config(0, data.test_images.shape[1:])
        shared = {"seeds": plan.seeds, "first_seed": plan.first_seed, "epochs": plan.epochs}
        self.reference = ReferenceStudy(data, self.out_dir, progress=self.progress, **shared)
        self.cut, self._split = self.reference.cut, cache(self.reference.split)

    def split(self, cut: Cut | None = None) -> Split:
        """The chosen training images, those that validate and the test images; they are made once."""
        return self._split(cut or self.cut)

    def run(self, checkpoints: Collection[int] = ()) -> Explored:
        """Train the reference's settings where they are not stored yet, and the chosen one."""
        reference, plan = self.reference.run("base", "svm"), self.plan
        stops = [epoch for epoch in checkpoints if epoch < plan.epochs]
        same = ExplorationPlan(first_seed=plan.first_seed, n_train=plan.n_train, epochs=max([1, *stops]))
        earlier = {
            i: self.train_plan(replace(same, l2=l2, learning_rate=rate), stops, n_validation=1)[1] if stops else {}
            for i, (l2, rate) in SETTINGS.items()
        }
        return Explored(*self.train_plan(plan, checkpoints), reference, self.split, earlier)

    def train_plan(
        self, plan: ExplorationPlan, checkpoints: Collection[int] = (), n_validation: int | None = None
    ) -> tuple[list[Run], dict[int, Linear], float, str]:
        """Train another plan on the same images: the first fields of :class:`Explored`.

        With ``n_validation`` no more validation images than these first ones are measured.
        """
        started = time.perf_counter()
        configs = [plan.config(number, self.data.test_images.shape[1:]) for number in range(plan.seeds)]
        split, runs, kept, broke = self.split(), list[Run](), dict[int, Linear](), ""
        validation = slice_rows(split.validation, n_validation) if n_validation else split.validation
        stacks = grouped(configs, most=len(configs))  # one of all, or one of each seed, in order
        for task in make_tasks(stacks, configs, split.train, validation, len(self.data.class_names), True):
            models: list[Linear] = []
            try:
                for epoch, record in enumerate(training(task)):
                    latest = [record.model(k) for k in range(len(task.configs))]
                    if all(np.abs(model.W).max() <= LARGEST for model in latest):
                        models, last = latest, epoch
                        if not runs and epoch in checkpoints:
                            kept[epoch] = models[0]
            except DivergenceError as error:
                broke = str(error)
                if not runs:
                    kept[last] = models[0]
            histories = [_in_full(record.history(k), plan.epochs) for k in range(len(models))]
            runs += [Run(*trained, 0.0) for trained in zip(task.configs, models, histories, strict=True)]
        seconds = time.perf_counter() - started
        return [replace(run, seconds=seconds / len(runs)) for run in runs], kept, seconds, broke


def _in_full(history: History | None, epochs: int) -> History:
    """A history, NaN from where it is not finite or ends."""
    values = np.full((len(fields(History)), epochs + 1), np.nan)
    measured = np.array([getattr(history, field.name) for field in fields(History)])
    n = int(np.isfinite(measured).all(axis=0).sum())
    values[:, :n] = measured[:, :n]
    return History(*values)


def _first_images(data: Dataset, n: int) -> Dataset:
    """The data set whose first batch are its first n training images and whose second validates; n = 0: as it is."""
    if n == 0:
        return data
    images, labels = list(data.train_images), list(data.train_labels)
    rest = slice(1, None) if data.validation_labels is not None else slice(2, None)
    if n > len(labels[0]):
        images[0], labels[0] = (np.concatenate([parts[0], *parts[rest]]) for parts in (images, labels))
    images[0], labels[0] = images[0][:n], labels[0][:n]
    return replace(data, train_images=tuple(images[:2]), train_labels=tuple(labels[:2]))

"""Shared by the studies: seeds, which images train and validate, and training of what is not stored yet."""

import os
import time
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields
from functools import cache, cached_property
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np

from linclf.data.dataset import Dataset
from linclf.data.inputs import Arrays, Examples, Standardizer, stored_array, with_array
from linclf.data.load import cache_folder, load_dataset
from linclf.errors import ConfigError, DataError
from linclf.system.environment import available_memory, source_tree
from linclf.system.progress import Progress
from linclf.training import Config, Run
from linclf.training.config import checked_weights
from linclf.training.loop import Evaluate, Task
from linclf.training.train import run_tasks

from .store import Count, Key, Store, StoredRun


def default_report_folder() -> tuple[Path, str]:
    """``reports/latest`` of the source tree, or of the current folder where linclf was installed without one.

    Where that cannot be written to it is ``reports/latest`` in the cache folder. Also returns a sentence that says
    where the finished runs are kept, for whoever looks for them.

    Raises:
        ConfigError: neither can be written to.
    """
    tree, folder = source_tree(), Path("reports", "latest")
    first = ((tree or Path()) / folder).absolute()
    if _writable(first):  # pages are handed on: no path of this machine
        where = "linclf's source tree" if tree else "the current folder"
        return first, f"Finished runs are kept in {folder / 'runs'}, in {where}."
    with suppress(ConfigError):  # no home folder
        cache = cache_folder() / "reports" / "latest"
        if _writable(cache):
            return cache, f"{first} cannot be written to: finished runs are kept in {cache / 'runs'}."
    raise ConfigError(
        f'expected a folder to write to, but {first} is none: name another as out_dir, in place of "auto"'
    )


def _writable(folder: Path) -> bool:
    """Whether ``folder`` can be written to, or made where it is missing."""
    there = next(parent for parent in (folder, *folder.parents) if parent.exists())
    return there.is_dir() and os.access(there, os.W_OK | os.X_OK)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Parameters of a study that trains several seeds; studies with more of them extend it.

    Attributes:
        seeds, first_seed: how many seeds are trained, and the number of the first.
        epochs: of each training.

    Raises:
        ConfigError: numbers that cannot be trained.
    """

    seeds: int = field(default=1, metadata={"says": "number of seeds", "low": 1, "high": 10_000})
    first_seed: int = field(default=0, metadata={"says": "number of the first seed", "low": 0, "high": 2**32})
    epochs: int = field(default=40, metadata={"says": "epochs of each training", "low": 1, "high": 10**6})

    def __post_init__(self) -> None:
        for option in fields(Plan):
            check_whole(option.name, getattr(self, option.name), option.metadata["low"], option.metadata["high"])

    @property
    def all_seeds(self) -> range:
        """The seeds that are trained."""
        return range(self.first_seed, self.first_seed + self.seeds)

    @property
    def seeds_in_words(self) -> str:
        """The seeds as a page names them."""
        return f"{self.first_seed}" if self.seeds == 1 else f"{self.first_seed} to {self.all_seeds[-1]}"


class Cut(NamedTuple):
    """Which of the training images, counted through all batches, train and which validate."""

    train: range
    validation: range


@dataclass(frozen=True)
class Split:
    """Standardised inputs and labels of the images of a cut, and of the test images.

    axes: orthonormal ones, (d, r), if inputs are given by their coordinates along them; None if as they are.
    """

    train: Examples
    validation: Examples
    test: Arrays
    axes: np.ndarray | None = None


def check_whole(name: str, value: object, low: int, high: int) -> None:
    """ConfigError, naming the parameter, unless ``value`` is a whole number from ``low`` to ``high``."""
    if not isinstance(value, int) or isinstance(value, bool) or value < low:
        raise ConfigError(f"{name} must be a whole number, {low} or more, not {value!r}")
    if value > high:  # a slip of the finger, which would fill the memory before anything is trained
        raise ConfigError(f"{name} must be at most {high:,}")


def split_rows(split: str, data: Dataset, n_validation: int) -> Cut:
    """Which images train and which validate, counted through all training batches and then the validation images.

    Where the data brought validation images, those validate in every split, and "full" trains on all the others.
    DataError if there are too few batches for the split.

    >>> from linclf import load_dataset
    >>> split_rows("full", load_dataset("synthetic:50"), n_validation=20)
    Cut(train=range(0, 230), validation=range(230, 250))
    """
    sizes = [len(labels) for labels in data.train_labels]
    n = sum(sizes)
    if data.validation_labels is not None:
        return Cut(range(n if split == "full" else sizes[0]), range(n, n + len(data.validation_labels)))
    if split == "full":
        n_train = n - min(n_validation, n // 5)
        return Cut(range(n_train), range(n_train, n))
    if len(sizes) < 2:
        raise DataError("expected at least two training batches, to train on one and validate on another")
    return Cut(range(sizes[0]), range(sizes[0], sizes[0] + sizes[1]))


def make_split(data: Dataset, cut: Cut, *, lazily: bool = False) -> Split:
    """The images of a cut and the test images, standardised with the training images' mean and deviation.

    ``lazily``: a batch at a time, in a quarter of the memory; the same inputs to the bit.

    >>> from linclf import load_dataset
    >>> X, y = make_split(load_dataset("synthetic:50"), Cut(range(60), range(60, 80))).train
    >>> X.shape, y.shape
    ((60, 3072), (60,))
    """
    (images, labels), (held_out, held_out_labels) = (_rows(data, rows) for rows in cut)
    standardize = Standardizer.fit(images)
    make = standardize.lazily if lazily else standardize
    test = standardize(data.test_images), data.test_labels
    return Split((make(images), labels), (make(held_out), held_out_labels), test)


def fit_standardizer(data: Dataset, cut: Cut) -> Standardizer:
    """The standardiser of :func:`make_split`, from the training images of the cut."""
    return Standardizer.fit(_rows(data, cut.train)[0])


def slice_rows(images: Examples, n: int, skip: int = 0) -> Examples:
    """The first n images of a set, after those that are skipped, as views."""
    X, y = images[:2]
    return with_array(X, stored_array(X)[skip : skip + n]), y[skip : skip + n]


def balanced(images: Examples) -> Examples:
    """Images with weights so that all classes count alike, as scikit-learn's class_weight="balanced"."""
    X, y = images[:2]
    return X, y, checked_weights("training", 1 / np.bincount(y)[y], len(y))


def batches(data: Dataset) -> list[Arrays]:
    """Images and labels of each training batch, and then of the validation images where they were given."""
    parts = [*zip(data.train_images, data.train_labels, strict=True)]
    if data.validation_images is not None and data.validation_labels is not None:
        parts.append((data.validation_images, data.validation_labels))
    return parts


def _rows(data: Dataset, rows: range) -> Arrays:
    """Images and labels of rows counted as in ``split_rows``; a batch that serves whole is not copied."""
    parts, start = [], 0
    for images, labels in batches(data):
        part = slice(max(rows.start - start, 0), max(rows.stop - start, 0))
        if len(labels[part]):
            parts.append((images[part], labels[part]))
        start += len(labels)
    all_images, all_labels = zip(*parts, strict=True)
    return parts[0] if len(parts) == 1 else (np.concatenate(all_images), np.concatenate(all_labels))


Label = dict[str, Any]
"""The name of a network: plain values with which its record begins."""


@dataclass(frozen=True)
class StudyTask:
    """Networks that train together and are stored together: a Task whose images are not made yet.

    How networks are divided into tasks must not depend on what is stored: rounding depends on what trains together.

    Attributes:
        name: the beginning of the name of the file that keeps the runs.
        cut: which images train and which validate.
        networks: the label and the Config of each network.
        n_train: how many of the cut's training images are used, the first ones; all by default.
        skip: how many of them are passed over before.
        balanced: whether images weigh so that all classes count alike.
        tested: whether the test images may be looked at.
    """

    name: str
    cut: Cut
    networks: Sequence[tuple[Label, Config]]
    n_train: int | None = None
    skip: int = 0
    balanced: bool = False
    tested: bool = False


@dataclass(frozen=True, kw_only=True)
class StudyResults:
    """The part of a study's results that is about its images.

    Attributes:
        plan, dataset: what was varied, and on which data.
        choosing: the images on which everything is chosen: none of them is a test image.
        final: the images of the networks that are tested.
        split: the standardised images of a cut, by default the final one's; they are made when first asked for.
    """

    plan: Any
    dataset: Dataset = field(repr=False)
    choosing: Cut
    final: Cut
    split: Callable[..., Split] = field(repr=False)


class Study:
    """Experiments on one data set, whose finished runs are stored.

    Each kind of study adds ``run``, ``finish`` and what it measures.

    Args:
        data: what ``load_dataset`` takes, or a data set that is loaded already.
        out_dir: folder that keeps the finished runs, in ``runs/``; "auto" is what :func:`default_report_folder`
            chooses.
        progress: show a line while training.
        plan: fields of the study's plan.

    Attributes:
        plan: what the user chose.
        data: the data set.
        source: where it came from, as the command line takes it.
        kept: where the runs of "auto" go, in a sentence; else empty.
        count: how many networks were found in the store so far, and how many had to be trained.
        cut: which images train and validate where nothing else is said.
        choosing: in studies that choose something, on which images.

    Raises:
        ConfigError, DataError: at once, before anything is trained.
    """

    plan_class: ClassVar[type[Any]] = Plan
    cut: Cut
    choosing: Cut

    def __init__(self, data: str | Path | Dataset, out_dir: str | Path, *, progress: bool = True, **plan: Any) -> None:
        self.started = time.monotonic()
        self.plan = self.plan_class(**plan)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "no CIFAR-10 was found")  # every page says so
            self.data = data if isinstance(data, Dataset) else load_dataset(data)
        self.source = self.data.provenance.source if isinstance(data, Dataset) else data
        self.out_dir, self.kept = default_report_folder() if out_dir == "auto" else (Path(out_dir), "")
        self.store = Store.of_report(self.out_dir)
        self.progress = progress
        self.count = Count(0, 0)
        self.prepare()

    def prepare(self) -> None:
        """Derive further attributes from plan and data; raises for what cannot be trained."""

    @cached_property
    def short_of_memory(self) -> bool:
        """Whether all images in float32 would take more than half of the memory that is free: then they stay uint8."""
        n = sum(map(len, self.data.train_labels)) + len(self.data.test_labels)
        return bool(4 * n * self.data.test_images[0].size > available_memory() / 2)

    def about(self) -> dict[str, Any]:
        """The fields of :class:`StudyResults`."""
        split = cache(self.split)
        return dict(plan=self.plan, dataset=self.data, choosing=self.choosing, final=self.cut, split=split)

    def split(self, cut: Cut | None = None) -> Split:
        """The images of a cut and the test images, standardised with the mean and deviation of those that train."""
        return make_split(self.data, cut or self.cut, lazily=self.short_of_memory)

    def inputs(self, cut: Cut | None = None) -> Split:
        """What networks train on: the same, unless a kind of study says otherwise."""
        return self.split(cut)

    def standardized(self, rows: range, cut: Cut) -> Arrays:
        """Inputs and labels of some rows, standardised as the images of a cut are."""
        images, labels = _rows(self.data, rows)
        return fit_standardizer(self.data, cut)(images), labels

    def key(self, name: str, cut: Cut, **choices: Any) -> Key:
        """The key in the store of ``name``: all that it depends on, but for the code."""
        rows = [str(cut.train), str(cut.validation)]
        return {"name": name, "data": self.data.provenance.sha256, "rows": rows, **choices}

    def finish(self, task: StudyTask, label: Label, run: Run, split: Split) -> StoredRun:
        """The record to store for a network, from its label, its finished run and the images of its cut."""
        raise NotImplementedError

    def stored(self, task: StudyTask) -> list[StoredRun] | None:
        """The runs of a task, one per network; None if they are not stored."""
        return self.store.get(self._key(task))

    def train(self, tasks: Sequence[StudyTask], evaluate: Evaluate = True) -> list[list[StoredRun]]:
        """The runs of each task. What is not stored yet is trained, in one sweep, and stored as each task finishes.

        Args:
            tasks: the networks of each stack, and the images that they see.
            evaluate: as in ``train``.

        Raises:
            As ``train``; what had finished before is stored.
        """
        split = cache(self.inputs)  # made for missing tasks only, once, and kept no longer than they train

        def make(task: StudyTask) -> Task:
            images, configs = split(task.cut), [config for _, config in task.networks]
            train = images.train if task.n_train is None else slice_rows(images.train, task.n_train, task.skip)
            train = balanced(train) if task.balanced else train
            return Task(configs, train, images.validation, len(self.data.class_names), evaluate)

        stored = [self.stored(task) for task in tasks]
        missing = [(task, make(task)) for task, runs in zip(tasks, stored, strict=True) if runs is None]
        missing.sort(key=lambda pair: _flop(pair[1]), reverse=True)  # no worker waits at the end for a long one
        made = [task for _, task in missing]
        trained = sum(len(task.configs) for task in made)
        with Progress(sum(task.configs[0].epochs for task in made), trained, enabled=self.progress) as line:
            for i, runs in run_tasks(made, line.epoch):
                task, _ = missing[i]
                networks, images = zip(task.networks, runs, strict=True), split(task.cut)
                finished = [self.finish(task, label, run, images) for (label, _), run in networks]
                self.store.put(self._key(task), finished)
        self.count += Count(sum(len(runs or ()) for runs in stored), trained, sum(map(_flop, made)))
        return [self.stored(task) or [] for task in tasks]

    def _key(self, task: StudyTask) -> Key:
        networks = [label | asdict(config) for label, config in task.networks]
        chosen = {"n_train": task.n_train, "skip": task.skip, "balanced": task.balanced, "tested": task.tested}
        return self.key(task.name, task.cut, **chosen, networks=networks)


def _flop(task: Task) -> float:
    """Floating-point operations of a task's matrix products: two per image, class and input of each product."""
    n, held_out = (len(images[1]) if images else 0 for images in (task.train, task.validation))
    measured = {True: n + held_out, "validation": held_out, False: 0}[task.evaluate]
    images = sum(2 * config.epochs * n + (config.epochs + 1) * measured for config in task.configs)
    return 2.0 * task.n_classes * task.train[0].shape[1] * images

"""Which images train, validate and test, standardised with the mean and deviation of those that train."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from linclf.data.dataset import Dataset
from linclf.data.standardize import Standardizer, stored_array, with_array
from linclf.errors import ConfigError, DataError
from linclf.training.validate import Arrays, Examples, Weighted, checked_weights


class Cut(NamedTuple):
    """Which of the training images, counted through all batches, train and which validate."""

    train: range
    validation: range


@dataclass(frozen=True)
class Split:
    """Standardised inputs and labels of the images of a cut, and of the test images."""

    train: Examples
    validation: Examples
    test: Arrays


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
    """What :func:`make_split` standardises with: the mean and deviation of the images of the cut that train."""
    return Standardizer.fit(_rows(data, cut.train)[0])


def first(images: Examples, n: int, skip: int = 0) -> Examples:
    """The first n images of a set, after those that are skipped, as views."""
    X, y = images
    return with_array(X, stored_array(X)[skip : skip + n]), y[skip : skip + n]


def balanced(images: Examples) -> Weighted:
    """Images with weights so that all classes count alike, as scikit-learn's class_weight="balanced"."""
    X, y = images
    return X, y, checked_weights("training", 1 / np.bincount(y)[y], len(y))


def _rows(data: Dataset, rows: range) -> Arrays:
    """Images and labels of rows counted as in ``split_rows``; a batch that serves whole is not copied."""
    sets = list(zip(data.train_images, data.train_labels, strict=True))
    if data.validation_images is not None and data.validation_labels is not None:
        sets.append((data.validation_images, data.validation_labels))
    parts = []
    start = 0
    for images, labels in sets:
        own = slice(max(rows.start - start, 0), max(rows.stop - start, 0))
        if len(labels[own]):
            parts.append((images[own], labels[own]))
        start += len(labels)
    if len(parts) == 1:
        return parts[0]
    return np.concatenate([images for images, _ in parts]), np.concatenate([labels for _, labels in parts])

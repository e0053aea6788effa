"""Which images train, validate and test, standardised with the mean and deviation of those that train."""

from dataclasses import dataclass

import numpy as np

from linclf.data.dataset import Dataset
from linclf.data.standardize import Standardizer
from linclf.errors import DataError
from linclf.training.validate import Arrays, Images


@dataclass(frozen=True)
class Split:
    """Standardised inputs and labels of one arm's images."""

    train: Images
    validation: Images
    test: Arrays


def split_sizes(split: str, data: Dataset, n_validation: int) -> tuple[int, int]:
    """Number of training and validation images of a split; DataError if there are too few batches for it.

    Where the data brought validation images, those validate in every split, and "full" trains on all the others.

    >>> from linclf import load_dataset
    >>> split_sizes("full", load_dataset("synthetic:50"), n_validation=20)
    (230, 20)
    """
    sizes = [len(labels) for labels in data.train_labels]
    if data.validation_labels is not None:
        return sum(sizes) if split == "full" else sizes[0], len(data.validation_labels)
    if split == "full":
        n_validation = min(n_validation, sum(sizes) // 5)
        return sum(sizes) - n_validation, n_validation
    if len(sizes) < 2:
        raise DataError("expected at least two training batches, to train on one and validate on another")
    return sizes[0], sizes[1]


def split_rows(split: str, data: Dataset, n_validation: int) -> tuple[range, range]:
    """Which images train and which validate, counted through all training batches and then the validation images."""
    n_train, n = split_sizes(split, data, n_validation)
    start = n_train if data.validation_labels is None else sum(map(len, data.train_labels))
    return range(n_train), range(start, start + n)


def make_split(data: Dataset, train: range, validation: range, *, lazily: bool = False) -> Split:
    """The images of these rows and the test images, standardised with the training images' mean and deviation.

    ``lazily``: a batch at a time, in a quarter of the memory; the same inputs to the bit.

    >>> from linclf import load_dataset
    >>> X, y = make_split(load_dataset("synthetic:50"), range(60), range(60, 80)).train
    >>> X.shape, y.shape
    ((60, 3072), (60,))
    """
    (images, labels), (held_out, held_out_labels) = _rows(data, train), _rows(data, validation)
    standardize = Standardizer.fit(images)
    make = standardize.lazily if lazily else standardize
    test = standardize(data.test_images), data.test_labels
    return Split((make(images), labels), (make(held_out), held_out_labels), test)


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

"""Data of one's own as a Dataset: labels numbered, training images split into batches, stratified by class."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from linclf.errors import DataError

from .classes import numbered
from .dataset import Dataset, LabelledImages, make_dataset

SPLIT_SEED = 0
N_VALIDATION = 1000
"""Images that are kept for validation unless the user says otherwise, of data that bring none."""
PART_NAMES = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation"), "validation"),
    **dict.fromkeys(("test", "testing"), "test"),
}
"""What folders and arrays call the parts, in any case."""


@dataclass(frozen=True)
class Parts:
    """What a reader found, part by part.

    Attributes:
        train: images and labels, which :func:`.classes.numbered` numbers: whole numbers, booleans or text.
        validation, test: the same, or None.
        class_names: None calls the classes by their labels.
        notes: sentences of what was passed over or changed.
    """

    train: LabelledImages
    validation: LabelledImages | None = None
    test: LabelledImages | None = None
    class_names: Sequence[str] | None = None
    notes: Sequence[str] = ()


def split_dataset(parts: Parts, *, name: str, source: str, layout: str) -> Dataset:
    """A Dataset from data without training batches: the training images are split into five, as CIFAR-10's are.

    Without a test set, a sixth of the training images becomes one. The split is drawn from a fixed seed, stratified by
    class, and ``layout`` goes on to say so. Given validation images stay what they are.
    """
    n_parts, into = (5, "five training batches") if parts.test else (6, "five training batches and a test set")
    images = parts.train[0]
    if len(images) < n_parts:
        raise DataError(f"{source}: expected at least {n_parts} training images, found {len(images)}")
    sets = (parts.train, parts.validation, parts.test)
    (labels, *others), class_names = numbered([one[1] if one else None for one in sets], parts.class_names, source)
    assert labels is not None  # training images have labels
    batches = [(images[rows], labels[rows]) for rows in stratified(labels, n_parts)]
    validation, test = ((one[0], y) if one and y is not None else None for one, y in zip(sets[1:], others, strict=True))
    if test:
        batches.append(test)
    layout = f"{layout}; split into {into}, stratified by class, in an order drawn from seed {SPLIT_SEED}"
    return make_dataset(
        batches,
        class_names,
        name=name,
        source=source,
        layout=layout,
        official=None,
        validation=validation,
        notes=parts.notes,
    )


def stratified(labels: np.ndarray, n_parts: int) -> list[np.ndarray]:
    """Rows of each part, in an order drawn from a fixed seed: the numbers of a class's images differ by one at most.

    >>> labels = np.repeat([0, 1], [12, 6])
    >>> [np.bincount(labels[rows]).tolist() for rows in stratified(labels, 6)]
    [[2, 1], [2, 1], [2, 1], [2, 1], [2, 1], [2, 1]]
    """
    rng = np.random.default_rng(SPLIT_SEED)
    order = rng.permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]  # class by class: dealt out in turn
    return [rng.permutation(order[part::n_parts]) for part in range(n_parts)]

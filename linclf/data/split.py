"""Data of one's own as a Dataset: labels numbered, training images split into batches, stratified by class."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from linclf.errors import DataError, printable

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


def split_dataset(
    found: Mapping[str, LabelledImages],
    *,
    name: str,
    source: str,
    layout: str,
    class_names: Sequence[str] | None = None,
    notes: Sequence[str] = (),
    sources: Mapping[str, Sequence[str]] | None = None,
) -> Dataset:
    """A Dataset from data without training batches: the training images are split into five, as CIFAR-10's are.

    ``found`` is what a reader found as "train" and, where they are there, "validation" and "test"; ``notes`` are
    sentences of what it passed over or changed, ``sources`` what each image of a part was read from.
    :func:`.classes.numbered` says what labels and ``class_names`` may be. Without a test set, a sixth of the training
    images becomes one. The split is drawn from a fixed seed, stratified by class, and ``layout`` goes on to say so.
    Given validation images stay what they are.
    """
    n_parts, into = (5, "five training batches") if "test" in found else (6, "five training batches and a test set")
    images = found["train"][0]
    if len(images) < n_parts:
        raise DataError(f"{source}: expected at least {n_parts} training images, found {len(images)}")
    parts = [part for part in ("train", "validation", "test") if part in found]
    labels, class_names = numbered([found[part][1] for part in parts], class_names, source)
    sets = {part: (found[part][0], y) for part, y in zip(parts, labels, strict=True)}
    dealt = stratified(labels[0], n_parts)
    batches = [(images[rows], labels[0][rows]) for rows in dealt]
    if "test" in sets:
        batches.append(sets["test"])
    of_test: Sequence[str] = ()
    if sources:
        of_test = sources["test"] if "test" in sets else [sources["train"][i] for i in dealt[-1]]
    layout = f"{layout}; split into {into}, stratified by class, in an order drawn from seed {SPLIT_SEED}"
    data = make_dataset(
        batches,
        class_names,
        name=name,
        source=source,
        layout=layout,
        official=None,
        validation=sets.get("validation"),
        notes=notes,
    )
    return replace(data, test_sources=tuple(map(printable, of_test)))


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

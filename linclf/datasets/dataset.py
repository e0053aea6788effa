"""What a data set is: training batches, a test set, class names, and where they come from."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import DataError

Batch = tuple[np.ndarray, np.ndarray]
"""Images (n, h, w, c), uint8, and labels (n,), int64."""


@dataclass(frozen=True)
class Provenance:
    """Where a data set comes from.

    Attributes:
        name, source, layout: what it is, where it was found, how it was stored.
        sha256: of the content: the label bytes, then the pixel bytes (channel first), of each training batch in order
            and of the test set; the same for both layouts of CIFAR-10.
        official: whether the bytes are the official ones; None where no official checksum exists to compare with.
        synthetic: whether it is the generated stand-in.
    """

    name: str
    source: str
    layout: str
    sha256: str
    official: bool | None
    synthetic: bool

    def describe(self) -> str:
        """One sentence for people."""
        if self.synthetic:
            return f"{self.name} ({self.source}), not CIFAR-10."
        words = {
            True: "the official bytes",
            False: "not the official bytes",
            None: "no official checksum exists to tell whether these are the official bytes",
        }[self.official]
        return f"{self.name} from {self.source} ({self.layout}; {words})."


@dataclass(frozen=True)
class Dataset:
    """Training batches and a test set.

    Attributes:
        train_images: uint8, (n, h, w, c) each, a tuple of the training batches.
        train_labels: int64, (n,) each, 0..C-1.
        test_images, test_labels: the same, one set.
        class_names: C names.
        provenance: where from.
    """

    train_images: tuple[np.ndarray, ...]
    train_labels: tuple[np.ndarray, ...]
    test_images: np.ndarray
    test_labels: np.ndarray
    class_names: tuple[str, ...]
    provenance: Provenance


def make_dataset(
    batches: Sequence[Batch],
    class_names: Sequence[str],
    *,
    name: str,
    source: str,
    layout: str,
    official: bool | None,
    synthetic: bool = False,
) -> Dataset:
    """A Dataset whose last batch is the test set, with the hash of its content; DataError if a label has no name."""
    content = hashlib.sha256()
    for images, labels in batches:
        if len(labels) == 0 or labels.min() < 0 or labels.max() >= len(class_names):
            raise DataError(f"{source}: expected labels 0..{len(class_names) - 1} in every batch, found others or none")
        content.update(labels.astype(np.uint8).tobytes())
        content.update(np.ascontiguousarray(images.transpose(0, 3, 1, 2)).data)
    provenance = Provenance(name, source, layout, content.hexdigest(), official, synthetic)
    *train, test = batches
    return Dataset(
        tuple(images for images, _ in train),
        tuple(labels for _, labels in train),
        *test,
        tuple(class_names),
        provenance,
    )

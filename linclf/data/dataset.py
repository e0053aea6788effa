"""What a data set is: training batches, a test set, class names, and where they come from."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from linclf.errors import printable

from .classes import checked_names

LabelledImages = tuple[np.ndarray, np.ndarray]
"""Images (n, h, w, c) or feature vectors (n, d), uint8 or floats, and labels (n,), int64."""

CIFAR10 = "CIFAR-10"
"""The name of the reference's data, which no other data set may have."""
FEW = 10
"""Classes whose numbers of images a sentence can list."""


@dataclass(frozen=True)
class Provenance:
    """Where a data set comes from.

    Attributes:
        name, source, layout: what it is, where it was found, how it was stored.
        sha256: of the content: the label bytes, then the pixel bytes (channel first), of each training batch in order
            and of the test set; the same for every layout of CIFAR-10. For other kinds of images than CIFAR-10's, their
            shape, type and number of classes come first; given validation images come last.
        official: whether the bytes are the official ones; None where there is no checksum to compare with.
        synthetic: whether it is drawn from the surrogate of CIFAR-10.
        found: sentences that say how many images there are, in each part and class, and what was passed over and why.
    """

    name: str
    source: str
    layout: str
    sha256: str
    official: bool | None
    synthetic: bool
    found: str = ""

    def describe(self) -> str:
        """Where from and how many, in sentences for people."""
        told = self.layout
        if self.synthetic:
            told += "; for CIFAR-10 itself, give its path, or cifar-10, which downloads it"
        if self.name == CIFAR10:
            told += {
                True: "; the official bytes",
                False: "; not the official bytes",
                None: "; no official checksum exists to tell whether these are the official bytes",
            }[self.official]
        return f"{self.name} from {self.source} ({told}). {self.found}".strip()


@dataclass(frozen=True)
class Dataset:
    """Training batches, a test set and, where they were given, validation images.

    Attributes:
        train_images: (n, h, w, c) each, or feature vectors (n, d) each, a tuple of the training batches: uint8, which
            standardising divides by 255 first, or float32 or float64, which it takes as they are.
        train_labels: int64, (n,) each, 0..C-1.
        test_images, test_labels: the same, one set.
        class_names: C names.
        provenance: where from.
        validation_images, validation_labels: the same, one set, to validate on instead of training images; None where
            the data brought none.
        feature_names: of the columns of feature vectors, (d,), in order; empty where they have none.
        test_sources: the file, row or element that each test image was read from; empty where that is not known.
    """

    train_images: tuple[np.ndarray, ...]
    train_labels: tuple[np.ndarray, ...]
    test_images: np.ndarray
    test_labels: np.ndarray
    class_names: tuple[str, ...]
    provenance: Provenance
    validation_images: np.ndarray | None = None
    validation_labels: np.ndarray | None = None
    feature_names: tuple[str, ...] = ()
    test_sources: tuple[str, ...] = ()

    def __repr__(self) -> str:
        shape, classes = self.test_images.shape[1:], len(self.class_names)
        counted = ", ".join(f"{rows.sum():,} {part}" for part, rows in self.counts().items())
        return printable(f"Dataset({self.provenance.name}: {counted}; shape {shape}, {classes} classes)")

    def counts(self) -> dict[str, np.ndarray]:
        """Number of images of each class, (C,), in each part: "training", "validation" where it was given, "test"."""
        parts = {"training": np.concatenate(self.train_labels)}
        if self.validation_labels is not None:
            parts["validation"] = self.validation_labels
        parts["test"] = self.test_labels
        return {part: np.bincount(labels, minlength=len(self.class_names)) for part, labels in parts.items()}


def make_dataset(
    batches: Sequence[LabelledImages],
    class_names: Sequence[str],
    *,
    name: str,
    source: str,
    layout: str,
    official: bool | None,
    synthetic: bool = False,
    validation: LabelledImages | None = None,
    notes: Sequence[str] = (),
) -> Dataset:
    """A Dataset whose last batch is the test set, with the hash of its content; DataError for names not to be shown.

    Readers see to it that labels are 0..C-1; ``notes`` are sentences of what one passed over or changed.
    """
    class_names = checked_names(class_names, source)
    content = hashlib.sha256()
    kind = batches[0][0].shape[1:], str(batches[0][0].dtype), len(class_names)
    if kind != ((32, 32, 3), "uint8", 10):  # so that equal bytes of another meaning have another hash
        content.update(repr(kind).encode())
    for images, labels in [*batches, *([validation] if validation else [])]:
        content.update(labels.astype(np.min_scalar_type(len(class_names) - 1)).tobytes())
        content.update(np.ascontiguousarray(np.moveaxis(images, -1, 1)).data)
    if validation:  # else six batches would be hashed like five and validation images
        content.update(b"the last are validation images")
    *train, (test_images, test_labels) = batches
    provenance = Provenance(name, source, layout, content.hexdigest(), official, synthetic)
    data = Dataset(
        tuple(images for images, _ in train),
        tuple(labels for _, labels in train),
        test_images,
        test_labels,
        class_names,
        provenance,
        *(validation or ()),
    )
    found = " ".join([_counted(data), *notes])
    return replace(data, provenance=replace(provenance, found=found))


def _counted(data: Dataset) -> str:
    """How many images there are, in each part and of each class.

    >>> from linclf import load_dataset
    >>> _counted(load_dataset("synthetic:20"))[:57]
    '120 images of 10 classes: 100 training and 20 test images'
    """
    counts = data.counts()
    total, rows = np.sum(list(counts.values()), axis=0), "images" if data.test_images.ndim == 4 else "feature vectors"
    *first, last = [f"{own.sum():,} {part}" for part, own in counts.items()]
    if total.min() == total.max():
        each = f"{total[0]:,} of each class"
    elif len(total) <= FEW:
        each = ", ".join(f"{n:,} of {name}" for name, n in zip(data.class_names, total, strict=True))
    else:
        fewest, most = (f"{total[i]:,} ({data.class_names[i]})" for i in (total.argmin(), total.argmax()))
        each = f"from {fewest} to {most} per class"
    return f"{total.sum():,} {rows} of {len(total)} classes: {', '.join(first)} and {last} {rows}; {each}."

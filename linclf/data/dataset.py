"""What a data set is: training batches, a test set, class names, and where they come from."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from linclf.errors import DataError

Batch = tuple[np.ndarray, np.ndarray]
"""Images (n, h, w, c) or feature vectors (n, d), uint8 or floats, and labels (n,), int64."""

CIFAR10 = "CIFAR-10"
"""The name of the reference's data, which no other data set may have."""
LARGEST = 2**31
"""Bytes of images a file or folder may hold: what standardises to inputs that fit into ordinary memory."""
LARGEST_PACKED, MOST_PACKED = 2**27, 100
"""Bytes beyond which images may be no more than this many times their bytes on disk: a bomb's grow a thousandfold."""
LONGEST_NAME = 200
MOST_CLASSES = 1000
SPLIT_SEED = 0


@dataclass(frozen=True)
class Provenance:
    """Where a data set comes from.

    Attributes:
        name, source, layout: what it is, where it was found, how it was stored.
        sha256: of the content: the label bytes, then the pixel bytes (channel first), of each training batch in order
            and of the test set; the same for both layouts of CIFAR-10. For other kinds of images than CIFAR-10's, their
            shape, type and number of classes come first.
        official: whether the bytes are the official ones; None where there is no checksum to compare with.
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
        if self.name != CIFAR10:
            return f"{self.name} from {self.source} ({self.layout})."
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
        train_images: (n, h, w, c) each, or feature vectors (n, d) each, a tuple of the training batches: uint8, which
            standardising divides by 255 first, or float32 or float64, which it takes as they are.
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
    class_names = _checked_names(class_names, source)
    content = hashlib.sha256()
    kind = batches[0][0].shape[1:], str(batches[0][0].dtype), len(class_names)
    if kind != ((32, 32, 3), "uint8", 10):  # so that equal bytes of another meaning have another hash
        content.update(repr(kind).encode())
    for images, labels in batches:
        if len(labels) == 0 or labels.min() < 0 or labels.max() >= len(class_names):
            raise DataError(f"{source}: expected labels 0..{len(class_names) - 1} in every batch, found others or none")
        content.update(labels.astype(np.min_scalar_type(len(class_names) - 1)).tobytes())
        content.update(np.ascontiguousarray(np.moveaxis(images, -1, 1)).data)
    provenance = Provenance(name, source, layout, content.hexdigest(), official, synthetic)
    *train, test = batches
    return Dataset(
        tuple(images for images, _ in train), tuple(labels for _, labels in train), *test, class_names, provenance
    )


def split_dataset(
    train: Batch, test: Batch | None, class_names: Sequence[str] | None, *, name: str, source: str, layout: str
) -> Dataset:
    """A Dataset from data without training batches: the training images are split into five, as CIFAR-10's are.

    The split is a permutation drawn from a fixed seed, and ``layout`` goes on to say so.

    Args:
        train: images and labels.
        test: the same; None sets a sixth of ``train`` aside as the test set.
        class_names: None calls the classes by their numbers.
    """
    images, labels = train
    n_parts, into = (5, "five training batches") if test else (6, "five training batches and a test set")
    if len(labels) < n_parts:
        raise DataError(f"{source}: expected at least {n_parts} training images, found {len(labels)}")
    if class_names is None:
        class_names = [str(i) for i in range(1 + max(int(part[1].max()) for part in (train, test) if part))]
    order = np.random.default_rng(SPLIT_SEED).permutation(len(labels))
    batches = [(images[rows], labels[rows]) for rows in np.array_split(order, n_parts)]
    if test:
        batches.append(test)
    layout = f"{layout}; split into {into} in an order drawn from seed {SPLIT_SEED}"
    return make_dataset(batches, class_names, name=name, source=source, layout=layout, official=None)


def check_file(path: Path, what: str) -> None:
    """DataError if there is something else than a file at ``path``: a pipe, say, which would be waited for."""
    if path.exists() and not path.is_file():
        raise DataError(f"{path}: expected {what}, found something that is no file")


def check_size(where: str, size: int, stored: int) -> None:
    """DataError if images of ``size`` bytes, of which ``stored`` are on disk, would exhaust memory."""
    if size > LARGEST:
        raise DataError(f"{where}: expected at most {LARGEST:,} bytes of images, found {size:,}")
    if size > max(LARGEST_PACKED, MOST_PACKED * stored):
        raise DataError(f"{where}: expected at most {MOST_PACKED} times the {stored:,} bytes on disk, found {size:,}")


def _checked_names(names: Sequence[str], source: str) -> tuple[str, ...]:
    """``names`` as a tuple, if they can head columns and stand on pages."""
    if not 2 <= len(names) <= MOST_CLASSES:
        raise DataError(f"{source}: expected 2 to {MOST_CLASSES:,} classes, found {len(names):,}")
    for name, number in Counter(names).items():
        if not name.strip() or not name.isprintable() or len(name) > LONGEST_NAME or number > 1:
            raise DataError(
                f"{source}: expected for each class a printable name of its own of at most {LONGEST_NAME} characters, "
                f"found {name[:LONGEST_NAME]!r}"
            )
    return tuple(names)

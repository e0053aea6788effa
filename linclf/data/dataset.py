"""What a data set is, how it is split, what a reader declares, and the checks that all readers share."""

import hashlib
import os
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from linclf.errors import ConfigError, DataError, LinclfError, printable

from .inputs import check_precision
from .labels import checked_names, encode_labels

LabelledImages = tuple[np.ndarray, np.ndarray]
"""Images (n, h, w, c) or feature vectors (n, d), uint8 or floats, and labels (n,), int64."""

CIFAR10 = "CIFAR-10"
"""The name of the reference's data, which no other data set may have."""
N_VALIDATION = 1000
"""Images that are kept for validation unless the user says otherwise, of data that bring none."""
PART_NAMES = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation"), "validation"),
    **dict.fromkeys(("test", "testing"), "test"),
}
"""What folders and arrays call the parts, in any case."""
LARGEST = 2**31
"""Max. bytes of the images in a file or folder; standardised they take four times as much memory."""
LARGEST_PACKED, MOST_PACKED = 2**27, 100
"""Images of more bytes may take at most so many times their bytes on disk; bombs grow a thousandfold."""
_SPLIT_SEED = 0
_FEW_CLASSES = 10  # whose numbers of images a sentence can list
_CHANNELS = (1, 3, 4)


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
    sha256: str = ""
    official: bool | None = None
    synthetic: bool = False
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
        validation_images, validation_labels: the same, one set; None if the data came without.
        feature_names: names of the columns of feature vectors, (d,), or none.
        sources: the file, row or element that each image was read from: training batches, validation and test images;
            empty if unknown.
        own_test: whether the data came with a test set; otherwise one is split off, or the images are tested in folds.
        groups: the group of each training image, (n,), batch after batch, then of each test image that was split off;
            images of one group are in one part. None without groups.
        n_folds: above 1 for cross-validation: the training images are also the test images, of other networks.
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
    sources: tuple[str, ...] = ()
    own_test: bool = True
    n_folds: int = 1
    groups: np.ndarray | None = None

    def __repr__(self) -> str:
        shape, classes = self.test_images.shape[1:], len(self.class_names)
        counts = ", ".join(f"{rows.sum():,} {part}" for part, rows in self.counts().items())
        return printable(f"Dataset({self.provenance.name}: {counts}; shape {shape}, {classes} classes)")

    @property
    def test_sources(self) -> tuple[str, ...]:
        """The sources of the test images; empty if unknown."""
        return self.sources[-len(self.test_labels) :]

    @property
    def test_groups(self) -> np.ndarray | None:
        """Of the test images; None where that is not known."""
        return None if self.groups is None or self.own_test else self.groups[-len(self.test_labels) :]

    def counts(self) -> dict[str, np.ndarray]:
        """Number of images of each class, (C,), in each part: "training", "validation" where it was given, "test"."""
        parts = {"training": np.concatenate(self.train_labels)}
        if self.validation_labels is not None:
            parts["validation"] = self.validation_labels
        parts["test"] = self.test_labels
        return {part: np.bincount(labels, minlength=len(self.class_names)) for part, labels in parts.items()}

    @property
    def is_imbalanced(self) -> bool:
        """Whether the largest class has at least twice the images of the smallest."""
        sizes = self.class_sizes()
        return bool(sizes.max() >= 2 * sizes.min())

    def class_sizes(self) -> np.ndarray:
        """Number of images of each class, (C,), each counted once."""
        counts = self.counts()
        sizes: np.ndarray = np.sum(list(counts.values()), axis=0)
        return sizes - counts["test"] if self.n_folds > 1 else sizes


def make_dataset(
    batches: Sequence[LabelledImages],
    class_names: Sequence[str],
    origin: Provenance,
    validation: LabelledImages | None = None,
    notes: Sequence[str] = (),
    **others: Any,
) -> Dataset:
    """A Dataset whose last batch is the test set; DataError for names not to be shown.

    Its provenance is ``origin`` with the hash of the content and what was found. Readers see to it that labels are
    0..C-1; ``notes`` are sentences of what one passed over or changed, ``others`` other fields.
    """
    class_names = checked_names(class_names, origin.source)
    content = hashlib.sha256()
    kind = batches[0][0].shape[1:], str(batches[0][0].dtype), len(class_names)
    if kind != ((32, 32, 3), "uint8", 10):  # so that equal bytes of another meaning have another hash
        content.update(repr(kind).encode())
    for images, labels in [*batches, *([validation] if validation else [])]:
        content.update(labels.astype(np.min_scalar_type(len(class_names) - 1)).tobytes())
        content.update(np.ascontiguousarray(np.moveaxis(images, -1, 1)).data)
    if validation:  # else six batches would be hashed like five and validation images
        content.update(b"the last are validation images")
    X, y = zip(*batches, strict=True)
    data = Dataset(X[:-1], y[:-1], X[-1], y[-1], class_names, origin, *(validation or ()), **others)
    found = printable(" ".join([_counted(data), *notes]))
    return replace(data, provenance=replace(origin, sha256=content.hexdigest(), found=found))


def _counted(data: Dataset) -> str:
    """How many images there are, in each part and of each class.

    >>> from linclf import load_dataset
    >>> _counted(load_dataset("synthetic:20"))[:57]
    '120 images of 10 classes: 100 training and 20 test images'
    """
    counts = data.counts()
    total, rows = np.sum(list(counts.values()), axis=0), "images" if data.test_images.ndim == 4 else "feature vectors"
    *first, last = [f"{count.sum():,} {part}" for part, count in counts.items()]
    if total.min() == total.max():
        per_class = f"{total[0]:,} of each class"
    elif len(total) <= _FEW_CLASSES:
        per_class = ", ".join(f"{n:,} of {name}" for name, n in zip(data.class_names, total, strict=True))
    else:
        fewest, most = (f"{total[i]:,} ({data.class_names[i]})" for i in (total.argmin(), total.argmax()))
        per_class = f"from {fewest} to {most} per class"
    return f"{total.sum():,} {rows} of {len(total)} classes: {', '.join(first)} and {last} {rows}; {per_class}."


def split_dataset(
    parts: Mapping[str, LabelledImages],
    *,
    name: str,
    source: str,
    layout: str,
    class_names: Sequence[str] | None = None,
    notes: Sequence[str] = (),
    sources: Mapping[str, Sequence[str]] | None = None,
    groups: tuple[str, np.ndarray] | None = None,
    **others: Any,
) -> Dataset:
    """A Dataset from data without training batches: the training images are split into five, as CIFAR-10's are.

    The split is drawn from a fixed seed, stratified by class. Without a test set, a sixth of the training images
    becomes one. Given validation images stay what they are.

    Args:
        parts: images and labels of "train" and, where they are there, "validation" and "test".
        name: of the data.
        source: where they are.
        layout: how it was stored; the split is told after it.
        class_names: :func:`.labels.encode_labels` says what they and the labels may be.
        notes: sentences of what the reader passed over or changed.
        sources: what each image of a part was read from.
        groups: what a group is, as "patient", and which each training image is of: a group is dealt into one part.
        others: other fields of the Dataset.
    """
    own_test, images = "test" in parts, parts["train"][0]
    n_parts = 5 if own_test else 6
    if len(images) < n_parts:
        raise DataError(f"{source}: expected at least {n_parts} training images, found {len(images)}")
    given = [part for part in ("validation", "test") if part in parts]
    (train, *labels), class_names = encode_labels([parts[part][1] for part in ("train", *given)], class_names, source)
    sets = {part: (parts[part][0], y) for part, y in zip(given, labels, strict=True)}
    of_group = None if groups is None else np.unique(groups[1], return_inverse=True)[1]
    dealt = stratified(train, n_parts, of_group, source)
    layout += f"; split into five training batches{'' if own_test else ' and a test set'}, stratified by class"
    if groups is not None and of_group is not None:
        layout += ", groups kept whole"
        notes = [*notes, f"Rows of one {groups[0]} stay together, in {of_group.max() + 1:,} groups."]
        of_group = np.concatenate([of_group[rows] for rows in dealt])
    read = [[sources["train"][i] for i in rows] for rows in dealt] if sources else []
    read[5:5] = [[*sources[part]] for part in given] if sources else []  # before the test images that are split off
    return make_dataset(
        [*((images[rows], train[rows]) for rows in dealt), *([sets["test"]] if own_test else [])],
        class_names,
        Provenance(name, source, f"{layout}, in an order drawn from seed {_SPLIT_SEED}"),
        sets.get("validation"),
        notes,
        sources=tuple(printable(source) for part in read for source in part),
        own_test=own_test,
        groups=of_group,
        **others,
    )


def stratified(
    labels: np.ndarray, n_parts: int, groups: np.ndarray | None = None, where: str = "the data"
) -> list[np.ndarray]:
    """Rows of each part, in an order drawn from a fixed seed: the numbers of a class's images differ by one at most.

    Groups, (n,), stay in one part each; then scikit-learn's StratifiedGroupKFold evens the numbers.

    Raises:
        DataError: too few groups.
        ConfigError: groups, and no scikit-learn.

    >>> labels = np.repeat([0, 1], [12, 6])
    >>> [np.bincount(labels[rows]).tolist() for rows in stratified(labels, 6)]
    [[2, 1], [2, 1], [2, 1], [2, 1], [2, 1], [2, 1]]
    """
    rng = np.random.default_rng(_SPLIT_SEED)
    if groups is None:
        order = rng.permutation(len(labels))
        order = order[np.argsort(labels[order], kind="stable")]  # class by class: dealt out in turn
        return [rng.permutation(order[part::n_parts]) for part in range(n_parts)]
    try:
        from sklearn.model_selection import StratifiedGroupKFold
    except ImportError:
        raise ConfigError("groups need scikit-learn: pip install 'linclf[sklearn]'") from None
    n, parts = len(np.unique(groups)), list[np.ndarray]()
    if n >= n_parts and np.bincount(labels).max() >= n_parts:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "The least populated class")  # pages say which classes are small
            parts = [rows for _, rows in StratifiedGroupKFold(n_parts).split(labels, labels, groups)]
    if not parts or min(map(len, parts)) == 0:
        found = f"found {n:,} groups of {len(labels):,} rows; give another column, or none"
        raise DataError(f"{where}: expected groups enough to fill {n_parts} parts, each group in one, {found}")
    return [rng.permutation(rows) for rows in parts]


def folds(data: Dataset, n: int) -> tuple[list[Dataset], Dataset]:
    """The images dealt into n parts, as n data sets of which each has another part to test, and one that has all.

    The training batches of data set k are the parts after k, in a circle, so that each part also is the last batch of
    one. The data set of all has the parts to train on, and all of them to test.
    """
    X = np.concatenate([*data.train_images, data.test_images])
    y = np.concatenate([*data.train_labels, data.test_labels])
    n_train, of = len(y) - len(data.test_labels), data.groups
    given = data.sources[n_train : len(data.sources) - len(data.test_labels)]
    known = np.array([*data.sources[:n_train], *data.test_sources], dtype=object) if data.sources else y
    dealt = stratified(y, n, of)
    parts = [[array[rows] for array in (X, y, known, y if of is None else of)] for rows in dealt]

    def of_parts(train: Sequence[Sequence[np.ndarray]], test: Sequence[np.ndarray], name: str) -> Dataset:
        sha = hashlib.sha256(f"{data.provenance.sha256} {name} of {n}".encode()).hexdigest()
        images, labels, sources, groups = zip(*train, strict=True)
        return replace(
            data,
            train_images=images,
            train_labels=labels,
            test_images=test[0],
            test_labels=test[1],
            sources=tuple(np.concatenate([*sources, given, test[2]])) if data.sources else (),
            provenance=replace(data.provenance, sha256=sha),
            groups=None if of is None else np.concatenate([*groups, test[3]]),
        )

    held_out = [of_parts([*parts[k + 1 :], *parts[:k]], parts[k], f"fold {k}") for k in range(n)]
    whole = of_parts(parts, [np.concatenate(arrays) for arrays in zip(*parts, strict=True)], "all")
    return held_out, replace(whole, n_folds=n)


@dataclass(frozen=True)
class Option:
    """What may be said about how a format is read: a keyword of ``load_dataset``, and an option of the command.

    Attributes:
        name: the keyword, such as "image_size".
        kind: int, str, bool (a flag), or list (names).
        metavar: what the value is called in the help; "" of a flag.
        help: one sentence, which needs no full stop.
        of: the data that it is for, in the plural.
    """

    name: str
    kind: type
    metavar: str
    help: str
    of: str


@dataclass(frozen=True)
class Reader:
    """A format, as its module declares it.

    Attributes:
        reads: what it reads, in words that go on after "a path: of".
        find: (path) -> what it would load of ``path``, or None.
        load: (path, source, **options) -> the data set at what ``find`` returned; ``source`` is what people are told
            about the place.
        options: of ``load``; the value of the first may stand after a colon without its name.
        imports: modules that ``load`` imports late: what is slow, or comes with an extra.
        example: a path of such data, as the documentation shows it.
    """

    reads: str
    find: Callable[[Path], Path | None]
    load: Callable[..., Dataset]
    options: tuple[Option, ...] = ()
    imports: tuple[str, ...] = ()
    example: str = ""


USUAL_LABELS = ("label", "class", "target", "y")
"""What a column of labels is called where none is named."""
LABEL = Option(
    "label", str, "NAME", "the column of labels; else the one called label, class, target or y", "tables and labels.csv"
)

GROUP = Option(
    "group", str, "NAME", "a column whose rows of one value stay in one part of every split", "tables and labels.csv"
)


def check_file(path: str | os.PathLike[str], what: str) -> None:
    """DataError if ``path`` is a folder or a pipe, which reading would wait for, or anything else but a file."""
    if os.path.exists(path) and not os.path.isfile(path):  # which say False of a name that is too long
        raise DataError(f"{path}: expected {what}, found something that is no file")


@contextmanager
def reading(path: str | os.PathLike[str], what: str, verb: str = "read") -> Iterator[None]:
    """A context in which whatever reading a file raises becomes a DataError, which names ``what`` was expected."""
    check_file(path, what)
    try:
        yield
    except LinclfError:
        raise
    except Exception as error:  # reading hostile bytes can raise nearly anything
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise DataError(f"{path}: expected {what}, could not {verb} it ({reason})") from error


def check_size(where: str, size: int, stored: int, packed: int = LARGEST_PACKED) -> None:
    """DataError if images of ``size`` bytes, of which ``stored`` are on disk, would exhaust memory.

    From ``packed`` bytes on, they may be no more than a hundred times those on disk.
    """
    if size > LARGEST:
        raise DataError(f"{where}: expected at most {LARGEST:,} bytes of images, found {size:,}")
    if size > max(packed, MOST_PACKED * stored):
        raise DataError(f"{where}: expected at most {MOST_PACKED} times the {stored:,} bytes on disk, found {size:,}")


def as_images(arrays: Mapping[str, np.ndarray], where: str) -> list[np.ndarray]:
    """The images of every part, (n, h, w, c), or feature vectors (n, d): all uint8, float32 or float64.

    Whole numbers of images become uint8 where all of all parts are within 0..255, else floats; those of vectors are
    floats unless they are uint8 already; booleans become 0 and 255; half precision grows to float32.

    Args:
        arrays: of each part, under the name that messages call it by: (n, h, w), (n, h, w, c) or (n, d).
        where: what messages open with, such as the file.

    Raises:
        DataError: another shape or type, or numbers that are not finite or not below 1e30.
    """
    (first, train), *_ = arrays.items()
    for name, X in arrays.items():
        if X.ndim not in (2, 3, 4) or X.size == 0:
            raise DataError(f"{where}: expected {name} of shape (n, h, w), (n, h, w, c) or (n, d), found {X.shape}")
        if X.ndim == 4 and X.shape[1] in _CHANNELS and X.shape[3] not in _CHANNELS and X.shape[2] > 4:
            advice = "whose channels come first; turn them with np.moveaxis(X, 1, -1)"
            raise DataError(f"{where}: expected {name} of shape (n, h, w, c), found {X.shape}, {advice}")
        if X.shape[1:] != train.shape[1:]:
            shape = ", ".join(map(str, ("n", *train.shape[1:])))
            raise DataError(f"{where}: expected {name} of shape ({shape}) as {first}, found {X.shape}")
        if not (X.dtype.kind in "biu" or (X.dtype.kind == "f" and X.itemsize <= 8)):
            raise DataError(f"{where}: expected {name} as whole numbers or floats, found {X.dtype}")
    images = _of_one_type(list(arrays.values()), where)
    for name, X in zip(arrays, images, strict=True):
        if X.dtype != np.uint8 and not max(abs(X.min()), abs(X.max())) < 1e30:  # nor NaN, which both pass on
            raise DataError(f"{where}: expected finite numbers below 1e30 in {name}; clean the data first")
    return [X[..., None] if X.ndim == 3 else X for X in images]


def _of_one_type(arrays: Sequence[np.ndarray], where: str) -> list[np.ndarray]:
    kinds = {X.dtype.kind for X in arrays}
    if kinds == {"b"}:
        return [X * np.uint8(255) for X in arrays]
    whole = kinds <= set("biu")
    if not whole and kinds != {"f"}:
        found = f"{' and '.join(str(X.dtype) for X in arrays)}: whole numbers to 255 are divided by 255, floats are not"
        raise DataError(f"{where}: expected one type in all parts, found {found}")
    of_pixels = arrays[0].ndim > 2 or all(X.dtype == np.uint8 for X in arrays)
    if whole and of_pixels and all(X.min() >= 0 and X.max() <= 255 for X in arrays):
        return [X.astype(np.uint8, copy=False) for X in arrays]
    for X in arrays:
        check_precision(X, where)
    return [X.astype(np.result_type(np.float32, *(X.dtype for X in arrays)), copy=False) for X in arrays]


def as_labels(y: np.ndarray, n: int, name: str, where: str) -> np.ndarray:
    """Labels (n,) of one that is (n,) or (n, 1); DataError if it is not, or not one for each of n images."""
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim == 1 and len(y) == n:
        return y
    advice = f"; take np.argmax({name}, axis=1) of labels of which one a row is set" if y.ndim == 2 else ""
    raise DataError(f"{where}: expected {name} as a label for each of {n:,} images, found shape {y.shape}{advice}")

"""Gaussian surrogates: images drawn from the means and covariances of another data set's classes.

A linear classifier sees little more of its images than those. An image of (h, w, c) pixels stands as the d = h w c
coefficients of its cosine transform over rows, columns and channels (of three channels, that is brightness and two
differences), divided by √d, so that the first is the mean pixel. Those of an image of class k are

    mean + offset_k + L_k z on the K coefficients that vary most,
    mean + offset_k + deviation_k z on each of the others,

z from N(0, 1), rounded and clipped to 0..255. Of natural images the few largest coefficients hold nearly all that is
correlated, so that a full covariance L_k L_kᵀ of these, and standard deviations of the rest, fit into few bytes.

Sources: Ahmed, Natarajan and Rao, "Discrete Cosine Transform", 1974; for the shrinking of offsets James and Stein,
"Estimation with Quadratic Loss", 1961.
"""

import math
import os
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from linclf.errors import DataError
from linclf.system.files import write_whole
from linclf.system.threads import one_blas_thread

from .dataset import CIFAR10, Dataset, LabelledImages, Provenance, Reader, make_dataset
from .labels import LONGEST_NAME, MOST_CLASSES, can_be_shown
from .readers.npz import read_arrays

NAMED = "Gaussian surrogate of "
"""How the names of data sets begin that are drawn from a surrogate."""
EMBEDDED = Path(__file__).with_name("cifar10_surrogate.npz")
"""Made by ``linclf surrogate`` from CIFAR-10's training images, a JPEG copy of them."""
SEED, LARGEST_BATCH = 0, 10_000
"""Of the draws; and images of each."""
VERSION = 1
LARGEST_SIDE, MOST_CHANNELS = 256, 4
MOST_NUMBERS = 2**25
"""Coefficients, or entries of covariances, of all classes together: 64 MB in a file."""
_NUMBERS_AT_A_TIME = 2**18  # coefficients: 2 MB, which stay in the processor's cache


@dataclass(frozen=True, eq=False)
class Surrogate:
    """Means and covariances of classes, from which images are drawn.

    Attributes:
        name: of the data that it was made from.
        class_names: C names.
        image_shape: (h, w, c) in pixels and channels, with d = h w c coefficients.
        counts: (C,), int64, images of each class that it was made from; classes are drawn as often.
        mean: (d,), float16, of all images' coefficients, in grey levels.
        offsets: (C, d), float16, what is added to it for each class, less what chance alone would make of it.
        coefficients: (K,), int32, ascending, which of the d coefficients are correlated.
        factors: (C, K(K+1)/2), float16, the rows of each class's lower triangle L.
        deviations: (C, d - K), float16, standard deviations of the other coefficients, in their order.
    """

    name: str
    class_names: tuple[str, ...]
    image_shape: tuple[int, int, int]
    counts: np.ndarray
    mean: np.ndarray
    offsets: np.ndarray
    coefficients: np.ndarray
    factors: np.ndarray
    deviations: np.ndarray

    @one_blas_thread()
    def draw(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """n images (n, h, w, c), uint8, and their labels (n,), int64.

        All is computed in float64, so that the order in which a machine adds does not move a pixel from one grey level
        to the next: the same state of ``rng`` gives the same images.
        """
        labels = rng.choice(len(self.counts), n, p=self.counts / self.counts.sum()).astype(np.int64)
        images = np.empty((n, *self.image_shape), np.uint8)
        d, K = len(self.mean), len(self.coefficients)
        rest, L = others(self.coefficients, d), np.zeros((K, K))
        for k in np.unique(labels):
            centre, deviations = self.mean.astype(np.float64) + self.offsets[k], np.zeros(d)
            deviations[rest] = self.deviations[k]
            L[np.tril_indices(K)] = self.factors[k]
            for rows in chunks(np.flatnonzero(labels == k), d):
                z = rng.standard_normal((len(rows), d), np.float32).astype(np.float64)
                correlated = z[:, self.coefficients] @ L.T
                x = np.add(np.multiply(z, deviations, out=z), centre, out=z)
                x[:, self.coefficients] += correlated
                pixels = transform(np.multiply(x, math.sqrt(d), out=x), self.image_shape, inverse=True)
                images[rows] = np.clip(np.rint(pixels, out=pixels), 0, 255, out=pixels)
        return images, labels

    def to_arrays(self) -> dict[str, Any]:
        """The arrays of a file, by name; :meth:`from_arrays` is the way back."""
        arrays = {name: np.asarray(value) for name, value in vars(self).items()}
        arrays["image_shape"] = arrays["image_shape"].astype(np.int64)
        return {"surrogate_version": np.array(VERSION, np.int64), **arrays}

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write an ``.npz`` file, 258 kB for CIFAR-10, whole or not at all."""
        write_whole(path, lambda file: np.savez_compressed(file, **self.to_arrays()))

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray], where: str) -> "Surrogate":
        """The surrogate of a file's arrays; DataError, which begins with ``where``, if they are not those of one.

        Sizes are checked before anything of their size is made.
        """

        def need(holds: bool, expected: str) -> None:
            if not holds:
                raise DataError(f"{where}: expected {expected}")

        def array(name: str, kind: str, shape: tuple[int, ...] | None = None) -> np.ndarray:
            need(name in arrays, f"the arrays of a surrogate, {name} is missing")
            values = arrays[name]
            need(values.dtype == kind or values.dtype.kind == kind, f"{name} of type {kind}, found {values.dtype}")
            need(shape is None or values.shape == shape, f"{name} of shape {shape}, found {values.shape}")
            need(kind != "f2" or bool(np.isfinite(values).all()), f"finite numbers in {name}, found others")
            return values

        version = int(array("surrogate_version", "i8", ()))
        need(version == VERSION, f"a surrogate of version {VERSION}, found version {version}")
        h, w, c = (int(size) for size in array("image_shape", "i8", (3,)))
        names, counts = array("class_names", "U"), array("counts", "i8")
        C, d = counts.size, h * w * c
        check_sizes(where, (h, w, c), C)
        need(counts.shape == names.shape == (C,), f"as many class_names as counts, found {names.shape}, {counts.shape}")
        need(0 <= counts.min() and 0 < counts.max() < 2**40, "counts of 0 to 2^40 images, not all 0, found others")
        name, *class_names = map(str, [array("name", "U", ()), *names])
        good = all(can_be_shown(text) and len(text) <= LONGEST_NAME for text in [*class_names, name])
        need(good and len(set(class_names)) == C, f"different names to show, of 1 to {LONGEST_NAME} characters")
        chosen, K = array("coefficients", "i4"), arrays["coefficients"].size
        need(chosen.ndim == 1 and C * K**2 <= MOST_NUMBERS, f"a list of fewer coefficients, found {chosen.shape}")
        # Differences in int32 could wrap around.
        ascending = (np.diff(chosen.astype(np.int64), prepend=-1, append=d) > 0).all()
        need(bool(ascending), f"ascending coefficients of 0..{d - 1}, found others")
        deviations = array("deviations", "f2", (C, d - K))
        need(bool((deviations >= 0).all()), "deviations of 0 or more, found others")
        mean, offsets = array("mean", "f2", (d,)), array("offsets", "f2", (C, d))
        factors = array("factors", "f2", (C, K * (K + 1) // 2))
        return cls(name, tuple(class_names), (h, w, c), counts, mean, offsets, chosen, factors, deviations)


FIELDS = ("surrogate_version", *(field.name for field in fields(Surrogate)))
"""The arrays of a file."""


def check_sizes(where: str, shape: tuple[int, int, int], n_classes: int) -> None:
    """DataError if images are larger, or classes more, than what is drawn in ordinary memory."""
    h, w, c = shape
    if not (1 <= min(h, w) and max(h, w) <= LARGEST_SIDE and 1 <= c <= MOST_CHANNELS):
        most = f"{LARGEST_SIDE} x {LARGEST_SIDE} pixels and {MOST_CHANNELS} channels"
        raise DataError(f"{where}: expected images of at most {most}, found {h} x {w} of {c}")
    if not 1 <= n_classes <= MOST_CLASSES or h * w * c * n_classes > MOST_NUMBERS:
        most = f"{MOST_CLASSES:,} classes, times {h * w * c:,} pixels at most {MOST_NUMBERS:,}"
        raise DataError(f"{where}: expected 1 to {most}, found {n_classes:,}")


def others(chosen: np.ndarray, d: int) -> np.ndarray:
    """Which of d coefficients are not chosen, ascending."""
    return np.setdiff1d(np.arange(d), chosen, assume_unique=True)


def chunks(rows: np.ndarray, d: int) -> Iterator[np.ndarray]:
    """Some rows at a time, of d numbers each."""
    step = max(1, _NUMBERS_AT_A_TIME // d)
    return (rows[i : i + step] for i in range(0, len(rows), step))


def transform(x: np.ndarray, shape: tuple[int, int, int], *, inverse: bool = False) -> np.ndarray:
    """Images to (n, d) coefficients, or back to (n, h, w, c): an orthogonal cosine transform along each axis."""
    x = x.astype(np.float64, copy=False)
    for size in shape:
        order, place = np.arange(size)[:, None], np.arange(size) + 0.5
        basis = np.sqrt(np.where(order == 0, 1, 2) / size) * np.cos(np.pi * order * place / size)
        # The first axis is transformed and becomes the last, so that after three turns all are where they were.
        x = x.reshape(len(x), size, -1).transpose(0, 2, 1) @ (basis if inverse else basis.T)
    return x.reshape(len(x), *shape) if inverse else x.reshape(len(x), -1)


def fit_surrogate(
    images: np.ndarray, labels: np.ndarray, class_names: Sequence[str], *, name: str, n_coefficients: int = 128
) -> Surrogate:
    """The surrogate of images (n, h, w, c), uint8, with labels (n,) of 0..C-1; class_names are C.

    At most ``n_coefficients`` coefficients are correlated, and no more than a quarter of the number of images. What few
    images of a class cannot tell comes from all classes: a class's own covariance weighs as its images but one, the
    covariance within all classes as K images. Offsets are shrunk by the share of their variance, coefficient by
    coefficient, that chance accounts for: no new image has it in common with its class, but all that is drawn would.
    Nothing here protects images: the mean of a class of one image is nearly that image.

    Raises:
        DataError: no images, others than uint8, beyond 256 x 256 pixels, or labels that do not fit them.

    >>> images = np.random.default_rng(0).integers(100, 150, (50, 2, 2, 1)).astype(np.uint8)
    >>> surrogate = fit_surrogate(images, np.arange(50) % 2, ["even", "odd"], name="noise")
    >>> surrogate.draw(3, np.random.default_rng(0))[0].shape
    (3, 2, 2, 1)
    """
    if images.ndim != 4 or images.dtype != np.uint8 or images.size == 0 or labels.shape != images.shape[:1]:
        found = f"{images.dtype} {images.shape} and {labels.shape}"
        raise DataError(f"{name}: expected images (n, h, w, c), uint8, and n labels, found {found}")
    C, shape = len(class_names), (images.shape[1], images.shape[2], images.shape[3])
    if labels.dtype.kind not in "iu" or labels.min() < 0 or labels.max() >= C:
        raise DataError(f"{name}: expected whole-number labels 0..{C - 1}, found others")
    check_sizes(name, shape, C)
    d, members = math.prod(shape), [np.flatnonzero(labels == k) for k in range(C)]
    counts = np.array([len(rows) for rows in members], np.int64)

    sums, squares = np.zeros((C, d)), np.zeros((C, d))
    for k, x in _coefficients(images, members):
        sums[k] += x.sum(axis=0)
        squares[k] += np.square(x).sum(axis=0)
    means = sums / np.maximum(counts, 1)[:, None]
    squares = np.maximum(squares - counts[:, None] * np.square(means), 0)  # about the means
    mean = counts @ means / len(images)
    present = int(np.count_nonzero(counts))
    spare = max(len(images) - present, 1)
    within = squares.sum(axis=0) / spare
    offsets = np.where(counts[:, None] > 0, means - mean, 0)
    between = counts @ np.square(offsets) / max(present - 1, 1)
    offsets *= 1 - np.divide(within, between, out=np.ones(d), where=between > within)

    K = min(n_coefficients, d, spare // 4, math.isqrt(MOST_NUMBERS // C))
    chosen = np.sort(np.argsort(-within, kind="stable")[:K]).astype(np.int32)
    products = np.zeros((C, K, K))
    for k, x in _coefficients(images, members):
        x = x[:, chosen] - means[k, chosen]
        products[k] += x.T @ x
    trust = 1 / (np.maximum(counts - 1, 0) + max(K, 1))  # of a class's own sum; what is missing to 1 is the others'
    borrowed = trust * max(K, 1)
    common, factors = products.sum(axis=0) / spare, np.empty((C, K * (K + 1) // 2), np.float16)
    for k in range(C):
        factors[k] = _lower_triangle(trust[k] * products[k] + borrowed[k] * common)[np.tril_indices(K)]
    variances = (trust[:, None] * squares + borrowed[:, None] * within)[:, others(chosen, d)]
    return Surrogate(
        name, tuple(class_names), shape, counts, mean.astype(np.float16), offsets.astype(np.float16), chosen, factors,
        np.sqrt(variances).astype(np.float16),
    )  # fmt: skip


def _coefficients(images: np.ndarray, members: Sequence[np.ndarray]) -> Iterator[tuple[int, np.ndarray]]:
    """The class and the coefficients of some images, a few at a time; ``members`` are the rows of each class."""
    shape, d = images.shape[1:], images[0].size
    return (
        (k, transform(images[part], shape) / math.sqrt(d)) for k, rows in enumerate(members) for part in chunks(rows, d)
    )


def _lower_triangle(covariance: np.ndarray) -> np.ndarray:
    """L with L Lᵀ = covariance and a diagonal of 0 or more, also where the covariance is singular."""
    values, vectors = np.linalg.eigh(covariance)
    R = np.asarray(np.linalg.qr((vectors * np.sqrt(np.maximum(values, 0))).T, mode="r"))
    return R.T * np.where(np.diag(R) < 0, -1, 1)


def find(path: Path) -> Path | None:
    """``path`` if it is a surrogate's ``.npz`` file, or None."""
    if path.is_file() and path.suffix.lower() == ".npz":
        with suppress(Exception), zipfile.ZipFile(path) as archive:  # hostile bytes can raise nearly anything
            return path if f"{FIELDS[0]}.npy" in archive.namelist() else None
    return None


def load(path: Path, source: str) -> Dataset:
    """Five training batches and a test set, each a fifth of the images that the surrogate was made from.

    At most 10,000 images per batch; DataError if the file holds no surrogate.
    """
    surrogate = _read(path)
    return _drawn(surrogate, min(max(int(surrogate.counts.sum()) // 5, 1), LARGEST_BATCH), source)


def embedded(batch_size: int = 2000) -> Dataset:
    """The surrogate of CIFAR-10 that comes with the package: five training batches and a test set of that size."""
    return _drawn(_read(EMBEDDED), batch_size, "the package")


def surrogate_of(data: Dataset) -> Surrogate:
    """The surrogate of a data set: the embedded one for CIFAR-10, else that of the training images.

    Raises:
        DataError: the data set is not of uint8 images.
    """
    return _read(EMBEDDED) if data.provenance.name == CIFAR10 or data.provenance.synthetic else _fitted(data)


def _fitted(data: Dataset) -> Surrogate:
    name = data.provenance.name
    if data.test_images.ndim != 4:
        raise DataError(f"{name}: expected images to make a surrogate of, found feature vectors")
    images, labels = np.concatenate(data.train_images), np.concatenate(data.train_labels)
    return fit_surrogate(images, labels, data.class_names, name=name)


def draw_embedded(*sizes: int) -> list[LabelledImages]:
    """Images of CIFAR-10's surrogate, and their labels: a set of each size."""
    surrogate, rng = _read(EMBEDDED), np.random.default_rng(SEED)
    return [surrogate.draw(n, rng) for n in sizes]


def write_surrogate(data: Dataset, path: str | os.PathLike[str]) -> str:
    """Write the surrogate of a data set's training images, and say so in a sentence.

    Raises:
        DataError: the data set is not of uint8 images.
    """
    (surrogate := _fitted(data)).save(path)
    return (
        f"{os.fspath(path)}: means and covariances of {surrogate.counts.sum():,} images of {surrogate.name}, "
        f"{os.path.getsize(path) / 1000:.0f} kB. It holds no image, but promises no privacy either: of a class of few "
        "images, the mean shows much of each."
    )


def _read(path: Path) -> Surrogate:
    return Surrogate.from_arrays(read_arrays(path, FIELDS.__contains__, "a surrogate"), str(path))


def _drawn(surrogate: Surrogate, batch_size: int, source: str) -> Dataset:
    name, rng = surrogate.name, np.random.default_rng(SEED)
    drawn = (
        f"drawn with seed {SEED} from the means and covariances of {name}'s training images; no image of it is inside"
    )
    origin = Provenance(f"{NAMED}{name}", source, drawn, official=False, synthetic=name == CIFAR10)
    return make_dataset([surrogate.draw(batch_size, rng) for _ in range(6)], surrogate.class_names, origin)


READER = Reader("a surrogate", find, load, example="surrogate.npz")

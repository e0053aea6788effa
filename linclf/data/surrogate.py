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
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from linclf.errors import DataError
from linclf.system.files import write_whole

from .classes import LONGEST_NAME, MOST_CLASSES, can_be_shown

VERSION = 1
LARGEST_SIDE, MOST_CHANNELS = 256, 4
MOST_NUMBERS = 2**25
"""Coefficients, or entries of covariances, of all classes together: 64 MB in a file."""
FIELDS = (
    "surrogate_version", "name", "class_names", "image_shape", "counts",
    "mean", "offsets", "coefficients", "factors", "deviations",
)  # fmt: skip
"""The arrays of a file."""
_NUMBERS = 2**18  # coefficients made at a time: 2 MB, which stay in the processor's cache


@dataclass(frozen=True, eq=False)
class Surrogate:
    """What images are drawn from.

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
        arrays = {field: np.asarray(getattr(self, field)) for field in FIELDS if field != "surrogate_version"}
        arrays["image_shape"] = np.array(self.image_shape, np.int64)
        return {"surrogate_version": np.array(VERSION, np.int64), **arrays}

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write an ``.npz`` file, 258 kB for CIFAR-10, whole or not at all."""
        write_whole(path, lambda file: np.savez_compressed(file, **self.to_arrays()))

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray], where: str) -> "Surrogate":
        """The surrogate that a file's arrays hold; DataError, opening with ``where``, if they hold none.

        Sizes are checked before anything of their size is made.
        """

        def need(holds: bool, expected: str) -> None:
            if not holds:
                raise DataError(f"{where}: expected {expected}")

        def array(name: str, kind: str, shape: tuple[int, ...] | None = None) -> np.ndarray:
            need(name in arrays, f"the arrays of a surrogate, {name} is missing")
            found = arrays[name]
            need(found.dtype == kind or found.dtype.kind == kind, f"{name} of type {kind}, found {found.dtype}")
            need(shape is None or found.shape == shape, f"{name} of shape {shape}, found {found.shape}")
            need(kind != "f2" or bool(np.isfinite(found).all()), f"finite numbers in {name}, found others")
            return found

        version = int(array("surrogate_version", "i8", ()))
        need(version == VERSION, f"a surrogate of version {VERSION}, found version {version}")
        h, w, c = (int(size) for size in array("image_shape", "i8", (3,)))
        names, counts = array("class_names", "U"), array("counts", "i8")
        C, d = counts.size, h * w * c
        check_sizes(where, (h, w, c), C)
        need(counts.shape == names.shape == (C,), f"as many class_names as counts, found {names.shape}, {counts.shape}")
        need(0 <= counts.min() and 0 < counts.max() < 2**40, "counts of 0 to 2^40 images, not all 0, found others")
        try:
            *class_names, name = (str(text) for text in [*names.tolist(), array("name", "U", ()).item()])
        except (ValueError, SystemError) as error:  # numbers that are no characters
            raise DataError(f"{where}: expected names as text, found {error}") from error
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


def check_sizes(where: str, shape: tuple[int, int, int], n_classes: int) -> None:
    """DataError if images are larger, or classes more, than what is drawn in ordinary memory."""
    h, w, c = shape
    if not (1 <= min(h, w) and max(h, w) <= LARGEST_SIDE and 1 <= c <= MOST_CHANNELS):
        raise DataError(
            f"{where}: expected images of at most {LARGEST_SIDE} x {LARGEST_SIDE} pixels and {MOST_CHANNELS} channels, "
            f"found {h} x {w} of {c}"
        )
    if not 1 <= n_classes <= MOST_CLASSES or h * w * c * n_classes > MOST_NUMBERS:
        raise DataError(
            f"{where}: expected 1 to {MOST_CLASSES:,} classes, times {h * w * c:,} pixels at most {MOST_NUMBERS:,}, "
            f"found {n_classes:,}"
        )


def others(chosen: np.ndarray, d: int) -> np.ndarray:
    """Which of d coefficients are not chosen, ascending."""
    return np.setdiff1d(np.arange(d), chosen, assume_unique=True)


def chunks(rows: np.ndarray, d: int) -> Iterator[np.ndarray]:
    """Some rows at a time, of d numbers each."""
    step = max(1, _NUMBERS // d)
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

"""From images to inputs: pixels / 255, then each input standardised with the training images' mean and deviation."""

import math
from dataclasses import dataclass
from functools import cached_property
from numbers import Integral

import numpy as np

from linclf.errors import ConfigError, DataError

_CHUNK = 500  # images at a time: small enough for the cache, large enough to vectorise
_LARGEST_CHUNK = 2**22  # numbers at a time, of large images
_NUMBERS = 320_000  # inputs made at a time: a mini-batch of 100 CIFAR-10 images in one piece
_PIXELS = 255.0  # the scale of uint8
_WORTH_THREADS = 20  # pieces of that size, which take some 10 ms


def check_plain(values: object, what: str) -> None:
    """DataError for masked, sparse and dimensional arrays, of which ``np.asarray`` would keep the bare numbers."""
    advice = ""
    if isinstance(values, np.ma.MaskedArray):
        if masked := np.count_nonzero(values.mask):
            advice = f"found {masked:,} masked values; fill them, or leave their rows out"
    elif hasattr(values, "toarray"):
        advice = "found a sparse matrix; give its toarray()"
    elif hasattr(type(values), "unit") or hasattr(type(values), "units"):
        advice = f"found {type(values).__name__}, whose values have units; give plain numbers in one unit"
    elif isinstance(values, list | tuple):
        for value in values:
            check_plain(value, what)
    if advice:
        raise DataError(f"{what}: expected plain numbers, {advice}")


def plain_array(values: object, what: str) -> np.ndarray:
    """``values`` as an array; DataError for what is none, dates and durations, and what :func:`check_plain` refuses."""
    check_plain(values, what)
    try:
        array = np.asarray(values)
    except (TypeError, ValueError) as error:  # rows of several lengths, say
        raise DataError(f"{what}: expected plain numbers, found what is no array ({error})") from None
    if array.dtype.kind in "mM":
        raise DataError(f"{what}: expected plain numbers, found {array.dtype}; give, say, seconds since one date")
    return array


def check_precision(X: np.ndarray, what: str) -> None:
    """DataError for numbers (n, ...) beyond 2^53 that span less than 5,000 spacings of float64.

    Rounding to float64 would change them by more than a thousandth of their deviation.
    """
    if X.dtype.kind in "iuf" and X.itemsize == 8:
        low, high = X.min(axis=0), X.max(axis=0)
        size = np.maximum(np.abs(low.astype(np.float64)), np.abs(high.astype(np.float64)))
        with np.errstate(over="ignore", invalid="ignore"):
            spread = (high - low).astype(np.float64 if X.dtype.kind == "f" else np.uint64)
        coarse = (size > 2**53) & (spread > 0) & (spread < 5000 * np.spacing(size))
        if np.any(coarse):
            found = f"some around {np.max(size[coarse]):.3g} that differ by at most {np.max(spread[coarse])}"
            raise DataError(f"{what}: expected numbers that float64 tells apart, found {found}; subtract a constant")


def floating(dtype: np.dtype) -> type[np.floating]:
    """The type that training computes in: float64 for numbers that float32 would round, else float32.

    >>> [floating(np.dtype(name)).__name__ for name in ("uint8", "int16", "float16", "int32", "int64", "float64")]
    ['float32', 'float32', 'float32', 'float64', 'float64', 'float64']
    """
    return np.float32 if np.can_cast(dtype, np.float32) else np.float64


def _flat(images: np.ndarray) -> np.ndarray:
    return np.asarray(images).reshape(len(images), -1)  # each slice of a np.memmap takes longer than of an array


def chunk_size(d: int) -> int:
    """How many images of d numbers to work on at a time.

    >>> chunk_size(32 * 32 * 3), chunk_size(224 * 224 * 3)
    (500, 27)
    """
    return max(1, min(_CHUNK, _LARGEST_CHUNK // max(1, d)))


@dataclass(frozen=True)
class Standardizer:
    """x -> (x / scale - mean) / std, one mean and std per input.

    Attributes:
        mean, std: (d,), float64, of the scaled training images. An input that is constant to rounding (a deviation
            below 1e-15 of its mean, or below 1e-36, near the subnormal numbers of float32) has std 1, and becomes 0.
        scale: 255 for uint8 pixels, 1 for anything else.

    >>> images = np.array([[0, 7], [255, 7]], dtype=np.uint8)
    >>> Standardizer.fit(images)(images)
    array([[-1.,  0.],
           [ 1.,  0.]], dtype=float32)
    """

    mean: np.ndarray
    std: np.ndarray
    scale: float

    @classmethod
    def fit(cls, images: np.ndarray) -> "Standardizer":
        """Mean and standard deviation of each input over ``images``, (n, ...), in float64.

        Raises:
            DataError: no images, or numbers that are not finite or that differ in the last digits of float64 alone.
        """
        images = plain_array(images, "images")
        if images.ndim < 2 or len(images) == 0 or images.dtype.kind not in "biuf":
            raise DataError(f"expected images (n, ...) of numbers, found {images.dtype} of shape {images.shape}")
        X, scale = _flat(images), _PIXELS if images.dtype == np.uint8 else 1.0
        step = chunk_size(X.shape[1])
        starts = range(0, len(X), step)
        with np.errstate(invalid="ignore", over="ignore"):
            if images.dtype == np.uint8:  # whose sums are exact
                mean = sum(X[i : i + step].sum(axis=0, dtype=np.float64) for i in starts) / len(X)
            else:  # from the first image on, so that a constant is exact, and so is what is far from zero
                first = X[0].astype(np.float64)
                mean = first + sum((X[i : i + step] - first).sum(axis=0) for i in starts) / len(X)
            variance = sum(np.square(X[i : i + step] - mean).sum(axis=0) for i in starts) / len(X)
        if not np.isfinite(variance).all():
            raise DataError("expected finite numbers below 1e150, found others; clean the data first")
        # Last digits of float64 are rounding, and the inverse of a subnormal deviation is beyond float32.
        constant = variance <= np.square(1e-15 * np.abs(mean) + 1e-36)
        check_precision(X, "images")
        return cls(mean / scale, np.where(constant, 1.0, np.sqrt(variance) / scale), scale)

    def __call__(self, images: np.ndarray, dtype: type[np.floating] = np.float32) -> np.ndarray:
        """The inputs X (n, d) of the images (n, ...), in float32 or float64.

        Pixels are standardised in that type. For other numbers the mean is subtracted in float64, since float32 would
        round those that are far from zero for their spread, such as times in seconds.

        Raises:
            DataError: another number of inputs than was fitted; uint8 pixels if others were fitted, or the reverse.
        """
        images = plain_array(images, "images")
        if self.of_pixels != (images.dtype == np.uint8):
            expected = "uint8 images" if self.of_pixels else "numbers that are not divided by 255"
            raise DataError(f"expected {expected}, as the standardiser was fitted on, found {images.dtype}")
        if images.dtype.kind not in "biuf":
            raise DataError(f"expected images of numbers, found {images.dtype}")
        if math.prod(images.shape[1:]) != len(self.mean):
            raise DataError(f"expected images (n, ...) of {len(self.mean)} inputs each, found shape {images.shape}")
        X, inputs = _flat(images), np.empty((len(images), len(self.mean)), dtype)
        shift, factor = self._shift_and_factor[np.dtype(dtype).type if self.of_pixels else np.float64]

        def make(i: int) -> None:
            rows = inputs[i : i + len(shift)]
            block = rows if rows.dtype == shift.dtype else np.empty_like(rows, shift.dtype)
            block[:] = X[i : i + len(shift)]
            block -= shift[: len(rows)]
            np.multiply(block, factor[: len(rows)], out=rows, casting="same_kind")

        starts = range(0, len(X), len(shift))  # a few rows at a time stay in the cache
        if len(starts) < _WORTH_THREADS:
            for i in starts:
                make(i)
        else:
            from concurrent.futures import ThreadPoolExecutor  # slow to import, as what tells the cores is

            from linclf.system.environment import cores

            with ThreadPoolExecutor(cores()) as pool:
                list(pool.map(make, starts))
        return inputs

    @property
    def of_pixels(self) -> bool:
        """Whether it was fitted on uint8 pixels, which are divided by 255; other numbers are not."""
        return self.scale == _PIXELS

    def __reduce__(self) -> tuple[type["Standardizer"], tuple[np.ndarray, np.ndarray, float]]:
        return Standardizer, (self.mean, self.std, self.scale)  # without the cache

    @cached_property
    def _shift_and_factor(self) -> dict[type[np.floating], tuple[np.ndarray, ...]]:
        """By type: what is subtracted of a few images, and what they are multiplied with then."""
        rows, n = (self.mean * self.scale, 1 / (self.std * self.scale)), _NUMBERS // max(1, len(self.mean)) + 1
        # As many rows as images: broadcasting a single one takes half as long again.
        return {dtype: tuple(np.tile(row.astype(dtype), (n, 1)) for row in rows) for dtype in (np.float32, np.float64)}

    def lazily(self, images: np.ndarray) -> "LazyInputs":
        """The same inputs in float32, made a batch at a time, as training asks for them."""
        return LazyInputs(images, self)


@dataclass(frozen=True, eq=False)
class LazyInputs:
    """Inputs X (n, d) made on demand from images, uint8 or a ``np.memmap``: a quarter of the memory, or none.

    Indexing with a slice or with rows gives the same bits as the array of all inputs.
    """

    images: np.ndarray
    standardize: Standardizer

    dtype = np.dtype(np.float32)
    ndim = 2

    @property
    def shape(self) -> tuple[int, int]:
        """(n, d)."""
        return len(self.images), len(self.standardize.mean)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, rows: slice | np.ndarray) -> np.ndarray:
        return self.standardize(self.images[rows])

    def take(self, rows: np.ndarray, axis: int, out: np.ndarray, mode: str) -> np.ndarray:
        """Rows, with the signature of ``numpy.ndarray.take``."""
        return self[rows]


def stored_array(X: np.ndarray | LazyInputs) -> np.ndarray:
    """The array that inputs are made from: the images of lazy inputs, else the inputs themselves."""
    return X.images if isinstance(X, LazyInputs) else X


def with_array(X: np.ndarray | LazyInputs, array: np.ndarray) -> np.ndarray | LazyInputs:
    """Inputs like ``X`` from another array, such as some of its rows or a map of a file."""
    return LazyInputs(array, X.standardize) if isinstance(X, LazyInputs) else array


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """Random mirroring, left to right with probability 1/2, and moving of images, whenever they are trained on.

    Attributes:
        image_shape: (h, w, c) of the images whose flattened rows are the inputs.
        flip: whether images are mirrored.
        shift: max. pixels that an image is moved, up or down and left or right, all distances equally likely; the edge
            is repeated. 0 does not move images.

    It acts on standardised inputs. Means and deviations of natural images are nearly symmetric, so that this is nearly
    the standardised mirror image.
    """

    image_shape: tuple[int, int, int]
    flip: bool = False
    shift: int = 0

    def __post_init__(self) -> None:
        sizes = self.image_shape
        if len(sizes) != 3 or not all(isinstance(size, Integral) and size > 0 for size in sizes):
            raise ConfigError(f"augmentation needs images of a shape (h, w, c), not {sizes!r}")
        if not isinstance(self.flip, bool | np.bool_):
            raise ConfigError(f"flip must be True or False, not {self.flip!r}")
        if not (isinstance(self.shift, Integral) and 0 <= self.shift < min(sizes[:2])):
            raise ConfigError(f"shift must be a whole number of pixels below {min(sizes[:2])}, not {self.shift!r}")

    @cached_property
    def columns(self) -> np.ndarray:
        """For each way to place an image, the index from which each input is taken, (ways, h w c)."""
        h, w, c = self.image_shape
        places = np.arange(h * w * c).reshape(h, w, c)
        moves = range(-self.shift, self.shift + 1)
        return np.stack(
            [
                picture[np.clip(np.arange(h) + down, 0, h - 1)][:, np.clip(np.arange(w) + right, 0, w - 1)].ravel()
                for picture in ((places, places[:, ::-1]) if self.flip else (places,))
                for down in moves
                for right in moves
            ]
        )

    def __call__(self, x: np.ndarray, rng: "np.random.Generator") -> np.ndarray:  # quoted: np.random is slow to load
        """The inputs x (n, d), with each image placed in a way drawn from ``rng``.

        >>> mirror = Augmentation(image_shape=(1, 3, 1), flip=True)
        >>> mirror(np.array([[1, 2, 3]] * 3), np.random.default_rng(1)).tolist()
        [[1, 2, 3], [3, 2, 1], [3, 2, 1]]
        """
        at = self.columns[rng.integers(len(self.columns), size=len(x))]
        at += x.shape[1] * np.arange(len(x))[:, None]
        return x.take(at, mode="clip")  # several times faster than take_along_axis, or with mode "raise"


Arrays = tuple[np.ndarray, np.ndarray]
"""Inputs X (n, d) and labels y (n,)."""
Examples = tuple[np.ndarray | LazyInputs, np.ndarray] | tuple[np.ndarray | LazyInputs, np.ndarray, np.ndarray]
"""Inputs X (n, d), labels y (n,) and, if given, a weight per image (n,), whose mean is 1 once they are checked."""


def span(X: np.ndarray) -> np.ndarray:
    """Orthonormal axes (d, r) of the space that rows X (n, d) span: they lose nothing of X, but what rounding does.

    These are the left singular vectors of X^T, by the eigenvectors of X X^T (the method of snapshots, Sirovich, 1987).

    >>> axes = span(np.array([[3.0, 0.0, 4.0], [6.0, 0.0, 8.0]]))
    >>> np.abs(axes).round(6).tolist()
    [[0.6], [0.0], [0.8]]
    """
    products = np.zeros((len(X), len(X)))
    for i in range(0, X.shape[1], _CHUNK):
        part = X[:, i : i + _CHUNK].astype(np.float64)
        products += part @ part.T
    squares, vectors = np.linalg.eigh(products)
    kept = squares >= 1e-10 * squares[-1]
    axes: np.ndarray = X.T @ (vectors[:, kept] / np.sqrt(np.maximum(squares[kept], 1e-9))).astype(X.dtype)
    return axes

"""Making a surrogate: the means and covariances of each class, estimated from images."""

import math
from collections.abc import Iterator, Sequence

import numpy as np

from linclf.errors import DataError

from .surrogate import MOST_NUMBERS, Surrogate, check_sizes, chunks, others, transform


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
        raise DataError(
            f"{name}: expected images (n, h, w, c), uint8, and n labels, "
            f"found {images.dtype} {images.shape} and {labels.shape}"
        )
    C, shape = len(class_names), (images.shape[1], images.shape[2], images.shape[3])
    if labels.dtype.kind not in "iu" or labels.min() < 0 or labels.max() >= C:
        raise DataError(f"{name}: expected whole-number labels 0..{C - 1}, found others")
    check_sizes(name, shape, C)
    d, members = math.prod(shape), [np.flatnonzero(labels == k) for k in range(C)]
    counts = np.array([len(rows) for rows in members], np.int64)

    means, squares = _moments(images, members)
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
    for k, rows in enumerate(members):
        for x in _coefficients(images, rows):
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


def _moments(images: np.ndarray, members: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Of each class's coefficients the mean, (C, d), and the sum of squares about it, (C, d); rows per class."""
    d = images[0].size
    means, squares = np.zeros((len(members), d)), np.zeros((len(members), d))
    for k, rows in enumerate(members):
        for x in _coefficients(images, rows):
            means[k] += x.sum(axis=0)
            squares[k] += np.square(x).sum(axis=0)
        means[k] /= max(len(rows), 1)
        squares[k] = np.maximum(squares[k] - len(rows) * np.square(means[k]), 0)
    return means, squares


def _coefficients(images: np.ndarray, rows: np.ndarray) -> Iterator[np.ndarray]:
    """The coefficients of some images, a few at a time."""
    d = images[0].size
    return (transform(images[part], images.shape[1:]) / math.sqrt(d) for part in chunks(rows, d))


def _lower_triangle(covariance: np.ndarray) -> np.ndarray:
    """L with L Lᵀ = covariance and a diagonal of 0 or more, also where the covariance is singular."""
    values, vectors = np.linalg.eigh(covariance)
    R = np.asarray(np.linalg.qr((vectors * np.sqrt(np.maximum(values, 0))).T, mode="r"))
    return R.T * np.where(np.diag(R) < 0, -1, 1)

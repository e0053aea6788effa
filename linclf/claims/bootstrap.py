"""95 % bootstrap intervals over seeds, and over images where these are drawn too.

Sources: Hesterberg, "What teachers should know about the bootstrap", The American Statistician 69 (2015), section 5.3,
for the expanded percentile interval; Owen, "The pigeonhole bootstrap", Annals of Applied Statistics 1 (2007), for
resampling rows (seeds) and columns (images) at once, which is on the safe side.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from math import sqrt

import numpy as np

from linclf.errors import ConfigError
from linclf.studies.metrics import Interval

RESAMPLES = 10_000
"""Resamples of seeds alone."""
IMAGE_RESAMPLES = 2_000
"""Resamples of seeds and images together."""

Reduce = Callable[[np.ndarray], np.ndarray]
"""A function from the columns' means, (..., k), to the statistic, (...)."""


def interval(
    columns: Sequence[np.ndarray], reduce: Reduce, *, images: bool, confidence: float = 0.95
) -> tuple[float, float]:
    """Percentile bootstrap interval of ``reduce`` of the columns' means, its levels expanded for few seeds.

    Every column is resampled alike: differences and ratios between columns are paired by seed, and by image.

    Args:
        columns: k arrays of (n seeds,), or of (n seeds, m images) to resample images too.
        reduce: means (..., k) to the statistic (...), such as a difference.
        images: resample the images of the columns that have them; False takes each seed's mean over its images.
        confidence: share of such intervals that hold the true value.
    """
    low, high = levels(len(columns[0]), confidence)
    bounds = np.quantile(reduce(resampled_means(columns, images=images)), [low, high])
    return float(bounds[0]), float(bounds[1])


def paired_difference(of: np.ndarray, minus: np.ndarray) -> Interval:
    """Difference of two means, (seeds, images) each, with its interval over seeds and images, paired."""
    ends = interval([of, minus], lambda means: means[..., 0] - means[..., 1], images=True)
    return Interval(float(of.mean() - minus.mean()), *ends)


def resampled_means(columns: Sequence[np.ndarray], *, images: bool) -> np.ndarray:
    """Means of the k columns in every resample, (resamples, k)."""
    n = len(columns[0])
    if not images:
        means = np.stack([column.reshape(n, -1).mean(axis=1) for column in columns], axis=1)
        return seed_weights(n) @ means
    weights = seed_weights(n)[:IMAGE_RESAMPLES]
    return np.stack([_over_seeds_and_images(column, weights) for column in columns], axis=1)


def _over_seeds_and_images(column: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The means of one column in every resample of seeds and of its images, if it has any, (resamples,)."""
    if column.ndim == 1:
        return weights @ column
    counts = image_counts(column.shape[1])
    # Counts of right images are whole numbers that float32 holds exactly: the sums are the same on every machine.
    dtype = np.float32 if (column == np.rint(column)).all() else np.float64
    per_seed = (column.astype(dtype) @ counts.T).astype(np.float64) / column.shape[1]
    return np.einsum("bn,nb->b", weights, per_seed)


def levels(n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Percentile levels, expanded because n seeds are few: Phi(∓ sqrt(n / (n - 1)) t_{n-1}).

    The plain levels, 2.5 and 97.5 %, give intervals about 18 % too short at n = 10 (they amount to z in place of t, and
    to dividing the variance by n in place of n - 1). One seed gets them: there, images alone are resampled.
    """
    if n == 1:
        return (1 - confidence) / 2, (1 + confidence) / 2
    try:
        from scipy.special import ndtr, stdtrit
    except ImportError:
        raise ConfigError("intervals need scipy: pip install 'linclf[report]'") from None
    low = float(ndtr(-sqrt(n / (n - 1)) * stdtrit(n - 1, (1 + confidence) / 2)))
    return low, 1 - low


@lru_cache(maxsize=4)
def seed_weights(n: int) -> np.ndarray:
    """Share of each of n seeds in each resample, (RESAMPLES, n)."""
    return _counts(1, RESAMPLES, n).astype(np.float64) / n


@lru_cache(maxsize=2)  # of test images, and of validation images
def image_counts(m: int) -> np.ndarray:
    """How often each of m images is in each resample, float32 (IMAGE_RESAMPLES, m)."""
    return _counts(2, IMAGE_RESAMPLES, m)


def _counts(stream: int, resamples: int, n: int) -> np.ndarray:
    """How often each of n things is drawn in each resample, float32 (resamples, n)."""
    bits = np.random.PCG64(stream)
    counts = np.empty((resamples, n), np.float32)
    for row in counts:
        # NumPy promises that raw bits stay the same from version to version; not so what Generator makes of them.
        indices = (bits.random_raw(n) >> np.uint64(32)) * np.uint64(n) >> np.uint64(32)
        row[:] = np.bincount(indices.astype(np.intp), minlength=n)
    return counts

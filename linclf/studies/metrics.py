"""Measures of a trained network, and intervals of shares."""

from functools import cache
from math import hypot, sqrt
from typing import Any, NamedTuple

import numpy as np

from linclf.data.inputs import LazyInputs
from linclf.training import Linear

_CHUNK = 500  # images scored at a time

LOW_FREQUENCY = 4.0
"""Cycles per image up to which a template's energy counts as low-frequency (``low_frequency_share``)."""


def accuracy(predictions: np.ndarray, labels: np.ndarray) -> float:
    """Share of images whose predicted class is the true one, 0..1.

    >>> accuracy(np.array([1, 2, 3, 3]), np.array([1, 2, 3, 4]))
    0.75
    """
    return float(np.mean(predictions == labels))


def confusion_matrix(predictions: np.ndarray, labels: np.ndarray, n_classes: int) -> np.ndarray:
    """Number of images of each true class (row) that were given each class (column), (C, C).

    >>> confusion_matrix(np.array([0, 1, 1]), np.array([0, 0, 1]), 2)
    array([[1, 1],
           [0, 1]])
    """
    return np.bincount(labels * n_classes + predictions, minlength=n_classes**2).reshape(n_classes, n_classes)


def confusion_pairs(matrix: np.ndarray) -> list[tuple[int, int, float]]:
    """The pairs of a confusion matrix that occur: true class, given class, and number of images.

    >>> confusion_pairs(np.array([[0, 2], [0, 1]]))
    [(0, 1, 2), (1, 1, 1)]
    """
    true, given = np.nonzero(matrix)
    return list(zip(true.tolist(), given.tolist(), matrix[true, given].tolist(), strict=True))


_WHOLE = 100  # classes to which a document holds the matrix itself


def confusion_document(matrix: np.ndarray) -> dict[str, Any]:
    """A confusion matrix as plain values: "confusion", rows, or of more than 100 classes "confusion_pairs" alone."""
    return {"confusion": matrix.tolist()} if len(matrix) <= _WHOLE else {"confusion_pairs": confusion_pairs(matrix)}


def predicted(model: Linear, X: np.ndarray | LazyInputs) -> np.ndarray:
    """Classes that a model gives the inputs X (n, d), (n,); a few are scored at a time."""
    return np.concatenate([model.predict(X[i : i + _CHUNK]) for i in range(0, len(X), _CHUNK)])


class ClassScores(NamedTuple):
    """Of each class, (C,): shares 0..1, and the number of its images."""

    precision: np.ndarray
    recall: np.ndarray
    f1: np.ndarray
    support: np.ndarray


def class_scores(confusion: np.ndarray) -> ClassScores:
    """Precision, recall, F1 and support of each class of a confusion matrix (C, C); 0 where there is nothing to share.

    >>> [values.round(2).tolist() for values in class_scores(np.array([[3, 1], [0, 0]]))]
    [[1.0, 0.0], [0.75, 0.0], [0.86, 0.0], [4, 0]]
    """
    right, support, given = np.diag(confusion), confusion.sum(axis=1), confusion.sum(axis=0)
    shares = (_share(right, given), _share(right, support), _share(2 * right, support + given))
    return ClassScores(*shares, support)


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.zeros(len(whole)), where=whole > 0)


class Reliability(NamedTuple):
    """Of each range of probabilities that holds images: their mean, the share that is right, and their number."""

    probability: np.ndarray
    right: np.ndarray
    number: np.ndarray

    @property
    def error(self) -> float:
        """The expected calibration error: the mean over images of the distance between probability and share."""
        return float(np.average(np.abs(self.probability - self.right), weights=self.number))


def reliability(probability: np.ndarray, right: np.ndarray) -> Reliability:
    """How often predictions of a probability, (n,), are right, (n,): in ten equal ranges, the empty ones left out.

    >>> reliability(np.array([0.9, 0.9, 0.55, 1.0]), np.array([True, False, True, True])).right.tolist()
    [1.0, 0.6666666666666666]
    """
    bins = 10
    place = np.minimum((probability * bins).astype(int), bins - 1)
    number = np.bincount(place, minlength=bins)
    held = number > 0
    probabilities, rights = (np.bincount(place, values, bins)[held] for values in (probability, right.astype(float)))
    return Reliability(probabilities / number[held], rights / number[held], number[held])


def low_frequency_share(W: np.ndarray, image_shape: tuple[int, ...]) -> float | None:
    """Share of the templates' spectral energy at a radial frequency of at most 4 cycles per image, 0..1.

    2-D DFT of each class's template, one colour channel at a time, mean removed; the share is averaged over classes and
    channels. Blurred noise is low, a clear template is high. A template without energy counts as 0.

    Args:
        W: weights, (C, h*w*c).
        image_shape: (h, w, c). Feature vectors, (d,), have no such share: None.

    >>> waves = [np.cos(2 * np.pi * cycles * np.arange(32) / 32) for cycles in (2, 10)]
    >>> [round(low_frequency_share(np.tile(wave, (1, 32)), (32, 32, 1)), 3) for wave in waves]
    [1.0, 0.0]
    """
    if len(image_shape) != 3:
        return None
    h, w, c = image_shape
    templates = W.reshape(-1, h, w, c).astype(np.float64)
    energy = np.abs(np.fft.fft2(templates - templates.mean(axis=(1, 2), keepdims=True), axes=(1, 2))) ** 2
    radius = np.hypot(np.fft.fftfreq(h, 1 / h)[:, None], np.fft.fftfreq(w, 1 / w))
    low, total = energy[:, radius <= LOW_FREQUENCY].sum(axis=1), energy.sum(axis=(1, 2))
    return float(np.divide(low, total, out=np.zeros_like(low), where=total > 0).mean())


def share_of_draws_below(values: np.ndarray, threshold: float, size: int) -> float | None:
    """Share of 200 random draws of ``size`` values, without replacement, whose mean is below ``threshold``, 0..1.

    The draws are the same for every network, so that networks are compared on the same images. None where there are
    fewer values than a draw takes.

    >>> share_of_draws_below(np.array([0.0, 1.0, 2.0]), threshold=1.1, size=3)
    1.0
    """
    if size > len(values):
        return None
    means = values[_draws(len(values), size)].mean(axis=1, dtype=np.float64)
    return float(np.mean(means < threshold))


@cache
def _draws(n: int, size: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    return np.stack([rng.choice(n, size, replace=False, shuffle=False) for _ in range(200)]).astype(np.int32)


Z = 1.959964
"""The normal distribution's 97.5 % quantile."""


class Interval(NamedTuple):
    """A number with its 95 % interval."""

    value: float
    low: float
    high: float

    @property
    def half(self) -> float:
        """Half its width."""
        return (self.high - self.low) / 2

    @property
    def is_clear(self) -> bool:
        """Whether a difference is larger, in either direction, than chance explains: 0 is outside."""
        return not self.low <= 0 <= self.high

    @property
    def is_wide(self) -> bool:
        """Whether it is of a share that so few images cannot tell: wider than 20 points."""
        return self.half > 0.1


def of_share(share: float, n: float) -> Interval:
    """Wilson's interval of a share of n images, 0..1; without images, share 0 and all that is possible.

    >>> [round(number, 3) for number in of_share(1.0, 10)]
    [1.0, 0.722, 1.0]
    """
    if n <= 0:
        return Interval(0.0, 0.0, 1.0)
    weight = n / (n + Z**2)
    middle = weight * share + (1 - weight) / 2
    half = Z * sqrt(weight * share * (1 - share) / (n + Z**2) + (1 - weight) ** 2 / (4 * Z**2))
    return Interval(share, max(0.0, min(share, middle - half)), min(1.0, max(share, middle + half)))


def of_mean(shares: list[Interval]) -> Interval:
    """The mean of shares of different images, such as balanced accuracy, the mean of the classes' recalls.

    low = mean - sqrt(Σ (share_i - low_i)²) / k, and high alike.
    """
    value, low, high = np.array(shares).T
    mean, k = float(value.mean()), len(value)
    return Interval(mean, mean - float(np.linalg.norm(value - low)) / k, mean + float(np.linalg.norm(high - value)) / k)


def of_independent(one: Interval, other: Interval) -> Interval:
    """The difference of two shares of different images, ``one - other``: Newcombe's interval (1998, method 10).

    >>> [round(number, 4) for number in of_independent(of_share(56 / 70, 70), of_share(48 / 80, 80))]
    [0.2, 0.0524, 0.3339]
    """
    value = one.value - other.value
    below = hypot(one.value - one.low, other.high - other.value)
    above = hypot(one.high - one.value, other.value - other.low)
    return Interval(value, value - below, value + above)


def effective_sample_size(values: np.ndarray, groups: np.ndarray | None) -> float:
    """How many independent images tell the mean of ``values`` as closely as these do, (n,), of groups (n,) or None.

    n over the design effect, the variance of the mean of groups drawn over that of images drawn (Rao and Scott, 1992,
    Biometrics 48); at most n, and the number of groups where all values are the same.

    >>> effective_sample_size(np.array([1, 1, 1, 1, 0, 0, 0, 0]), np.array([0, 0, 1, 1, 2, 2, 3, 3]))
    3.0
    """
    n, apart = len(values), values - values.mean()
    if groups is None:
        return n
    sums = np.bincount(np.unique(groups, return_inverse=True)[1], apart)
    k, of_images, of_groups = len(sums), float(np.square(apart).sum()), float(np.square(sums).sum())
    return k if k == 1 or of_images == 0 else min(n, n * of_images * (k - 1) / max(k * of_groups, 1e-9))


def of_right(right: np.ndarray, groups: np.ndarray | None = None) -> Interval:
    """The mean of ``right``, 0..1 per image, (n,), with its interval over images, or over their groups, (n,)."""
    return of_share(float(right.mean()), effective_sample_size(right, groups))


def of_difference(one: np.ndarray, other: np.ndarray, groups: np.ndarray | None = None) -> Interval:
    """The mean of ``one - other`` over the same images, each 0..1, (n,): how much more often one is right.

    Agresti and Min's interval: half an image is added to each of the four ways in which two answers are right or wrong.
    Of images of groups, (n,), as many are counted as :func:`effective_sample_size` says.

    >>> [round(number, 3) for number in of_difference(np.ones(8), np.array([1, 1, 1, 1, 1, 1, 0, 0]))]
    [0.25, -0.116, 0.516]
    """
    difference = np.asarray(one, np.float64) - other
    n, value = effective_sample_size(difference, groups), float(difference.mean())
    total, both = n * value, n * float(np.abs(difference).mean())
    middle, half = total / (n + 2), Z * sqrt(both + 1 - total**2 / (n + 2)) / (n + 2)
    return Interval(value, max(-1.0, min(value, middle - half)), min(1.0, max(value, middle + half)))

"""95 % intervals over images, of shares and of what is made of them; each is (value, low, high) and holds its value.

Sources: Wilson, "Probable inference", JASA 22 (1927); Agresti and Min, "Simple improved confidence intervals for
comparing matched proportions", Statistics in Medicine 24 (2005); Zou and Donner, "Construction of confidence limits
about effect measures", Statistics in Medicine 27 (2008), for means of several shares.
"""

from math import sqrt
from typing import NamedTuple

import numpy as np

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


def of_difference(one: np.ndarray, other: np.ndarray) -> Interval:
    """The mean of ``one - other`` over the same images, each 0..1, (n,): how much more often one is right.

    Agresti and Min's interval: half an image is added to each of the four ways in which two answers are right or wrong.

    >>> [round(number, 3) for number in of_difference(np.ones(8), np.array([1, 1, 1, 1, 1, 1, 0, 0]))]
    [0.25, -0.116, 0.516]
    """
    difference = np.asarray(one, np.float64) - other
    n, value = len(difference), float(difference.mean())
    total, both = float(difference.sum()), float(np.abs(difference).sum())
    middle, half = total / (n + 2), Z * sqrt(both + 1 - total**2 / (n + 2)) / (n + 2)
    return Interval(value, max(-1.0, min(value, middle - half)), min(1.0, max(value, middle + half)))

"""Metrics by hand; intervals of shares against scipy's, and that each holds its value whatever it is of."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from linclf.studies import metrics
from linclf.studies.metrics import effective_sample_size, of_difference, of_mean, of_share


def test_confusion_matrix_counts_each_pair():
    predictions, labels = np.array([0, 1, 1, 2, 2, 2]), np.array([0, 0, 1, 1, 2, 2])
    assert metrics.confusion_matrix(predictions, labels, 3).tolist() == [[1, 1, 0], [0, 1, 1], [0, 0, 2]]
    assert metrics.accuracy(predictions, labels) == pytest.approx(4 / 6)


def wave(frequency):
    x = np.arange(32)
    return np.repeat(np.tile(np.cos(2 * np.pi * frequency * x / 32), (32, 1))[:, :, None], 3, axis=2)


@pytest.mark.parametrize(("frequency", "share"), [(1, 1.0), (4, 1.0), (5, 0.0), (12, 0.0)])
def test_low_frequency_share_of_a_pure_wave(frequency, share):
    W = np.stack([wave(frequency).ravel()] * 10)
    assert metrics.low_frequency_share(W, (32, 32, 3)) == pytest.approx(share, abs=1e-12)
    assert metrics.low_frequency_share(W + 5, (32, 32, 3)) == pytest.approx(share, abs=1e-12)  # the mean is removed


def test_low_frequency_share_of_mixtures_nothing_and_noise():
    """The mean of classes and channels; of noise, the share of frequencies that are low."""
    mixed = np.stack([wave(1).ravel(), wave(8).ravel()])
    assert metrics.low_frequency_share(mixed, (32, 32, 3)) == pytest.approx(0.5)
    assert metrics.low_frequency_share(np.zeros((2, 3072)), (32, 32, 3)) == 0
    radius = np.hypot(*np.meshgrid(np.fft.fftfreq(32, 1 / 32), np.fft.fftfreq(32, 1 / 32)))
    noise = np.random.default_rng(0).normal(size=(10, 3072))
    expected = ((radius <= 4).sum() - 1) / (32 * 32 - 1)
    assert metrics.low_frequency_share(noise, (32, 32, 3)) == pytest.approx(expected, abs=0.01)


def test_share_of_draws_below():
    values = np.random.default_rng(0).normal(size=2000)
    assert metrics.share_of_draws_below(values, values.mean() - 1, 100) == 0
    assert metrics.share_of_draws_below(values, values.mean() + 1, 100) == 1
    assert metrics.share_of_draws_below(values, values.mean(), 100) == pytest.approx(0.5, abs=0.15)
    # A draw of all the values is their mean.
    assert metrics.share_of_draws_below(values, values.mean() + 1e-9, len(values)) == 1


@pytest.mark.parametrize(("right", "n"), [(0, 1), (1, 1), (3, 10), (10, 10), (4321, 10_000)])
def test_a_shares_interval_is_wilsons(right, n):
    found = binomtest(right, n).proportion_ci(method="wilson")
    assert of_share(right / n, n) == pytest.approx((right / n, found.low, found.high), abs=1e-6)
    assert of_share(0.0, 0) == (0, 0, 1)  # without images all is possible


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60))
def test_an_interval_holds_its_value_and_stays_in_bounds(answers):
    one, other = np.array(answers, dtype=float).T
    for found, lowest in (
        (of_share(one.mean(), len(one)), 0),
        (of_mean([of_share(own.mean(), len(own)) for own in (one, other)]), 0),
        (of_difference(one, other), -1),
    ):
        assert lowest <= found.low <= found.value <= found.high <= 1


def test_intervals_hold_the_truth_about_as_often_as_they_say():
    rng = np.random.default_rng(0)
    one, other = rng.random((2, 2000, 50)) < np.array([0.8, 0.7])[:, None, None]
    differences = [of_difference(*pair) for pair in zip(one, other, strict=True)]
    means = [of_mean([of_share(a.mean(), 50), of_share(b.mean(), 50)]) for a, b in zip(one, other, strict=True)]
    sizes = rng.integers(1, 9, 50)  # of groups whose images are all right, or all wrong
    groups, one, other = np.arange(50).repeat(sizes), one.repeat(sizes, axis=1), other.repeat(sizes, axis=1)
    clustered = [of_difference(*pair, groups) for pair in zip(one, other, strict=True)]
    shares = [of_share(right.mean(), effective_sample_size(right, groups)) for right in one]
    for found, truth in ((differences, 0.1), (means, 0.75), (clustered, 0.1), (shares, 0.8)):
        assert 0.93 < np.mean([low <= truth <= high for _, low, high in found]) < 0.985

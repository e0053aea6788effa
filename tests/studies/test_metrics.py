"""Metrics by hand."""

import numpy as np
import pytest

from linclf.studies import metrics


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


def test_low_frequency_share_averages_classes_and_channels():
    mixed = np.stack([wave(1).ravel(), wave(8).ravel()])
    assert metrics.low_frequency_share(mixed, (32, 32, 3)) == pytest.approx(0.5)
    assert metrics.low_frequency_share(np.zeros((2, 3072)), (32, 32, 3)) == 0


def test_low_frequency_share_of_noise_is_the_share_of_low_frequencies():
    radius = np.hypot(*np.meshgrid(np.fft.fftfreq(32, 1 / 32), np.fft.fftfreq(32, 1 / 32)))
    expected = ((radius <= 4).sum() - 1) / (32 * 32 - 1)
    W = np.random.default_rng(0).normal(size=(10, 3072))
    assert metrics.low_frequency_share(W, (32, 32, 3)) == pytest.approx(expected, abs=0.01)


def test_share_of_draws_below():
    values = np.random.default_rng(0).normal(size=2000)
    assert metrics.share_of_draws_below(values, values.mean() - 1, 100) == 0
    assert metrics.share_of_draws_below(values, values.mean() + 1, 100) == 1
    assert metrics.share_of_draws_below(values, values.mean(), 100) == pytest.approx(0.5, abs=0.15)
    # A draw of all the values is their mean.
    assert metrics.share_of_draws_below(values, values.mean() + 1e-9, len(values)) == 1

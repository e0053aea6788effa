"""Intervals of shares: against scipy's, and that each holds its value whatever it is of."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from linclf.studies.metrics import of_difference, of_mean, of_share


@pytest.mark.parametrize(("right", "n"), [(0, 1), (1, 1), (3, 10), (10, 10), (4321, 10_000)])
def test_a_shares_interval_is_wilsons(right, n):
    found = binomtest(right, n).proportion_ci(method="wilson")
    assert of_share(right / n, n) == pytest.approx((right / n, found.low, found.high), abs=1e-6)


def test_without_images_all_is_possible():
    assert of_share(0.0, 0) == (0, 0, 1)


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
    for found, truth in ((differences, 0.1), (means, 0.75)):
        assert 0.93 < np.mean([low <= truth <= high for _, low, high in found]) < 0.985

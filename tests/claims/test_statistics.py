"""Each statistic of the claims by hand, on curves whose every value matters; and the bootstrap's parts."""

import sys
from collections import Counter
from math import erf, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from linclf.claims import bootstrap, statistics
from linclf.errors import ConfigError, DataError
from linclf.studies.results import Results, decode_correct, encode_correct, encode_losses

BASE = [[9.0, 2.0, 5.0, 4.0], [1.0, 8.0, 3.0, 3.0]]
OTHER = [[0.0, 1.0, 5.0, 6.0], [7.0, 8.0, 0.0, 3.0]]
RIGHT = np.array([[True, False, True], [False, False, True]])


def results(**changes):
    runs = []
    for arm, curves in (("base", BASE), ("shuffle", OTHER)):
        for seed, curve in enumerate(curves):
            runs.append(
                {
                    "arm": arm, "setting": 2, "seed": seed, "train_loss": curve, "validation_loss": curve[::-1],
                    "low_frequency_share": 0.25 + seed, "test_correct": encode_correct(RIGHT[seed]),
                    "test_draws_below": {"1000": 0.5 * seed, "5000": None}, "epochs": 3,
                    "held_out_loss": encode_losses(np.array([[1, 2.5], [0, 1e9]][seed])), **changes,
                }
            )  # fmt: skip
    timings = [{"seed": seed, "base": 1.0 + seed, "shuffle": 3.0 + seed} for seed in (0, 1)]
    return Results({"data": {"n_test": 3}, "runs": runs, "timings": timings})


@pytest.mark.parametrize(
    ("name", "fields", "expected"),
    [
        ("final", {"key": "train_loss"}, [4, 3]),
        ("final", {"key": "validation_loss"}, [9, 1]),
        ("maximum", {"key": "train_loss"}, [9, 8]),
        ("rising", {"key": "train_loss"}, [1, 1]),
        ("rising", {"key": "validation_loss"}, [2, 1]),
        ("variation", {"key": "train_loss"}, [3 + 1, 5 + 0]),
        ("rms_difference", {"key": "train_loss", "other": "shuffle"}, [sqrt((1 + 0 + 4) / 3), sqrt((0 + 9 + 0) / 3)]),
        ("least", {"keys": ["train_loss"]}, [2, 3]),
        ("least", {"keys": ["train_loss", "validation_loss"]}, [2, 1]),
        ("greatest", {"keys": ["train_loss"]}, [5, 8]),
        ("greatest", {"keys": ["train_loss", "validation_loss"]}, [9, 8]),
        ("generalisation_gap", {}, [9 - 4, 1 - 3]),
        ("settling_epoch", {"key": "train_loss", "within": 0.25}, [2, 2]),
        ("settling_epoch", {"key": "train_loss", "within": 0.24}, [3, 2]),
        ("low_frequency_share", {}, [0.25, 1.25]),
        ("accuracy", {}, [[100, 0, 100], [0, 0, 100]]),
        ("draws_below", {"size": 1000}, [0, 0.5]),
        ("training_time", {}, [1, 2]),
        ("held_out_loss", {}, [[1, 2.5], [0, 65504]]),
        ("differs_from_print", {"printed": {"epochs": 3, "setting": 2}}, [0, 0]),
        ("differs_from_print", {"printed": {"epochs": 3, "seed": 1}}, [1, 0]),
    ],
)
def test_each_statistic_by_hand(name, fields, expected):
    found = getattr(statistics, name)(results(), "base", 2, **fields)
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert found.dtype.kind == "f"


def test_statistics_of_other_runs_by_hand():
    assert statistics.training_time(results(), "shuffle", 2).tolist() == [3, 4]
    assert statistics.draws_below(results(test_draws_below={"1000": 1}), "base", 2, size=1000).dtype == np.float64
    # A curve below nothing settles within a share of its last value's size.
    found = statistics.settling_epoch(results(train_loss=[0.0, -3.9, -4.0]), "base", 2, key="train_loss", within=0.1)
    assert found.tolist() == [1, 1]


@pytest.mark.parametrize(
    ("name", "fields", "changes", "words"),
    [
        ("low_frequency_share", {}, {"low_frequency_share": None}, "feature vectors have no templates to measure"),
        ("draws_below", {"size": 5000}, {}, "no draws of 5,000 test images in these results"),
        ("held_out_loss", {}, {"held_out_loss": None}, "the losses of single images are not kept of base"),
        ("draws_below", {"size": 7}, {}, "no draws of 7 test images in these results"),
        ("training_time", {}, {"seed": 4}, "shuffling was not timed for every seed"),
    ],
)
def test_what_results_do_not_hold_is_said(name, fields, changes, words):
    with pytest.raises(DataError) as raised:
        getattr(statistics, name)(results(**changes), "base", 2, **fields)
    assert str(raised.value) == words


# The bootstrap


@pytest.mark.parametrize(("stream", "n"), [(1, 10), (2, 7), (1, 1)])
def test_resamples_are_what_the_raw_bits_say(stream, n):
    """The same on every machine and with every NumPy: the upper half of each raw number, scaled to 0..n-1."""
    bits = np.random.PCG64(stream)
    counts = bootstrap._counts(stream, 5, n)
    assert counts.shape == (5, n)
    assert counts.dtype == np.float32
    for row in counts:
        drawn = Counter(((int(raw) >> 32) * n) >> 32 for raw in bits.random_raw(n))
        assert row.tolist() == [drawn[i] for i in range(n)]


@pytest.mark.parametrize("n", [3, 10])
def test_means_of_resampled_seeds_and_images_by_hand(n):
    rng = np.random.default_rng(0)
    columns = [rng.integers(0, 2, (n, 6)).astype(np.float32), rng.random((n, 6))]
    both = bootstrap.resampled_means(columns, images=True)
    alone = bootstrap.resampled_means(columns, images=False)
    assert both.shape == (bootstrap.IMAGE_RESAMPLES, 2)
    assert alone.shape == (bootstrap.RESAMPLES, 2)
    for r in (0, 1, 1999):
        seeds, images = (bootstrap._counts(stream, r + 1, m)[r].astype(np.float64) for stream, m in ((1, n), (2, 6)))
        for k, column in enumerate(columns):
            assert both[r, k] == pytest.approx(seeds @ column @ images / (n * 6), rel=1e-12)
            assert alone[r, k] == pytest.approx(seeds @ column.mean(axis=1, dtype=np.float64) / n)
    one = bootstrap.resampled_means(columns[:1], images=True)  # a column by itself, as beside another
    np.testing.assert_array_equal(both[:, :1], one)


def test_levels_stand_for_students_t():
    """Abramowitz and Stegun's table of t for p = 0.975, and the level that it stands for at n = 10."""
    for n, t in ((6, 2.5706), (10, 2.2622), (121, 1.9799)):
        level = (1 + erf(-sqrt(n / (n - 1)) * t / sqrt(2))) / 2
        assert bootstrap.levels(n)[0] == pytest.approx(level, abs=1e-5)
    assert bootstrap.levels(1) == pytest.approx((0.025, 0.975))  # images alone are resampled there
    low, high = bootstrap.levels(10)
    assert high == 1 - low
    assert bootstrap.levels(10, 0.90)[0] > low


def test_intervals_without_scipy_are_one_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy.special", None)
    with pytest.raises(ConfigError, match=r"^intervals need scipy: pip install 'linclf\[report\]'$"):
        bootstrap.levels(10)


def test_an_interval_lies_at_its_levels():
    values = np.arange(10.0)
    means = np.sort(bootstrap.resampled_means([values], images=False)[:, 0])
    low, high = bootstrap.interval([values], lambda means: means[..., 0], images=False)
    levels = bootstrap.levels(10)
    assert (low, high) == pytest.approx(np.quantile(means, levels))
    assert bootstrap.interval([values], lambda means: means[..., 0], images=False, confidence=0.8)[0] > low


columns = arrays(np.float64, st.tuples(st.integers(2, 6)), elements=st.floats(-100, 100, allow_subnormal=False))


@settings(max_examples=30)
@given(columns, st.floats(-10, 10), st.sampled_from([0.5, 2, 8, -1]))
def test_an_interval_moves_and_stretches_with_its_values(column, shift, factor):
    low, high = bootstrap.interval([column], lambda means: means[..., 0], images=False)
    assert column.min() - 1e-9 <= low <= high <= column.max() + 1e-9
    moved = bootstrap.interval([factor * column + shift], lambda means: means[..., 0], images=False)
    np.testing.assert_allclose(moved, sorted((factor * low + shift, factor * high + shift)), atol=1e-9)


@given(arrays(np.bool_, st.integers(1, 100)))
def test_which_images_were_right_comes_back(correct):
    np.testing.assert_array_equal(decode_correct(encode_correct(correct), len(correct)), correct)

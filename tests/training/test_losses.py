"""Every loss goes through the same tests: hand values, finite differences, a loop as oracle, invariances, extremes."""

import math

import numpy as np
import pytest
from helpers import by_hand
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from linclf import ConfigError
from linclf.training.losses import LOSSES, get_loss

every_loss = pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
relative = [name for name in LOSSES if name != "binary_cross_entropy"]  # only differences between scores count
every_relative_loss = pytest.mark.parametrize("loss", [LOSSES[name] for name in relative], ids=relative)


def random_scores(seed=0, C=10, K=3, n=7):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(C, K, n)), rng.integers(0, C, n)


@pytest.mark.parametrize(
    ("name", "scores", "label", "value"),
    [
        ("cross_entropy", [0.0] * 10, 3, math.log(10)),
        ("cross_entropy", [math.log(1), math.log(2), math.log(5)], 1, math.log(4)),
        ("multiclass_hinge", [0.0] * 10, 3, 9.0),
        ("multiclass_hinge", [3.0, 5.0, -1.0], 0, 3.0),
        ("multiclass_hinge", [5.0, 3.0, -1.0], 0, 0.0),
        ("binary_cross_entropy", [0.0] * 10, 3, math.log(2)),
        ("binary_cross_entropy", [math.log(3), math.log(4), 0.0], 1, (math.log(4) + math.log(5 / 4) + math.log(2)) / 3),
    ],
)
def test_value_by_hand(name, scores, label, value):
    S, y = np.array(scores)[:, None], np.array([label])
    assert get_loss(name).value(S, y) == pytest.approx([value], abs=1e-12)


@every_loss
def test_value_equals_a_loop(loss):
    S, y = random_scores()
    looped = [[by_hand(loss.name, S[:, k, i], y[i]) for i in range(len(y))] for k in range(S.shape[1])]
    np.testing.assert_allclose(loss.value(S, y), looped, rtol=1e-12)


@every_loss
def test_gradient_equals_central_differences(loss):
    S, y = random_scores(seed=1)
    h, numeric = 1e-6, np.empty_like(S)
    for j in range(len(S)):
        move = np.zeros_like(S)
        move[j] = h
        numeric[j] = (loss.value(S + move, y) - loss.value(S - move, y)) / (2 * h)
    G = loss.gradient(S, y)
    assert np.abs(G - numeric).max() / np.abs(G).max() < 1e-6


@every_loss
def test_a_stack_equals_its_networks_one_by_one_and_stays_as_it_is(loss):
    S, y = random_scores(seed=2)
    before = S.copy()
    for k in range(S.shape[1]):
        np.testing.assert_array_equal(loss.value(S, y)[k], loss.value(S[:, k], y))
        np.testing.assert_array_equal(loss.gradient(S, y)[:, k], loss.gradient(S[:, k], y))
    np.testing.assert_array_equal(S, before)


@every_relative_loss
@given(shift=st.floats(-100, 100), seed=st.integers(0, 1000))
def test_adding_a_constant_to_all_scores_changes_nothing(loss, shift, seed):
    S, y = random_scores(seed)
    np.testing.assert_allclose(loss.value(S + shift, y), loss.value(S, y), atol=1e-10)
    np.testing.assert_allclose(loss.gradient(S, y).sum(axis=0), 0, atol=1e-12)
    if np.abs(S - S[y, :, np.arange(len(y))].T + 1).min() > 1e-9:  # at a kink rounding decides
        np.testing.assert_allclose(loss.gradient(S + shift, y), loss.gradient(S, y), atol=1e-10)


@every_loss
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@given(data=st.data())
def test_extreme_scores_stay_finite(loss, dtype, data):
    S = data.draw(arrays(dtype, (10, 4), elements=st.sampled_from([-1e4, 0, 1, 1e4])))
    y = np.array([0, 3, 9, 3])
    value, G = loss.value(S, y), loss.gradient(S, y)
    assert np.isfinite(value).all()
    assert (value >= 0).all()
    assert np.isfinite(G).all()
    assert value.dtype == G.dtype == dtype


def test_a_margin_that_is_just_met_gives_the_hinge_no_gradient():
    S, y = np.array([[1.0], [0.0], [0.5]]), np.array([0])
    assert get_loss("multiclass_hinge").gradient(S, y).tolist() == [[-1], [0], [1]]


def test_binary_cross_entropy_sees_each_class_alone():
    """Moving one class's scores changes the gradient of no other class."""
    S, y = random_scores(seed=4)
    moved = S.copy()
    moved[2] += 5
    same = np.arange(len(S)) != 2
    loss = get_loss("binary_cross_entropy")
    np.testing.assert_array_equal(loss.gradient(moved, y)[same], loss.gradient(S, y)[same])
    assert (loss.gradient(moved, y)[2] > loss.gradient(S, y)[2]).all()


def test_unknown_loss_names_the_known_ones():
    said = "unknown loss 'hinge': choose one of cross_entropy, multiclass_hinge, binary_cross_entropy"
    with pytest.raises(ConfigError, match=said):
        get_loss("hinge")

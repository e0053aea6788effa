"""Every loss goes through the same tests: hand values, finite differences, a loop as oracle, invariances, extremes."""

import math

import numpy as np
import pytest
from helpers import blobs, weights
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from linclf import ConfigError, Linear
from linclf.training.losses import LOSSES, cost_and_gradient, get_loss, largest_eigenvalue

every_loss = pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
# Softmax sees differences between scores alone, and so does this hinge.
relative = [name for name, loss in LOSSES.items() if loss.link == "softmax" or name == "multiclass_hinge"]
every_relative_loss = pytest.mark.parametrize("loss", [LOSSES[name] for name in relative], ids=relative)

BY_HAND = {
    "cross_entropy": lambda s, y: -math.log(math.exp(s[y]) / sum(map(math.exp, s))),
    "multiclass_hinge": lambda s, y: sum(max(0.0, score - s[y] + 1) for j, score in enumerate(s) if j != y),
    "binary_cross_entropy": lambda s, y: (
        sum(math.log(1 + math.exp(-score if j == y else score)) for j, score in enumerate(s)) / len(s)
    ),
}
"""Of the scores of one image and its label, one class at a time."""
VALUES = [
    ("cross_entropy", [0.0] * 10, 3, math.log(10)),
    ("cross_entropy", [math.log(1), math.log(2), math.log(5)], 1, math.log(4)),
    ("multiclass_hinge", [0.0] * 10, 3, 9.0),
    ("multiclass_hinge", [3.0, 5.0, -1.0], 0, 3.0),
    ("multiclass_hinge", [5.0, 3.0, -1.0], 0, 0.0),
    ("binary_cross_entropy", [0.0] * 10, 3, math.log(2)),
    ("binary_cross_entropy", [math.log(3), math.log(4), 0.0], 1, (math.log(4) + math.log(5 / 4) + math.log(2)) / 3),
]
"""A loss, scores, a label, and the value that pen and paper give."""


def random_scores(seed=0, C=10, K=3, n=7):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(C, K, n)), rng.integers(0, C, n)


@pytest.mark.parametrize(("name", "scores", "label", "value"), VALUES)
def test_value_by_hand(name, scores, label, value):
    S, y = np.array(scores)[:, None], np.array([label])
    assert get_loss(name).value(S, y) == pytest.approx([value], abs=1e-12)


def test_every_loss_is_computed_by_hand():
    assert LOSSES.keys() == BY_HAND.keys() == {name for name, *_ in VALUES}


@every_loss
def test_value_equals_a_loop(loss):
    S, y = random_scores()
    looped = [[BY_HAND[loss.name](S[:, k, i], y[i]) for i in range(len(y))] for k in range(S.shape[1])]
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


@every_loss
@given(seed=st.integers(0, 2**32 - 1), spread=st.sampled_from([0, 1, 20]))
def test_a_loss_lies_above_its_tangents_and_knows_no_order_of_classes_or_images(loss, seed, spread):
    """It is convex in the scores, and the gradient is a (sub)gradient: L(T) >= L(S) + G(S) . (T - S)."""
    S, y = random_scores(seed, C=4, K=1)
    S, rng = spread * S[:, 0], np.random.default_rng(seed)
    value, G, T = loss.value(S, y), loss.gradient(S, y), rng.normal(scale=20, size=S.shape)
    tangent = value + (G * (T - S)).sum(axis=0)
    assert (loss.value(T, y) >= tangent - 1e-9 * (1 + np.abs(tangent))).all()
    classes, images = map(rng.permutation, S.shape)
    renamed = S[classes][:, images], np.argsort(classes)[y][images]
    np.testing.assert_allclose(loss.value(*renamed), value[images], rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(loss.gradient(*renamed), G[classes][:, images], rtol=1e-12, atol=1e-12)


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


@every_loss
def test_cost_and_gradient_of_a_network(loss):
    """The cost by its definition, the gradient along a line by finite differences; a weight of 2 is the image twice."""
    X, y = blobs(n=1500)
    model, w, l2 = Linear.initial(3, 6, seed=0), np.arange(1500) % 3 / 1.0, 0.3
    cost, dW, db = cost_and_gradient(model, (X, y, w), loss, l2)
    assert cost == pytest.approx(np.mean(w * loss.value(model.scores(X), y)) + l2 * np.square(model.W).sum())
    repeated = X.repeat(w.astype(int), axis=0), y.repeat(w.astype(int))
    for whole, part in zip((cost, dW, db), cost_and_gradient(model, repeated, loss, l2), strict=True):
        np.testing.assert_allclose(whole, part, rtol=1e-10)
    line = Linear.initial(3, 6, seed=1)
    moved = (Linear(model.W + step * line.W, model.b + step * line.b) for step in (1e-4, -1e-4))
    up, down = (cost_and_gradient(at, (X, y, w), loss, l2)[0] for at in moved)
    assert (up - down) / 2e-4 == pytest.approx((dW * line.W).sum() + (db * line.b).sum(), rel=1e-5)


@pytest.mark.parametrize(("shape", "steps"), [((20, 5), (1, 1)), ((5, 20), (1, 1)), ((1201, 3), (3, 2))], ids=str)
def test_the_largest_eigenvalue_of_the_inputs(shape, steps):
    """At most 500 rows are taken, evenly spread, of those that weigh something."""
    X = 3 * np.random.default_rng(0).normal(size=shape)
    for sample_weight, step in zip((None, weights(len(X))), steps, strict=True):
        w = np.ones(len(X)) if sample_weight is None else sample_weight
        rows = np.flatnonzero(w)[::step]
        covariance = (X[rows].T * w[rows]) @ X[rows] / w[rows].sum()
        assert largest_eigenvalue(X, sample_weight) == pytest.approx(np.linalg.eigvalsh(covariance)[-1])
        assert largest_eigenvalue(X / 1000, sample_weight) == 1


def test_an_answer_is_as_sure_as_its_probability_or_its_lead():
    S = np.array([[0.0, 3.0], [math.log(3), 1.0], [-200.0, 1.5]])
    softmax = [0.75, math.exp(3) / (math.exp(3) + math.exp(1) + math.exp(1.5))]
    sigmoid = 1 / (1 + np.exp(-S))
    expected = {"softmax": softmax, "sigmoid": sigmoid.max(axis=0) / sigmoid.sum(axis=0), None: [math.log(3), 1.5]}
    for loss in LOSSES.values():
        np.testing.assert_allclose(loss.sureness(S), expected[loss.link])


def test_probabilities_and_curvatures_by_hand():
    S = np.array([[0.0], [math.log(3)]])
    expected = {"softmax": [[0.25], [0.75]], "sigmoid": [[0.4], [0.6]]}
    for loss in LOSSES.values():
        if loss.link:
            np.testing.assert_allclose(loss.probabilities(S), expected[loss.link])
        else:
            with pytest.raises(ConfigError, match=f"the {loss.name} has scores, not probabilities: call scores"):
                loss.probabilities(S)
    scales = {"cross_entropy": 1, "multiclass_hinge": 5, "binary_cross_entropy": 0.1}
    assert {name: LOSSES[name].curvature(10) for name in scales} == scales


def test_unknown_loss_names_the_known_ones():
    said = f"unknown loss 'hinge': choose one of {', '.join(LOSSES)}"
    with pytest.raises(ConfigError, match=said):
        get_loss("hinge")

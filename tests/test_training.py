"""The training loop against one written out by hand, and what it refuses."""

import math

import numpy as np
import pytest
from test_losses import by_hand

from linclf import Config, ConfigError, DataError, DivergenceError, Linear, checks, train
from linclf.losses import LOSSES, Loss

every_loss = pytest.mark.parametrize("loss", LOSSES)


def blobs(n=50, d=6, C=3, seed=0, dtype=np.float64):
    """n images of d inputs around C centres."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, C, n)
    centres = np.random.default_rng(99).normal(size=(C, d))
    return (centres[y] + rng.normal(size=(n, d))).astype(dtype), y


def config(**changes):
    return Config(**{"learning_rate": 0.1, "l2": 0.01, "epochs": 4, "batch_size": 8, **changes})


def train_by_hand(config, X, y, init, orders=None):
    """The algorithm as a textbook has it: one image at a time, plain numbers, no stack."""
    W, b, eta = init.W.copy(), init.b.copy(), config.learning_rate
    for epoch in range(config.epochs):
        order = range(len(X)) if orders is None else orders[epoch]
        for start in range(0, len(X), config.batch_size):
            batch = list(order)[start : start + config.batch_size]
            dW, db = 2 * config.l2 * W, np.zeros_like(b)
            for i in batch:
                s = W @ X[i] + b
                if config.loss == "cross_entropy":
                    g = np.exp(s) / np.exp(s).sum()
                    g[y[i]] -= 1
                else:
                    g = np.array([float(j != y[i] and s[j] - s[y[i]] + 1 > 0) for j in range(len(b))])
                    g[y[i]] = -g.sum()
                dW += np.outer(g, X[i]) / len(batch)
                db += g / len(batch)
            W, b = W - eta * dW, b - eta * db
        eta *= config.lr_decay
    return Linear(W, b)


@every_loss
@pytest.mark.parametrize("changes", [{}, {"l2": 0.0}, {"l2": 1.0}, {"lr_decay": 0.5}, {"batch_size": 50}, {"seed": 7}])
def test_training_equals_a_loop_by_hand(loss, changes):
    X, y = blobs()
    own = config(loss=loss, **changes)
    (run,) = train(own, (X, y))
    expected = train_by_hand(own, X, y, Linear.initial(3, 6, own.seed))
    np.testing.assert_allclose(run.model.W, expected.W, rtol=1e-10)
    np.testing.assert_allclose(run.model.b, expected.b, rtol=1e-10)


@every_loss
def test_shuffling_takes_a_new_permutation_each_epoch(loss):
    X, y = blobs(n=20)
    own = config(loss=loss, shuffle=True, seed=3)
    rng = np.random.default_rng([3, 1])
    orders = [rng.permutation(20) for _ in range(own.epochs)]
    (run,) = train(own, (X, y))
    expected = train_by_hand(own, X, y, Linear.initial(3, 6, 3), orders)
    np.testing.assert_allclose(run.model.W, expected.W, rtol=1e-10)
    assert len({tuple(order) for order in orders}) == own.epochs


@every_loss
def test_the_cost_plotted_is_the_one_whose_gradient_is_taken(loss):
    X, y = blobs()
    assert checks.gradient_error(loss, X, y, 3) < 1e-6


@every_loss
def test_the_gradient_check_finds_a_missing_term(loss, monkeypatch):
    """A hinge without its true-class term trains to a plausible accuracy: the check has to see it."""
    right = LOSSES[loss]

    def without_true_class(S, y):
        G = right.gradient(S, y)
        G[y, ..., np.arange(len(y))] = 0
        return G

    monkeypatch.setitem(LOSSES, loss, Loss(loss, right.value, without_true_class))
    assert checks.gradient_error(loss, *blobs(), 3) > 0.01


@every_loss
def test_history_by_hand(loss):
    (X, y), validation = blobs(), blobs(seed=1, n=30)
    own = config(loss=loss, l2=0.3)
    (run,) = train(own, (X, y), validation)
    for model, epoch in ((Linear.initial(3, 6, 0), 0), (run.model, own.epochs)):
        for prefix, (images, labels) in (("train", (X, y)), ("validation", validation)):
            S = model.scores(images)
            mean = np.mean([by_hand(loss, S[:, i], labels[i]) for i in range(len(labels))])
            history = {name: getattr(run.history, f"{prefix}_{name}")[epoch] for name in ("loss", "cost", "accuracy")}
            assert history["loss"] == pytest.approx(mean)
            assert history["cost"] == pytest.approx(mean + 0.3 * (model.W**2).sum())
            assert history["accuracy"] == pytest.approx(np.mean(S.argmax(axis=0) == labels))
    assert run.history.train_loss.shape == (own.epochs + 1,)


MIXED = [
    config(loss=loss, learning_rate=rate, l2=l2, shuffle=shuffle, seed=seed, batch_size=size)
    for loss in LOSSES
    for rate, l2 in ((0.1, 0.0), (0.01, 0.5))
    for shuffle, seed, size in ((False, 0, 8), (False, 1, 8), (True, 0, 8), (True, 1, 16))
]


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-12), (np.float32, 1e-5)])
def test_a_stack_equals_single_runs(dtype, tolerance):
    data, validation = blobs(dtype=dtype), blobs(seed=1, dtype=dtype)
    for own, run in zip(MIXED, train(MIXED, data, validation), strict=True):
        (single,) = train(own, data, validation)
        assert run.config == single.config == own
        np.testing.assert_allclose(run.model.W, single.model.W, atol=tolerance)
        np.testing.assert_allclose(run.history.validation_cost, single.history.validation_cost, rtol=10 * tolerance)


def test_same_seed_same_bits_and_other_seed_other_weights():
    data = blobs(dtype=np.float32)
    first, second, other = (train(config(seed=seed, shuffle=True), data)[0].model.W for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, second)
    assert (first != other).any()


def test_evaluation_does_not_change_training():
    data = blobs(dtype=np.float32)
    (with_history,), (without,) = (train(config(), data, evaluate=evaluate) for evaluate in (True, False))
    np.testing.assert_array_equal(with_history.model.W, without.model.W)
    assert without.history is None
    assert with_history.history is not None


def test_a_last_smaller_batch_is_trained_on():
    X, y = blobs(n=9)
    (nine,), (eight,) = (train(config(epochs=1), (X[:n], y[:n])) for n in (9, 8))
    assert (nine.model.W != eight.model.W).any()


@pytest.mark.parametrize(("given", "computed"), [("f8", "f8"), ("f4", "f4"), ("f2", "f4"), ("i8", "f4"), ("u1", "f4")])
def test_numeric_type_follows_the_inputs(given, computed):
    X, y = blobs()
    (run,) = train(config(), (np.abs(X).astype(given), y))
    assert run.model.W.dtype == run.model.b.dtype == computed


def test_given_initial_models_are_the_start_and_stay_as_they_were():
    X, y = blobs()
    init = Linear(np.ones((3, 6)), np.zeros(3))
    (run,) = train(config(epochs=0), (X, y), init=[init])
    np.testing.assert_array_equal(run.model.W, init.W)
    train(config(), (X, y), init=[init])
    assert (init.W == 1).all()


def test_initial_spread_is_one_hundredth():
    model = Linear.initial(10, 3072, seed=1)
    assert model.W.std() == pytest.approx(0.01, rel=0.02)
    assert np.abs(model.b).max() < 0.05


def test_no_validation_images_leave_nan():
    (run,) = train(config(), blobs())
    assert np.isnan(run.history.validation_loss).all()
    assert np.isfinite(run.history.train_loss).all()


@every_loss
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("evaluate", [True, False])
def test_divergence_stops_training_and_names_epoch_setting_and_rate(loss, dtype, evaluate):
    own = config(loss=loss, learning_rate=1e6, l2=1.0, epochs=40)
    pattern = rf"the {loss} loss became .* in epoch \d+ of 40 with learning rate 1e\+06 and L2 1; use a smaller"
    with pytest.raises(DivergenceError, match=pattern):
        train(own, blobs(dtype=dtype), evaluate=evaluate)


X, y = blobs(n=10)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        ((X[0], y), r"expected X \(n, d\) and y \(n,\), not \(6,\) and \(10,\)"),
        ((X, y[:-1]), r"not \(10, 6\) and \(9,\)"),
        ((X[:0], y[:0]), r"expected at least one image and one input, not \(0, 6\)"),
        ((X, y - 1), r"expected labels 0\.\.2, found -1\.\.1"),
        ((X, y + 1), r"expected labels 0\.\.2, found 1\.\.3"),
        ((np.where(X == X[3, 2], np.nan, X), y), "expected finite inputs, found NaN or infinity"),
        ((np.where(X == X[3, 2], -np.inf, X), y), "expected finite inputs"),
        ((X.astype(object), y), "expected numbers X"),
        ((X, y.astype(float)), "whole-number labels y, not float64 and float64"),
        (X, r"expected a pair \(X, y\) of arrays, not ndarray"),
    ],
)
@pytest.mark.parametrize("role", ["training", "validation"])
def test_bad_images_are_refused(images, message, role):
    sets = (images, (X, y)) if role == "training" else ((X, y), images)
    with pytest.raises(DataError, match=message) as caught:
        train(config(), *sets, n_classes=3)
    assert str(caught.value).startswith(role)


def test_validation_images_must_have_the_same_inputs():
    with pytest.raises(DataError, match="validation images: expected 6 inputs as in training, not 5"):
        train(config(), (X, y), (X[:, :5], y))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"learning_rate": -0.1}, "learning_rate must be a finite number, 0 or more, not -0.1"),
        ({"learning_rate": math.nan}, "learning_rate must be a finite number"),
        ({"learning_rate": "0.1"}, "learning_rate must be a finite number, 0 or more, not '0.1'"),
        ({"l2": -1}, "l2 must be a finite number"),
        ({"l2": math.inf}, "l2 must be a finite number"),
        ({"lr_decay": -1}, "lr_decay must be a finite number"),
        ({"batch_size": 0}, "batch_size must be a whole number, 1 or more, not 0"),
        ({"batch_size": 2.5}, "batch_size must be a whole number"),
        ({"epochs": -1}, "epochs must be a whole number, 0 or more, not -1"),
        ({"seed": -1}, "seed must be a whole number"),
        ({"shuffle": 1}, "shuffle must be True or False, not 1"),
        ({"loss": "hinge"}, "unknown loss 'hinge'"),
    ],
)
def test_bad_settings_are_refused(changes, message):
    with pytest.raises(ConfigError, match=message):
        config(**changes)


@pytest.mark.parametrize(
    ("configs", "init", "message"),
    [
        ([], None, "expected at least one Config"),
        ([config()], [], "expected one initial model a config, 1, not 0"),
        ([config()], [Linear(np.zeros((3, 5)), np.zeros(3))], r"expected initial W \(3, 6\)"),
    ],
)
def test_bad_calls_are_refused(configs, init, message):
    with pytest.raises(ConfigError, match=message):
        train(configs, (X, y), init=init, n_classes=3)

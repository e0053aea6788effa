"""The training loop against one written out by hand, and what it refuses."""

import json
import math
import sys
import time
from contextlib import suppress
from dataclasses import asdict, replace

import numpy as np
import pytest
from helpers import Terminal, blobs, config, weights

from linclf import Augmentation, ConfigError, DataError, DivergenceError, Linear, Standardizer, train
from linclf.studies.reference import SETTINGS, gradient_error
from linclf.training.loop import Task, _check_finite, training
from linclf.training.losses import LOSSES

every_loss = pytest.mark.parametrize("loss", LOSSES)
weighted_or_not = pytest.mark.parametrize("weighted", [False, True], ids=["counted once", "weighted"])


def train_by_hand(config, X, y, init, sample_weight=None):
    """The algorithm as a textbook has it: one image at a time, plain numbers, no stack; the last batch is smaller."""
    w = np.ones(len(y)) if sample_weight is None else sample_weight * len(y) / sample_weight.sum()
    W, b = init.W.copy(), init.b.copy()
    M, m = np.zeros_like(W), np.zeros_like(b)
    shown = init
    for epoch in range(config.epochs):
        eta = config.learning_rate * config.lr_decay ** (epoch // config.lr_decay_every)
        for start in range(0, len(X), config.batch_size):
            batch = range(len(X))[start : start + config.batch_size]
            dW, db = 2 * config.l2 * W, np.zeros_like(b)
            for i in batch:
                g = w[i] * LOSSES[config.loss].gradient((W @ X[i] + b)[:, None], y[[i]])[:, 0]
                dW += np.outer(g, X[i]) / len(batch)
                db += g / len(batch)
            M, m = config.momentum * M - eta * dW, config.momentum * m - eta * db
            W, b = W + M, b + m
        a = min(config.averaging, epoch / (epoch + 1))
        shown = Linear(a * shown.W + (1 - a) * W, a * shown.b + (1 - a) * b)
    return shown


CHANGES = [
    {},
    {"l2": 0.0},
    {"l2": 1.0},
    {"learning_rate": 0},
    {"lr_decay": 0},
    {"lr_decay": 0.5},
    {"lr_decay": 0.1, "lr_decay_every": 2},
    {"momentum": 0.9},
    {"averaging": 0.6},
    {"momentum": 0.5, "averaging": 0.9, "lr_decay": 0.5},
    {"init": "xavier"},
    {"init": "zeros"},
    {"batch_size": 50},
    {"seed": 7},
]


@every_loss
@weighted_or_not
def test_training_equals_a_loop_by_hand(loss, weighted):
    """Of each network by itself: that those of a stack are the same is tested below."""
    X, y = blobs()
    sample_weight = weights(len(y)) if weighted else None
    for changes in CHANGES:
        options = config(loss=loss, **changes)
        (run,) = train(options, (X, y), sample_weight=sample_weight)
        expected = train_by_hand(options, X, y, Linear.initial(3, 6, options.seed, options.init), sample_weight)
        np.testing.assert_allclose(run.model.W, expected.W, rtol=1e-10, err_msg=str(changes))
        np.testing.assert_allclose(run.model.b, expected.b, rtol=1e-10, err_msg=str(changes))


@pytest.mark.parametrize("left", [0.5, 0.0, -0.5], ids=str)
def test_a_strong_penalty_in_a_long_epoch(left):
    """A step leaves half of the weights, none, or minus a half; powers of these are beyond any float."""
    X, y = blobs(n=1500)
    configs = [config(epochs=1, batch_size=1, learning_rate=0.05, l2=l2) for l2 in ((1 - left) / 0.1, 0.0)]
    for options, run in zip(configs, train(configs, (X, y)), strict=True):
        expected = train_by_hand(options, X, y, Linear.initial(3, 6, options.seed))
        np.testing.assert_allclose(run.model.W, expected.W, rtol=1e-9)


@every_loss
@pytest.mark.parametrize("augment", [None, Augmentation(image_shape=(2, 3, 2), flip=True, shift=1)], ids=str)
def test_each_epoch_has_its_order_of_the_images_and_places_them_anew(loss, augment):
    (X, y), sample_weight = blobs(n=20, d=12), weights(20)
    options = config(loss=loss, augment=augment, shuffle=True, seed=5, epochs=3)
    (run,) = train(options, (X, y), sample_weight=sample_weight)
    order_rng, place_rng = np.random.default_rng([5, 1]), np.random.default_rng([5, 2])
    orders, model = [order_rng.permutation(20) for _ in range(3)], Linear.initial(3, 12, 5)
    for order in orders:
        placed = [augment(X[order[i : i + 8]], place_rng) for i in (0, 8, 16)] if augment else [X[order]]
        epoch = config(loss=loss, epochs=1), np.concatenate(placed), y[order]
        model = train_by_hand(*epoch, model, sample_weight[order])
    np.testing.assert_allclose(run.model.W, model.W, rtol=1e-10)
    assert len({tuple(order) for order in orders}) == 3
    images = np.random.default_rng(0).integers(0, 256, (20, 2, 3, 2), np.uint8)
    standardize = Standardizer.fit(images)
    (held,), (lazy,) = (train(options, (inputs(images), y)) for inputs in (standardize, standardize.lazily))
    np.testing.assert_array_equal(held.model.W, lazy.model.W)


@every_loss
@weighted_or_not
def test_the_cost_plotted_is_the_one_whose_gradient_is_taken(loss, weighted):
    X, y = blobs()
    assert gradient_error(loss, X, y, 3, sample_weight=weights(len(y)) if weighted else None) < 1e-6


@every_loss
def test_the_gradient_check_finds_a_missing_term(loss, monkeypatch):
    """A hinge without its true-class term trains to a plausible accuracy: the check has to see it."""
    right = LOSSES[loss]

    def without_true_class(S, y):
        G = right.gradient(S, y)
        G[y, ..., np.arange(len(y))] = 0
        return G

    monkeypatch.setitem(LOSSES, loss, replace(right, gradient=without_true_class))
    assert gradient_error(loss, *blobs(), 3) > 0.01


@every_loss
@weighted_or_not
def test_history_by_hand(loss, weighted):
    """Of two networks, on more images than are scored at a time."""
    sets = {"train": blobs(n=1100), "validation": blobs(seed=1, n=30)}
    if weighted:
        sets = {prefix: (X, y, weights(len(y), seed=2)) for prefix, (X, y) in sets.items()}
    configs = [config(loss=loss, l2=0.3, epochs=2, seed=seed) for seed in (0, 1)]
    for options, run in zip(configs, train(configs, *sets.values()), strict=True):
        for model, epoch in ((Linear.initial(3, 6, options.seed), 0), (run.model, options.epochs)):
            for prefix, (images, labels, *w) in sets.items():
                S = model.scores(images)
                w = w[0] if w else None
                values = [LOSSES[loss].value(S[:, [i]], labels[[i]])[0] for i in range(len(labels))]
                mean = np.average(values, weights=w)
                history = {key: getattr(run.history, f"{prefix}_{key}")[epoch] for key in ("loss", "cost", "accuracy")}
                assert history["loss"] == pytest.approx(mean)
                assert history["cost"] == pytest.approx(mean + 0.3 * (model.W**2).sum())
                assert history["accuracy"] == pytest.approx(np.average(S.argmax(axis=0) == labels, weights=w))
        assert run.history.train_loss.shape == (options.epochs + 1,)


MIXED = [
    config(loss=loss, learning_rate=rate, l2=l2, shuffle=shuffle, seed=seed, batch_size=size)
    for loss in LOSSES
    for rate, l2 in ((0.1, 0.0), (0.01, 0.5))
    for shuffle, seed, size in ((False, 0, 8), (False, 1, 8), (True, 0, 8), (True, 1, 16))
] + [
    config(loss=loss, seed=seed, restore_best=seed == 1, augment=augment, **changes)
    for loss in LOSSES
    for changes in CHANGES[6:11]
    for seed in (0, 1)
    for augment in (None, Augmentation(image_shape=(1, 3, 2), flip=True))
]


@weighted_or_not
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-12), (np.float32, 1e-5)])
def test_a_stack_equals_single_runs(dtype, tolerance, weighted):
    data, validation = blobs(dtype=dtype), blobs(seed=1, dtype=dtype)
    sample_weight = weights(50) if weighted else None
    for options, run in zip(MIXED, train(MIXED, data, validation, sample_weight=sample_weight), strict=True):
        (single,) = train(options, data, validation, sample_weight=sample_weight)
        assert run.config == single.config == options
        np.testing.assert_allclose(run.model.W, single.model.W, atol=tolerance)
        np.testing.assert_allclose(run.history.validation_cost, single.history.validation_cost, rtol=10 * tolerance)


@every_loss
@pytest.mark.parametrize(
    "changes", [{}, {"momentum": 0.9, "averaging": 0.5}, {"shuffle": True, "init": "xavier"}], ids=str
)
def test_a_weight_of_two_is_the_image_twice_and_none_is_it_left_out(loss, changes):
    """In full-batch descent, to rounding; and the size of all weights does not count."""
    X, y = blobs()
    options = config(loss=loss, batch_size=1000, epochs=20, **changes)
    counts = np.arange(len(y)) % 3
    (repeated,) = train(options, (X.repeat(counts, axis=0), y.repeat(counts)))
    for factor in (1, 1e300, 1e-300):
        (weighted,) = train(options, (X, y), sample_weight=factor * counts)
        np.testing.assert_allclose(weighted.model.W, repeated.model.W, rtol=0, atol=1e-12)
        np.testing.assert_allclose(weighted.model.b, repeated.model.b, rtol=0, atol=1e-12)
        for name in ("loss", "cost", "accuracy"):
            found, expected = (getattr(run.history, f"train_{name}") for run in (weighted, repeated))
            np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_a_weighted_share_is_no_more_than_one():
    X, y = np.eye(3).repeat(7, axis=0), np.arange(3).repeat(7)
    for seed in range(20):
        (run,) = train(config(learning_rate=1), (X, y), sample_weight=weights(21, seed) + 0.1)
        assert run.history.train_accuracy[-1] <= 1


def test_same_seed_same_bits_and_other_seed_other_weights():
    data = blobs(dtype=np.float32)
    first, second, other = (train(config(seed=seed, shuffle=True), data)[0].model.W for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, second)
    assert (first != other).any()


def test_what_is_measured_does_not_change_training():
    data, validation = blobs(dtype=np.float32), blobs(seed=1, dtype=np.float32)
    both, one, none = (train(config(), data, validation, evaluate=what)[0] for what in (True, "validation", False))
    for run in (one, none):
        np.testing.assert_array_equal(run.model.W, both.model.W)
    np.testing.assert_array_equal(both.history.validation_cost, one.history.validation_cost)
    assert np.isnan(one.history.train_loss).all()
    assert none.history is None
    (run,) = train(config(), data)
    assert np.isnan(run.history.validation_loss).all()
    assert np.isfinite(run.history.train_loss).all()


@every_loss
def test_the_best_epoch_is_restored(loss):
    """The model whose validation loss is least, however long training goes on and wherever it ends."""
    (X, y), validation = blobs(n=12, d=30), blobs(n=200, d=30, seed=1)
    data = X, np.where(np.arange(12) < 4, (y + 1) % 3, y)  # wrong labels, to overfit
    rate = 0.3 / LOSSES[loss].curvature(3)
    options = config(loss=loss, learning_rate=rate, l2=0.0, epochs=60, restore_best=True)
    (run,) = train(options, data, validation)
    best = int(run.history.validation_loss.argmin())
    assert 0 < best < 60
    (stopped,) = train(replace(options, epochs=best, restore_best=False), data, validation)
    np.testing.assert_array_equal(run.model.W, stopped.model.W)
    (last,) = train(replace(options, restore_best=False), data, validation)
    np.testing.assert_array_equal(run.history.validation_loss, last.history.validation_loss)
    assert (last.model.W != run.model.W).any()


@pytest.mark.parametrize("changes", [{}, {"momentum": 0.5}, {"momentum": 0.9, "averaging": 0.6}], ids=str)
def test_training_continues_where_it_stopped(changes):
    configs = [config(lr_decay=0.5, seed=seed, **changes) for seed in (0, 1)]
    whole = Task(configs, blobs(), blobs(seed=1), 3)
    half = replace(whole, configs=[replace(options, epochs=2) for options in configs])
    *_, record = training(half)
    *_, record = training(replace(half, init=[record.state(k) for k in (0, 1)], done=2))
    for k, run in enumerate(train(configs, whole.train, whole.validation)):
        np.testing.assert_allclose(record.model(k).W, run.model.W, rtol=1e-10)
        np.testing.assert_allclose(record.model(k).b, run.model.b, rtol=1e-10)
        np.testing.assert_allclose(record.history(k).validation_cost, run.history.validation_cost[2:], rtol=1e-10)


def test_numeric_type_follows_the_inputs():
    X, y = blobs()
    computed = {"f8": "f8", "f4": "f4", "f2": "f4", "i2": "f4", "i4": "f8", "u8": "f8", "u1": "f4"}
    for given, expected in computed.items():
        (run,) = train(config(averaging=0.5), (np.abs(X).astype(given), y))
        assert run.model.W.dtype == run.model.b.dtype == expected


def test_given_initial_models_are_the_start_and_stay_as_they_were():
    X, y = blobs()
    init = Linear(np.ones((3, 6)), np.zeros(3))
    (run,) = train(config(epochs=0), (X, y), init=[init])
    np.testing.assert_array_equal(run.model.W, init.W)
    train(config(), (X, y), init=[init])
    assert (init.W == 1).all()


@every_loss
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("l2", "learning_rate"), SETTINGS.values())
def test_a_rate_a_million_times_too_large(loss, dtype, l2, learning_rate):
    """With a penalty, weights grow by a factor per step, and training stops. Without, the loss becomes large and stays
    a number, unless its gradient is without bound."""
    options = config(loss=loss, learning_rate=1e6 * learning_rate, l2=l2, epochs=40)
    sets = blobs(dtype=dtype), blobs(seed=1, dtype=dtype)
    if not l2:
        with suppress(DivergenceError):
            (run,) = train(options, *sets)
            assert all(np.isfinite(series).all() for series in vars(run.history).values())
        return
    for evaluate in (True, "validation", False):
        with pytest.raises(DivergenceError, match=rf"the {loss} loss became .* in epoch \d+ of 40 with learning rate"):
            train(options, *sets, evaluate=evaluate)


@every_loss
def test_a_cost_that_overflows_before_the_loss_is_divergence(loss):
    """Squares of weights leave float32 at 2e19, where the loss is a number still."""
    with pytest.raises(DivergenceError, match=r"became (infinite|NaN) in epoch 1 of 1 "):
        train(config(loss=loss, learning_rate=1000, l2=0.7, epochs=1), blobs(dtype=np.float32))


@pytest.mark.parametrize(("value", "word"), [(math.nan, "NaN"), (math.inf, "infinite"), (-math.inf, "infinite")])
def test_divergence_is_told_in_one_sentence(value, word):
    configs = [config(), config(loss="multiclass_hinge", learning_rate=0.25, l2=3)]
    _check_finite(2, configs, np.array([0.0, 1e300]))
    with pytest.raises(DivergenceError) as raised:
        _check_finite(2, configs, np.array([1.0, value]))
    assert str(raised.value) == (
        f"training diverged: the multiclass_hinge loss became {word} in epoch 2 of 4 with learning rate 0.25 and L2 3; "
        "use a smaller learning rate"
    )
    with pytest.raises(DivergenceError, match=r"each step multiplies weights by 1 - 2 x 0\.25 x L2, which is below -1"):
        _check_finite(2, [config(learning_rate=0.25, l2=5)], np.array([math.inf]))


X, y = blobs(n=10)


@pytest.mark.parametrize("label", [2**53, np.uint64(2**63)])
def test_numbers_that_count_no_classes_are_refused_before_there_is_a_weight_for_each(label):
    with pytest.raises(DataError, match=rf"expected labels 0\.\.C-1, found 0\.\.{label}"):
        train(config(), (X, np.where(y == y[0], label, 0 * label)))


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


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (np.ones(9), r"expected 10 numbers, one per image, not float64 of shape \(9,\)"),
        (np.ones((10, 1)), r"not float64 of shape \(10, 1\)"),
        (2, r"not int64 of shape \(\)"),
        (["much"] * 10, "expected 10 numbers, one per image, not <U4"),
        (np.arange(10) - 1, r"expected finite numbers, zero or more and not all zero, found -1\.\.8"),
        (np.zeros(10), r"found 0\.\.0"),
        (np.arange(10) / np.arange(1, 11)[::-1] * [*[1] * 9, np.inf], r"found 0\.\.inf"),
        ([np.nan] * 10, r"found nan\.\.nan"),
    ],
)
@pytest.mark.parametrize("role", ["training", "validation"])
def test_bad_weights_are_refused(given, message, role):
    calls = {"training": ((X, y), None, given), "validation": ((X, y), (X, y, given), None)}
    data, validation, sample_weight = calls[role]
    with pytest.raises(DataError, match=f"^{role} weights: .*{message}"):
        train(config(), data, validation, sample_weight=sample_weight)


def test_sets_that_do_not_go_together_are_refused():
    with pytest.raises(DataError, match="expected a pair"):
        train(config(), (X, y, np.ones(10)), sample_weight=np.ones(10))
    with pytest.raises(DataError, match="validation images: expected 6 inputs as in training, not 5"):
        train(config(), (X, y), (X[:, :5], y))


def test_large_numbers_are_finite_even_if_their_sum_is_not():
    large = np.full((10, 6), np.finfo(np.float32).max)
    (run,) = train(config(epochs=0), (large, y), evaluate=False, progress=False)
    assert np.isfinite(run.model.W).all()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"learning_rate": -0.1}, "learning_rate must be a finite number, 0 or more, not -0.1"),
        ({"l2": -1}, "l2 must be a finite number"),
        ({"lr_decay": math.inf}, "lr_decay must be a finite number"),
        ({"batch_size": 0}, "batch_size must be a whole number, 1 or more, not 0"),
        ({"seed": -1}, "seed must be a whole number"),
        ({"shuffle": 1}, "shuffle must be True or False, not 1"),
        ({"lr_decay_every": 0}, "lr_decay_every must be a whole number, 1 or more, not 0"),
        ({"momentum": 1.0}, "momentum must be a number from 0 to below 1, not 1.0"),
        ({"averaging": -0.1}, "averaging must be a number from 0 to below 1, not -0.1"),
        ({"loss": "hinge"}, "unknown loss 'hinge'"),
    ],
)
def test_bad_settings_are_refused(changes, message):
    with pytest.raises(ConfigError, match=message):
        config(**changes)


def test_numpys_numbers_are_pythons():
    """Also in what is written as JSON, and for whoever measures validation images alone."""
    given = {
        "learning_rate": np.float32(0.5), "l2": np.float64(0), "epochs": np.int64(2), "batch_size": np.uint8(8),
        "seed": np.int32(1), "shuffle": np.True_, "restore_best": np.False_, "init": np.str_("xavier"),
    }  # fmt: skip
    options = config(**given)
    plain = config(**{key: value.item() for key, value in given.items()})
    assert json.dumps(asdict(options)) == json.dumps(asdict(plain))
    assert Augmentation(image_shape=(2, 3, 1), flip=np.True_, shift=np.int64(1)).columns.shape == (18, 6)
    (run,) = train(options, (X, y), evaluate=np.True_, n_classes=np.int64(4), progress=np.False_)
    assert run.model.W.shape == (4, 6)
    assert np.isfinite(run.history.train_loss).all()


@pytest.mark.parametrize(
    ("configs", "init", "message"),
    [
        ([], None, "^expected at least one Config to train, none was given$"),
        ([config()], [], "expected one initial model per config, 1, not 0"),
        ([config()], [Linear(np.zeros((3, 5)), np.zeros(3))], r"expected initial W \(3, 6\)"),
        ([config(restore_best=True)], None, "restore_best needs validation images, and their evaluation, to tell"),
        ([config(augment=Augmentation(image_shape=(2, 2, 3)))], None, r"of shape \(2, 2, 3\) to mirror or move, not 6"),
    ],
)
def test_bad_calls_are_refused(configs, init, message):
    with pytest.raises(ConfigError, match=message):
        train(configs, (X, y), init=init, n_classes=3)


def test_each_epoch_is_told_and_only_where_it_is_wanted(monkeypatch):
    told, stream = [], Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    train([config(seed=0), config(seed=1, epochs=3)], blobs(), progress=lambda: told.append(1))
    train(config(), blobs(), progress=False)
    assert (len(told), stream.getvalue()) == (4 + 3, "")  # two stacks, since their epochs differ
    train([config(seed=0), config(seed=1)], blobs())
    assert "training 2 networks: 4 epochs in" in stream.getvalue()


def test_seconds_are_a_networks_share_of_the_time():
    started = time.perf_counter()
    runs = train([config(seed=seed) for seed in range(5)], blobs(), progress=False)
    assert 0 < sum(run.seconds for run in runs) <= time.perf_counter() - started

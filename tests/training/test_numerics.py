"""Where numbers leave their ranges, or could differ: constant and extreme inputs, the same bits again."""

import hashlib
import subprocess
import sys

import numpy as np
import pytest
from helpers import blobs, config

from linclf import Config, Standardizer, load_dataset, sweep, train
from linclf.studies.reference import SETTINGS
from linclf.training.losses import LOSSES


@pytest.mark.parametrize("given", ["u1", "f2", "f4", "f8"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_an_input_that_never_varies_becomes_zero(given, dtype):
    images = np.random.default_rng(0).uniform(1, 200, (300, 3)).astype(given)
    images[:, 1] = 77.7
    standardize = Standardizer.fit(images)
    assert standardize.std[1] == 1
    X = standardize(images, dtype)
    np.testing.assert_allclose(X[:, 1], 0, atol=1e-5)
    np.testing.assert_allclose(X[:, ::2].std(axis=0), 1, rtol=1e-3)
    other = images + np.array([0, 5, 0]).astype(given)  # at test time it may vary
    np.testing.assert_allclose(standardize(other, dtype)[:, 1], 5 / standardize.scale, rtol=1e-3)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_subnormal_spread_counts_as_none_and_any_other_becomes_one(dtype):
    for spread in (5e-324, 1e-310, 1e-200, 1e-45, 1e-40):
        images = np.zeros((4, 2))
        images[1] = spread, 1
        standardize = Standardizer.fit(images)
        assert standardize.std[0] == 1
        np.testing.assert_allclose(standardize(images, dtype)[:, 0], 0, atol=1e-36)
    for spread in (1e-30, 1e-8, 1, 1e8, 1e30):
        for given in ("f4", "f8"):
            images = (spread * np.random.default_rng(0).normal(size=(500, 2))).astype(given)
            X = Standardizer.fit(images)(images, dtype).astype(float)
            np.testing.assert_allclose(X.std(axis=0), 1, rtol=1e-4)
            np.testing.assert_allclose(X.mean(axis=0), 0, atol=1e-4)


def test_half_precision_is_summed_in_double():
    images = np.full((5000, 1), 60_000, np.float16)
    images[::2] = 30_000
    standardize = Standardizer.fit(images)
    assert (standardize.mean[0], standardize.std[0]) == pytest.approx((45_000, 15_000), rel=1e-3)


@pytest.mark.parametrize("loss", LOSSES)
def test_constant_and_subnormal_inputs_train(loss):
    X, y = blobs(dtype=np.float32)
    X[:, 0], X[:, 1] = 0, 1e-42
    (run,) = train(config(loss=loss, epochs=20), (X, y), progress=False)
    assert np.isfinite(run.model.W).all()
    assert run.history.train_loss[-1] < run.history.train_loss[0]


TRAINED = "import sys; sys.path[:0] = sys.argv[1:]; import test_numerics; print(test_numerics.bits())"


def bits():
    """What a small sweep of every loss comes to, hashed."""
    configs = [
        config(loss=loss, shuffle=shuffle, seed=seed) for loss in LOSSES for shuffle in (False, True) for seed in (0, 7)
    ]
    found = hashlib.sha256()
    for run in sweep(configs, blobs(n=500, d=300, dtype=np.float32), blobs(n=99, d=300, seed=1), progress=False):
        for array in (run.model.W, run.model.b, *vars(run.history).values()):
            found.update(array.tobytes())
    return found.hexdigest()


def test_the_same_seeds_give_the_same_bits_in_another_process():
    done = subprocess.run([sys.executable, "-c", TRAINED, *sys.path], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == bits() == bits()


def test_float32_is_as_good_as_float64(cifar10):
    """Test accuracy on CIFAR-10 within 0.3 points, for every loss in settings 2 to 4."""
    data = load_dataset(cifar10 / "cifar-10-batches-py")
    standardize, y = Standardizer.fit(data.train_images[0]), data.train_labels[0]
    rates = list(SETTINGS.values())[1:]
    configs = [
        Config(loss=name, l2=l2, learning_rate=rate / max(1, loss.curvature(10)), epochs=4)
        for name, loss in LOSSES.items()
        for l2, rate in rates
    ]
    accuracies = []
    for dtype in (np.float32, np.float64):
        X, test = (standardize(images, dtype) for images in (data.train_images[0], data.test_images))
        runs = train(configs, (X, y), evaluate=False, progress=False)
        accuracies.append([np.mean(run.model.predict(test) == data.test_labels) for run in runs])
    np.testing.assert_allclose(*accuracies, atol=0.003)
    assert min(accuracies[0]) > 0.2

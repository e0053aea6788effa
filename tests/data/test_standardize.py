"""Standardised inputs by hand."""

import pickle
import tracemalloc

import joblib
import numpy as np
import pytest

from linclf import Config, DataError, Standardizer, sweep, train
from linclf.training.config import checked_examples


def test_pixels_are_divided_by_255_and_standardised():
    images = np.random.default_rng(0).integers(0, 256, (1000, 16, 16, 3), np.uint8)  # made in three pieces
    standardize = Standardizer.fit(images)
    scaled = images.reshape(len(images), -1) / 255
    np.testing.assert_allclose(standardize.mean, scaled.mean(axis=0))
    np.testing.assert_allclose(standardize.std, scaled.std(axis=0))
    X = standardize(images, np.float64)
    np.testing.assert_allclose(X, (scaled - scaled.mean(axis=0)) / scaled.std(axis=0), atol=1e-12)
    np.testing.assert_array_equal(standardize(images, np.dtype("float64")), X)
    np.testing.assert_allclose(standardize(images), X, atol=1e-5)
    assert standardize(images).dtype == np.float32


def test_lists_are_taken_as_arrays_and_what_has_no_mean_is_refused():
    standardize = Standardizer.fit([[1, 2.0], [3, 4]])
    np.testing.assert_array_equal(standardize([[1, 2.0], [3, 4]]), [[-1, -1], [1, 1]])
    for bad in ([[np.nan, 1]], [[np.inf, 1]], [[1e300, 1], [-1e300, 1]]):
        with pytest.raises(DataError, match="expected finite numbers"):
            Standardizer.fit(bad)
    for bad in (np.zeros((0, 3)), [1.0, 2.0], [["a"]]):
        with pytest.raises(DataError, match="expected images"):
            Standardizer.fit(bad)


def test_other_images_take_the_training_images_mean_and_spread():
    train, test = np.array([[0.0], [2.0]]), np.array([[4.0]])
    assert Standardizer.fit(train)(test, np.float64).tolist() == [[3.0]]


def test_many_images_on_all_cores_are_what_few_at_a_time_are():
    images = np.random.default_rng(0).integers(0, 256, (2500, 3072), np.uint8)
    standardize = Standardizer.fit(images)
    few = [standardize(images[i : i + 70]) for i in range(0, len(images), 70)]
    np.testing.assert_array_equal(standardize(images), np.concatenate(few))


def test_workers_are_sent_mean_and_spread_alone():
    images = np.random.default_rng(0).integers(0, 256, (20, 3072), np.uint8)
    standardize = Standardizer.fit(images)
    X, sent = standardize(images), pickle.dumps(standardize)
    assert len(sent) < 2 * 3072 * 8 + 1000
    np.testing.assert_array_equal(pickle.loads(sent)(images), X)


@pytest.mark.parametrize("value", [0, 77, 255])
def test_a_constant_input_becomes_zero(value):
    images = np.full((1000, 2), value, np.uint8)
    images[::2, 1] = 3
    X = Standardizer.fit(images)(images)
    assert (X[:, 0] == 0).all()
    assert np.isfinite(X).all()


def test_a_constant_float_input_becomes_zero():
    images = np.full((1000, 1), 0.1)
    np.testing.assert_allclose(Standardizer.fit(images)(images), 0, atol=1e-8)


def test_lazy_inputs_train_to_the_same_bits(tmp_path):
    rng = np.random.default_rng(0)
    images, y = rng.integers(0, 256, (250, 4, 4, 3), np.uint8), rng.integers(0, 3, 250)
    np.save(tmp_path / "images.npy", images)
    standardize = Standardizer.fit(images)
    arrays = (standardize(images), y), (standardize(images[:50]), y[:50])
    settings = [Config(learning_rate=0.01, l2=0.1, epochs=2, shuffle=shuffle) for shuffle in (False, True)]
    expected = train(settings, *arrays, progress=False)
    for source in (images, np.load(tmp_path / "images.npy", mmap_mode="r")):
        lazy = (standardize.lazily(source), y), (standardize.lazily(source[:50]), y[:50])
        for run, other in zip(train(settings, *lazy, progress=False), expected, strict=True):
            np.testing.assert_array_equal(run.model.W, other.model.W)
            np.testing.assert_array_equal(run.history.validation_loss, other.history.validation_loss)
    with joblib.parallel_config(backend="loky", n_jobs=2):
        there = sweep(settings, *lazy, progress=False)
    for run, other in zip(there, sweep(settings, *arrays, progress=False), strict=True):
        np.testing.assert_array_equal(run.model.W, other.model.W)


def test_lazy_inputs_are_checked_too():
    images = np.zeros((3, 2))
    standardize = Standardizer.fit(images)
    images[1] = np.nan
    with pytest.raises(DataError, match="finite inputs"):
        train(Config(learning_rate=0.1, l2=0.0), (standardize.lazily(images), np.arange(3)), progress=False)
    with pytest.raises(DataError, match="expected X"):
        train(Config(learning_rate=0.1, l2=0.0), (standardize.lazily(images), np.arange(2)), progress=False)


def test_images_are_not_copied_to_be_checked():
    """However they lie in memory: a file may be larger than it."""
    images = np.zeros((2000, 3, 16, 16), np.float32).transpose(0, 2, 3, 1)
    standardize = Standardizer(np.zeros(768), np.ones(768), 1.0)
    tracemalloc.start()
    try:
        checked_examples("training", (standardize.lazily(images), np.zeros(2000, int)), None)
        assert tracemalloc.get_traced_memory()[1] < images.nbytes / 2
    finally:
        tracemalloc.stop()
    images[7, 3, 4, 2] = np.nan
    with pytest.raises(DataError, match="finite inputs"):
        checked_examples("training", (standardize.lazily(images), np.zeros(2000, int)), None)


def test_inputs_of_another_kind_are_refused():
    pixels = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    floats = pixels / 255
    for fitted_on, others, said in (
        (pixels, [floats, pixels.astype(int)], "expected uint8 images"),
        (floats, [pixels], "not divided by 255"),
        (pixels, [pixels[0], pixels[:, :1]], "of 6 inputs each, found shape"),
    ):
        standardize = Standardizer.fit(fitted_on)
        for images in others:
            with pytest.raises(DataError, match=said):
                standardize(images)
            with pytest.raises(DataError, match=said):
                standardize.lazily(images)[:]


def test_images_without_inputs_become_none():
    images = np.zeros((3, 0), np.uint8)
    assert Standardizer.fit(images)(images).shape == (3, 0)

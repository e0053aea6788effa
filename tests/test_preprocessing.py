"""Standardised inputs by hand."""

import numpy as np
import pytest

from linclf import Standardizer


def test_pixels_are_divided_by_255_and_standardised():
    images = np.random.default_rng(0).integers(0, 256, (1300, 4, 4, 3), np.uint8)
    standardize = Standardizer.fit(images)
    scaled = images.reshape(len(images), -1) / 255
    np.testing.assert_allclose(standardize.mean, scaled.mean(axis=0))
    np.testing.assert_allclose(standardize.std, scaled.std(axis=0))
    X = standardize(images, np.float64)
    np.testing.assert_allclose(X, (scaled - scaled.mean(axis=0)) / scaled.std(axis=0), atol=1e-12)
    np.testing.assert_allclose(standardize(images), X, atol=1e-5)
    assert standardize(images).dtype == np.float32


def test_other_images_take_the_training_images_mean_and_spread():
    train, test = np.array([[0.0], [2.0]]), np.array([[4.0]])
    assert Standardizer.fit(train)(test, np.float64).tolist() == [[3.0]]


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

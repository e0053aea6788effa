"""Mirrored and moved images against pictures placed by hand."""

import numpy as np
import pytest

from linclf import Augmentation, ConfigError

PICTURE = np.arange(24).reshape(1, 3, 4, 2)
X = PICTURE.reshape(1, -1)


def placed(**options):
    """Every way in which the picture came out of 500, and how often."""
    augment = Augmentation(image_shape=(3, 4, 2), **options)
    return np.unique(augment(np.repeat(X, 500, axis=0), np.random.default_rng(0)), axis=0, return_counts=True)


def test_a_flip_mirrors_half_of_the_images_and_a_shift_repeats_the_edge():
    ways, counts = placed(flip=True)
    np.testing.assert_array_equal(ways, np.concatenate([X, PICTURE[:, :, ::-1].reshape(1, -1)]))
    assert (np.abs(counts - 250) < 50).all()
    padded = np.pad(PICTURE[0], ((1, 1), (1, 1), (0, 0)), mode="edge")
    wanted = [padded[i : i + 3, j : j + 4].ravel() for i in range(3) for j in range(3)]
    np.testing.assert_array_equal(placed(shift=1)[0], np.unique(wanted, axis=0))
    assert len(placed(flip=True, shift=1)[0]) == 18  # every combination
    np.testing.assert_array_equal(placed()[0], X)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"image_shape": (5,)}, r"augmentation needs images of a shape \(h, w, c\), not \(5,\)"),
        ({"image_shape": (3, 0, 2)}, "augmentation needs images"),
        ({"flip": 1}, "flip must be True or False, not 1"),
        ({"shift": 3}, "shift must be a whole number of pixels below 3, not 3"),
        ({"shift": -1}, "shift must be a whole number"),
        ({"shift": 0.5}, "shift must be a whole number"),
    ],
)
def test_bad_settings_are_refused(fields, message):
    with pytest.raises(ConfigError, match=message):
        Augmentation(**{"image_shape": (3, 4, 2), **fields})

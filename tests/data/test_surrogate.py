"""Surrogates: what is drawn has the moments of what it was made from, and no file harms who reads it."""

import numpy as np
import pytest
from helpers import refused, refuses

from linclf import load_dataset
from linclf.cli import main
from linclf.data import surrogate as module
from linclf.data.readers.npz import read_arrays
from linclf.data.surrogate import EMBEDDED as CIFAR10
from linclf.data.surrogate import FIELDS, Surrogate, fit_surrogate
from linclf.errors import DataError


def read(path) -> Surrogate:
    return Surrogate.from_arrays(read_arrays(path, FIELDS.__contains__, "a surrogate"), str(path))


def smooth_images(n=3000, shape=(6, 5, 3), n_classes=3, seed=0):
    """Images far from black and white whose neighbouring pixels are alike, brighter from class to class."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % n_classes
    fields = rng.normal(0, 6, (n, *shape)).cumsum(axis=1).cumsum(axis=2) / 4
    fields += 120 + 6 * labels[:, None, None, None] * np.linspace(0, 1, shape[0])[:, None, None]
    return np.clip(np.rint(fields), 0, 255).astype(np.uint8), labels


def fitted(n_coefficients=12, **kwargs) -> Surrogate:
    images, labels = smooth_images(**kwargs)
    names = [str(i) for i in range(labels.max() + 1)]
    return fit_surrogate(images, labels, names, name="smooth", n_coefficients=n_coefficients)


def transformed(images):
    return module.transform(images, images.shape[1:]) / np.sqrt(images[0].size)


def test_the_transform_is_orthogonal_and_its_first_coefficient_the_mean_pixel():
    for shape in [(6, 5, 3), (1, 1, 1), (1, 7, 3), (16, 1, 2)]:
        images = np.random.default_rng(0).normal(size=(4, *shape))
        x = module.transform(images, shape)
        np.testing.assert_allclose(module.transform(x, shape, inverse=True), images, atol=1e-12)
        np.testing.assert_allclose(np.square(x).sum(axis=1), np.square(images).sum(axis=(1, 2, 3)))
        np.testing.assert_allclose(transformed(images)[:, 0], images.mean(axis=(1, 2, 3)), atol=1e-12)


def test_draws_have_the_means_and_covariances_of_each_class():
    images, labels = smooth_images()
    surrogate = fitted()
    drawn, drawn_labels = surrogate.draw(30_000, np.random.default_rng(1))
    assert (drawn.dtype, drawn_labels.dtype) == (np.uint8, np.int64)
    assert (drawn.shape, drawn_labels.shape) == ((30_000, 6, 5, 3), (30_000,))
    for k in range(3):
        x, z = transformed(images[labels == k]), transformed(drawn[drawn_labels == k])
        spread = x.std(axis=0)
        np.testing.assert_allclose(z.mean(axis=0), x.mean(axis=0), atol=0.12 * spread.max())
        # Draws are rounded once more than what they are made from.
        np.testing.assert_allclose(z.std(axis=0), np.sqrt(spread**2 + 1 / 12 / 90), rtol=0.08)
        chosen = surrogate.coefficients
        np.testing.assert_allclose(np.corrcoef(z[:, chosen].T), np.corrcoef(x[:, chosen].T), atol=0.06)
    correlation = np.corrcoef(transformed(drawn[drawn_labels == 0]).T)  # of all others there is none
    np.fill_diagonal(correlation, 0)
    assert np.abs(correlation[np.setdiff1d(np.arange(90), surrogate.coefficients)]).max() < 0.06


def test_noise_gives_the_classes_hardly_an_offset():
    images = np.random.default_rng(0).integers(100, 156, (2000, 8, 8, 3)).astype(np.uint8)
    labels = np.arange(2000) % 10
    surrogate = fit_surrogate(images, labels, [str(i) for i in range(10)], name="noise")
    x = transformed(images)
    raw = np.array([x[labels == k].mean(axis=0) for k in range(10)]) - x.mean(axis=0)
    assert np.square(surrogate.offsets.astype(float)).sum() < 0.15 * np.square(raw).sum()


def test_classes_are_drawn_as_often_as_they_occur_and_constant_images_come_back():
    images = np.full((400, 4, 4, 3), 77, np.uint8)
    images[100:] = 200
    labels = np.repeat([0, 2], [100, 300])  # class 1 has no image
    drawn, found = fit_surrogate(images, labels, "abc", name="flat").draw(4000, np.random.default_rng(0))
    counts = np.bincount(found, minlength=3)
    assert counts[1] == 0
    assert abs(counts[0] - 1000) < 120
    assert (drawn == np.where(found, 200, 77)[:, None, None, None]).all()


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 1, 3), (256, 256, 3), (1, 256, 1)])
@pytest.mark.parametrize("counts", [(1,), (1, 9), (6, 6)])
def test_odd_data_give_images_from_a_file_too(shape, counts, tmp_path):
    labels = np.repeat(np.arange(len(counts)), counts)
    images = np.random.default_rng(0).integers(0, 256, (len(labels), *shape)).astype(np.uint8)
    surrogate = fit_surrogate(images, labels, [f"class {i}" for i in range(len(counts))], name="odd")
    assert len(surrogate.coefficients) <= max(len(labels) // 4, 0)
    surrogate.save(tmp_path / "odd.npz")
    again = read(tmp_path / "odd.npz")
    for field in FIELDS[1:]:
        assert np.array_equal(getattr(again, field), getattr(surrogate, field))
    drawn, drawn_labels = again.draw(5, np.random.default_rng(0))
    assert drawn.shape == (5, *shape)
    assert drawn_labels.max() < len(counts)
    assert surrogate.draw(0, np.random.default_rng(0))[0].shape == (0, *shape)


@pytest.mark.parametrize("shape", [(2, 2, 2), (2, 257, 2, 1), (2, 2, 2, 5)])
def test_what_is_no_set_of_images_is_refused(shape):
    images, labels = np.zeros((2, 2, 2, 1), np.uint8), np.arange(2)
    for bad in ((np.zeros(shape, np.uint8), labels), (images.astype(float), labels), (images[:0], labels[:0])):
        with pytest.raises(DataError):
            fit_surrogate(*bad, "ab", name="bad")
    for bad in (np.zeros(3, int), [0, 2], [0, -1], [0.0, 1.0]):
        with pytest.raises(DataError):
            fit_surrogate(images, np.array(bad), "ab", name="bad")
    fit_surrogate(images, labels, "ab", name="good")


def with_value(name, index, value):
    array = fitted().to_arrays()[name].copy()
    array[index] = value
    return {name: array}


@pytest.mark.parametrize(
    ("new", "words"),
    [
        *(({name: None}, f"{name} is missing") for name in FIELDS),
        ({"surrogate_version": np.array(2)}, "version 2"),
        ({"surrogate_version": np.array([1])}, "surrogate_version of shape"),
        ({"image_shape": np.array([2**62, 4, 3])}, "at most 256 x 256"),
        ({"image_shape": np.array([6, 5, 0])}, "channels"),
        ({"image_shape": np.array([6, 5, 1])}, "coefficients"),
        ({"counts": np.array([1, 2])}, "as many class_names"),
        *(({"counts": np.array(counts)}, "counts") for counts in ([1, 2, -1], [0, 0, 0])),
        ({"counts": np.zeros(0, np.int64), "class_names": np.zeros(0, "U1")}, "classes"),
        ({"counts": np.ones(1001, np.int64)}, "classes"),
        ({"class_names": np.array([1, 2, 3])}, "class_names of type U"),
        *(({"class_names": np.array(["a", "b", name])}, "names") for name in ("b", "c\n", "c" * 201)),
        ({"name": np.array(b"a")}, "name of type U"),
        ({"coefficients": np.arange(12)}, "coefficients of type i4"),
        ({"coefficients": np.arange(12, dtype=np.int32).reshape(3, 4)}, "list of fewer"),
        ({"coefficients": np.arange(11, dtype=np.int32)}, "deviations of shape"),
        ({"coefficients": np.arange(-1, 11, dtype=np.int32)}, "ascending"),
        ({"coefficients": np.array([10, -(2**31), -1, *range(20, 29)], np.int32)}, "ascending"),
        ({"coefficients": np.zeros(5000, np.int32)}, "list of fewer"),
        ({"mean": np.zeros(90)}, "mean of type f2"),
        ({"offsets": np.zeros((3, 89), np.float16)}, "offsets of shape"),
        ({"factors": np.zeros((3, 77), np.float16)}, "factors of shape"),
        (with_value("factors", (0, 0), np.nan), "finite numbers in factors"),
        (with_value("mean", 0, np.inf), "finite numbers in mean"),
        (with_value("deviations", (0, 0), -1), "deviations of 0 or more"),
    ],
)
def test_a_hostile_file_is_refused_in_a_sentence(new, words):
    arrays = {name: array for name, array in (fitted().to_arrays() | new).items() if array is not None}
    said = refused(arrays, words, load=lambda arrays: Surrogate.from_arrays(arrays, "file.npz"))
    assert said.startswith("file.npz: expected ")


def test_the_largest_numbers_that_pass_give_images():
    arrays = {n: np.full_like(a, 65504) if a.dtype == np.float16 else a for n, a in fitted().to_arrays().items()}
    assert Surrogate.from_arrays(arrays, "file.npz").draw(20, np.random.default_rng(0))[0].dtype == np.uint8


def test_the_embedded_one_is_what_the_function_makes_of_cifar10(cifar10):
    data = load_dataset(cifar10)
    images, labels = np.concatenate(data.train_images), np.concatenate(data.train_labels)
    made = fit_surrogate(images, labels, data.class_names, name="CIFAR-10").to_arrays()
    for name, array in read(CIFAR10).to_arrays().items():
        if array.dtype.kind == "f":  # half precision, of sums that two machines add up in another order
            np.testing.assert_allclose(made[name].astype(float), array.astype(float), rtol=2e-3, atol=1e-2)
        else:
            np.testing.assert_array_equal(made[name], array)


def test_the_command_writes_a_file_that_is_read_like_any_other(tmp_path, capsys):
    folder, file = tmp_path / "data.npz", tmp_path / "surrogate.npz"
    images, labels = smooth_images(600)
    np.savez(folder, X_train=images[:500], y_train=labels[:500], X_test=images[500:], y_test=labels[500:])
    assert main(["surrogate", str(folder), str(file)]) == 0
    assert "promises no privacy" in capsys.readouterr().out
    data = load_dataset(file)
    assert [len(labels) for labels in (*data.train_labels, data.test_labels)] == [100] * 6
    assert data.test_images.shape[1:] == images.shape[1:]
    assert data.provenance.name == "Gaussian surrogate of data (arrays)"
    assert not data.provenance.synthetic
    refuses(["report", "--data", f"{file}:3"], "", capsys)
    refuses(["surrogate", "digits", tmp_path / "a.txt"], "", capsys)
    np.savez(folder, X_train=np.ones((60, 4)), y_train=np.arange(60) % 2)
    refuses(["surrogate", folder, file], "found feature vectors", capsys)

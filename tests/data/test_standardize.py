"""Standardised inputs by hand."""

import tracemalloc

import joblib
import numpy as np
import pandas
import pytest
import scipy.sparse
from helpers import refused, training

from linclf import Classifier, Config, DataError, Linear, Standardizer, SVMClassifier, load_dataset, sweep, train
from linclf.training.config import checked_examples


def test_pixels_are_divided_by_255_and_standardised():
    images = np.random.default_rng(0).integers(0, 256, (1000, 16, 16, 3), np.uint8)  # made in three pieces
    standardize = Standardizer.fit(images)
    scaled = images.reshape(len(images), -1) / 255
    np.testing.assert_allclose(standardize.mean, scaled.mean(axis=0))
    np.testing.assert_allclose(standardize.std, scaled.std(axis=0))
    X = standardize(images, np.float64)
    np.testing.assert_allclose(X, (scaled - scaled.mean(axis=0)) / scaled.std(axis=0), atol=1e-12)
    test = np.array([[4.0]])
    assert Standardizer.fit(np.array([[0.0], [2.0]]))(test, np.float64).tolist() == [[3.0]]
    shift, factor = (standardize.mean * 255).astype(np.float32), (1 / (standardize.std * 255)).astype(np.float32)
    bits = (images.reshape(len(images), -1).astype(np.float32) - shift) * factor
    few = np.concatenate([standardize(images[i : i + 70]) for i in range(0, len(images), 70)])
    for single in (standardize(images), standardize.lazily(images)[:], few):
        assert single.dtype == np.float32
        np.testing.assert_array_equal(single, bits)


@pytest.mark.parametrize(("offset", "dtype"), [(1.7e9, float), (48.1, "f4"), (2**50, "i8"), (1e6, "i4")], ids=str)
def test_inputs_far_from_zero_for_their_spread_keep_their_digits(offset, dtype, tmp_path):
    """As arrays, lazily and from files: nothing is rounded before the mean is subtracted."""
    near = np.arange(600.0).reshape(300, 2) % 97 * (1e-4 if dtype == "f4" else 1)
    far = (offset + near).astype(dtype)
    moved = (far - far[0]).astype(float)
    expected = (moved - moved.mean(axis=0)) / moved.std(axis=0)
    np.savez(tmp_path / "a.npz", X=far, y=np.arange(300) % 2)
    rows = "".join(f"{a!r},{b!r},{i % 2}\n" for i, (a, b) in enumerate(far.tolist()))
    (tmp_path / "a.csv").write_text(f"a,b,label\n{rows}")
    standardize = Standardizer.fit(far)
    for X in (standardize(far), standardize.lazily(far)[:], standardize(far, np.float64)):
        np.testing.assert_allclose(X, expected, atol=0.01)
    for file in ("a.npz", "a.csv"):
        images, _ = training(load_dataset(tmp_path / file))
        standardize = Standardizer.fit(images)
        X = standardize(images).astype(float)
        np.testing.assert_allclose(np.ptp(X * standardize.std, axis=0), np.ptp(near, axis=0), rtol=1e-3)


def test_whole_numbers_of_64_bits_train_as_such():
    X, y = 2**40 + np.arange(40).reshape(20, 2) % 7, np.arange(20) % 2
    options, init = Config(learning_rate=1e-13, l2=0.0, epochs=2), [Linear(np.eye(2) * 1e-12, np.zeros(2))]
    for trained in (train, sweep):
        exact, floats = (trained(options, (A, y), init=init, progress=False)[0] for A in (X, X.astype(float)))
        assert exact.model.W.dtype == np.float64
        np.testing.assert_array_equal(exact.model.W, floats.model.W)


class Quantity(np.ndarray):
    """Like astropy's: an array with a unit, which ``np.asarray`` drops."""

    unit = "km"


NUMBERS, LABELS = np.arange(12.0).reshape(6, 2), np.arange(6) % 2
MORE_THAN_NUMBERS = [
    ("masked", np.ma.array(NUMBERS, mask=[[0, 1]] + [[0, 0]] * 5)),
    ("masked", [np.ma.array([1, 2], mask=[1, 1])] * 6),
    ("sparse", scipy.sparse.csr_matrix(NUMBERS)),
    ("Quantity", NUMBERS.view(Quantity)),
    *((dtype, NUMBERS.astype(f"{dtype}[s]")) for dtype in ("datetime64", "timedelta64")),
    ("object", np.array([[1, None]] * 6)),
    ("complex128", NUMBERS + 0j),
]


@pytest.mark.parametrize(("said", "given"), MORE_THAN_NUMBERS, ids=[said for said, _ in MORE_THAN_NUMBERS])
def test_what_arrays_mean_beyond_their_numbers_is_never_dropped(said, given):
    options, standardize = Config(learning_rate=0.1, l2=0.0, epochs=1), Standardizer.fit(NUMBERS)
    run = train(options, (NUMBERS, LABELS), progress=False)[0]
    loads = [
        *(Standardizer.fit, standardize, Classifier.of(run).predict, run.model.predict),
        lambda X: train(options, (X, LABELS), progress=False),
        lambda X: sweep(options, (NUMBERS, LABELS), (X, LABELS), progress=False),
    ]
    if isinstance(given, np.ndarray):
        loads.append(lambda X: train(options, (standardize.lazily(X), LABELS), progress=False))
        if given.dtype.kind not in "OcmM":
            loads.append(lambda X: train(options, (NUMBERS, LABELS), sample_weight=X[:, 1], progress=False))
    if getattr(given, "dtype", np.dtype(float)).kind not in "Oc":  # scikit-learn refuses or converts these
        loads += [lambda X: SVMClassifier().fit(X, LABELS), SVMClassifier().fit(NUMBERS, LABELS).predict]
    for load in loads:
        refused(given, "expected", "numbers", said, load=load)


def test_lists_are_taken_as_arrays_and_what_has_no_mean_is_refused():
    standardize = Standardizer.fit([[1, 2.0], [3, 4]])
    for given in ([[1, 2.0], [3, 4]], np.ma.array([[1, 2], [3, 4]], mask=False)):  # which hides nothing
        np.testing.assert_array_equal(standardize(given), [[-1, -1], [1, 1]])
    for bad in ([[np.nan, 1]], [[np.inf, 1]], [[1e300, 1], [-1e300, 1]]):
        refused(bad, "expected finite numbers", load=Standardizer.fit)
    for bad in (np.zeros((0, 3)), [1.0, 2.0], [["a"]]):
        refused(bad, "expected images", load=Standardizer.fit)
    images = np.zeros((3, 0), np.uint8)
    assert Standardizer.fit(images)(images).shape == (3, 0)
    X = np.array([[1e-40, 1e-170, 5, 1e30], [0, 0, 5, -1e30]])  # too small, or too constant, to divide by
    assert np.isfinite(Standardizer.fit(X)(X)).all()


SMALL = np.arange(60) % 25


@pytest.mark.parametrize(
    "numbers", [SMALL + 2**60, -SMALL - 2**60, SMALL.astype(np.uint64) + 2**63, SMALL * 1e3 + 1e20]
)
def test_numbers_that_float64_does_not_tell_apart_are_refused_wherever_they_come_from(tmp_path, numbers):
    labels = np.tile(["a", "b", "c"], 20)
    np.savez(tmp_path / "t.npz", X=numbers[:, None], y=labels)
    table = pandas.DataFrame({"a": numbers, "b": np.random.default_rng(0).normal(size=60), "label": labels})
    table.to_csv(tmp_path / "t.csv", index=False)
    table.to_parquet(tmp_path / "t.parquet")
    files = [(tmp_path / f"t.{name}", load_dataset) for name in ("npz", "csv", "parquet")]
    for given, load in (*files, (numbers[:, None], Standardizer.fit)):
        refused(given, "that float64 tells apart, found some around ", "; subtract a constant", load=load)
    stamps = 1_700_000_000_000_000_000 + SMALL[:, None] * 86_400 * 10**9  # in ns, of days
    X = Standardizer.fit(stamps)(stamps)
    np.testing.assert_allclose(X[:, 0], (SMALL - SMALL.mean()) / SMALL.std(), 1e-6)


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


def test_images_are_not_copied_to_be_checked():
    """However they lie in memory: a file may be larger than it."""
    images = np.zeros((2000, 3, 16, 16), np.float32).transpose(0, 2, 3, 1)
    standardize = Standardizer(np.zeros(768), np.ones(768), 1.0)
    tracemalloc.start()
    checked_examples("training", (standardize.lazily(images), np.zeros(2000, int)), None)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < images.nbytes / 2
    images[7, 3, 4, 2] = np.nan
    for n, said in ((3, "expected X"), (2000, "finite inputs")):
        with pytest.raises(DataError, match=said):
            checked_examples("training", (standardize.lazily(images), np.zeros(n, int)), None)


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
            refused(images, said, load=standardize)
            refused(images, said, load=lambda images, given=standardize: given.lazily(images)[:])

"""Arrays in .npz files and IDX files: read with the right values, or refused with what is wrong with them."""

import gzip
import io
import struct
import zipfile

import numpy as np
import pytest
from helpers import arrays, idx_bytes, refused, same_rows, training, write_idx, write_images

from linclf import load_dataset
from linclf.data import dataset

# npz


@pytest.mark.parametrize(
    ("shape", "dtype", "held"),
    [((5,), np.float32, (5,)), ((5,), np.uint8, (5,)), ((6, 4), np.uint8, (6, 4, 1)), ((6, 4, 2), ">f8", (6, 4, 2))],
)
def test_npz_gives_its_arrays_in_five_batches(tmp_path, shape, dtype, held):
    wanted = arrays(n=12, shape=shape, dtype=dtype)
    wanted["X_test"] = np.asfortranarray(wanted["X_test"])  # stored by column
    np.savez_compressed(tmp_path / "a.npz", **wanted, class_names=["x", "y", "z"])
    data = load_dataset(tmp_path / "a.npz")
    assert [len(labels) for labels in data.train_labels] == [3, 3, 2, 2, 2]
    same_rows(training(data), (wanted["X_train"], wanted["y_train"]))
    np.testing.assert_array_equal(data.test_images.reshape(30, *shape), wanted["X_test"])
    assert data.test_images.shape[1:] == held
    assert data.test_images.dtype == np.dtype(dtype).newbyteorder("=")
    assert data.class_names == ("x", "y", "z")
    said = "split into five training batches, stratified by class, in an order drawn from seed 0"
    assert said in data.provenance.describe()
    assert load_dataset(tmp_path / "a.npz").provenance == data.provenance


def test_without_a_test_set_a_sixth_of_every_class_becomes_one(tmp_path):
    X, y = np.arange(240.0).reshape(120, 2), np.repeat([0, 1, 2], [100, 6, 14])
    np.savez(tmp_path / "a.npz", X=X, y=y)
    data = load_dataset(tmp_path / "a.npz")
    for labels in (*data.train_labels, data.test_labels):
        assert len(labels) == 20
        assert (np.abs(np.bincount(labels) - np.array([100, 6, 14]) / 6) < 1).all()
        assert (np.diff(labels) < 0).any()  # not class by class
    whole = (np.concatenate(pair) for pair in zip(training(data), (data.test_images, data.test_labels), strict=True))
    same_rows(tuple(whole), (X, y))
    assert "five training batches and a test set" in data.provenance.layout
    assert data.test_sources == tuple(f"X[{row[0] / 2:.0f}]" for row in data.test_images)


def test_equal_bytes_of_another_meaning_have_another_hash(tmp_path):
    hashes = set()
    for shape in ((36,), (6, 6), (4, 3, 3), (6, 3, 2)):
        for names in ("ab", "abc"):
            made = arrays(shape=shape, n_classes=2, dtype=np.uint8)
            zeros = {name: np.zeros_like(array) if name[0] == "X" else array for name, array in made.items()}
            np.savez(tmp_path / "a.npz", **zeros, class_names=list(names))
            hashes.add(load_dataset(tmp_path / "a.npz").provenance.sha256)
    assert len(hashes) == 8


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        ([1, 2, 3], "123"),
        ([7, 301, 950], ("7", "301", "950")),
        ([-1, 0, 5], ("-1", "0", "5")),
        (["b", "c", "a"], "abc"),
        (["b", "a ", " a"], "ab"),
        ([b"x", b"z", b"y"], "xyz"),
        ([10**12, 2, 3], ("2", "3", str(10**12))),
    ],
)
def test_labels_keep_their_names(tmp_path, labels, names):
    y, X = np.array(labels)[np.arange(60) % 3], np.arange(120.0).reshape(60, 2)
    np.savez(tmp_path / "a.npz", X=X, y=y)
    data = load_dataset(tmp_path / "a.npz")
    assert data.class_names == tuple(names)
    labels = np.concatenate([training(data)[1], data.test_labels])
    rows = np.concatenate([training(data)[0], data.test_images])[:, 0].astype(int) // 2
    told = y[rows].astype(str) if y.dtype.kind != "S" else np.char.decode(y[rows])
    assert [data.class_names[i] for i in labels] == np.char.strip(told).tolist()


def test_keras_and_medmnist_arrays_are_read(tmp_path):
    X, y = np.random.default_rng(0).integers(0, 255, (60, 8, 8), np.uint8), np.arange(60) % 3
    np.savez(tmp_path / "k.npz", x_train=X, y_train=y, x_test=X, y_test=y)
    named = {f"{p}_{k}": a for p in ("train", "val", "test") for k, a in (("images", X), ("labels", y[:, None]))}
    np.savez(tmp_path / "m.npz", **named, weights=y)
    keras, medmnist = load_dataset(tmp_path / "k.npz"), load_dataset(tmp_path / "m.npz")
    for data in (keras, medmnist):
        same_rows(training(data), (X[..., None], y))
    assert keras.validation_labels is None
    np.testing.assert_array_equal(medmnist.validation_images[..., 0], X)
    assert "Passed over: 1 arrays of other names (weights)." in medmnist.provenance.describe()


@pytest.mark.parametrize(
    ("given", "images", "vectors"),
    [("?", "u1", "u1"), ("u1", "u1", "u1"), ("u2", "u1", "f4"), ("i8", "u1", "f8"), ("f2", "f4", "f4")],
)
def test_numbers_of_every_width_are_read(tmp_path, given, images, vectors):
    """Images of whole numbers from 0 to 255 are pixels; what a column of ages is must not depend on the ages in it."""
    for shape, held in (((60, 2, 2), images), ((60, 4), vectors)):
        X = (np.arange(240).reshape(shape) % 2).astype(given)
        np.savez(tmp_path / "a.npz", X=X, y=np.arange(60) % 2)
        found, _ = training(load_dataset(tmp_path / "a.npz"))
        assert (found.dtype, found.max()) == (held, 255 if given == "?" else 1)
    if given in ("u2", "i8"):
        np.savez(tmp_path / "a.npz", X=(X + np.array(300, given)).reshape(60, 2, 2), y=np.arange(60) % 2)
        found, _ = training(load_dataset(tmp_path / "a.npz"))
        assert (found.dtype.kind, *np.unique(found)) == ("f", 300, 301)


def lying(shape, dtype="<f4"):
    """The bytes of an array whose header says more than what follows."""
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": dtype, "fortran_order": False, "shape": shape})
    return file.getvalue() + b"few bytes"


NO_NAME = "expected for each class a name of its own that can be shown"
BAD_ARRAYS = {
    "no array": ({"X_train": b"no array"}, ""),
    "huge": ({"X_train": lying((10**12,))}, ""),
    "beyond integers": ({"X_train": lying((10**12, 10**12))}, ""),
    "negative": ({"X_train": lying((-3, 4))}, ""),
    "objects": ({"X_train": lying((3,), "|O")}, ""),
    "pickled": ({"X_train": np.array([{}] * 60, dtype=object)}, ""),
    "nothing": (dict.fromkeys(arrays()), ""),
    "no X_train": ({"X_train": None}, "expected an array X_train, found "),
    "other names": (dict.fromkeys(arrays()) | {"weights": np.zeros(3)}, "saved by numpy.savez, found ['weights']"),
    "no y_test": ({"y_test": None}, ""),
    "NaN": ({"X_test": np.full((30, 4), np.nan, np.float32)}, ""),
    "infinite": ({"X_train": np.full((60, 4), -np.inf, np.float32)}, ""),
    "complex": ({"X_train": np.zeros((60, 4), complex)}, ""),
    "one number an image": ({"X_train": np.zeros(60)}, ""),
    "empty": ({"X_train": np.zeros((0, 4)), "y_train": np.zeros(0, int)}, ""),
    "no inputs": ({"X_train": np.zeros((60, 0))}, ""),
    "few": ({"X_train": np.zeros((4, 4), np.float32), "y_train": np.arange(4)}, ""),
    "fewer labels": ({"y_train": np.zeros(59, int)}, ""),
    "float labels": ({"y_train": np.zeros(60)}, ""),
    "negative labels": ({"y_train": np.full(60, -1)}, ""),
    "too many classes": ({"y_train": np.full(60, 10**9)}, ""),
    "one class": ({"y_train": np.zeros(60, int), "y_test": np.zeros(30, int)}, ""),
    "another width": ({"X_test": np.zeros((30, 5), np.float32)}, ""),
    "another type": ({"X_test": np.zeros((30, 4), np.uint8)}, ""),
    "a name too few": ({"class_names": ["a", "b"]}, ""),
    "a name twice": ({"class_names": ["a", "b", "a"]}, NO_NAME),
    "no name": ({"class_names": ["a", "b", " "]}, NO_NAME),
    "a name backwards": ({"class_names": ["a", "b", "a\u202eb"]}, NO_NAME),
    "a joiner": ({"class_names": ["a", "b", "\u200d"]}, NO_NAME),
    "a bell": ({"class_names": ["a", "b", "a\x07"]}, NO_NAME),
    "lines": ({"class_names": ["a", "b", "a\u2028b"]}, NO_NAME),
    "names in numbers": ({"class_names": np.arange(3)}, ""),
    "no characters": ({"class_names": np.array([2**31 - 1] * 3, "<u4").view("<U1")}, ""),
    "channels first": ({"X_train": np.zeros((60, 3, 8, 8))}, "turn them with np.moveaxis"),
    "one-hot": ({"y_train": np.eye(60)}, "take np.argmax"),
    "text and numbers": ({"y_train": np.array(["a"] * 60)}, "found text and numbers"),
    "text as objects": ({"y_train": np.array(["a"] * 60, dtype=object)}, "save np.array(y_train, dtype=str)"),
    "another label": ({"y_test": np.full(30, 9)}, "found another: 9"),
    "two names": ({"train_images": np.zeros((60, 4))}, "expected one array for each purpose"),
}


@pytest.mark.parametrize(("changes", "said"), BAD_ARRAYS.values(), ids=BAD_ARRAYS)
def test_bad_arrays_are_refused_by_name(tmp_path, changes, said):
    made = arrays() | changes
    np.savez(tmp_path / "bad.npz", **{name: a for name, a in made.items() if isinstance(a, np.ndarray | list)})
    with zipfile.ZipFile(tmp_path / "bad.npz", "a") as archive:
        for name, content in made.items():
            if isinstance(content, bytes):
                archive.writestr(f"{name}.npy", content)
    refused(tmp_path / "bad.npz", "bad.npz", said)


def test_more_than_memory_is_refused_from_the_headers(tmp_path, monkeypatch):
    monkeypatch.setattr(dataset, "LARGEST", 500)
    np.savez_compressed(tmp_path / "big.npz", **arrays())
    write_idx(tmp_path / "idx")
    write_images(tmp_path / "images")
    refused(tmp_path / "big.npz", "big.npz: expected at most 500 bytes of images")
    refused(tmp_path / "idx", "train-images-idx3-ubyte: expected at most 500 bytes")
    refused(tmp_path / "images", "0.png: expected at most 500 bytes")


# IDX


@pytest.mark.parametrize(
    ("place", "pattern"),
    [
        ("", "*-images.idx3-ubyte *-labels.idx1-ubyte"),
        ("", "*-images-idx3-ubyte.gz *-labels-idx1-ubyte.gz"),
        ("MNIST/raw", "*-images-idx3-ubyte *-labels-idx1-ubyte"),
        ("", "*-images-idx3-ubyte/*-images-idx3-ubyte *-labels-idx1-ubyte/*-labels-idx1-ubyte"),
        ("raw", "emnist-letters-*-images-idx3-ubyte emnist-letters-*-labels-idx1-ubyte"),
    ],
)
@pytest.mark.parametrize("test", ["t10k", "test"])
def test_idx_files_are_read_as_they_are_named(tmp_path, place, pattern, test):
    made = arrays(shape=(6, 5), dtype=np.uint8)
    for part, names in (("train", pattern.replace("*", "train")), ("test", pattern.replace("*", test))):
        for name, array in zip(names.split(), (made[f"X_{part}"], made[f"y_{part}"] + 1), strict=True):
            file = tmp_path / "fashion" / place / name
            file.parent.mkdir(parents=True, exist_ok=True)
            content = idx_bytes(array.astype(np.uint8))
            file.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    data = load_dataset(tmp_path / "fashion")
    same_rows(training(data), (made["X_train"], made["y_train"]))
    np.testing.assert_array_equal(data.test_images[..., 0], made["X_test"])
    np.testing.assert_array_equal(data.test_labels, made["y_test"])
    assert (data.class_names, data.provenance.name) == (("1", "2", "3"), "fashion (IDX)")


def test_of_several_idx_sets_one_must_be_named(tmp_path):
    for name in ("MNIST", "FashionMNIST"):
        write_idx(tmp_path / name / "raw")
    refused(tmp_path, "found those of several: name one of")
    assert len(load_dataset(tmp_path / "MNIST" / "raw" / "train-images-idx3-ubyte").test_labels) == 30


WHOLE = idx_bytes(np.zeros((60, 6, 5), np.uint8))
BAD_IDX = {
    "nothing": b"",
    "text": b"this is no IDX file at all",
    "labels": idx_bytes(np.zeros(60, np.uint8)),
    "floats": b"\0\0\x0d\3" + WHOLE[4:],
    "cut header": WHOLE[:10],
    "cut": WHOLE[:-1],
    "longer": WHOLE + b"0",
    "lying": WHOLE[:4] + b"\xff" * 12 + WHOLE[16:],
    "lying a little": WHOLE[:4] + struct.pack(">3I", 20_000, 200, 200),
    "no images": idx_bytes(np.zeros((0, 6, 5), np.uint8)),
    "another number": idx_bytes(np.zeros((59, 6, 5), np.uint8)),
}


@pytest.mark.parametrize("content", BAD_IDX.values(), ids=BAD_IDX)
@pytest.mark.parametrize("zipped", [False, True])
def test_bad_idx_files_are_refused_by_name(tmp_path, content, zipped):
    write_idx(tmp_path / "idx", zipped)
    end = ".gz" if zipped else ""
    (tmp_path / "idx" / f"train-images-idx3-ubyte{end}").write_bytes(gzip.compress(content) if zipped else content)
    refused(tmp_path / "idx", "train-" if len(content) == len(WHOLE) - 30 else f"train-images-idx3-ubyte{end}")


def test_bad_gzip_files_are_refused_by_name(tmp_path):
    write_idx(tmp_path / "idx", zipped=True)
    images = tmp_path / "idx" / "train-images-idx3-ubyte.gz"
    bomb = gzip.compress(WHOLE + bytes(200 * 2**20))
    for content in (bomb, b"no gzip", gzip.compress(WHOLE)[:-20], gzip.compress(WHOLE)[:-4] + b"size"):
        images.write_bytes(content)
        refused(tmp_path / "idx", images.name)


def test_test_images_that_are_missing_or_of_another_size_are_refused(tmp_path):
    write_idx(tmp_path / "idx")
    write_idx(tmp_path / "other", shape=(5, 6))
    for name in ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"):
        (tmp_path / "idx" / name).unlink()
        refused(tmp_path / "idx", name)
        (tmp_path / "idx" / name).write_bytes((tmp_path / "other" / name).read_bytes())
    refused(tmp_path / "idx", "t10k-images-idx3-ubyte: expected images of (6, 5) pixels")

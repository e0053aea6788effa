"""Arrays in .npz files and IDX files: read with the right values, or refused with what is wrong with them."""

import gzip
import io
import struct
import zipfile

import numpy as np
import pytest
from helpers import arrays, idx_bytes, refused, same_rows, training, whole, write_idx, write_images

from linclf import load_dataset
from linclf.data import dataset


@pytest.fixture
def load(tmp_path):
    """The data set of an .npz file of arrays."""

    def saved(**contents):
        np.savez_compressed(tmp_path / "a.npz", **contents)
        return load_dataset(tmp_path / "a.npz")

    return saved


# npz


@pytest.mark.parametrize(
    ("shape", "dtype", "held"),
    [((5,), np.float32, (5,)), ((5,), np.uint8, (5,)), ((6, 4), np.uint8, (6, 4, 1)), ((6, 4, 2), ">f8", (6, 4, 2))],
)
def test_npz_gives_its_arrays_in_five_batches(load, shape, dtype, held):
    wanted = arrays(n=12, shape=shape, dtype=dtype)
    wanted["X_test"] = np.asfortranarray(wanted["X_test"])  # stored by column
    data, again = (load(**wanted, class_names=["x", "y", "z"]) for _ in range(2))
    assert [len(labels) for labels in data.train_labels] == [3, 3, 2, 2, 2]
    same_rows(training(data), (wanted["X_train"], wanted["y_train"]))
    np.testing.assert_array_equal(data.test_images.reshape(30, *shape), wanted["X_test"])
    assert (data.test_images.shape[1:], data.test_images.dtype) == (held, np.dtype(dtype).newbyteorder("="))
    assert data.class_names == ("x", "y", "z")
    said = "split into five training batches, stratified by class, in an order drawn from seed 0"
    assert said in data.provenance.describe()
    assert again.provenance == data.provenance


def test_without_a_test_set_a_sixth_of_every_class_becomes_one(load):
    X, y = np.arange(240.0).reshape(120, 2), np.repeat([0, 1, 2], [100, 6, 14])
    data = load(X=X, y=y)
    for labels in (*data.train_labels, data.test_labels):
        assert len(labels) == 20
        assert (np.abs(np.bincount(labels) - np.array([100, 6, 14]) / 6) < 1).all()
        assert (np.diff(labels) < 0).any()  # not class by class
    same_rows(whole(data), (X, y))
    assert "five training batches and a test set" in data.provenance.layout
    assert data.test_sources == tuple(f"X[{row[0] / 2:.0f}]" for row in data.test_images)


def test_equal_bytes_of_another_meaning_have_another_hash(load):
    hashes = set()
    for shape in ((36,), (6, 6), (4, 3, 3), (6, 3, 2)):
        for names in ("ab", "abc"):
            made = arrays(shape=shape, n_classes=2, dtype=np.uint8)
            zeros = {name: np.zeros_like(array) if name[0] == "X" else array for name, array in made.items()}
            hashes.add(load(**zeros, class_names=list(names)).provenance.sha256)
    assert len(hashes) == 8


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        ([7, 301, 950], ("7", "301", "950")),
        ([-1, 0, 5], ("-1", "0", "5")),
        (["b", "a ", " a"], "ab"),
        ([b"x", b"z", b"y"], "xyz"),
        ([10**12, 2, 3], ("2", "3", str(10**12))),
    ],
)
def test_labels_keep_their_names(load, labels, names):
    y = np.array(labels)[np.arange(60) % 3]
    data = load(X=np.arange(120.0).reshape(60, 2), y=y)
    assert data.class_names == tuple(names)
    X, told = whole(data)
    given = y[X[:, 0].astype(int) // 2]
    given = given.astype(str) if y.dtype.kind != "S" else np.char.decode(given)
    assert [data.class_names[i] for i in told] == np.char.strip(given).tolist()


def test_keras_and_medmnist_arrays_are_read(load):
    X, y = np.random.default_rng(0).integers(0, 255, (60, 8, 8), np.uint8), np.arange(60) % 3
    named = {f"{p}_{k}": a for p in ("train", "val", "test") for k, a in (("images", X), ("labels", y[:, None]))}
    keras, medmnist = load(x_train=X, y_train=y, x_test=X, y_test=y), load(**named, weights=y)
    for data in (keras, medmnist):
        same_rows(training(data), (X[..., None], y))
    assert keras.validation_labels is None
    np.testing.assert_array_equal(medmnist.validation_images[..., 0], X)
    assert "Passed over: 1 arrays of other names (weights)." in medmnist.provenance.describe()


@pytest.mark.parametrize(
    ("given", "images", "vectors"),
    [("?", "u1", "u1"), ("u1", "u1", "u1"), ("u2", "u1", "f4"), ("i8", "u1", "f8"), ("f2", "f4", "f4")],
)
def test_numbers_of_every_width_are_read(load, given, images, vectors):
    """Images of whole numbers from 0 to 255 are pixels; what a column of ages is must not depend on the ages in it."""
    for shape, held in (((60, 2, 2), images), ((60, 4), vectors)):
        X = (np.arange(240).reshape(shape) % 2).astype(given)
        found, _ = training(load(X=X, y=np.arange(60) % 2))
        assert (found.dtype, found.max()) == (held, 255 if given == "?" else 1)
    if given in ("u2", "i8"):
        found, _ = training(load(X=(X + np.array(300, given)).reshape(60, 2, 2), y=np.arange(60) % 2))
        assert (found.dtype.kind, *np.unique(found)) == ("f", 300, 301)


def lying(shape, dtype="<f4"):
    """The bytes of an array whose header says more than what follows."""
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": dtype, "fortran_order": False, "shape": shape})
    return file.getvalue() + b"few bytes"


NAMES = "expected for each class a name of its own that can be shown"
BAD_ARRAYS = {
    "": [
        *({"X_train": content} for content in (b"no array", lying((10**12,)), lying((10**12, 10**12)))),
        *({"X_train": content} for content in (lying((-3, 4)), lying((3,), "|O"), np.array([{}] * 60, dtype=object))),
        *({"X_train": X} for X in (np.full((60, 4), -np.inf, "f4"), np.zeros((60, 4), complex), np.zeros(60))),
        *({"X_test": X} for X in (np.full((30, 4), np.nan, "f4"), np.zeros((30, 5), "f4"), np.zeros((30, 4), "u1"))),
        {"X_train": np.zeros((0, 4)), "y_train": np.zeros(0, int)},
        {"X_train": np.zeros((60, 0))},
        {"X_train": np.zeros((4, 4), np.float32), "y_train": np.arange(4)},
        *({"y_train": y} for y in (np.zeros(59, int), np.zeros(60), np.full(60, -1), np.full(60, 10**9))),
        {"y_train": np.zeros(60, int), "y_test": np.zeros(30, int)},
        *({"class_names": names} for names in (["a", "b"], np.arange(3))),
        {"class_names": np.array([2**31 - 1] * 3, "<u4").view("<U1")},  # no characters
        {"y_test": None},
        dict.fromkeys(arrays()),
    ],
    NAMES: [{"class_names": ["a", "b", name]} for name in ("a", " ", "a\u202eb", "\u200d", "a\x07", "a\u2028b")],
    "expected an array X_train, found ": [{"X_train": None}],
    "saved by numpy.savez, found ['weights']": [dict.fromkeys(arrays()) | {"weights": np.zeros(3)}],
    "turn them with np.moveaxis": [{"X_train": np.zeros((60, 3, 8, 8))}],
    "take np.argmax": [{"y_train": np.eye(60)}],
    "found text and numbers": [{"y_train": np.array(["a"] * 60)}],
    "save np.array(y_train, dtype=str)": [{"y_train": np.array(["a"] * 60, dtype=object)}],
    "found another: 9": [{"y_test": np.full(30, 9)}],
    "expected one array for each purpose": [{"train_images": np.zeros((60, 4))}],
}


@pytest.mark.parametrize(("said", "changes"), [(said, each) for said, many in BAD_ARRAYS.items() for each in many])
def test_bad_arrays_are_refused_by_name(tmp_path, said, changes):
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
    for place, name in (("big.npz", "big.npz"), ("idx", "train-images-idx3-ubyte"), ("images", "0.png")):
        refused(tmp_path / place, f"{name}: expected at most 500 bytes")


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
ZIPPED = {name: gzip.compress(content) for name, content in BAD_IDX.items()} | {
    "no gzip": b"no gzip",
    "cut gzip": gzip.compress(WHOLE)[:-20],
    "another size": gzip.compress(WHOLE)[:-4] + b"size",
    "bomb": gzip.compress(WHOLE + bytes(200 * 2**20)),
}


@pytest.mark.parametrize(("name", "zipped"), [*((name, False) for name in BAD_IDX), *((name, True) for name in ZIPPED)])
def test_bad_idx_files_are_refused_by_name(tmp_path, name, zipped):
    write_idx(tmp_path / "idx", zipped)
    images = tmp_path / "idx" / f"train-images-idx3-ubyte{'.gz' * zipped}"
    images.write_bytes((ZIPPED if zipped else BAD_IDX)[name])
    refused(tmp_path / "idx", "train-" if name == "another number" else images.name)


def test_test_images_that_are_missing_or_of_another_size_are_refused(tmp_path):
    write_idx(tmp_path / "idx")
    write_idx(tmp_path / "other", shape=(5, 6))
    for name in ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"):
        (tmp_path / "idx" / name).unlink()
        refused(tmp_path / "idx", name)
        (tmp_path / "idx" / name).write_bytes((tmp_path / "other" / name).read_bytes())
    refused(tmp_path / "idx", "t10k-images-idx3-ubyte: expected images of (6, 5) pixels")

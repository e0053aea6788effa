"""Data of one's own in each format: what is read, what is refused by name, and the report on them."""

import gzip
import io
import json
import pickle
import struct
import sys
import zipfile

import cifar_files
import numpy as np
import pytest
from helpers import (
    SCRIPT,
    arrays,
    idx_bytes,
    png,
    refused,
    same_rows,
    training,
    write_cifar100,
    write_idx,
    write_images,
)
from PIL import Image

from linclf import ConfigError, Linear, load_dataset
from linclf.claims.verdicts import evaluate
from linclf.cli import main
from linclf.data import dataset
from linclf.data.readers.cifar import cifar100
from linclf.report.pages import page_file
from linclf.report.views import pictures, plots
from linclf.studies import metrics
from linclf.studies.results import Results

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


def test_without_a_test_set_a_sixth_becomes_one(tmp_path):
    wanted = arrays(n=60)
    np.savez(tmp_path / "a.npz", X_train=wanted["X_train"], y_train=wanted["y_train"])
    data = load_dataset(tmp_path / "a.npz")
    assert [len(labels) for labels in (*data.train_labels, data.test_labels)] == [10] * 6
    X, y = training(data)
    whole = np.concatenate([X, data.test_images]), np.concatenate([y, data.test_labels])
    same_rows(whole, (wanted["X_train"], wanted["y_train"]))
    assert "five training batches and a test set" in data.provenance.layout
    assert data.class_names == ("0", "1", "2")


def test_equal_bytes_of_another_meaning_have_another_hash(tmp_path):
    hashes = set()
    for shape in ((36,), (6, 6), (4, 3, 3), (6, 3, 2)):
        for names in ("ab", "abc"):
            made = arrays(shape=shape, n_classes=2, dtype=np.uint8)
            zeros = {name: np.zeros_like(array) if name[0] == "X" else array for name, array in made.items()}
            np.savez(tmp_path / "a.npz", **zeros, class_names=list(names))
            hashes.add(load_dataset(tmp_path / "a.npz").provenance.sha256)
    assert len(hashes) == 8


def changed(**changes):
    """The bytes of an archive in which some arrays are others, bytes of no array, or missing."""
    file = io.BytesIO()
    made = arrays() | changes
    np.savez(file, **{name: array for name, array in made.items() if isinstance(array, np.ndarray | list)})
    with zipfile.ZipFile(file, "a") as archive:
        for name, content in made.items():
            if isinstance(content, bytes):
                archive.writestr(f"{name}.npy", content)
    return file.getvalue()


def lying(shape, dtype="<f4"):
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": dtype, "fortran_order": False, "shape": shape})
    return changed(X_train=file.getvalue() + b"few bytes")


BAD_NPZ = {
    "text": b"no zip",
    "cut": changed()[:-100],
    "no array": changed(X_train=b"no array"),
    "huge": lying((10**12,)),
    "beyond integers": lying((10**12, 10**12)),
    "negative": lying((-3, 4)),
    "objects": lying((3,), "|O"),
    "pickled": changed(X_train=np.array([{}] * 60, dtype=object)),
    "nothing": changed(**dict.fromkeys(arrays())),
    "no X_train": changed(X_train=None),
    "no y_test": changed(y_test=None),
    "NaN": changed(X_test=np.full((30, 4), np.nan, np.float32)),
    "infinite": changed(X_train=np.full((60, 4), -np.inf, np.float32)),
    "complex": changed(X_train=np.zeros((60, 4), complex)),
    "one number an image": changed(X_train=np.zeros(60)),
    "empty": changed(X_train=np.zeros((0, 4)), y_train=np.zeros(0, int)),
    "no inputs": changed(X_train=np.zeros((60, 0))),
    "few": changed(X_train=np.zeros((4, 4), np.float32), y_train=np.arange(4)),
    "fewer labels": changed(y_train=np.zeros(59, int)),
    "float labels": changed(y_train=np.zeros(60)),
    "negative labels": changed(y_train=np.full(60, -1)),
    "too many classes": changed(y_train=np.full(60, 10**9)),
    "one class": changed(y_train=np.zeros(60, int), y_test=np.zeros(30, int)),
    "another width": changed(X_test=np.zeros((30, 5), np.float32)),
    "another type": changed(X_test=np.zeros((30, 4), np.uint8)),
    "a name too few": changed(class_names=["a", "b"]),
    "a name twice": changed(class_names=["a", "b", "a"]),
    "no name": changed(class_names=["a", "b", " "]),
    "names in numbers": changed(class_names=np.arange(3)),
    "no characters": changed(class_names=np.array([2**31 - 1] * 3, "<u4").view("<U1")),
}


@pytest.mark.parametrize("content", BAD_NPZ.values(), ids=BAD_NPZ)
def test_bad_npz_files_are_refused_by_name(tmp_path, content):
    (tmp_path / "bad.npz").write_bytes(content)
    refused(tmp_path / "bad.npz", "bad.npz")


def test_arrays_of_other_names_are_named(tmp_path):
    for names, said in (
        (("x_test", "y_test"), "mnist.npz: expected an array X_train, found x_test, y_test"),
        (("weights",), "expected arrays X_train and y_train saved by numpy.savez, found ['weights']"),
    ):
        np.savez(tmp_path / "mnist.npz", **dict.fromkeys(names, np.zeros(3)))
        refused(tmp_path / "mnist.npz", said)


def test_more_than_memory_is_refused_from_the_headers(tmp_path, monkeypatch):
    monkeypatch.setattr(dataset, "LARGEST", 500)
    np.savez_compressed(tmp_path / "big.npz", **arrays())
    write_idx(tmp_path / "idx")
    write_images(tmp_path / "images")
    refused(tmp_path / "big.npz", "big.npz: expected at most 500 bytes of images")
    refused(tmp_path / "idx", "train-images-idx3-ubyte: expected at most 500 bytes")
    refused(tmp_path / "images", "0.png: expected at most 500 bytes")


# IDX


@pytest.mark.parametrize("zipped", [False, True])
def test_idx_gives_its_images_and_labels(tmp_path, zipped):
    wanted = write_idx(tmp_path / "fashion", zipped)
    data = load_dataset(tmp_path / "fashion")
    same_rows(training(data), (wanted["X_train"], wanted["y_train"]))
    np.testing.assert_array_equal(data.test_images[..., 0], wanted["X_test"])
    np.testing.assert_array_equal(data.test_labels, wanted["y_test"])
    assert data.provenance.name == "fashion (IDX)"


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
    images.write_bytes(gzip.compress(WHOLE))
    write_idx(tmp_path / "other", shape=(5, 6))
    for name in ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"):
        (tmp_path / "idx" / f"{name}.gz").unlink()
        refused(tmp_path / "idx", name)
        (tmp_path / "idx" / name).write_bytes((tmp_path / "other" / name).read_bytes())
    refused(tmp_path / "idx", "t10k-images-idx3-ubyte: expected images of (6, 5) pixels")


# Folders of images


def on_white(pixels):
    """What a viewer with a white ground shows."""
    if pixels.shape[-1] < 4:
        return pixels
    alpha = pixels[..., 3:] / 255
    return np.rint(pixels[..., :3] * alpha + 255 * (1 - alpha))


@pytest.mark.parametrize(("mode", "channels"), [("RGB", 3), ("L", 1), ("RGBA", 3)])
def test_folders_of_images_give_their_pixels_and_names(tmp_path, mode, channels):
    made = write_images(tmp_path / "pets", mode=mode)
    (tmp_path / "pets" / "train" / ".DS_Store").write_text("hidden")
    (tmp_path / "pets" / "train" / "cat" / ".DS_Store").write_text("hidden")
    data = load_dataset(tmp_path / "pets")
    assert data.test_images.shape == (12, 6, 5, channels)
    assert data.class_names == (SCRIPT.replace("/", "∕"), "cat", "dog & <b>")
    wanted = np.stack([on_white(pixels) for path, pixels in sorted(made.items()) if "train" in path.parts])
    same_rows(training(data), (wanted, np.repeat([0, 1, 2], 4)))


def test_folders_without_a_test_set_and_of_several_kinds(tmp_path):
    write_images(tmp_path, mode="L", parts=[""], ending="pgm")
    Image.new("P", (5, 6)).save(tmp_path / "cat" / "palette.png", transparency=b"\0\1")
    Image.new("RGB", (5, 6), "red").save(tmp_path / "cat" / "photo.jpg")
    data = load_dataset(tmp_path)
    assert [len(labels) for labels in (*data.train_labels, data.test_labels)] == [3, 3, 2, 2, 2, 2]
    assert data.test_images.shape[1:] == (6, 5, 3)


BAD_IMAGES = {
    "nothing": b"",
    "text": b"no image",
    "postscript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 5 6\n",
    "header": png((5, 6))[:33],
    "fewer pixels": png((5, 6)),
    "another size": png((6, 5)),
    "deeper": png((5, 6), bits=16),
    "huge": png((60_000, 60_000)),
    "large": png((12_000, 12_000)),
    "beyond integers": png((2**31 - 1, 2**31 - 1)),
}


@pytest.mark.parametrize("content", BAD_IMAGES.values(), ids=BAD_IMAGES)
@pytest.mark.parametrize("name", ["0.png", "2.png"])
def test_bad_images_are_refused_by_name(tmp_path, content, name):
    write_images(tmp_path)
    victim = tmp_path / "train" / "cat" / name
    victim.unlink()
    victim.write_bytes(content)
    others = content[16:24] == png((6, 5))[16:24] and name == "0.png"
    refused(tmp_path, "expected" if others else str(victim))


def test_folders_that_are_no_classes_are_refused_by_name(tmp_path):
    (tmp_path / "train").mkdir()
    refused(tmp_path, "train: expected image files, found none")
    write_images(tmp_path / "a")
    (tmp_path / "a" / "test" / "bird").mkdir()
    refused(tmp_path / "a", "bird: expected image files, found none")
    Image.new("RGB", (5, 6)).save(tmp_path / "a" / "test" / "bird" / "0.png")
    refused(tmp_path / "a", "bird: expected a class of training")
    refused(
        tmp_path / "a" / "train" / "cat", "cat: expected a folder for each class, found 4 pictures in no such folder"
    )


def test_pillow_and_scikit_learn_are_asked_for_where_they_are_missing(tmp_path, monkeypatch):
    write_images(tmp_path)
    for module, data, package in (
        ("PIL", tmp_path, "linclf[images]"),
        ("sklearn.datasets", "digits", "linclf[sklearn]"),
    ):
        monkeypatch.setitem(sys.modules, module, None)
        with pytest.raises(ConfigError) as raised:
            load_dataset(data)
        assert f"pip install '{package}'" in str(raised.value)


# CIFAR-100


def test_every_layout_of_cifar_100_gives_the_same_content(tmp_path):
    content = write_cifar100(tmp_path)
    hashes = set()
    folders = [tmp_path / name for name in ("cifar-100-python", "cifar-100-binary")]
    for place in (tmp_path, *folders, *(folder.with_name(f"{folder.name}.tar.gz") for folder in folders)):
        data = load_dataset(place)
        hashes.add(data.provenance.sha256)
        pixels, labels = content["test"]
        np.testing.assert_array_equal(data.test_images.transpose(0, 3, 1, 2).reshape(-1, 3072), pixels)
        np.testing.assert_array_equal(data.test_labels, labels)
        assert [len(labels) for labels in data.train_labels] == [3, 3, 2, 2, 2]
        assert (data.provenance.name, data.class_names[7]) == ("CIFAR-100", "thing_7")
    assert len(hashes) == 1


def test_a_pickled_file_of_many_images_is_read(tmp_path):
    """Past 255 remembered objects, 255 images and 1,000 items of a list, pickles use other opcodes."""
    pixels, labels = np.full((1500, 3072), 7, np.uint8), np.arange(1500).astype(np.uint8) % 100
    content = cifar_files.pickled(pixels, labels, b"fine_labels")
    images, read = cifar100._batch("train", content)
    np.testing.assert_array_equal(read, labels)
    assert (images == 7).all()


@pytest.mark.parametrize("name", ["train", "test", "meta", "train.bin", "test.bin", "fine_label_names.txt"])
def test_bad_files_of_cifar_100_are_refused_by_name(tmp_path, name):
    write_cifar100(tmp_path)
    folder = tmp_path / ("cifar-100-binary" if "." in name else "cifar-100-python")
    whole = (folder / name).read_bytes()
    attack = b"cos\nsystem\n(S'exit 3'\ntR."
    for content in (b"", whole[:-1000], attack, pickle.dumps([1, 2], protocol=2), b"\xff" * len(whole)):
        (folder / name).write_bytes(content)
        refused(folder, name)
    members = [(f"{folder.name}/{path.name}", path.read_bytes()) for path in folder.iterdir() if path.name != name]
    archive = cifar_files.archive(tmp_path / "cifar-100.tgz", members)
    refused(archive, "cifar-100.tgz: expected an archive of CIFAR-100, ")


# Anything else


FIRST = {
    "cifar-10-batches-py": "data_batch_1",
    "cifar-10-batches-bin": "data_batch_1.bin",
    "cifar-10-batches-mat": "data_batch_1.mat",
    "cifar-100-python": "train",
}


@pytest.mark.parametrize("name", FIRST)
def test_an_empty_folder_with_an_official_name_is_refused(tmp_path, name):
    (tmp_path / name).mkdir()
    refused(tmp_path, f"{name}/{FIRST[name]}: expected a file of CIFAR-10")


def test_digits():
    data = load_dataset("digits")
    assert [len(labels) for labels in (*data.train_labels, data.test_labels)] == [300, 300, 300, 299, 299, 299]
    assert data.test_images.shape[1:] == (8, 8, 1)
    assert data.provenance.describe().startswith("digits from scikit-learn (built in; split into five training batches")


def test_no_other_data_have_the_references_name(tmp_path):
    np.savez(tmp_path / "CIFAR-10.npz", **arrays())
    write_idx(tmp_path / "idx" / "CIFAR-10")
    write_images(tmp_path / "images" / "CIFAR-10")
    for path in ("CIFAR-10.npz", "idx/CIFAR-10", "images/CIFAR-10"):
        assert load_dataset(tmp_path / path).provenance.name != "CIFAR-10"


@pytest.mark.parametrize(("channels", "shape"), [(1, (2, 4, 5)), (2, (2, 4, 10)), (3, (2, 4, 5, 3)), (4, (2, 4, 20))])
def test_templates_of_any_number_of_channels_are_pictures(channels, shape):
    W = np.arange(2 * 4 * 5 * channels, dtype=np.float32).reshape(2, -1)
    templates = plots.template_images(W, (4, 5, channels))
    assert templates.shape == shape
    if channels != 3:
        np.testing.assert_array_equal(np.argsort(templates[0, 0, :5]), range(5))  # the first channel comes first
    assert metrics.low_frequency_share(W, (4 * 5 * channels,)) is None


# The report


@pytest.mark.slow
def test_the_references_pages_on_feature_vectors(tmp_path):
    path, out = tmp_path / "vectors.npz", tmp_path / "out"
    np.savez(path, **arrays(n=100, shape=(7,)), class_names=["left $x$", "right", SCRIPT])
    names = ("0_baseline", "summary")
    assert main(["report", "--data", str(path), "--epochs", "2", "--out", str(out), "--only", *names]) == 0
    baseline, summary = ((out / page_file(name, "your_data")).read_text() for name in names)
    for page in (baseline, summary):
        assert "Made on other data, not on CIFAR-10: the reference" in page
        for words in (SCRIPT, "region&nbsp;", 'class="verdict', "the reference says</th>", "28.92</td>"):
            assert words not in page
    assert "the inputs are feature vectors" in baseline
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in baseline
    assert main(["verify", str(out)]) == 0
    document = json.loads((out / "results.json").read_text())
    assert document["data"]["class_names"][2] == SCRIPT
    assert document["exact"]["E2"]["loss_at_zero"] == 2
    for run in document["runs"]:
        assert run["low_frequency_share"] is None
        run |= {"epochs": 40, "n_train": 10_000, "n_validation": 10_000}  # as printed: only that share is missing
    (claim,) = evaluate(Results(document), only=["2j"])["claims"]
    assert claim["parts"][0]["value"] is None
    assert "feature vectors have no templates" in claim["missing"]


def test_templates_of_many_classes_and_channels(tmp_path):
    np.savez(tmp_path / "many.npz", **arrays(n=300, n_test=300, n_classes=250, shape=(3, 4, 4), dtype=np.uint8))
    data, W = load_dataset(tmp_path / "many.npz"), np.random.default_rng(0).normal(size=(250, 48))
    shown = pictures.weights(data, Linear(W, np.zeros(250)), "random ones", number=1).markup
    assert shown.count('class="pixels"') == pictures.MOST_TEMPLATES
    assert "Shown are the first 60 of 250 classes." in shown
    assert "The 4 channels stand side by side" in shown
    assert len(shown) < 1e6

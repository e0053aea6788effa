"""CIFAR-10 and CIFAR-100 in every layout: the same content, and files that are not what they should be are refused."""

import pickle
import struct
import zipfile
import zlib

import cifar_files
import numpy as np
import pytest
import scipy.io
from helpers import CIFAR100_NAMES, refused, write_cifar100

from linclf import load_dataset


def sha256(place):
    return load_dataset(place).provenance.sha256


def test_every_layout_gives_the_same_content_and_official_is_told_only_where_it_can_be(tmp_path):
    content, hashes, official = cifar_files.write(tmp_path), set(), []
    folders = [tmp_path / f"cifar-10-batches-{kind}" for kind in ("py", "bin")]
    archives = [cifar_files.archive(tmp_path / f"{p.name}.tar.gz", cifar_files.members(p)) for p in folders]
    for place in (*folders, tmp_path, *archives):
        data = load_dataset(place)
        hashes.add(data.provenance.sha256)
        official.append(data.provenance.official)
        batches = zip((*data.train_images, data.test_images), (*data.train_labels, data.test_labels), strict=True)
        for (images, labels), (pixels, expected) in zip(batches, content.values(), strict=True):
            assert images.shape == (6, 32, 32, 3)
            assert images[2, 5, 7, 1] == pixels[2, 1024 + 5 * 32 + 7]  # channel first in the files
            np.testing.assert_array_equal(labels, expected)
        assert data.class_names[3] == "cat"
    assert (len(hashes), official) == (1, [False, None, False, False, False])


def test_real_cifar10(cifar10):
    data = load_dataset(cifar10 / "cifar-10-batches-py")
    assert [images.shape for images in (*data.train_images, data.test_images)] == [(10_000, 32, 32, 3)] * 6
    counts = np.bincount(data.train_labels[0])
    assert counts.tolist() == [1005, 974, 1032, 1016, 999, 937, 1030, 1001, 1025, 981]
    assert sha256(cifar10 / "cifar-10-batches-bin") == data.provenance.sha256


@pytest.mark.parametrize("compressed", [False, True])
def test_matlab_files_give_the_same_content(tmp_path, compressed):
    batches, hundred = cifar_files.write(tmp_path), write_cifar100(tmp_path)
    mat10 = cifar_files.write_matlab(tmp_path / "10" / "cifar-10-batches-mat", batches, compressed=compressed)
    names, mat100 = CIFAR100_NAMES, tmp_path / "100" / "cifar-100-matlab"
    cifar_files.write_matlab(mat100, hundred, "fine_labels", names, compressed)
    assert sha256(mat10.parent) == sha256(tmp_path / "cifar-10-batches-py")
    assert sha256(mat100.parent) == sha256(tmp_path / "cifar-100-python")
    assert load_dataset(mat100).class_names[99] == "thing_99"

    whole = (mat10 / "data_batch_3.mat").read_bytes()
    for bad in (b"", whole[:1000], b"MATLAB 7.3" + whole[10:], whole[:128] + struct.pack("<2I", 14, 2**31)):
        (mat10 / "data_batch_3.mat").write_bytes(bad)
        refused(mat10, "data_batch_3.mat: expected")
    if not compressed:  # types that hold no numbers
        at = whole.index(b"data") + 4
        for kind in (0, 8, 10, 11, 14, 15, 16, 19, 20, 258, 60_000):
            (mat10 / "data_batch_3.mat").write_bytes(whole[:at] + struct.pack("<I", kind) + whole[at + 4 :])
            refused(mat10, "data_batch_3.mat: expected")

    def element(kind, *content):
        content = b"".join(content)
        return struct.pack("<2I", kind, len(content)) + content + bytes(-len(content) % 8)

    for kind, held, said in (
        (9, [element(2, b"\1")], "expected one label 0..9 an image, found labels of shape ()"),
        (5, [element(5), element(5), element(9)], "labels holds neither real numbers nor text"),
    ):
        labels = element(14, element(6, struct.pack("<2I", kind, 0)), element(5), element(1, b"labels"), *held)
        (mat10 / "data_batch_3.mat").write_bytes(whole + labels)  # of two, the last counts
        refused(mat10, "data_batch_3.mat: expected", said)
    head = element(6, struct.pack("<2I", 9, 0)), element(5), element(1, b"other")
    packed = struct.pack("<2I", 15, len(bomb := zlib.compress(element(14, *head, element(2, bytes(2**23)))))) + bomb
    (mat10 / "data_batch_3.mat").write_bytes(whole + 9 * packed)
    refused(mat10, "data_batch_3.mat: expected", "more than 67,108,864 bytes are compressed in it")
    (cifar_files.write_matlab(tmp_path / "few", {}, names=names[:99]) / "meta.mat").replace(mat100 / "meta.mat")
    refused(mat100, "meta.mat: expected the names of 100 classes")
    scipy.io.savemat(mat100 / "train.mat", {"data": np.zeros((3, 5), np.uint8), "fine_labels": np.zeros((3, 1))})
    refused(mat100, "train.mat: expected data as bytes of shape (n, 3072)")


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("labels", [list, np.ndarray.tolist, lambda y: y.astype(">i8"), lambda y: y.astype(int)])
def test_batches_pickled_by_python_3_are_read(tmp_path, protocol, labels):
    for name, (pixels, y) in cifar_files.write(tmp_path).items():
        batch = {"data": pixels, "labels": labels(y)}
        (tmp_path / name).write_bytes(pickle.dumps(batch, protocol=protocol))
    assert sha256(tmp_path) == sha256(tmp_path / "cifar-10-batches-py")


@pytest.mark.parametrize(
    "labels", [np.int64(1), np.array(1), np.ones((6, 2), int), np.ones((6, 1, 1), int), [b"a", "b"]]
)
def test_labels_that_are_not_one_number_an_image_are_refused(tmp_path, labels):
    pixels, _ = cifar_files.write(tmp_path)["data_batch_1"]
    folder = tmp_path / "cifar-10-batches-py"
    (folder / "data_batch_1").write_bytes(pickle.dumps({"data": pixels, "labels": labels}, protocol=4))
    refused(folder, "data_batch_1: expected one label 0..9 an image, found labels of shape")


@pytest.mark.parametrize("prefix", ["", "./cifar-10-batches-py/", "my/own/"])
@pytest.mark.parametrize("kind", ["tar.gz", "zip"])
def test_archives_packed_by_hand_are_read(tmp_path, prefix, kind):
    cifar_files.write(tmp_path)
    folder, path = tmp_path / "cifar-10-batches-py", tmp_path / f"mine.{kind}"
    members = [(prefix + name.partition("/")[2], content) for name, content in cifar_files.members(folder)]
    if kind == "zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in members:
                archive.writestr(name, content)
    else:
        cifar_files.archive(path, members)
    assert sha256(path) == sha256(folder)


def test_every_layout_of_cifar_100_gives_the_same_content(tmp_path):
    """Past 255 remembered objects, 255 images and 1,000 items of a list, pickles use other opcodes."""
    content = write_cifar100(tmp_path, n=1500)
    folders = [tmp_path / name for name in ("cifar-100-python", "cifar-100-binary")]
    hashes = set()
    for place in (tmp_path, *folders, *(folder.with_name(f"{folder.name}.tar.gz") for folder in folders)):
        data = load_dataset(place)
        hashes.add(data.provenance.sha256)
        pixels, labels = content["test"]
        np.testing.assert_array_equal(data.test_images.transpose(0, 3, 1, 2).reshape(-1, 3072), pixels)
        np.testing.assert_array_equal(data.test_labels, labels)
        assert [len(labels) for labels in data.train_labels] == [300] * 5
        assert (data.provenance.name, data.class_names[7]) == ("CIFAR-100", "thing_7")
    assert len(hashes) == 1


BATCHES = ("10-batches-py/data_batch_3", "10-batches-bin/data_batch_3.bin", "100-python/train", "100-python/test")
OTHERS = ("100-python/meta", "100-binary/train.bin", "100-binary/test.bin", "100-binary/fine_label_names.txt")


@pytest.mark.parametrize("name", [*BATCHES, *OTHERS])
def test_bad_files_are_refused_by_name(tmp_path, name):
    cifar_files.write(tmp_path)
    write_cifar100(tmp_path)
    victim = tmp_path / f"cifar-{name}"
    whole, folder = victim.read_bytes(), victim.parent
    cut = [whole[:length] for length in (0, 1, 10, 50, 100, len(whole) // 2 + 7, len(whole) - 12)]
    for content in (*cut, b"cos\nsystem\n(S'exit 3'\ntR.", pickle.dumps([1, 2], protocol=2), b"\xff" * len(whole)):
        victim.write_bytes(content)
        refused(folder, victim.name)
    victim.unlink()
    refused(folder, "" if "train" in name else victim.name)  # without train it is no folder of CIFAR-100
    kind = f"cifar-{name.partition('-')[0]}"
    archive = cifar_files.archive(tmp_path / f"{kind}.tgz", cifar_files.members(folder))
    refused(archive, f"{kind}.tgz: expected an archive of {kind.upper()}")


FIRST = ("10-batches-py/data_batch_1", "10-batches-bin/data_batch_1.bin", "10-batches-mat/data_batch_1.mat")


@pytest.mark.parametrize("name", [*FIRST, "100-python/train"])
def test_an_empty_folder_with_an_official_name_is_refused(tmp_path, name):
    (tmp_path / f"cifar-{name}").parent.mkdir()
    refused(tmp_path, f"cifar-{name}: expected a file of CIFAR-10")

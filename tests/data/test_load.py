"""Both layouts of CIFAR-10, the stand-in, and files that are not what they should be."""

import hashlib
import http.server
import threading
from functools import partial

import cifar_files
import numpy as np
import pytest

from linclf import DataError, load_dataset
from linclf.cli import main
from linclf.data import load as fetching
from linclf.data.readers import cifar as reader


@pytest.fixture
def folder(tmp_path):
    return tmp_path, cifar_files.write(tmp_path)


def places(root):
    yield root / "cifar-10-batches-py"
    yield root / "cifar-10-batches-bin"
    yield root
    for kind in ("py", "bin"):
        # The official archives hold their files in no order.
        files = sorted((root / f"cifar-10-batches-{kind}").iterdir(), reverse=True)
        members = [(f"cifar-10-batches-{kind}/{file.name}", file.read_bytes()) for file in files]
        yield cifar_files.archive(root / f"{kind}.tar.gz", members)


def test_every_layout_gives_the_same_content_and_official_is_told_only_where_it_can_be(folder):
    root, content = folder
    hashes, official = set(), []
    for place in places(root):
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


@pytest.mark.parametrize("layout", ["py", "bin"])
def test_truncated_files_are_refused_by_name(folder, layout):
    (victim,) = folder[0].glob(f"*-{layout}/data_batch_3*")
    whole = victim.read_bytes()
    for length in [0, 1, 10, 50, 100, 1000, len(whole) // 2, len(whole) - 1, None]:
        if length is None:
            victim.unlink()
        else:
            victim.write_bytes(whole[:length])
        with pytest.raises(DataError, match="data_batch_3"):
            load_dataset(victim.parent)


def test_auto_takes_the_variable_then_the_cache_then_where_others_leave_it_then_the_stand_in(tmp_path, monkeypatch):
    monkeypatch.delenv("LINCLF_DATA", raising=False)
    for name in ("XDG_CACHE_HOME", "HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    (tmp_path / "cwd").mkdir()
    monkeypatch.chdir(tmp_path / "cwd")
    with pytest.warns(UserWarning, match="no CIFAR-10 was found"):
        assert load_dataset("auto").provenance.synthetic
    for place, source in (
        ("cwd/data", "data/cifar-10-batches-py"),
        ("HOME/.keras/datasets/cifar-10-batches-py-target", "~/.keras/datasets/cifar-10-batches-py"),
        ("XDG_CACHE_HOME/linclf", str(tmp_path / "XDG_CACHE_HOME")),
    ):
        cifar_files.write(tmp_path / place)
        assert load_dataset("auto").provenance.source.startswith(source)
    monkeypatch.setenv("LINCLF_DATA", "synthetic:20")
    assert len(load_dataset("auto").test_labels) == 20
    monkeypatch.setenv("LINCLF_DATA", str(tmp_path / "nothing"))
    with pytest.raises(DataError, match="nothing: no such file or folder"):
        load_dataset("auto")


def test_what_another_process_has_decoded_is_mapped_under_the_name_that_it_was_read_from(folder, tmp_path, monkeypatch):
    name, left = str(folder[0] / "cifar-10-batches-py"), tmp_path / "left"
    data = load_dataset(name)
    monkeypatch.setattr(fetching, "decoded", left)
    left.mkdir()
    assert load_dataset("synthetic:5").provenance.synthetic  # nothing was left yet, as where the disk was full
    fetching.write_decoded(data, name, left)
    (folder[0] / "cifar-10-batches-py" / "data_batch_1").unlink()
    again = load_dataset(name)
    assert (again.provenance, again.class_names) == (data.provenance, data.class_names)
    np.testing.assert_array_equal(again.train_images, data.train_images)
    assert not again.test_images.flags.owndata
    assert load_dataset("synthetic:5").provenance.synthetic


@pytest.mark.parametrize("name", ["synthetic:0", "synthetic:x", "synthetic:999999999"])
def test_a_bad_size_of_the_stand_in_is_refused(name):
    with pytest.raises(DataError, match="expected a number of images after the colon"):
        load_dataset(name)


def test_a_folder_without_data_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"expected a surrogate, an \.npz file of arrays, .* found none of them"):
        load_dataset(tmp_path)


def test_the_surrogate_is_deterministic_and_cifar10s():
    data, again = load_dataset("synthetic:300"), load_dataset("synthetic:300")
    assert data.provenance == again.provenance
    assert data.provenance.synthetic
    assert data.class_names == reader.NAMES
    assert [images.shape for images in (*data.train_images, data.test_images)] == [(300, 32, 32, 3)] * 6
    assert "no image of it is inside" in data.provenance.describe()


@pytest.fixture
def archive_server(tmp_path, monkeypatch):
    """The address of a tiny archive, which fetch takes for the official one, and an empty cache folder."""
    cifar_files.write(tmp_path / "data")
    members = [(f"cifar-10-batches-py/{path.name}", path.read_bytes()) for path in tmp_path.glob("data/*-py/*")]
    served = cifar_files.archive(tmp_path / reader.PYTHON_ARCHIVE.name, members)
    digest = hashlib.sha256(served.read_bytes()).hexdigest()
    official = reader.Archive(served.name, served.stat().st_size, digest)
    monkeypatch.setattr(fetching, "PYTHON_ARCHIVE", official)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=tmp_path)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}/{served.name}", tmp_path / "cache" / "linclf", served
        server.shutdown()


def test_fetch_puts_the_archive_where_auto_finds_it(archive_server, monkeypatch, capsys):
    url, cache, served = archive_server
    monkeypatch.delenv("LINCLF_DATA", raising=False)
    assert main(["fetch", "--url", url]) == 0
    assert (cache / served.name).read_bytes() == served.read_bytes()
    said = capsys.readouterr()
    assert str(cache / served.name) in said.out
    assert "100%" in said.err  # the progress bar
    assert load_dataset("auto").provenance.name == "CIFAR-10"


def test_fetch_refuses_another_checksum_and_keeps_nothing(archive_server, capsys):
    url, cache, served = archive_server
    served.write_bytes(served.read_bytes() + b"more")
    assert main(["fetch", "--url", url]) == 2
    assert "its checksum is another; get cifar-10-python.tar.gz" in capsys.readouterr().err
    assert not list(cache.iterdir())


def test_fetch_says_what_to_do_by_hand_where_the_network_is_closed(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    words = r"cifar-10-python\.tar\.gz \(170,498,071 bytes, SHA-256 6d958be0.*\) by other means and put it into"
    with pytest.raises(DataError, match=words):
        fetching.fetch("http://127.0.0.1:9/nothing.tar.gz")
    assert not list((tmp_path / "linclf").iterdir())


def test_real_cifar10(cifar10):
    data = load_dataset(cifar10 / "cifar-10-batches-py")
    assert [images.shape for images in (*data.train_images, data.test_images)] == [(10_000, 32, 32, 3)] * 6
    counts = np.bincount(data.train_labels[0])
    assert counts.tolist() == [1005, 974, 1032, 1016, 999, 937, 1030, 1001, 1025, 981]
    assert load_dataset(cifar10 / "cifar-10-batches-bin").provenance.sha256 == data.provenance.sha256

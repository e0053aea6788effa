"""Data by their names and places: the stand-in, digits, CIFAR-10 where others leave it or fetched, and options."""

import hashlib
import http.server
import sys
import threading
from functools import partial

import cifar_files
import numpy as np
import pytest
from helpers import arrays, refused, write_idx, write_images

from linclf import ConfigError, DataError, load_dataset
from linclf.cli import main
from linclf.data import load as fetching
from linclf.data.readers import cifar as reader


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


def test_the_surrogate_is_deterministic_and_cifar10s_and_digits_come_with_scikit_learn():
    data, again = load_dataset("synthetic:300"), load_dataset("synthetic:300")
    assert data.provenance == again.provenance
    assert (data.provenance.synthetic, data.class_names) == (True, reader.NAMES)
    assert [images.shape for images in (*data.train_images, data.test_images)] == [(300, 32, 32, 3)] * 6
    assert "no image of it is inside" in data.provenance.describe()
    data = load_dataset("digits")
    assert [len(labels) for labels in (*data.train_labels, data.test_labels)] == [300, 300, 300, 299, 299, 299]
    assert (data.test_images.shape[1:], data.test_sources) == ((8, 8, 1), ())
    assert data.provenance.describe().startswith("digits from scikit-learn (built in; split into five training batches")


@pytest.fixture
def archive_server(tmp_path, monkeypatch):
    """The address of a tiny archive, which fetch takes for the official one, and an empty cache folder."""
    cifar_files.write(tmp_path / "data")
    members = cifar_files.members(tmp_path / "data" / "cifar-10-batches-py")
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


def test_fetch_puts_the_archive_where_auto_finds_it_and_keeps_no_other(archive_server, monkeypatch, capsys):
    url, cache, served = archive_server
    monkeypatch.delenv("LINCLF_DATA", raising=False)
    assert main(["fetch", "--url", url]) == 0
    assert (cache / served.name).read_bytes() == served.read_bytes()
    said = capsys.readouterr()
    assert str(cache / served.name) in said.out
    assert "100%" in said.err  # the progress bar
    assert load_dataset("auto").provenance.name == "CIFAR-10"
    (cache / served.name).unlink()
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


def test_cifar_10_by_its_name_is_fetched_once_and_a_path_goes_before(archive_server, tmp_path, monkeypatch):
    url, cache, served = archive_server
    monkeypatch.setattr(fetching, "URL", url)
    monkeypatch.chdir(tmp_path)
    assert load_dataset("cifar-10").provenance.name == "CIFAR-10"
    served.unlink()
    assert load_dataset("cifar-10").provenance.source.startswith(str(cache))
    write_images(tmp_path / "cifar-10")
    assert len(load_dataset("cifar-10").class_names) == 3


def test_no_other_data_have_the_references_name(tmp_path):
    np.savez(tmp_path / "CIFAR-10.npz", **arrays())
    write_idx(tmp_path / "idx" / "CIFAR-10")
    write_images(tmp_path / "images" / "CIFAR-10")
    for path in ("CIFAR-10.npz", "idx/CIFAR-10", "images/CIFAR-10"):
        assert load_dataset(tmp_path / path).provenance.name != "CIFAR-10"


def test_pillow_and_scikit_learn_are_asked_for_where_they_are_missing(tmp_path, monkeypatch):
    write_images(tmp_path)
    for module, data, extra in (("PIL", tmp_path, "images"), ("sklearn.datasets", "digits", "sklearn")):
        monkeypatch.setitem(sys.modules, module, None)
        refused(data, f"pip install 'linclf[{extra}]'", error=ConfigError)


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("digits:3", {"image_size": 8}, "those are for data at a path"),
        ("synthetic", {"image_size": 8}, "those are for data at a path"),
        ("a.npz", {"image_size": 8}, r"a\.npz: expected no"),
        ("a.npz", {"label": "x"}, r"a\.npz: expected no"),
        ("a.npz:8", {}, "expected nothing after the path, for an"),
        ("t.csv:32", {}, "expected a column 32, found a, b, kind"),
        ("pets:kind", {}, "such as image_size=32, found kind"),
        ("", {}, "^an empty name: no such file or folder"),
        ("none", {}, r"expected a surrogate, an \.npz file of arrays, .* found none of them"),
        *((f"synthetic:{size}", {}, "expected a number of images after the colon") for size in ("0", "x", "999999999")),
    ],
)
def test_a_place_without_data_and_an_option_for_others_are_refused(tmp_path, monkeypatch, name, options, said):
    monkeypatch.chdir(tmp_path)
    np.savez("a.npz", **arrays())
    (tmp_path / "t.csv").write_text("a,b,kind\n0,1,x\n")
    write_images(tmp_path / "pets")
    (tmp_path / "none").mkdir()
    with pytest.raises((ConfigError, DataError), match=said):
        load_dataset(name, **options)

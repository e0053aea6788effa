"""Files made to do harm: each is refused by name, within memory and time, and runs and writes nothing.

``tests/torture/readers.py`` goes on where these end, with thousands of files that chance has made.
"""

import codecs
import gzip
import os
import pickle
import struct
import tarfile
import tempfile
import time
import zlib
from pathlib import Path

import cifar_files
import numpy as np
import pytest
import readers as fuzzer
from helpers import arrays, png, refused, write_images

from linclf import Classifier, DataError, load_dataset
from linclf.claims.verdicts import verify
from linclf.data.load import READERS
from linclf.errors import LinclfError

# Pickles


class Calls:
    """Pickles as a call of any function."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


class Restores:
    """Pickles as a NumPy array whose state is another."""

    def __reduce__(self):
        array = np.zeros((2, 3072), np.uint8)
        return (*array.__reduce__()[:2], (1, (2, 3072), np.dtype("O"), False, [Calls(os.system, "exit 3")] * 6144))


PICKLES = {
    "os.system": b"cos\nsystem\n(S'exit 3'\ntR.",
    "instance": b"(S'exit 3'\nios\nsystem\n.",
    "by stack": b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x06exit 3\x85R.",
    "extension": b"\x80\x02\x82\x01.",
    "persistent": b"\x80\x02U\x01xQ.",
    "new object": b"\x80\x02cnumpy\nndarray\n)\x81.",
    "numpy.load": pickle.dumps(Calls(np.load, "x"), protocol=2),
    "numpy objects": pickle.dumps({b"data": Restores(), b"labels": [0, 0]}, protocol=2),
    "dotted name": b"\x80\x02cnumpy\nndarray.dump\n.",
    "deep": b"\x80\x02" + b"]" * 50_000 + b"a" * 49_999 + b".",
    "deep tuples": b"\x80\x02" + b"N" + b"\x85" * 50_000 + b".",
    "itself": b"\x80\x02]q\x01h\x01a.",
    "memo of gigabytes": b"\x80\x02]r" + struct.pack("<I", 2**31 - 1) + b".",
    "string of gigabytes": b"\x80\x02T" + struct.pack("<i", 2**31 - 1) + b"x.",
    "a pair of twice the same, a hundred deep": b"\x80\x02K\x01" + b"2\x86" * 100 + b".",
    "lists by the million": b"\x80\x02(" + b"]" * 1_000_000 + b"t.",
    "no dict": pickle.dumps([1, 2, 3], protocol=2),
    "bytes of exabytes": b"\x80\x05\x96" + struct.pack("<Q", 2**62) + b"x.",
    "a frame of exabytes": b"\x80\x04\x95" + struct.pack("<Q", 2**62) + b"N.",
    "encodes by itself": pickle.dumps(Calls(codecs.encode, "x", "rot13"), protocol=2),
    "a label too great": cifar_files.pickled(np.zeros((6, 3072), np.uint8), np.full(6, 11, np.uint8)),
    "a label too few": cifar_files.pickled(np.zeros((6, 3072), np.uint8), np.zeros(5, np.uint8)),
    "a name with escapes": b"\x80\x02c\x1b[31m\r\n\xe2\x80\xa8\n.",
}


@pytest.mark.parametrize("content", PICKLES.values(), ids=PICKLES)
def test_hostile_pickles_are_refused_and_run_nothing(tmp_path, content):
    cifar_files.write(tmp_path)
    (tmp_path / "cifar-10-batches-py" / "data_batch_2").write_bytes(content)
    refused(tmp_path / "cifar-10-batches-py", "data_batch_2")


# Archives


def entry(name, **fields):
    info = tarfile.TarInfo(name)
    for field, value in fields.items():
        setattr(info, field, value)
    return info


LAST = "cifar-10-batches-bin/test_batch.bin"
ENTRIES = {
    "parent folder": entry(f"../{LAST}"),
    "absolute": entry(f"/{LAST}"),
    "within": entry(f"cifar-10-batches-bin/../{LAST}"),
    "symbolic link": entry(LAST, type=tarfile.SYMTYPE, linkname="/etc/passwd"),
    "hard link": entry(LAST, type=tarfile.LNKTYPE, linkname="cifar-10-batches-bin/data_batch_1.bin"),
    "character device": entry(LAST, type=tarfile.CHRTYPE, devmajor=1, devminor=5),
    "block device": entry(LAST, type=tarfile.BLKTYPE, devmajor=8),
    "pipe": entry(LAST, type=tarfile.FIFOTYPE),
    "folder": entry(LAST, type=tarfile.DIRTYPE),
    "name with escapes": entry("\x1b[2J\nred"),
}


@pytest.fixture
def members(tmp_path):
    """The names and contents of an archive, of which the first is LAST."""
    cifar_files.write(tmp_path / "good")
    return cifar_files.members(tmp_path / "good" / "cifar-10-batches-bin")


@pytest.mark.parametrize("bad", ENTRIES.values(), ids=ENTRIES)
def test_hostile_entries_are_passed_over_and_written_nowhere(tmp_path, members, bad):
    path = cifar_files.archive(tmp_path / "bad.tar.gz", [*members[1:], (bad, b"")])
    refused(path, "bad.tar.gz: expected an archive of CIFAR-10, test_batch.bin is missing")
    cifar_files.archive(path, [(bad, b""), *members])  # beside what is wanted they do no harm
    assert len(load_dataset(path).test_labels) == 6
    assert {file.name for file in tmp_path.iterdir()} == {"good", "bad.tar.gz"}


def zeros(path, header, size):
    """An archive of one header and ``size`` zero bytes after it."""
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(header)
        for _ in range(0, size, 2**20):
            file.write(bytes(2**20))
    return path


def bombs(folder):
    yield zeros(folder / "file.tar.gz", entry(LAST, size=2**30).tobuf(), 2**26)
    for kind in (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK):
        header = entry("x", type=kind, size=2**28).tobuf()
        yield zeros(folder / f"header_{kind.decode()}.tar.gz", header, 2**28)
    yield zeros(folder / "entries.tar.gz", entry("x").tobuf() * 100_000, 0)
    within = entry("x", type=tarfile.XHDTYPE, size=512).tobuf() + b"9 a=xxxx\n".ljust(512, b"\0")
    yield zeros(folder / "headers_of_headers.tar.gz", within * 10_000, 0)
    sparse = bytearray(entry("cifar-10-batches-py/data_batch_1", type=tarfile.GNUTYPE_SPARSE).tobuf())
    sparse[482], sparse[483:495], sparse[148:156] = 1, b"%011o\0" % 1024, b" " * 8  # its headers never end
    sparse[148:156] = b"%06o\0 " % sum(sparse)
    yield zeros(folder / "sparse.tar.gz", sparse + (b"00000010000\0" * 42 + b"\1" + bytes(7)) * 200_000, 0)
    slow = entry("x", type=tarfile.XHDTYPE, size=2**20).tobuf() + b"1" * 2**20  # for a regular expression
    yield zeros(folder / "digits.tar.gz", slow, 0)


def test_bombs_in_archives_are_refused_before_they_are_unpacked(tmp_path):
    for path in bombs(tmp_path):
        refused(path, f"{path.name}: expected")


def test_a_file_that_is_cut_or_no_archive_is_refused(tmp_path, members):
    path = cifar_files.archive(tmp_path / "a.tar.gz", members)
    whole = path.read_bytes()
    others = (b"no archive", b"", gzip.compress(b"no tar"), gzip.compress(bytes(10_240)))
    for content in (whole[: len(whole) // 2], *others):
        path.write_bytes(content)
        refused(path, "a.tar.gz: expected")


# Arrays and images


def test_bombs_in_npz_are_refused_before_they_are_unpacked(tmp_path):
    zeros, path = np.zeros((2**14, 2**14), np.uint8), tmp_path / "a.npz"
    for made, said, load in (
        (arrays() | {"X_train": zeros}, "at most 100 times the", load_dataset),
        (arrays() | {"class_names": np.array(["a", "b", "c" * 2**20])}, "for each class a name of its", load_dataset),
        ({"W": zeros}, "at most 100 times the", Classifier.load),
    ):
        np.savez_compressed(path, **made)
        refused(path, f"a.npz: expected {said}", load=load)


@pytest.mark.parametrize("content", ["[" * 10**6, '{"format": ' + "9" * 10**7 + "}"], ids=["deep", "long number"])
def test_bombs_in_json_are_refused(tmp_path, content):
    (tmp_path / "results.json").write_text(content)
    refused(tmp_path / "results.json", "results.json: expected JSON", load=verify)


def test_a_zip_of_a_version_that_nobody_knows_is_refused(tmp_path):
    np.savez(tmp_path / "a.npz", **arrays())
    content = bytearray((tmp_path / "a.npz").read_bytes())
    content[content.index(b"PK\1\2") + 6] = 126  # needed to extract it: 12.6
    (tmp_path / "a.npz").write_bytes(content)
    refused(tmp_path / "a.npz", "a.npz: expected arrays X_train and y_train")


def test_bombs_in_images_are_refused_before_they_are_unpacked(tmp_path):
    """One colour compresses a thousandfold; many small files of it are more than memory holds."""
    write_images(tmp_path, n=2)
    row = zlib.compress(bytes(9000 * 9001), 1)
    content = png((9000, 9000))
    chunk = struct.pack(">I", len(row)) + b"IDAT" + row + struct.pack(">I", zlib.crc32(b"IDAT" + row))
    whole = content[:33] + chunk + content[-12:]
    for file in tmp_path.rglob("*.png"):
        file.write_bytes(whole)
    refused(tmp_path, "png: expected at most 100 times the")


# Messages


def test_a_message_is_one_line_whatever_a_file_puts_into_it():
    assert str(LinclfError("a\nb\x1b[2J\u2028é")) == r"a\nb\x1b[2J\u2028é"
    assert len(str(LinclfError("x" * 10**6))) < 3000


# The fuzzer


def refuse(path, words="{path}: expected another"):
    raise DataError(words.format(path=path))


ACTS = {
    "reads": (lambda path: path.read_bytes(), "valid"),
    "refuses": (refuse, "refused"),
    "runs a command": (lambda path: os.system("exit 3"), "os.system"),
    "writes": (lambda path: path.with_suffix(".new").write_bytes(b""), "open"),
    "names no file": (lambda path: refuse(path, "expected another"), "said 'expected another'"),
    "takes memory": (lambda path: b"x" * (5 * 2**28), "took 1."),
    "takes time": (lambda path: time.sleep(10), "Broken: took too long"),
}


def attempted(what, folder):
    reader = fuzzer.Reader({"a.npz": b"valid"}, fuzzer.mutate.flipped, ACTS[what][0])
    return fuzzer.attempt(reader, 0, folder, seconds=0.5)


def test_the_fuzzer_has_valid_files_of_every_format(tmp_path):
    found = set()
    for i, fuzzed in enumerate(fuzzer.readers().values()):
        fuzzer.write(fuzzed.files, tmp_path / str(i))
        place = tmp_path / str(i) / (fuzzed.given or next(iter(fuzzed.files)))
        found |= {next((reader.reads for reader in READERS if reader.find(place)), None)}
    assert found >= {reader.reads for reader in READERS}


def test_a_few_mutated_files_of_each_reader_and_that_the_guard_sees_what_no_reader_may_do():
    with tempfile.TemporaryDirectory(prefix="linclf-fuzz-") as folder, fuzzer.guarded(1) as pool:
        for what, (_, seen) in ACTS.items():
            assert pool.submit(attempted, what, Path(folder)).result().startswith(seen)
        for name in fuzzer.readers():
            counts, losses = pool.submit(fuzzer._attempts, name, range(5)).result()
            assert (sum(counts.values()), losses) == (5, []), name

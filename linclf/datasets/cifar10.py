"""CIFAR-10 in its two official layouts, as a folder or as the official archive.

Facts about the files: https://www.cs.toronto.edu/~kriz/cifar.html. Nothing in a data file can run code: archives are
read in memory, and the pickled layout through an unpickler that knows three inert names and no others.
"""

import hashlib
import io
import pickle
import pickletools
import tarfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import DataError
from .dataset import Batch, Dataset, make_dataset

PICKLED, BINARY = "cifar-10-batches-py", "cifar-10-batches-bin"
BATCHES = (*(f"data_batch_{i}" for i in range(1, 6)), "test_batch")
NAMES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
PIXELS = 3 * 32 * 32
_LARGEST = 64 * 2**20  # bytes; twice the largest official file


@dataclass(frozen=True)
class Archive:
    """An official archive: its name, size in bytes and SHA-256."""

    name: str
    size: int
    sha256: str


PYTHON_ARCHIVE = Archive(
    "cifar-10-python.tar.gz", 170_498_071, "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce"
)
BINARY_ARCHIVE = Archive(
    "cifar-10-binary.tar.gz", 170_052_171, "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"
)
# As published with the archive's readers; the binary layout has no such list.
_OFFICIAL_MD5 = {
    "data_batch_1": "c99cafc152244af753f735de768cd75f",
    "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
    "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
    "data_batch_4": "634d18415352ddfa80567beed471001a",
    "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
    "test_batch": "40351d587109b95175f43aff81a1287e",
}


def find(path: Path) -> Path | None:
    """The folder or archive of CIFAR-10 that ``path`` is or holds, or None."""
    if path.is_file():
        return path if path.name.endswith((".tar.gz", ".tgz")) else None
    if any((path / name).exists() for name in ("data_batch_1", "data_batch_1.bin")):
        return path
    inside = (PICKLED, BINARY, PYTHON_ARCHIVE.name, BINARY_ARCHIVE.name)
    return next((path / name for name in inside if (path / name).exists()), None)


def load(path: Path, source: str) -> Dataset:
    """CIFAR-10 from what ``find`` found; DataError naming the file that is missing or not what it has to be."""
    if path.is_dir():
        pickled = (path / "data_batch_1").exists()
        files = {name: _read_file(path / (name if pickled else f"{name}.bin")) for name in BATCHES}
        official = all(hashlib.md5(files[name]).hexdigest() == md5 for name, md5 in _OFFICIAL_MD5.items())
        return _dataset(files, pickled, source, official if pickled else None)
    digest = hashlib.sha256(_read_file(path, largest=4 * PYTHON_ARCHIVE.size)).hexdigest()
    files, pickled = _read_archive(path)
    return _dataset(files, pickled, source, digest in (PYTHON_ARCHIVE.sha256, BINARY_ARCHIVE.sha256))


def _dataset(files: dict[str, bytes], pickled: bool, source: str, official: bool | None) -> Dataset:
    read: Callable[[str, bytes], Batch] = _read_pickled if pickled else _read_binary
    batches = [read(name, files[name]) for name in BATCHES]
    largest = max(len(labels) for _, labels in batches)
    for name, (_, labels) in zip(BATCHES, batches, strict=True):
        if len(labels) != largest:  # a file cut between two records is whole in no other way
            raise DataError(f"{name}: expected {largest:,} images as in the largest batch, found {len(labels):,}")
    layout = "pickled batches" if pickled else "binary batches"
    return make_dataset(batches, NAMES, name="CIFAR-10", source=source, layout=layout, official=official)


def _read_file(path: Path, largest: int = _LARGEST) -> bytes:
    try:
        if path.stat().st_size > largest:
            raise DataError(f"{path}: expected at most {largest:,} bytes, found {path.stat().st_size:,}")
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: expected a batch of CIFAR-10, could not read it ({error.strerror})") from error


def _read_archive(path: Path) -> tuple[dict[str, bytes], bool]:
    """The batch files of an archive, by name; only regular members with the official names are looked at."""
    wanted = {f"{PICKLED}/{name}": name for name in BATCHES} | {f"{BINARY}/{name}.bin": name for name in BATCHES}
    files: dict[str, bytes] = {}
    pickled = False
    try:
        with tarfile.open(path, "r|gz") as archive:
            total = 0
            for member in archive:
                total += member.size
                if member.size > _LARGEST or total > 12 * _LARGEST:
                    raise DataError(f"{path}: expected files of at most {_LARGEST:,} bytes, found {member.name!r}")
                if member.name in wanted and member.isreg():
                    content = archive.extractfile(member)
                    assert content is not None  # a regular file has one
                    files[wanted[member.name]] = content.read()
                    pickled = member.name.startswith(PICKLED)
    except (tarfile.TarError, OSError, EOFError, ValueError, zlib.error) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path}: expected an archive of CIFAR-10, could not read it ({error})") from error
    missing = [name for name in BATCHES if name not in files]
    if missing:
        raise DataError(f"{path}: expected the six batches of CIFAR-10, {missing[0]} is missing")
    return files, pickled


def _read_binary(name: str, content: bytes) -> Batch:
    """Records of one label byte and 3,072 pixel bytes."""
    if not content or len(content) % (1 + PIXELS):
        raise DataError(f"{name}.bin: expected records of {1 + PIXELS} bytes, found {len(content):,} bytes in all")
    records = np.frombuffer(content, np.uint8).reshape(-1, 1 + PIXELS)
    return _batch(name, records[:, 1:], records[:, 0])


def _read_pickled(name: str, content: bytes) -> Batch:
    """A pickled dict with ``data``, (n, 3072) uint8, and ``labels``."""
    batch = unpickle(name, content)
    data, labels = (batch.get(key) for key in (b"data", b"labels")) if isinstance(batch, dict) else (None, None)
    if not isinstance(data, _Array) or not isinstance(labels, list):
        raise DataError(f"{name}: expected a dict with an array 'data' and a list 'labels', found something else")
    if not all(type(label) is int and 0 <= label < 256 for label in labels):
        raise DataError(f"{name}: expected whole-number labels 0..9, found others")
    return _batch(name, data.pixels(name), np.array(labels, np.uint8))


def _batch(name: str, pixels: np.ndarray, labels: np.ndarray) -> Batch:
    if len(pixels) != len(labels) or len(labels) == 0 or labels.max() >= len(NAMES):
        raise DataError(
            f"{name}: expected one label 0..{len(NAMES) - 1} an image, found {len(labels)} labels "
            f"(greatest {max(labels, default='none')}) and {len(pixels)} images"
        )
    images = pixels.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)  # the files have the channel first
    return np.ascontiguousarray(images), labels.astype(np.int64)


class _Array:
    """Stands in for a pickled NumPy array: keeps its state and builds nothing."""

    state: Any = None

    def __setstate__(self, state: Any) -> None:
        self.state = state

    def pixels(self, name: str) -> np.ndarray:
        """The array, if it is what the batch files hold: uint8, (n, 3072)."""
        match self.state:
            case (1, (int(n), 3072), _DType(kind=b"u1"), False, bytes(raw)) if len(raw) == n * PIXELS:
                return np.frombuffer(raw, np.uint8).reshape(n, PIXELS)
        raise DataError(f"{name}: expected 'data' as bytes of shape (n, {PIXELS}), found another array")


class _DType:
    """Stands in for a pickled NumPy dtype."""

    def __init__(self, kind: Any, *_: Any) -> None:
        self.kind = kind

    def __setstate__(self, state: Any) -> None:
        """Byte order and the like: a byte has none."""


def _reconstruct(*_: Any) -> _Array:
    return _Array()


_ADMITTED = {
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _DType,
}
# What Python 2 wrote into the official files; no opcode that looks up, calls or stores anything else.
_OPCODES = set(
    """PROTO STOP MARK EMPTY_DICT EMPTY_LIST EMPTY_TUPLE TUPLE TUPLE1 TUPLE2 TUPLE3 NONE NEWTRUE NEWFALSE BININT BININT1
    BININT2 SHORT_BINSTRING BINSTRING BINUNICODE APPEND APPENDS SETITEM SETITEMS GLOBAL REDUCE BUILD BINPUT LONG_BINPUT
    BINGET LONG_BINGET""".split()  # noqa: SIM905
)


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ADMITTED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which no batch file holds")
        return _ADMITTED[module, name]


def unpickle(name: str, content: bytes) -> Any:
    """What a batch file holds, as plain values; DataError for anything that such a file would not hold."""
    try:
        for opcode, argument, _ in pickletools.genops(content):
            # A memo index far beyond the file's own length would only exhaust memory.
            if opcode.name not in _OPCODES or (
                isinstance(argument, int) and "PUT" in opcode.name and argument > len(content)
            ):
                raise pickle.UnpicklingError(f"it uses {opcode.name}, which no batch file does")
        return _Unpickler(io.BytesIO(content), encoding="bytes").load()
    except Exception as error:  # unpickling hostile bytes can raise nearly anything
        raise DataError(f"{name}: expected a pickled batch of CIFAR-10, refused it: {error}") from error

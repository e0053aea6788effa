"""What CIFAR-10 and CIFAR-100 share: where their files stand, how they are read, and how a row becomes an image.

Facts about the files: https://www.cs.toronto.edu/~kriz/cifar.html.
"""

import hashlib
import io
import math
import pickle
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import numpy as np

from linclf.data.dataset import CIFAR10, Dataset, LabelledImages, check_file, make_dataset, split_dataset
from linclf.errors import DataError

PIXELS = 3 * 32 * 32


@dataclass(frozen=True)
class Family:
    """A data set's official files.

    Attributes:
        name: of the data set.
        layouts: the files of each layout, under the name of its folder.
        archives: the official archives' names.
        largest: bytes that no official file has.
    """

    name: str
    layouts: Mapping[str, Sequence[str]]
    archives: Sequence[str]
    largest: int

    def find(self, path: Path) -> Path | None:
        """The folder or archive that ``path`` is or holds, itself or a folder deeper, or None."""
        if path.is_file():
            return path if is_archive(path) else None
        names = (*self.layouts, *self.archives)
        inside = sorted(path.iterdir()) if path.is_dir() else []
        for place in (path, *(folder for folder in inside if folder.is_dir() and folder.name not in names)):
            if any((place / files[0]).is_file() for files in self.layouts.values()):
                return place
            for name in names:
                if (place / name).exists():
                    return self.find(place / name) or place / name
        return None

    def read(self, path: Path) -> tuple[str, Iterator[tuple[str, bytes]]]:
        """The layout of what ``find`` found and its files, name and content; of a folder each is read when asked for.

        DataError naming the file that cannot be read.
        """
        if not path.is_dir():
            return self._read_archive(path)
        held = [folder for folder, files in self.layouts.items() if (path / files[0]).is_file()]
        named = [folder for folder in self.layouts if folder == path.name]
        layout = [*held, *named, *self.layouts][0]  # of a folder without any, the first file is missed below
        return layout, ((name, self.read_file(path / name, self.largest)) for name in self.layouts[layout])

    def read_file(self, path: Path, largest: int) -> bytes:
        """The bytes of a file of at most ``largest`` bytes."""
        check_file(path, f"a file of {self.name}")
        try:
            if path.stat().st_size > largest:
                raise DataError(f"{path}: expected at most {largest:,} bytes, found {path.stat().st_size:,}")
            return path.read_bytes()
        except OSError as error:
            raise DataError(f"{path}: expected a file of {self.name}, could not read it ({error.strerror})") from error

    def _read_archive(self, path: Path) -> tuple[str, Iterator[tuple[str, bytes]]]:
        """The layout of which one folder of the archive holds most files."""
        wanted = {name for files in self.layouts.values() for name in files}
        folders = read_archive(path, wanted, self.largest, f"an archive of {self.name}")
        choices = [(layout, found) for layout in self.layouts for found in folders.values()]
        layout, found = max(choices, key=lambda choice: len(choice[1].keys() & set(self.layouts[choice[0]])))
        missing = [name for name in self.layouts[layout] if name not in found]
        if missing:
            of = " of its MATLAB files" if missing[0].endswith(".mat") else ""
            raise DataError(f"{path}: expected an archive of {self.name}, {missing[0]} is missing{of}")
        return layout, ((name, found[name]) for name in self.layouts[layout])


def records(file: str, content: bytes, n_labels: int) -> np.ndarray:
    """A binary file's records of ``n_labels`` label bytes and 3,072 pixel bytes, a row each."""
    size = n_labels + PIXELS
    if not content or len(content) % size:
        raise DataError(f"{file}: expected records of {size:,} bytes, found {len(content):,} bytes in all")
    return np.frombuffer(content, np.uint8).reshape(-1, size)


def batch(file: str, pixels: np.ndarray, labels: np.ndarray, n_classes: int) -> LabelledImages:
    """Images and labels from rows of 3,072 pixels, channel first, and as many labels."""
    if len(pixels) != len(labels) or len(labels) == 0 or labels.max() >= n_classes:
        raise DataError(
            f"{file}: expected one label 0..{n_classes - 1} an image, found {len(labels)} labels "
            f"(up to {max(labels, default='none')}) and {len(pixels)} images"
        )
    colours = np.moveaxis(pixels.reshape(-1, 3, 32, 32), 1, 0)
    return np.stack(list(colours), axis=-1), labels.astype(np.int64)  # thrice as fast as a copy of the axes turned


LARGEST_ARCHIVE = 256 * 2**20
"""Bytes of all files in an archive, and of the archive itself: CIFAR's official ones hold 186 MB."""
MOST_ENTRIES = 1000
"""Entries of an archive; CIFAR's official ones have nine at most."""
_ENDINGS = (".tar.gz", ".tgz", ".tar", ".zip")


def is_archive(path: Path) -> bool:
    """Whether a file is an archive by its name."""
    return path.name.lower().endswith(_ENDINGS)


def read_archive(path: Path, wanted: Collection[str], largest: int, what: str) -> dict[str, dict[str, bytes]]:
    """The regular files of an archive that have a name in ``wanted``, by the folder that they are in.

    DataError if it cannot be read as ``what`` it should be, or has a file of more than ``largest`` bytes.
    """
    read = _zipped if zipfile.is_zipfile(path) else _tarred
    found: dict[str, dict[str, bytes]] = {"": {}}
    total = 0
    try:
        for i, (name, size, content) in enumerate(read(path, wanted), start=1):
            total += size
            if size > largest or total > LARGEST_ARCHIVE or i > MOST_ENTRIES:
                raise DataError(
                    f"{path}: expected at most {MOST_ENTRIES:,} files of at most {largest:,} bytes, "
                    f"{LARGEST_ARCHIVE:,} in all, found more at {name}"
                )
            if content is not None:
                place = PurePosixPath(name)
                found.setdefault(str(place.parent), {})[place.name] = content(size)
    except DataError:
        raise
    except Exception as error:  # unpacking hostile bytes can raise nearly anything
        raise DataError(f"{path}: expected {what}, could not read it ({error})") from error
    return found


_Entry = tuple[str, int, Any]
"""Name, bytes and, of a file that is wanted, what reads so many bytes of it."""


def _wanted(name: str, wanted: Collection[str]) -> bool:
    place = PurePosixPath(name)
    return place.name in wanted and not place.is_absolute() and ".." not in place.parts


def _tarred(path: Path, wanted: Collection[str]) -> Iterator[_Entry]:
    with path.open("rb") as file:
        mode = "r|gz" if file.read(2) == b"\x1f\x8b" or path.suffix.lower() != ".tar" else "r|"
    with tarfile.open(path, mode, tarinfo=_Header) as archive:  # type: ignore[call-overload]
        for member in archive:
            content = archive.extractfile(member) if member.isreg() and _wanted(member.name, wanted) else None
            yield member.name, member.size, content and content.read


def _zipped(path: Path, wanted: Collection[str]) -> Iterator[_Entry]:
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if member.is_dir() or not _wanted(member.filename, wanted):
                yield member.filename, 0, None
                continue
            if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise ValueError(f"{member.filename} is compressed in an unusual way")
            with archive.open(member) as content:
                yield member.filename, member.file_size, content.read


class _Header(tarfile.TarInfo):
    """A header of an archive, refused if ``tarfile`` would read what follows it whole: a name of gigabytes, say."""

    @classmethod
    def frombuf(cls, *block: Any) -> "_Header":
        header = super().frombuf(*block)
        if header.type not in tarfile.REGULAR_TYPES and header.size > 4096:
            raise tarfile.ReadError(f"an entry of type {header.type!r} has {header.size:,} bytes")
        return header


def unpickle_batch(file: str, content: bytes, key: str) -> tuple[np.ndarray, np.ndarray]:
    """``data``, (n, 3072) uint8, and the labels under ``key``, (n,) uint8, of a pickled dict."""
    found = unpickle(file, content)
    data, labels = (found.get(name) for name in ("data", key)) if isinstance(found, dict) else (None, None)
    if isinstance(labels, _Array):
        labels = labels.whole_numbers(file)
    if not isinstance(data, _Array) or not isinstance(labels, list):
        raise DataError(f"{file}: expected a dict with an array 'data' and a list {key!r}, found another")
    if not all(type(label) is int and 0 <= label < 256 for label in labels):
        raise DataError(f"{file}: expected whole-number labels, found others")
    return data.pixels(file), np.array(labels, np.uint8)


def unpickle(file: str, content: bytes) -> Any:
    """What a file holds, as plain values, the keys of a dict as text; DataError for what such a file would not hold."""
    try:
        found = _Unpickler(content).load()
        if isinstance(found, dict):
            return {key.decode() if isinstance(key, bytes) else key: value for key, value in found.items()}
        return found
    except Exception as error:  # unpickling hostile bytes can raise nearly anything
        raise DataError(
            f"{file}: expected a pickled file of CIFAR, by Python 2 or 3 and protocol 2 to 5, refused it: {error}"
        ) from error


class _Array:
    """Stands in for a pickled NumPy array: keeps its state and builds nothing."""

    state: Any = None

    def __setstate__(self, state: Any) -> None:
        self.state = state

    def pixels(self, file: str) -> np.ndarray:
        """The array, if it is what the batch files hold: uint8, (n, 3072)."""
        match self.state:
            case (1, (int(n), 3072), _DType(code="u1"), bool(by_column), bytes(raw)) if len(raw) == n * PIXELS:
                return np.frombuffer(raw, np.uint8).reshape((n, PIXELS), order="F" if by_column else "C")
        raise DataError(f"{file}: expected 'data' as bytes of shape (n, {PIXELS}), found another array")

    def whole_numbers(self, file: str) -> list[int]:
        """The array, if it holds n whole numbers."""
        match self.state:
            case (1, (int(n),), _DType(code=code) as dtype, bool(_), bytes(raw)) if code in _WHOLE:
                if len(raw) == n * int(code[1]):
                    return [int(number) for number in np.frombuffer(raw, dtype.order + code)]
        raise DataError(f"{file}: expected labels as a list or an array of whole numbers, found another")


_WHOLE = [kind + size for kind in "iu" for size in "1248"]


class _DType:
    """Stands in for a pickled NumPy dtype."""

    order = "<"

    def __init__(self, code: Any, *_: Any) -> None:
        self.code = code.decode() if isinstance(code, bytes) else code

    def __setstate__(self, state: Any) -> None:
        """Of byte order and the like only the order counts."""
        match state:
            case (_, b">" | ">", *_):
                self.order = ">"


def _reconstruct(*_: Any) -> _Array:
    return _Array()


def _from_buffer(raw: Any, dtype: Any, shape: Any, order: Any) -> _Array:
    """An array as protocol 5 has it."""
    array = _Array()
    array.state = (1, shape, dtype, order in ("F", b"F"), raw)
    return array


def _scalar(dtype: Any, raw: Any) -> Any:
    """A NumPy number: a label, say; anything but a whole one stays what it is not, a label."""
    if isinstance(dtype, _DType) and dtype.code in _WHOLE and isinstance(raw, bytes) and len(raw) == int(dtype.code[1]):
        return int(np.frombuffer(raw, dtype.order + dtype.code)[0])
    return None


def _encode(text: Any, encoding: Any) -> bytes:
    """Bytes as Python 3 writes them by protocol 2."""
    if isinstance(text, str) and encoding in ("latin1", b"latin1"):
        return text.encode("latin1")
    raise pickle.UnpicklingError("it encodes text in another way than Python 3 does")


_ADMITTED = {
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _DType,
    ("_codecs", "encode"): _encode,
    **{
        (f"numpy.{core}.{module}", name): call
        for core in ("core", "_core")
        for module, name, call in (
            ("multiarray", "_reconstruct", _reconstruct),
            ("multiarray", "scalar", _scalar),
            ("numeric", "_frombuffer", _from_buffer),
        )
    },
}
# What Python 2 wrote into the official files, and what Python 3 writes; no opcode that looks up, calls or stores
# anything else.
_OPCODES = """PROTO STOP MARK EMPTY_DICT EMPTY_LIST EMPTY_TUPLE TUPLE TUPLE1 TUPLE2 TUPLE3 NONE NEWTRUE NEWFALSE BININT
    BININT1 BININT2 SHORT_BINSTRING BINSTRING BINUNICODE APPEND APPENDS SETITEM SETITEMS GLOBAL REDUCE BUILD BINPUT
    LONG_BINPUT BINGET LONG_BINGET FRAME MEMOIZE SHORT_BINUNICODE BINBYTES SHORT_BINBYTES BINBYTES8 STACK_GLOBAL"""
_MOST = 500_000  # opcodes; CIFAR-100's train, the longest, has fewer than half of that


class _Unpickler(pickle._Unpickler):
    """Python's own, not the one in C: its opcodes can be chosen, and no number in a file makes its memo great."""

    def __init__(self, content: bytes) -> None:
        super().__init__(io.BytesIO(content), encoding="bytes")
        self.dispatch = _Admitted()  # type: ignore[misc]

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ADMITTED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which no such file holds")
        return _ADMITTED[module, name]


class _Admitted(dict[int, Any]):
    """What to do for each opcode of such files, and for no others; at most ``_MOST`` times."""

    def __init__(self) -> None:
        codes = (getattr(pickle, name)[0] for name in _OPCODES.split())
        super().__init__({code: pickle._Unpickler.dispatch[code] for code in codes})
        # Python's own makes room for as many bytes as the file may say before it reads them; these are read as bytes.
        self[pickle.BYTEARRAY8[0]] = pickle._Unpickler.dispatch[pickle.BINBYTES8[0]]
        self._asked = 0

    def __getitem__(self, code: int) -> Any:
        self._asked += 1
        if self._asked > _MOST:  # they would only exhaust memory
            raise pickle.UnpicklingError(f"it has more than {_MOST:,} opcodes")
        return super().__getitem__(code)

    def __missing__(self, code: int) -> Any:
        raise pickle.UnpicklingError(f"it has an opcode that no such file has, {code}")


_MATRIX, _COMPRESSED = 14, 15
_NUMBERS = {
    1: "i1",
    2: "u1",
    3: "i2",
    4: "u2",
    5: "i4",
    6: "u4",
    7: "f4",
    9: "f8",
    12: "i8",
    13: "u8",
    16: "u1",
    17: "u2",
}
"""The stored types; text, the last two, is UTF-8 or UTF-16."""
_CELL, _CHAR, _NUMERIC = 1, 4, range(6, 16)

Value = np.ndarray | str | list[str]


def read_mat(file: str, content: bytes, largest: int) -> dict[str, Value]:
    """The variables of a MAT-file: arrays of numbers, text, and cells of text as lists.

    DataError, naming ``file``, for anything else, and where more than ``largest`` bytes are compressed in it.
    """
    if content[:8] == b"\x89HDF\r\n\x1a\n" or content[:10] == b"MATLAB 7.3":
        raise DataError(f"{file}: expected a MATLAB file of version 5, found version 7.3; save it with -v7")
    try:
        return _variables(content, largest)
    except (ValueError, IndexError, KeyError, TypeError, struct.error, zlib.error, OverflowError) as error:
        raise DataError(f"{file}: expected a MATLAB file of version 5, could not read it ({error})") from error


def _variables(content: bytes, largest: int) -> dict[str, Value]:
    if len(content) < 128 or content[126:128] not in (b"IM", b"MI"):
        raise ValueError("its header is another")
    order = "<" if content[126:128] == b"IM" else ">"
    found: dict[str, Value] = {}
    for kind, data in _elements(content[128:], order):
        if kind == _COMPRESSED:
            unpacked = zlib.decompressobj()
            data = unpacked.decompress(data, largest)
            if unpacked.unconsumed_tail:
                raise ValueError(f"more than {largest:,} bytes are compressed in it")
            ((kind, data),) = _elements(data, order)
        if kind == _MATRIX:
            name, value = _matrix(data, order)
            if value is not None:
                found[name] = value
    return found


def _elements(content: bytes, order: str) -> Iterator[tuple[int, bytes]]:
    """Type and data of each element; small ones share a word with their header."""
    at = 0
    while at + 8 <= len(content):
        kind, size = struct.unpack_from(f"{order}2I", content, at)
        if kind >> 16:  # bytes and type in one word
            kind, size, start, end = kind & 0xFFFF, kind >> 16, at + 4, at + 8
        else:
            start = at + 8
            end = start + size + (0 if kind == _COMPRESSED else -size % 8)
        if start + size > len(content):
            raise ValueError(f"an element of {size:,} bytes is cut")
        yield kind, content[start : start + size]
        at = end


def _matrix(content: bytes, order: str) -> tuple[str, Value | None]:
    """Name and value of a variable; None for a value of another type."""
    (_, flags), (_, dimensions), (_, name), *rest = _elements(content, order)
    kind = struct.unpack_from(f"{order}I", flags)[0] & 0xFF
    shape = tuple(np.frombuffer(dimensions, f"{order}i4").tolist())
    label = name.decode("ascii")
    if kind == _CELL:
        values = [_matrix(data, order)[1] for _, data in rest]
        return label, [value for value in values if isinstance(value, str)]
    if kind != _CHAR and kind not in _NUMERIC:
        return label, None
    stored, data = rest[0]
    if kind == _CHAR and stored in (2, 16):
        return label, data.decode()
    array = np.frombuffer(data, order + _NUMBERS[stored])
    if kind == _CHAR:
        return label, array.astype(np.uint16).tobytes().decode("utf-16")
    if min(shape) < 0 or math.prod(shape) != array.size:
        raise ValueError(f"{label} of shape {shape} is not what {array.size:,} numbers are")
    return label, array.reshape(shape, order="F")


def mat_batch(file: str, content: bytes, key: str, largest: int) -> tuple[np.ndarray, np.ndarray]:
    """``data``, (n, 3072) uint8, and the labels under ``key``, (n,) uint8."""
    found = read_mat(file, content, largest)
    data, labels = found.get("data"), found.get(key)
    if not (isinstance(data, np.ndarray) and isinstance(labels, np.ndarray)):
        raise DataError(f"{file}: expected arrays data and {key}, found {', '.join(found)[:200] or 'none'}")
    if data.dtype != np.uint8 or data.ndim != 2 or data.shape[1] != 3072:
        raise DataError(f"{file}: expected data as bytes of shape (n, 3072), found {data.dtype} {data.shape}")
    if not all(label in range(256) for label in np.unique(labels).tolist()):
        raise DataError(f"{file}: expected whole-number labels, found others")
    return np.ascontiguousarray(data), labels.ravel().astype(np.uint8)


PICKLED_10, BINARY_10, MATLAB_10 = "cifar-10-batches-py", "cifar-10-batches-bin", "cifar-10-batches-mat"
BATCHES = (*(f"data_batch_{i}" for i in range(1, 6)), "test_batch")
NAMES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


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
_CIFAR10 = Family(
    CIFAR10,
    {
        PICKLED_10: BATCHES,
        BINARY_10: tuple(f"{name}.bin" for name in BATCHES),
        MATLAB_10: tuple(f"{name}.mat" for name in BATCHES),
    },
    # The last two are what Keras calls the first.
    (
        PYTHON_ARCHIVE.name,
        BINARY_ARCHIVE.name,
        "cifar-10-matlab.tar.gz",
        f"{PICKLED_10}.tar.gz",
        f"{PICKLED_10}-target",
    ),
    64 * 2**20,
)


def find_cifar10(path: Path) -> Path | None:
    """The folder or archive of CIFAR-10 that ``path`` is or holds, or None; any archive counts but CIFAR-100's."""
    return None if path.is_file() and path.name.startswith("cifar-100") else _CIFAR10.find(path)


def load_cifar10(path: Path, source: str) -> Dataset:
    """CIFAR-10 from what ``find`` found; DataError naming the file that is missing or not what it has to be."""
    layout, files = _CIFAR10.read(path)
    stored, read = _READ10[layout]
    batches: dict[str, LabelledImages] = {}
    official = (
        True if layout == PICKLED_10 else None
    )  # as long as the files' checksums are; of others none are published
    for name, content in files:
        batches[name] = batch(f"{path}/{name}", *read(f"{path}/{name}", content), len(NAMES))
        official = official and hashlib.md5(content).hexdigest() == _OFFICIAL_MD5[name]
    largest = max(len(labels) for _, labels in batches.values())
    for name, (_, labels) in batches.items():
        if len(labels) != largest:  # a file cut between two records is whole in no other way
            raise DataError(
                f"{path}/{name}: expected {largest:,} images as in the largest batch, found {len(labels):,}"
            )
    if path.is_file():
        digest = hashlib.sha256(_CIFAR10.read_file(path, LARGEST_ARCHIVE)).hexdigest()
        official = digest in (PYTHON_ARCHIVE.sha256, BINARY_ARCHIVE.sha256)
    return make_dataset(list(batches.values()), NAMES, name=CIFAR10, source=source, layout=stored, official=official)


def _records10(file: str, content: bytes) -> tuple[np.ndarray, np.ndarray]:
    rows = records(file, content, n_labels=1)
    return rows[:, 1:], rows[:, 0]


_READ10: dict[str, tuple[str, Callable[[str, bytes], tuple[np.ndarray, np.ndarray]]]] = {
    PICKLED_10: ("pickled batches", partial(unpickle_batch, key="labels")),
    BINARY_10: ("binary batches", _records10),
    MATLAB_10: ("MATLAB batches", partial(mat_batch, key="labels", largest=_CIFAR10.largest)),
}
"""What each layout is called, and what reads rows of pixels and labels from a file's name and bytes."""


PICKLED_100, BINARY_100, MATLAB_100 = "cifar-100-python", "cifar-100-binary", "cifar-100-matlab"
N_CLASSES = 100
_CIFAR100 = Family(
    "CIFAR-100",
    {
        PICKLED_100: ("train", "test", "meta"),
        BINARY_100: ("train.bin", "test.bin", "fine_label_names.txt"),
        MATLAB_100: ("train.mat", "test.mat", "meta.mat"),
    },
    ("cifar-100-python.tar.gz", "cifar-100-binary.tar.gz", "cifar-100-matlab.tar.gz"),
    192 * 2**20,
)


def find_cifar100(path: Path) -> Path | None:
    """The folder or archive, called cifar-100*, of CIFAR-100 that ``path`` is or holds, or None."""
    return None if path.is_file() and not path.name.startswith("cifar-100") else _CIFAR100.find(path)


def load_cifar100(path: Path, source: str) -> Dataset:
    """CIFAR-100 from what ``find`` found; DataError naming the file that is missing or not what it has to be."""
    layout, files = _CIFAR100.read(path)
    train, test, names = ((f"{path}/{name}", content) for name, content in files)
    read, read_names = _READ100[layout]
    images, held_out = (batch(file, *read(file, content), N_CLASSES) for file, content in (train, test))
    found, class_names = {"train": images, "test": held_out}, _names(names[0], read_names(*names))
    return split_dataset(found, name="CIFAR-100", source=source, layout=layout, class_names=class_names)


def _records100(file: str, content: bytes) -> tuple[np.ndarray, np.ndarray]:
    rows = records(file, content, n_labels=2)  # coarse and fine
    return rows[:, 2:], rows[:, 1]


def _pickled_names(file: str, content: bytes) -> object:
    meta = unpickle(file, content)
    return meta.get("fine_label_names") if isinstance(meta, dict) else None


def _mat_names(file: str, content: bytes) -> object:
    return read_mat(file, content, _CIFAR100.largest).get("fine_label_names")


def _names(file: str, found: object) -> list[str]:
    if isinstance(found, list) and len(found) == N_CLASSES and all(isinstance(name, bytes | str) for name in found):
        return [name.decode(errors="replace") if isinstance(name, bytes) else name for name in found]
    raise DataError(f"{file}: expected the names of {N_CLASSES} classes, found something else")


_Rows = Callable[[str, bytes], tuple[np.ndarray, np.ndarray]]
_READ100: dict[str, tuple[_Rows, Callable[[str, bytes], object]]] = {
    PICKLED_100: (partial(unpickle_batch, key="fine_labels"), _pickled_names),
    BINARY_100: (_records100, lambda file, content: content.split()),
    MATLAB_100: (partial(mat_batch, key="fine_labels", largest=_CIFAR100.largest), _mat_names),
}
"""What reads rows of pixels and labels, and the classes' names, from a file's name and bytes."""


class _Reader(NamedTuple):
    find: Callable[[Path], Path | None]
    load: Callable[[Path, str], Dataset]


cifar10, cifar100 = _Reader(find_cifar10, load_cifar10), _Reader(find_cifar100, load_cifar100)

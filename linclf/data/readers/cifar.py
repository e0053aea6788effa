"""CIFAR-10 and CIFAR-100 in their official layouts (pickled, binary, MATLAB), as folders or archives.

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
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar, Literal

import numpy as np

from linclf.data import dataset
from linclf.errors import DataError

PIXELS = 3 * 32 * 32
NAMES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
_KINDS = {"": "pickled", ".bin": "binary", ".mat": "MATLAB"}
"""How batches are stored, by the ending of their files."""
_FINE_NAMES = "fine_label_names"


@dataclass(frozen=True)
class Archive:
    """An official archive: its name, size in bytes and SHA-256."""

    name: str
    size: int
    sha256: str


PYTHON_ARCHIVE = Archive(
    "cifar-10-python.tar.gz", 170_498_071, "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce"
)


@dataclass(frozen=True, eq=False)
class Family:
    """CIFAR-10 or CIFAR-100, and its reader.

    Attributes:
        name: of the data set.
        layouts: the files of each layout under the name of its folder: the batches, then the names of the classes where
            these are in a file.
        archives: names of the official archives, and of what others make of them.
        labels: the key of the labels in pickled and MATLAB files.
        label_bytes: of a binary record; the last of them is the label.
        largest: max. bytes of a file; official ones are smaller.
        class_names: where no file holds them.
        md5: of the official pickled files, as published.
        sha256: of the official archives.
    """

    name: str
    layouts: Mapping[str, Sequence[str]]
    archives: Sequence[str]
    labels: str
    label_bytes: int
    largest: int
    class_names: Sequence[str] = ()
    md5: Mapping[str, str] = field(default_factory=dict)
    sha256: Collection[str] = ()

    def find(self, path: Path) -> Path | None:
        """The folder or archive that ``path`` is or holds, itself or a folder deeper, or None.

        Archives called cifar-100* are CIFAR-100, all others may be CIFAR-10.
        """
        if path.is_file():
            ours = path.name.startswith("cifar-100") == (not self.class_names)
            return path if ours and path.name.lower().endswith((".tar.gz", ".tgz", ".tar", ".zip")) else None
        names = (*self.layouts, *self.archives)
        inside = sorted(path.iterdir()) if path.is_dir() else []
        for place in (path, *(folder for folder in inside if folder.is_dir() and folder.name not in names)):
            if any((place / files[0]).is_file() for files in self.layouts.values()):
                return place
            for name in names:
                if (place / name).exists():
                    return self.find(place / name) or place / name
        return None

    def load(self, path: Path, source: str) -> dataset.Dataset:
        """The data set at what ``find`` found; DataError naming the file that is missing or not what it has to be."""
        batches: dict[str, dataset.LabelledImages] = {}
        class_names, md5 = self.class_names, {}
        for name, content in self._files(path):
            if name.startswith(("meta", _FINE_NAMES)):
                class_names = _class_names(f"{path}/{name}", content, self.largest)
            else:
                batches[name] = self._batch(f"{path}/{name}", content)
                md5[name] = hashlib.md5(content).hexdigest()
        layout = f"{_KINDS[Path(min(batches)).suffix]} batches"
        if not self.class_names:
            train, test = batches.values()
            parts = {"train": train, "test": test}
            return dataset.split_dataset(parts, name=self.name, source=source, layout=layout, class_names=class_names)
        most = max(len(labels) for _, labels in batches.values())
        for name, (_, labels) in batches.items():
            if len(labels) != most:  # a file cut between two records is whole in no other way
                raise DataError(f"{path}/{name}: expected {most:,} images as another batch has, found {len(labels):,}")
        official = md5 == self.md5 if md5.keys() == self.md5.keys() else None
        if path.is_file():
            official = hashlib.sha256(_read_file(path, LARGEST_ARCHIVE, self.name)).hexdigest() in self.sha256
        return dataset.make_dataset(
            [*batches.values()], class_names, dataset.Provenance(self.name, source, layout, official=official)
        )

    def _files(self, path: Path) -> Iterator[tuple[str, bytes]]:
        """Name and content of each file of one layout; those of a folder are read when they are asked for."""
        wanted, is_folder = {name for files in self.layouts.values() for name in files}, path.is_dir()
        within = {name: b"" for name in wanted if is_folder and (path / name).is_file()}
        folders = {"": within} if is_folder else _read_archive(path, wanted, self.largest)
        choices = [(folder, inside) for folder in self.layouts for inside in folders.values()]
        folder, inside = max(  # the layout of which a folder holds most files; of equals, that of the folder's name
            choices, key=lambda choice: (len(choice[1].keys() & {*self.layouts[choice[0]]}), choice[0] == path.name)
        )
        for name in self.layouts[folder]:
            if name not in inside and not is_folder:
                raise DataError(f"{path}: expected an archive of {self.name}, {name} is missing")
            yield name, _read_file(path / name, self.largest, self.name) if is_folder else inside[name]

    def _batch(self, file: str, content: bytes) -> dataset.LabelledImages:
        """Images (n, 32, 32, 3), uint8, and labels (n,) of a file."""
        if file.endswith(".bin"):
            size = self.label_bytes + PIXELS
            if not content or len(content) % size:
                raise DataError(f"{file}: expected records of {size:,} bytes, found {len(content):,} bytes in all")
            records = np.frombuffer(content, np.uint8).reshape(-1, size)
            pixels, labels = records[:, self.label_bytes :], records[:, self.label_bytes - 1]
        else:
            pixels, labels = _arrays(file, content, ("data", self.labels), self.largest)
            if pixels.dtype != np.uint8 or pixels.shape[1:] != (PIXELS,):
                found = f"{pixels.dtype} {pixels.shape}"
                raise DataError(f"{file}: expected data as bytes of shape (n, {PIXELS}), found {found}")
        n_classes = len(self.class_names) or 100
        wrong = [label for label in dict.fromkeys(labels.ravel().tolist()) if label not in range(n_classes)]
        if wrong or labels.shape != pixels.shape[:1]:
            such = f", such as {str(wrong[0])[:50]}," if wrong else ""
            found = f"labels of shape {labels.shape}{such} and {len(pixels):,} images"
            raise DataError(f"{file}: expected one label 0..{n_classes - 1} an image, found {found}")
        colours = np.moveaxis(pixels.reshape(-1, 3, 32, 32), 1, 0)
        return np.stack(list(colours), axis=-1), labels.astype(np.int64)  # thrice as fast as a copy of the axes turned


def _arrays(file: str, content: bytes, keys: Sequence[str], largest: int) -> list[np.ndarray]:
    """The arrays or lists that a pickled or MATLAB file holds under ``keys``; of columns, their numbers."""
    kind = "MATLAB" if file.endswith(".mat") else "pickled"
    with dataset.reading(file, f"a {kind} file of CIFAR"):
        pickled = _Unpickler(_Pieces(content), encoding="bytes")
        held = _read_mat(content, keys, largest) if kind == "MATLAB" else pickled.load()
        pairs = held.items() if isinstance(held, dict) else ()
        values = {key.decode() if isinstance(key, bytes) else key: value for key, value in pairs}
        if not all(key in values for key in keys):
            raise ValueError(f"it holds no {' and '.join(keys)}")
        arrays = [_as_array(values[key]) for key in keys]
    return [array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array for array in arrays]


def _class_names(file: str, content: bytes, largest: int) -> list[str]:
    if file.endswith(".txt"):
        names: list[Any] = content.split()
    else:
        names = _arrays(file, content, (_FINE_NAMES,), largest)[0].tolist()
    if len(names) != 100 or not all(isinstance(name, bytes | str) for name in names):
        raise DataError(f"{file}: expected the names of 100 classes, found something else")
    return [name.decode(errors="replace") if isinstance(name, bytes) else str(name) for name in names]


# Files and archives

LARGEST_ARCHIVE = 256 * 2**20
"""Bytes of all files in an archive, and of the archive itself: CIFAR's official ones hold 186 MB."""
MOST_ENTRIES = 1000
"""Entries of an archive; CIFAR's official ones have nine at most."""


def _read_file(path: Path, largest: int, name: str) -> bytes:
    """The bytes of a file of at most ``largest`` bytes."""
    with dataset.reading(path, f"a file of {name}"):
        if path.stat().st_size > largest:
            raise DataError(f"{path}: expected at most {largest:,} bytes, found {path.stat().st_size:,}")
        return path.read_bytes()


def _read_archive(path: Path, wanted: Collection[str], largest: int) -> dict[str, dict[str, bytes]]:
    """The regular files of an archive that have a name in ``wanted``, by the folder that they are in."""
    folders: dict[str, dict[str, bytes]] = {"": {}}
    total, others = 0, ""
    with dataset.reading(path, "an archive of CIFAR"):
        for i, (name, size, file) in enumerate(_members(path), start=1):
            total += size
            if size > largest or total > LARGEST_ARCHIVE or i > MOST_ENTRIES:
                most = f"{MOST_ENTRIES:,} files, {largest:,} bytes in one, or {LARGEST_ARCHIVE:,} in all"
                raise ValueError(f"it has more than {most}")
            place = PurePosixPath(name)
            if file and place.name in wanted and not place.is_absolute() and ".." not in place.parts:
                folders.setdefault(str(place.parent), {})[place.name] = file.read(size)
            elif file and not others and place.suffix:
                others = name
        if not any(folders.values()) and others:
            raise ValueError(f"it holds other files, such as {others}: unpack it, and give what is in it")
    return folders


def _members(path: Path) -> Iterator[tuple[str, int, Any]]:
    """Name, size and, of regular files, what reads them, of each member of an archive, in order."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                    raise ValueError(f"{info.filename} is compressed in an unusual way")
                with archive.open(info) as file:
                    yield info.filename, info.file_size, file
        return
    with path.open("rb") as start:
        mode = "r|gz" if start.read(2) == b"\x1f\x8b" or path.suffix.lower() != ".tar" else "r|"
    with tarfile.open(path, mode, tarinfo=_Header) as tar:  # type: ignore[call-overload]
        for member in tar:
            yield member.name, member.size, tar.extractfile(member) if member.isreg() else None


class _Header(tarfile.TarInfo):
    """A header of a tar archive, refused where ``tarfile`` would keep all that follows: long names, maps of holes."""

    @classmethod
    def frombuf(cls, *block: Any) -> "_Header":
        header = super().frombuf(*block)
        if header.type not in tarfile.REGULAR_TYPES and header.size > 4096:
            raise tarfile.ReadError(f"an entry of type {header.type!r} has {header.size:,} bytes")
        return header

    def _refuse_sparse(self, *_: Any) -> None:
        raise tarfile.ReadError(f"{self.name} is a sparse file")

    _proc_sparse = _proc_gnusparse_00 = _proc_gnusparse_01 = _proc_gnusparse_10 = _refuse_sparse


# Pickles

MOST_PIECES = 500_000
"""Opcodes and arguments of a pickle: CIFAR-100's train, the longest, has 450,000, and each may take 100 bytes."""


_ADMITTED = {
    **dict.fromkeys(("numpy.ndarray", "numpy.core.multiarray._reconstruct"), "array"),
    "numpy.core.multiarray.scalar": "scalar",
    "numpy.core.numeric._frombuffer": "buffer",  # an array as protocol 5 has it
    "numpy.dtype": "dtype",
    "_codecs.encode": "encoded",  # bytes as Python 3 writes them by protocol 2
}
"""What a pickle may name, and what such a call makes; NumPy 2 writes ``_core`` for ``core``."""


@dataclass
class _Call:
    """What a pickle would call to build a NumPy object: keeps the arguments and the state, and calls nothing."""

    makes: str
    arguments: tuple[Any, ...]
    state: Any = None

    def __setstate__(self, state: Any) -> None:
        self.state = state


class _Pieces(io.BytesIO):
    """The bytes of a pickle, of which only so many pieces may be read: each becomes an object."""

    read_pieces = 0

    def read(self, size: int | None = -1) -> bytes:
        self.read_pieces += 1
        if self.read_pieces > MOST_PIECES:
            raise pickle.UnpicklingError(f"it has more than {MOST_PIECES:,} pieces")
        return super().read(size)


class _Unpickler(pickle._Unpickler):
    """Python's own, not the one in C: no number in a file makes its memo great. Arrays become :class:`_Call`."""

    dispatch: ClassVar[dict[int, Any]] = {
        **pickle._Unpickler.dispatch,
        # These two make room for as many bytes as the file may say before they read them: bytes are read as others
        # are, and frames, which only announce how much follows, are passed over.
        pickle.BYTEARRAY8[0]: pickle._Unpickler.dispatch[pickle.BINBYTES8[0]],
        pickle.FRAME[0]: lambda unpickler: unpickler.read(8),
    }

    def find_class(self, module: str, name: str) -> Any:
        makes = _ADMITTED.get(f"{module}.{name}".replace("numpy._core.", "numpy.core."))
        if makes is None:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which no such file holds")
        return lambda *arguments: _Call(makes, arguments)


def _as_array(value: Any) -> np.ndarray:
    """The array that a pickle describes, or one of a list of numbers or of texts; ValueError for anything else."""
    match value:
        case np.ndarray():
            return value
        case list():
            plain = [
                _as_array(item)[()] if isinstance(item, _Call) and item.makes == "scalar" else item for item in value
            ]
            if all(isinstance(item, bytes | str) for item in plain):
                return np.fromiter(plain, object)
            if all(type(item) is int or isinstance(item, np.integer) for item in plain):
                return np.array(plain, np.int64)
            raise ValueError("it holds a list of others than numbers or texts")
        case _Call("array", _, (1, tuple(shape), _Call("dtype") as dtype, by_column, raw)):
            order: Literal["C", "F"] = "F" if by_column else "C"
        case _Call("buffer", (raw, _Call("dtype") as dtype, tuple(shape), order)):
            order = "F" if order in ("F", b"F") else "C"
        case _Call("scalar", (_Call("dtype") as dtype, raw)):
            shape, order = (), "C"
        case _:
            raise ValueError("it holds another value than an array or a list")
    numbers = _numbers(dtype)
    if isinstance(raw, _Call) and raw.makes == "encoded":
        raw, encoding = raw.arguments
        if len(raw) == math.prod(shape) * numbers.itemsize and encoding in ("latin1", b"latin1"):
            raw = raw.encode("latin1")
    if not isinstance(raw, bytes) or min(shape, default=0) < 0 or len(raw) != math.prod(shape) * numbers.itemsize:
        raise ValueError("its bytes are not those of an array of its shape")
    return np.frombuffer(raw, numbers).reshape(shape, order=order)


def _numbers(dtype: _Call) -> np.dtype[Any]:
    """The whole numbers that a pickled dtype stands for; of its state, only the order of bytes counts."""
    code = dtype.arguments[0] if dtype.arguments else None
    code = code.decode() if isinstance(code, bytes) else code
    if code not in [kind + size for kind in "iu" for size in "1248"]:
        raise ValueError("it holds an array of other than whole numbers")
    match dtype.state:
        case (_, b">" | ">", *_):
            return np.dtype(f">{code}")
    return np.dtype(f"<{code}")


# MATLAB files

_MATRIX, _COMPRESSED = 14, 15
_CELL, _CHAR = 1, 4
_NUMBERS = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
_TEXTS = {1: "utf-8", 2: "utf-8", 16: "utf-8", 4: "utf-16-{}", 17: "utf-16-{}", 18: "utf-32-{}"}
"""Types of elements that may hold numbers, and text."""
_MOST_CELLS = 1000
"""Cells that are read: CIFAR-100 has 100 names."""


def _read_mat(content: bytes, names: Collection[str], largest: int) -> dict[str, Any]:
    """The variables called ``names`` of a MAT-file: arrays of numbers, or lists of the texts in cells.

    Nothing is made that is larger than the bytes that are there; of compressed ones, at most ``largest`` in all.
    """
    if content.startswith(b"MATLAB 7.3"):
        raise ValueError("it is of version 7.3, not 5; save it with -v7")
    order = {b"IM": "<", b"MI": ">"}.get(content[126:128])
    if order is None:
        raise ValueError("its header is another")
    found, room = dict[str, Any](), largest
    for kind, data in _elements(memoryview(content)[128:], order):
        if kind == _COMPRESSED:
            data = memoryview(zlib.decompressobj().decompress(data, room + 1))
            room -= len(data)
            if room < 0:
                raise ValueError(f"more than {largest:,} bytes are compressed in it")
            ((kind, data),) = _elements(data, order)
        found |= _variable(data, order, names) if kind == _MATRIX else {}
    return found


def _elements(content: memoryview, order: str) -> Iterator[tuple[int, memoryview]]:
    """Type and data of each element; small ones share a word with their header."""
    at = 0
    while at + 8 <= len(content):
        kind, size = struct.unpack_from(f"{order}2I", content, at)
        start, end = at + 8, at + 8 + size + (0 if kind == _COMPRESSED else -size % 8)
        if kind >> 16:  # bytes and type in one word
            kind, size, start, end = kind & 0xFFFF, kind >> 16, at + 4, at + 8
        if start + size > len(content):
            raise ValueError(f"an element of {size:,} bytes is cut")
        yield kind, content[start : start + size]
        at = end


def _variable(matrix: memoryview, order: str, names: Collection[str]) -> dict[str, Any]:
    """The value of a variable, under its name; nothing if it is not one of ``names``."""
    (_, flags), (_, sizes), (_, name), *held = islice(_elements(matrix, order), 3 + _MOST_CELLS)
    kind, called = struct.unpack_from(f"{order}I", flags)[0] & 0xFF, bytes(name).decode("ascii", "replace")
    if called not in names:
        return {}
    if kind == _CELL:
        return {called: [_variable(cell, order, [""]).get("") for _, cell in held]}
    stored, data = held[0] if len(held) == 1 else (0, b"")  # complex numbers and sparse arrays have several
    if kind == _CHAR and stored in _TEXTS:
        return {called: bytes(data).decode(_TEXTS[stored].format("le" if order == "<" else "be"))}
    if kind == _CHAR or stored not in _NUMBERS:
        raise ValueError(f"{called or 'a cell'} holds neither real numbers nor text")
    shape = np.frombuffer(sizes, f"{order}u4").tolist()
    return {called: np.frombuffer(data, order + _NUMBERS[stored]).reshape(shape, order="F")}


_BATCHES = (*(f"data_batch_{i}" for i in range(1, 6)), "test_batch")
cifar10 = Family(
    dataset.CIFAR10,
    {
        "cifar-10-batches-py": _BATCHES,
        "cifar-10-batches-bin": [f"{name}.bin" for name in _BATCHES],
        "cifar-10-batches-mat": [f"{name}.mat" for name in _BATCHES],
    },
    # The last two are what Keras calls the first.
    (
        *(PYTHON_ARCHIVE.name, "cifar-10-binary.tar.gz", "cifar-10-matlab.tar.gz"),
        *("cifar-10-batches-py.tar.gz", "cifar-10-batches-py-target"),
    ),
    labels="labels",
    label_bytes=1,
    largest=64 * 2**20,
    class_names=NAMES,
    md5={
        "data_batch_1": "c99cafc152244af753f735de768cd75f",
        "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
        "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
        "data_batch_4": "634d18415352ddfa80567beed471001a",
        "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
        "test_batch": "40351d587109b95175f43aff81a1287e",
    },
    sha256=(PYTHON_ARCHIVE.sha256, "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"),
)
cifar100 = Family(
    "CIFAR-100",
    {
        "cifar-100-python": ("train", "test", "meta"),
        "cifar-100-binary": ("train.bin", "test.bin", f"{_FINE_NAMES}.txt"),
        "cifar-100-matlab": ("train.mat", "test.mat", "meta.mat"),
    },
    ("cifar-100-python.tar.gz", "cifar-100-binary.tar.gz", "cifar-100-matlab.tar.gz"),
    labels="fine_labels",
    label_bytes=2,  # coarse and fine
    largest=192 * 2**20,
)
READERS = (
    dataset.Reader("CIFAR-10", cifar10.find, cifar10.load, example="cifar-10-batches-py/"),
    dataset.Reader("CIFAR-100", cifar100.find, cifar100.load, example="cifar-100-python.tar.gz"),
)

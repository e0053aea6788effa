"""CIFAR's MATLAB files: the arrays of a MAT-file of version 5, read from the bytes that are there.

Facts about the file: https://www.mathworks.com/help/pdf_doc/matlab/matfile_format.pdf. A file that says it holds more
than there is asks for no memory, and of all types only numbers, text and cells of text are known.
"""

import math
import struct
import zlib
from collections.abc import Iterator

import numpy as np

from linclf.errors import DataError

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

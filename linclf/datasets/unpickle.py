"""CIFAR's pickled files, read so that nothing in them can run code: three inert names are known, and no others."""

import io
import pickle
import pickletools
from typing import Any

import numpy as np

from ..errors import DataError
from .cifar import PIXELS


def unpickle_batch(file: str, content: bytes, key: bytes) -> tuple[np.ndarray, np.ndarray]:
    """``data``, (n, 3072) uint8, and the labels under ``key``, (n,) uint8, of a pickled dict."""
    found = unpickle(file, content)
    data, labels = (found.get(name) for name in (b"data", key)) if isinstance(found, dict) else (None, None)
    if not isinstance(data, _Array) or not isinstance(labels, list):
        raise DataError(f"{file}: expected a dict with an array 'data' and a list {key.decode()!r}, found another")
    if not all(type(label) is int and 0 <= label < 256 for label in labels):
        raise DataError(f"{file}: expected whole-number labels, found others")
    return data.pixels(file), np.array(labels, np.uint8)


def unpickle(file: str, content: bytes) -> Any:
    """What a file holds, as plain values; DataError for anything that such a file would not hold."""
    try:
        for i, (opcode, argument, _) in enumerate(pickletools.genops(content), start=1):
            # More objects than official files have, or a memo of more entries than objects, would only exhaust memory.
            beyond = isinstance(argument, int) and "PUT" in opcode.name and argument > i
            if opcode.name not in _OPCODES or i > _MOST or beyond:
                raise pickle.UnpicklingError(f"it uses {opcode.name} as no official file does")
        return _Unpickler(io.BytesIO(content), encoding="bytes").load()
    except Exception as error:  # unpickling hostile bytes can raise nearly anything
        raise DataError(f"{file}: expected a pickled file of CIFAR, refused it: {error}") from error


class _Array:
    """Stands in for a pickled NumPy array: keeps its state and builds nothing."""

    state: Any = None

    def __setstate__(self, state: Any) -> None:
        self.state = state

    def pixels(self, file: str) -> np.ndarray:
        """The array, if it is what the batch files hold: uint8, (n, 3072)."""
        match self.state:
            case (1, (int(n), 3072), _DType(kind=b"u1"), False, bytes(raw)) if len(raw) == n * PIXELS:
                return np.frombuffer(raw, np.uint8).reshape(n, PIXELS)
        raise DataError(f"{file}: expected 'data' as bytes of shape (n, {PIXELS}), found another array")


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
_MOST = 1_000_000  # opcodes; CIFAR-100's train, the longest, has fewer than half of that


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ADMITTED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which no official file holds")
        return _ADMITTED[module, name]

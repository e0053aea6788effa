"""CIFAR's pickled files, read so that nothing in them can run code: three inert names are known, and no others."""

import io
import pickle
from typing import Any

import numpy as np

from linclf.errors import DataError

from .cifar_files import PIXELS


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
        return _Unpickler(content).load()
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
_OPCODES = """PROTO STOP MARK EMPTY_DICT EMPTY_LIST EMPTY_TUPLE TUPLE TUPLE1 TUPLE2 TUPLE3 NONE NEWTRUE NEWFALSE BININT
    BININT1 BININT2 SHORT_BINSTRING BINSTRING BINUNICODE APPEND APPENDS SETITEM SETITEMS GLOBAL REDUCE BUILD BINPUT
    LONG_BINPUT BINGET LONG_BINGET"""
_MOST = 500_000  # opcodes; CIFAR-100's train, the longest, has fewer than half of that


class _Unpickler(pickle._Unpickler):
    """Python's own, not the one in C: its opcodes can be chosen, and no number in a file makes its memo great."""

    def __init__(self, content: bytes) -> None:
        super().__init__(io.BytesIO(content), encoding="bytes")
        self.dispatch = _Admitted()  # type: ignore[misc]

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ADMITTED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which no official file holds")
        return _ADMITTED[module, name]


class _Admitted(dict[int, Any]):
    """What to do for each opcode of the official files, and for no others; at most ``_MOST`` times."""

    def __init__(self) -> None:
        codes = (getattr(pickle, name)[0] for name in _OPCODES.split())
        super().__init__({code: pickle._Unpickler.dispatch[code] for code in codes})
        self._asked = 0

    def __getitem__(self, code: int) -> Any:
        self._asked += 1
        if self._asked > _MOST:  # they would only exhaust memory
            raise pickle.UnpicklingError(f"it has more than {_MOST:,} opcodes")
        return super().__getitem__(code)

    def __missing__(self, code: int) -> Any:
        raise pickle.UnpicklingError(f"it has an opcode that no official file has, {code}")

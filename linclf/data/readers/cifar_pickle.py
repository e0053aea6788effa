"""CIFAR's pickled files, read so that nothing in them can run code: a few inert names are known, and no others."""

import io
import pickle
from typing import Any

import numpy as np

from linclf.errors import DataError

from .cifar_files import PIXELS


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

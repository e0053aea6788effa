"""Arrays in an ``.npz`` file: X_train, y_train and, where they are there, X_test, y_test and class_names.

Facts about the file: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html. An array is made from the
bytes that are there, so that a header cannot ask for memory, and of types that hold no objects.
"""

import io
import math
import os
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from linclf.data.dataset import MOST_CLASSES, Batch, Dataset, check_size, split_dataset
from linclf.errors import DataError

_WANTED = ("X_train", "y_train", "X_test", "y_test", "class_names")
_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def find(path: Path) -> Path | None:
    """``path`` if it is an ``.npz`` file, or None."""
    return path if path.is_file() and path.suffix == ".npz" else None


def load(path: Path, source: str) -> Dataset:
    """The data set in an ``.npz`` file; DataError naming the file, the array and what was expected of it.

    X is (n, h, w), (n, h, w, c) or, for feature vectors, (n, d), and uint8 or floats; y is (n,), whole numbers from 0.
    Without X_test and y_test, a test set is split off.
    """
    arrays = read_arrays(path, _WANTED, "arrays saved by numpy.savez")
    train = _batch(path, arrays, "train")
    test = _batch(path, arrays, "test") if {"X_test", "y_test"} & arrays.keys() else None
    if test and (test[0].shape[1:], test[0].dtype) != (train[0].shape[1:], train[0].dtype):
        raise DataError(
            f"{path}: expected X_test of {train[0].dtype} and shape {train[0].shape[1:]} an image as X_train, "
            f"found {test[0].dtype} and {test[0].shape[1:]}"
        )
    names = arrays.get("class_names")
    if names is not None and (names.ndim != 1 or names.dtype.kind != "U"):
        raise DataError(f"{path}: expected class_names as a list of text, found {names.dtype} {names.shape}")
    try:
        class_names = None if names is None else names.tolist()
    except (ValueError, SystemError) as error:  # numbers that are no characters
        raise DataError(f"{path}: expected class_names as text, found {error}") from error
    return split_dataset(train, test, class_names, name=f"{path.stem} (arrays)", source=source, layout="npz")


def _batch(path: Path, arrays: dict[str, np.ndarray], part: str) -> Batch:
    """Images with a channel, or vectors, of a type the flow knows, and labels."""
    for name in (f"X_{part}", f"y_{part}"):
        if name not in arrays:
            raise DataError(f"{path}: expected an array {name}, found {', '.join(arrays) or 'none'}")
    X, y = arrays[f"X_{part}"], arrays[f"y_{part}"]
    where = f"{path}: X_{part} and y_{part}"
    if X.ndim not in (2, 3, 4) or y.ndim != 1 or len(X) != len(y) or X.size == 0:
        raise DataError(
            f"{where}: expected images (n, h, w), (n, h, w, c) or vectors (n, d), and n labels, "
            f"found {X.shape} and {y.shape}"
        )
    if not (X.dtype == np.uint8 or (X.dtype.kind == "f" and X.itemsize <= 8)) or y.dtype.kind not in "iu":
        raise DataError(f"{where}: expected uint8 or floats, and whole-number labels, found {X.dtype} and {y.dtype}")
    if y.min() < 0 or y.max() >= MOST_CLASSES:
        raise DataError(f"{where}: expected labels 0..{MOST_CLASSES - 1} at most, found {y.min()}..{y.max()}")
    if X.dtype != np.uint8:
        # Half precision grows, and byte order becomes the machine's.
        X = X.astype(np.result_type(np.float32, X.dtype), copy=False)
        if not max(abs(X.min()), abs(X.max())) < 1e30:  # nor NaN, which both pass on
            raise DataError(f"{where}: expected finite numbers below 1e30, found others; clean the data first")
    return X[..., None] if X.ndim == 3 else X, y.astype(np.int64)


def read_arrays(path: str | os.PathLike[str], wanted: Sequence[str], what: str) -> dict[str, np.ndarray]:
    """The arrays called ``wanted`` that are in an ``.npz`` file; DataError if it is not ``what`` it should be."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = {member.filename.removesuffix(".npy"): member for member in archive.infolist()}
            found = {name: members[name] for name in wanted if name in members}
            if not found:
                expected, held = " and ".join(wanted[:2]), str([*members][:5])[:200]
                raise DataError(f"{path}: expected arrays {expected}, found {held}")
            check_size(os.fspath(path), sum(member.file_size for member in found.values()), os.path.getsize(path))
            arrays = {}
            for name, member in found.items():
                if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                    raise ValueError(f"{name} is compressed in a way that NumPy does not write")
                arrays[name] = _array(archive.read(member))
            return arrays
    except DataError:
        raise
    except Exception as error:  # unpacking hostile bytes can raise nearly anything
        raise DataError(f"{path}: expected {what}, could not read it ({error})") from error


def _array(content: bytes) -> np.ndarray:
    """The array whose ``.npy`` file is ``content``; ValueError if it is none."""
    file = io.BytesIO(content)
    version = np.lib.format.read_magic(file)
    if version not in _HEADERS:
        raise ValueError(f"its format is {version}")
    shape, by_column, dtype = _HEADERS[version](file)
    size = math.prod(shape) * dtype.itemsize
    if dtype.hasobject or min(shape, default=0) < 0 or size != len(content) - file.tell():
        raise ValueError(f"{dtype} of shape {shape} is not what {len(content) - file.tell():,} bytes hold")
    if size == 0:
        return np.empty(shape, dtype)
    array = np.frombuffer(content, dtype, offset=file.tell())
    return array.reshape(shape, order="F" if by_column else "C")

"""Arrays in an ``.npz`` file: inputs and labels of a training set and, where they are there, others and class names.

Facts about the file: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html. An array is made from the
bytes that are there, so that a header cannot ask for memory, and of types that hold no objects.
"""

import io
import math
import os
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from linclf.data.dataset import PART_NAMES, Dataset, Reader, as_images, as_labels, check_size, reading, split_dataset
from linclf.errors import DataError

_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
_KINDS = {
    **dict.fromkeys(("x", "images", "data", "inputs", "features", "embeddings"), "X"),
    **dict.fromkeys(("y", "labels", "label", "target", "targets"), "y"),
    "groups": "groups",
}
_NAMES = ("class_names", "label_names", "target_names", "classes")


def find(path: Path) -> Path | None:
    """``path`` if it is an ``.npz`` file, or None."""
    return path if path.is_file() and path.suffix.lower() == ".npz" else None


def load(path: Path, source: str) -> Dataset:
    """The data set in an ``.npz`` file; DataError naming the file, the array and what was expected of it.

    X_train and y_train, with X_val and y_val, X_test and y_test and class_names where they are there; or under the
    names that others give them, such as x_train, train_images and train_labels, or X and y alone. X is (n, h, w),
    (n, h, w, c) or, for feature vectors, (n, d), of whole numbers, booleans or floats; y is (n,) or (n, 1), of whole
    numbers, booleans or text. Without test images, a test set is split off. Training images of one group, of an array
    groups (n,), are dealt into one part of every split.
    """
    roles: dict[str, str] = {}

    def wanted(name: str) -> bool:
        role = _role(name)
        if role in roles:
            raise DataError(f"{path}: expected one array for each purpose, found {roles[role]} and {name}")
        if role:
            roles[role] = name
        return bool(role)

    over: list[str] = []
    arrays = read_arrays(path, wanted, "arrays X_train and y_train saved by numpy.savez", over)
    parts = ["train", *(part for part in ("validation", "test") if {f"X {part}", f"y {part}"} & roles.keys())]
    for role in (f"{kind} {part}" for part in parts for kind in "Xy"):
        if role not in roles:
            raise DataError(f"{path}: expected an array {role.replace(' ', '_')}, found {', '.join(arrays)}")
    X = as_images({name: arrays[name] for part in parts for name in [roles[f"X {part}"]]}, str(path))
    sets, sources = {}, {}
    for part, images in zip(parts, X, strict=True):
        sets[part] = images, as_labels(arrays[roles[f"y {part}"]], len(images), roles[f"y {part}"], str(path))
        sources[part] = [f"{roles[f'X {part}']}[{i}]" for i in range(len(images))]
    notes = [f"Passed over: {len(over)} arrays of other names ({', '.join(over)[:200]})."] if over else []
    names, groups = arrays.get(roles.get("names", "")), roles.get("groups train")
    if names is not None and (names.ndim != 1 or names.dtype.kind != "U"):
        raise DataError(f"{path}: expected class_names as a list of text, found {names.dtype} {names.shape}")
    return split_dataset(
        sets,
        name=f"{path.stem} (arrays)",
        source=source,
        layout="npz",
        class_names=None if names is None else names.tolist(),
        notes=notes,
        sources=sources,
        groups=("group", as_labels(arrays[groups], len(X[0]), groups, str(path))) if groups else None,
    )


def _role(name: str) -> str:
    """What an array of that name is for: "X train", "y test", "names" and so on; "" for none that is known.

    >>> [_role(name) for name in ("X_train", "val_labels", "x", "class_names", "weights")]
    ['X train', 'y validation', 'X train', 'names', '']
    """
    if name.lower() in _NAMES:
        return "names"
    words = name.lower().split("_")
    part = [PART_NAMES[word] for word in words if word in PART_NAMES]
    kind = [_KINDS[word] for word in words if word in _KINDS]
    not_split = kind == ["groups"] and part not in ([], ["train"])  # groups only matter where a part is split
    if len(kind) != 1 or len(part) > 1 or len(words) != len(part) + 1 or not_split:
        return ""
    return f"{kind[0]} {part[0] if part else 'train'}"


def read_arrays(
    path: str | os.PathLike[str], wanted: Callable[[str], bool], what: str, over: list[str] | None = None
) -> dict[str, np.ndarray]:
    """The arrays in an ``.npz`` file whose names are ``wanted``; DataError if it is not ``what`` it should be.

    The names of the others are added to ``over``.
    """
    with reading(path, what), zipfile.ZipFile(path) as archive:
        members = {member.filename.removesuffix(".npy"): member for member in archive.infolist()}
        chosen = {name: member for name, member in members.items() if wanted(name)}
        if over is not None:
            over += [name for name in members if name not in chosen]
        if not chosen:
            raise DataError(f"{path}: expected {what}, found {str([*members][:5])[:200]}")
        check_size(os.fspath(path), sum(member.file_size for member in chosen.values()), os.path.getsize(path))
        arrays = {}
        for name, member in chosen.items():
            if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise ValueError(f"{name} is compressed in a way that NumPy does not write")
            arrays[name] = _array(name, archive.read(member))
        return arrays


def _array(name: str, content: bytes) -> np.ndarray:
    """The array whose ``.npy`` file is ``content``; ValueError if it is none."""
    file = io.BytesIO(content)
    version = np.lib.format.read_magic(file)
    if version not in _HEADERS:
        raise ValueError(f"its format is {version}")
    shape, by_column, dtype = _HEADERS[version](file)
    size = math.prod(shape) * dtype.itemsize
    if dtype.hasobject:
        raise ValueError(f"{name} holds Python objects; of text, save np.array({name}, dtype=str)")
    if min(shape, default=0) < 0 or size != len(content) - file.tell():
        raise ValueError(f"{dtype} of shape {shape} is not what {len(content) - file.tell():,} bytes hold")
    if size == 0:
        return np.empty(shape, dtype)
    array = np.frombuffer(content, dtype, offset=file.tell())
    if dtype.kind == "U" and np.frombuffer(array, f"{dtype.byteorder}u4").max(initial=0) > sys.maxunicode:
        raise ValueError(f"{name} holds numbers that are no characters")
    return array.reshape(shape, order="F" if by_column else "C")


READER = Reader("an .npz file of arrays", find, load, example="embeddings.npz")

"""What a classifier is given, checked and brought to the shape and type that it was trained on."""

import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from linclf.data.pictures import prepare_pictures
from linclf.errors import DataError, LinclfError

Images = np.ndarray | str | os.PathLike[str] | Sequence[Any]
"""An array of images or of one, a table of features with names, a picture file or a list of them."""


def as_batch(
    images: Images, shape: tuple[int, ...], names: Sequence[str] = (), *, pixels: bool
) -> tuple[np.ndarray, bool]:
    """The images as (n, *shape), uint8 where ``pixels``, and whether it is one that was given alone.

    ``names`` are those of the features: what has named columns is brought into their order.

    Raises:
        DataError: another shape, type or range, or a file that is no picture.
    """
    if isinstance(images, str | os.PathLike):
        return from_files([images], shape, pixels=pixels), True
    if isinstance(images, Sequence) and images and all(isinstance(one, str | os.PathLike) for one in images):
        return from_files(images, shape, pixels=pixels), False
    try:
        X = np.asarray(images)
    except ValueError as error:
        raise DataError(f"expected images of shape {shape}, found what is no array ({error})") from None
    if names and (found := _columns(images)):
        X = _in_order(X, found, names)
    shapes = [shape, shape[:2]] if shape[2:] == (1,) else [shape]  # grey images may come without their channel
    if X.shape not in shapes and X.shape[1:] not in shapes:
        what = "images" if len(shape) == 3 else "feature vectors"
        raise DataError(f"expected {what} of shape {shape}, or n of them, as in training, found shape {X.shape}")
    single = X.shape in shapes
    return _of_type(X, pixels).reshape(1 if single else len(X), *shape), single


def _columns(table: Any) -> list[str]:
    """The names of a table's columns, or of the values of a row of it, a Series; none of what has no names."""
    if not hasattr(table, "__array__"):
        return []
    found = [*(table.columns if hasattr(table, "columns") else table.keys() if hasattr(table, "keys") else ())]
    return found if all(isinstance(name, str) for name in found) else []  # numbers are those of places


def _in_order(X: np.ndarray, found: list[str], names: Sequence[str]) -> np.ndarray:
    """The columns that are wanted, as floats: of columns of several types, NumPy makes objects."""
    missing = [name for name in names if found.count(name) != 1]
    if missing:
        raise DataError(
            f"expected one column for each feature that it was trained on, found none or several of {missing[0]} "
            f"among {', '.join(found[:10])}{' ...' if len(found) > 10 else ''}"
        )
    try:
        return X[..., [found.index(name) for name in names]].astype(np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"expected columns of numbers, as in training, found others ({error})") from None


def _of_type(X: np.ndarray, pixels: bool) -> np.ndarray:
    if not pixels:
        if X.dtype == np.uint8:
            raise DataError(
                "expected numbers as they were in training, which were no 8-bit pixels, found uint8; if they are the "
                "same numbers, give X.astype(float)"
            )
        if X.dtype.kind not in "fiu" or not np.isfinite(X).all():
            found = "NaN or infinity" if X.dtype.kind == "f" else X.dtype
            raise DataError(f"expected finite numbers, as in training, found {found}")
        return X
    if X.dtype.kind == "b":
        return X * np.uint8(255)
    if X.dtype.kind not in "iu":
        found = f"{X.dtype} from {X.min():g} to {X.max():g}" if X.dtype.kind == "f" and X.size else X.dtype
        raise DataError(
            f"expected whole numbers 0 to 255 (uint8), as in training, found {found}; of floats from 0 to 1 give "
            "np.rint(255 * X).astype(np.uint8), of whole ones X.astype(np.uint8)"
        )
    if X.size and not (X.min() >= 0 and X.max() <= 255):
        raise DataError(f"expected whole numbers 0 to 255, as in training, found {X.min()} to {X.max()}")
    return X.astype(np.uint8, copy=False)


def from_files(files: Sequence[str | os.PathLike[str]], shape: tuple[int, ...], *, pixels: bool) -> np.ndarray:
    """The pictures, prepared as for training, (n, *shape); DataError naming the first that is none."""
    check_pictures(shape, pixels=pixels)
    X = np.empty((len(files), *shape), np.uint8)
    step = at_a_time(shape)
    for i in range(0, len(files), step):
        for j, picture in enumerate(prepare_pictures([*map(Path, files[i : i + step])], shape), start=i):
            if isinstance(picture, LinclfError):
                raise picture
            X[j] = picture
    return X


def at_a_time(shape: tuple[int, ...]) -> int:
    """How many images of a shape to work on at a time: a few million numbers."""
    return max(1, min(500, 2**22 // math.prod(shape)))


def check_pictures(shape: tuple[int, ...], *, pixels: bool) -> None:
    """DataError unless what was trained on can be in a picture file: uint8 pixels, in grey or colour."""
    if not pixels or shape[2:] not in ((1,), (3,)):
        kind = f"feature vectors of {shape[0]:,} numbers" if len(shape) == 1 else f"arrays of shape {shape}"
        raise DataError(
            f"a network trained on {kind} classifies no picture files, but in Python others like them: "
            "linclf.Classifier.load(MODEL).predict(X)"
        )

"""Arrays as people have them, checked and brought to the types that the flow knows."""

from collections.abc import Mapping, Sequence

import numpy as np

from linclf.errors import DataError

_CHANNELS = (1, 3, 4)


def as_images(arrays: Mapping[str, np.ndarray], where: str) -> list[np.ndarray]:
    """The images of every part, (n, h, w, c), or feature vectors (n, d): all uint8, float32 or float64.

    Whole numbers of images become uint8 where all of all parts are within 0..255, else floats; those of vectors are
    floats unless they are uint8 already; booleans become 0 and 255; half precision grows to float32.

    Args:
        arrays: of each part, under the name that messages call it by: (n, h, w), (n, h, w, c) or (n, d).
        where: what messages open with, such as the file.

    Raises:
        DataError: another shape or type, or numbers that are not finite or not below 1e30.
    """
    (first, train), *_ = arrays.items()
    for name, X in arrays.items():
        if X.ndim not in (2, 3, 4) or X.size == 0:
            raise DataError(
                f"{where}: expected {name} as images (n, h, w) or (n, h, w, c), or vectors (n, d), found {X.shape}"
            )
        if X.ndim == 4 and X.shape[1] in _CHANNELS and X.shape[3] not in _CHANNELS and X.shape[2] > 4:
            raise DataError(
                f"{where}: expected {name} as images (n, h, w, c), found {X.shape}, whose channels come first; "
                "turn them with np.moveaxis(X, 1, -1)"
            )
        if X.shape[1:] != train.shape[1:]:
            raise DataError(
                f"{where}: expected {name} of shape {train.shape[1:]} an image as {first}, found {X.shape[1:]}"
            )
        if not (X.dtype.kind in "biu" or (X.dtype.kind == "f" and X.itemsize <= 8)):
            raise DataError(f"{where}: expected {name} as whole numbers or floats, found {X.dtype}")
    made = _of_one_type(list(arrays.values()), where)
    for name, X in zip(arrays, made, strict=True):
        if X.dtype != np.uint8 and not max(abs(X.min()), abs(X.max())) < 1e30:  # nor NaN, which both pass on
            raise DataError(
                f"{where}: expected finite numbers below 1e30 in {name}, found others; clean the data first"
            )
    return [X[..., None] if X.ndim == 3 else X for X in made]


def _of_one_type(arrays: Sequence[np.ndarray], where: str) -> list[np.ndarray]:
    kinds = {X.dtype.kind for X in arrays}
    if kinds == {"b"}:
        return [X * np.uint8(255) for X in arrays]
    whole = kinds <= set("biu")
    if not whole and kinds != {"f"}:
        raise DataError(
            f"{where}: expected one type in all parts, found {' and '.join(str(X.dtype) for X in arrays)}: whole "
            "numbers to 255 are divided by 255, floats are not"
        )
    of_pixels = arrays[0].ndim > 2 or all(X.dtype == np.uint8 for X in arrays)
    if whole and of_pixels and all(X.min() >= 0 and X.max() <= 255 for X in arrays):
        return [X.astype(np.uint8, copy=False) for X in arrays]
    return [X.astype(np.result_type(np.float32, *(X.dtype for X in arrays)), copy=False) for X in arrays]


def as_labels(y: np.ndarray, n: int, name: str, where: str) -> np.ndarray:
    """Labels (n,) of one that is (n,) or (n, 1); DataError if it is not, or not one for each of n images."""
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim == 1 and len(y) == n:
        return y
    advice = f"; take np.argmax({name}, axis=1) of labels of which one a row is set" if y.ndim == 2 else ""
    raise DataError(f"{where}: expected {name} as a label for each of {n:,} images, found shape {y.shape}{advice}")

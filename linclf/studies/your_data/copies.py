"""Which images are copies of others: a test that holds copies of training images measures memory."""

import numpy as np

_SIDE = 16  # pixels of a thumbnail: it stays what it is when a picture is scaled, or saved again as JPEG
_NEAR = 0.05  # how much nearer than the tenth nearest picture a copy's original is, in squared distance
_CHUNK = 500  # images at a time


def are_copies(images: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Whether each image is also among the others, (n,): number for number or, of pictures, as a copy saved again.

    Such a copy has the grey thumbnail of its original, which then is much nearer than the tenth nearest picture. Where
    all pictures are alike, as of one film, nothing tells copies from others.

    >>> pictures = np.random.default_rng(0).integers(50, 200, (40, 16, 16, 3))
    >>> are_copies(np.concatenate([pictures[:2], pictures[:2] + 9, pictures[:2, ::-1]]), pictures).tolist()
    [True, True, True, True, False, False]
    """
    known = {row.tobytes() for row in others}
    copied = np.array([row.tobytes() in known for row in images], dtype=bool)
    if images.ndim == 4:
        theirs = _thumbnails(others)
        for i in range(0, len(images), _CHUNK):
            copied[i : i + _CHUNK] |= _have_an_original(_thumbnails(images[i : i + _CHUNK]), theirs)
    return copied


def _have_an_original(own: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Whether each thumbnail is far nearer to one of the others than to the tenth nearest."""
    distance = 1 - own @ others.T  # half the squared one, as each has length 1
    close = distance.min(axis=1) < _NEAR  # no other can be, as the tenth nearest of many is within 1
    tenth = min(10, len(others)) - 1
    nearest = np.sort(np.partition(distance[close], tenth, axis=1)[:, : tenth + 1], axis=1)
    close[close] = nearest[:, 0] < _NEAR * nearest[:, -1]
    return close


def _thumbnails(images: np.ndarray) -> np.ndarray:
    """Grey thumbnails, (n, up to 256), as vectors of mean 0 and length 1, which light and contrast do not change."""
    height, width = images.shape[1:3]
    rows, columns = (np.unique(np.linspace(0, size, _SIDE, endpoint=False).astype(int)) for size in (height, width))
    areas = np.outer(np.diff([*rows, height]), np.diff([*columns, width]))
    parts = []
    for i in range(0, len(images), _CHUNK):
        grey = images[i : i + _CHUNK].mean(axis=3, dtype=np.float64)
        small = (np.add.reduceat(np.add.reduceat(grey, rows, axis=1), columns, axis=2) / areas).reshape(len(grey), -1)
        small -= small.mean(axis=1, keepdims=True)
        flat = 1e-6 * np.abs(grey).max()  # where rounding is all that is left
        parts.append((small / np.maximum(np.linalg.norm(small, axis=1, keepdims=True), flat or 1)).astype(np.float32))
    return np.concatenate(parts)

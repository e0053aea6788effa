"""IDX files, as MNIST and Fashion-MNIST come: a folder with images and labels to train on and to test, gzipped or not.

Facts about the files: https://github.com/zalandoresearch/fashion-mnist and
https://web.archive.org/web/20240101000000/http://yann.lecun.com/exdb/mnist/ (section "File formats").
"""

import gzip
import math
import zlib
from pathlib import Path

import numpy as np

from linclf.data.dataset import Batch, Dataset, check_file, check_size, split_dataset
from linclf.errors import DataError


def find(path: Path) -> Path | None:
    """``path`` if it is a folder of IDX files, or None."""
    return path if _file(path, "train-images-idx3-ubyte").is_file() else None


def load(path: Path, source: str) -> Dataset:
    """The data set of a folder of IDX files, (n, h, w, 1) uint8; DataError naming the file and what was expected of it.

    The files name no classes, so these are called by their numbers.
    """
    train, test = _batch(path, "train"), _batch(path, "t10k")
    if train[0].shape[1:] != test[0].shape[1:]:
        raise DataError(
            f"{_file(path, 't10k-images-idx3-ubyte')}: expected images of {train[0].shape[1:3]} pixels as in training, "
            f"found {test[0].shape[1:3]}"
        )
    return split_dataset(train, test, None, name=f"{path.resolve().name} (IDX)", source=source, layout="IDX files")


def _file(folder: Path, name: str) -> Path:
    """The file of that name, or else its gzipped one."""
    plain, zipped = folder / name, folder / f"{name}.gz"
    return zipped if zipped.is_file() and not plain.is_file() else plain


def _batch(folder: Path, part: str) -> Batch:
    images = _read(_file(folder, f"{part}-images-idx3-ubyte"), 3)
    labels = _read(file := _file(folder, f"{part}-labels-idx1-ubyte"), 1)
    if len(labels) != len(images):
        raise DataError(f"{file}: expected a label for each of {len(images):,} images, found {len(labels):,}")
    return images[..., None], labels.astype(np.int64)


def _read(path: Path, n_dimensions: int) -> np.ndarray:
    """The array of a file: 0, 0, 8 for unsigned bytes, the number of dimensions, 4 bytes for each, the data."""
    magic = bytes([0, 0, 8, n_dimensions])
    check_file(path, "an IDX file")
    try:
        with gzip.open(path) if path.suffix == ".gz" else open(path, "rb") as file:
            header = file.read(4 + 4 * n_dimensions)
            shape = tuple(np.frombuffer(header[4:], ">u4").tolist())
            if header[:4] != magic or len(shape) != n_dimensions or 0 in shape:
                raise DataError(
                    f"{path}: expected an IDX file of unsigned bytes in {n_dimensions} dimensions, found "
                    f"a header {header.hex(' ')}"
                )
            size = math.prod(shape)
            check_size(str(path), size, path.stat().st_size)
            content = bytearray()
            while len(content) <= size and (chunk := file.read(2**20)):  # no more memory than there are bytes
                content += chunk
    except (OSError, EOFError, ValueError, zlib.error) as error:
        if isinstance(error, DataError):
            raise
        reason = (error.strerror if isinstance(error, OSError) else None) or error
        raise DataError(f"{path}: expected an IDX file, could not read it ({reason})") from error
    if len(content) != size:
        found = f"{len(content):,}" if len(content) < size else "more"
        raise DataError(f"{path}: expected {size:,} bytes for dimensions {shape}, found {found}")
    return np.frombuffer(content, np.uint8).reshape(shape)

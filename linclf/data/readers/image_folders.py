"""Image files in a folder a class: ``train/cat/1.png`` and ``test/cat/2.png``, or ``cat/1.png`` without a test set."""

import io
import math
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from linclf.data.dataset import Batch, Dataset, check_file, check_size, split_dataset
from linclf.errors import ConfigError, DataError

_FORMATS = ("PNG", "JPEG", "BMP", "GIF", "PPM", "TIFF", "WEBP")  # none for which Pillow calls another program
_ENDINGS = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".ppm", ".pgm", ".tif", ".tiff", ".webp"}
_GREY = {"1", "L", "LA"}
_EIGHT_BITS = _GREY | {"P", "PA", "RGB", "RGBA", "CMYK", "YCbCr"}


def find(path: Path) -> Path | None:
    """``path`` if it is a folder that holds a folder ``train``, or folders with images, or None."""
    if not path.is_dir():
        return None
    inside = (file for folder in _visible(path) if folder.is_dir() for file in folder.iterdir())
    if (path / "train").is_dir() or any(file.suffix.lower() in _ENDINGS for file in inside):
        return path
    return None


def load(path: Path, source: str) -> Dataset:
    """The data set of a folder, (n, h, w, c) uint8; DataError naming the first file or folder that does not fit.

    All images must be of one size. They are grey (c = 1) if every one is, else in colour (c = 3); transparency is left
    out. The classes are the folders of ``train`` by name. Hidden files are passed over. Without a folder ``test``, a
    test set is split off.
    """
    divided = (path / "train").is_dir()
    train = _files(path / "train" if divided else path)
    test = _files(path / "test") if divided and (path / "test").is_dir() else []
    names = sorted({file.parent.name for file in train})
    for file in test:
        if file.parent.name not in names:
            raise DataError(f"{file.parent}: expected a class of {path / 'train'}, found another")
    shape = _common_shape(train + test)
    return split_dataset(
        _batch(train, names, shape),
        _batch(test, names, shape) if test else None,
        names,
        name=f"{path.resolve().name} (image files)",
        source=source,
        layout="a folder a class",
    )


def _visible(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if not path.name.startswith(".") and path.name != "Thumbs.db")


def _files(folder: Path) -> list[Path]:
    """What the class folders in ``folder`` hold, class by class."""
    classes = {path: _visible(path) for path in _visible(folder) if path.is_dir()}
    for path, files in (classes or {folder: []}).items():
        if not files:
            raise DataError(f"{path}: expected image files, found none")
    return [file for files in classes.values() for file in files]


def _common_shape(files: Sequence[Path]) -> tuple[int, int, int]:
    """(h, w, c) of all images, from what their headers say."""
    sizes, modes = [], set()
    for file in files:
        with _opened(file) as image:
            if image.mode not in _EIGHT_BITS:
                raise DataError(f"{file}: expected 8 bits a pixel and channel, found an image of mode {image.mode}")
            sizes.append(image.size)
            modes.add(image.mode)
        if sizes[-1] != sizes[0]:
            found, wanted = ("{} x {}".format(*size) for size in (sizes[-1], sizes[0]))
            raise DataError(f"{file}: expected {wanted} pixels as in {files[0]}, found {found}")
    width, height = sizes[0]
    shape = height, width, 1 if modes <= _GREY else 3
    stored = sum(file.stat().st_size for file in files)
    check_size(f"{len(files):,} images such as {files[0]}", len(files) * math.prod(shape), stored)
    return shape


def _batch(files: Sequence[Path], names: Sequence[str], shape: tuple[int, int, int]) -> Batch:
    images = np.empty((len(files), *shape), np.uint8)
    for pixels, file in zip(images, files, strict=True):
        with _opened(file) as image:
            pixels[:] = np.asarray(image.convert("L" if shape[2] == 1 else "RGB")).reshape(shape)
    return images, np.array([names.index(file.parent.name) for file in files])


@contextmanager
def _opened(file: Path) -> Iterator[Any]:
    """The image in a file, not decoded yet; whatever goes wrong with it is a DataError that names the file."""
    check_file(file, "an image")
    try:
        from PIL import Image
    except ImportError:
        raise ConfigError("image files need Pillow: pip install 'linclf[report]'") from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            # From memory: of an open file, Pillow asks for as many bytes as a header may say.
            with Image.open(io.BytesIO(file.read_bytes()), formats=_FORMATS) as image:
                yield image
    except DataError:
        raise
    except Exception as error:  # decoding hostile bytes can raise nearly anything
        raise DataError(f"{file}: expected an image, could not decode it ({error})") from error

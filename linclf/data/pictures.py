"""Picture files as arrays of one shape: turned as a viewer shows them, on white, and resized where asked for."""

import io
import math
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from linclf.errors import ConfigError, DataError, LinclfError

from .limits import check_file, check_size

# fmt: off
FORMATS = (
    "AVIF", "BLP", "BMP", "CUR", "DCX", "DDS", "DIB", "FLI", "FTEX", "GBR", "GIF", "ICNS", "ICO", "JPEG",
    "JPEG2000", "MSP", "PCD", "PCX", "PIXAR", "PNG", "PPM", "PSD", "QOI", "SGI", "SUN", "TGA", "TIFF", "WEBP", "XBM",
    "XPM",
)
"""What Pillow reads as pictures (JPEG includes MPO), but for those for which it calls another program, such as EPS."""
ENDINGS = {
    ".apng", ".avif", ".avifs", ".blp", ".bmp", ".bw", ".cur", ".dcx", ".dds", ".dib", ".flc", ".fli", ".ftc", ".ftu",
    ".gbr", ".gif", ".icb", ".icns", ".ico", ".j2c", ".j2k", ".jfif", ".jp2", ".jpc", ".jpe", ".jpeg", ".jpf",
    ".jpg", ".jpx", ".mpo", ".msp", ".pbm", ".pcd", ".pcx", ".pfm", ".pgm", ".png", ".pnm", ".ppm", ".psd", ".pxr",
    ".qoi", ".ras", ".rgb", ".rgba", ".sgi", ".tga", ".tif", ".tiff", ".vda", ".vst", ".webp", ".xbm", ".xpm",
}
# fmt: on
"""Of the files in these formats, in any case."""
HEIC = {".heic", ".heics", ".heif", ".heifs", ".hif"}
"""The endings of what phones write, which Pillow reads with a package beside it."""
LARGEST_SIDE = 1024
PREPARATION = {"upright": "as Exif says", "ground": "white", "crop": "middle", "resize": "bicubic"}
"""What is done to a picture, as a model's file names it: a model that was made another way is none for these pixels."""
_GREY = {"1", "L", "LA", "La"}
_EIGHT_BITS = _GREY | {"P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr", "HSV", "LAB"}
_TURNED = range(5, 9)  # Exif orientations that exchange width and height


def read_pictures(files: Sequence[Path], image_size: int | None = None) -> tuple[np.ndarray, list[str]]:
    """The pixels of all files, (n, h, w, c) uint8, and sentences of what was done to them.

    A picture is turned as its Exif tag says. What is transparent is composed on white. All are grey (c = 1) if every
    one is, else in colour (c = 3). Of an animated file, or one of several pages, the first picture counts. More than 8
    bits per channel are refused: arrays in an .npz file keep them.

    Args:
        files: pictures in any of ``FORMATS``.
        image_size: crop each picture to its middle square and resize it to this many pixels a side; None takes them as
            they are, all of one size.

    Raises:
        DataError: naming the first file of another size, or all that cannot be read.
    """
    if image_size is not None and not 1 <= image_size <= LARGEST_SIDE:
        raise ConfigError(f"expected an image size of 1 to {LARGEST_SIDE} pixels, found {image_size}")
    sizes: Counter[tuple[int, int]] = Counter()
    modes, animated = set(), 0
    for file in files:
        with _naming_others(file, files), _strict_warnings(), _opened(file) as image:
            size = _shown_size(image)
            modes.add(image.mode)
            animated += bool(getattr(image, "is_animated", False))
        if image_size is None and sizes and size not in sizes:
            found, wanted = ("{} x {}".format(*one) for one in (size, next(iter(sizes))))
            raise DataError(
                f"{file}: expected {wanted} pixels as in {files[0]}, found {found}; give an image size "
                "(--image-size 32) to crop each picture to its middle square and resize it"
            )
        sizes[size] += 1
    width, height = (image_size, image_size) if image_size else next(iter(sizes))
    shape = height, width, 1 if modes <= _GREY else 3
    stored = sum(file.stat().st_size for file in files) if image_size is None else len(files) * math.prod(shape)
    check_size(f"{len(files):,} images such as {files[0]}", len(files) * math.prod(shape), stored)
    images = np.empty((len(files), *shape), np.uint8)
    for pixels, file in zip(images, files, strict=True):
        with _naming_others(file, files), _strict_warnings(), _opened(file) as image:
            pixels[:] = _prepared(image, shape, resize=image_size is not None)
    notes = []
    if image_size:
        smallest, largest = (
            "{} x {}".format(*pick(sizes, key=lambda size: (math.prod(size), size))) for pick in (min, max)
        )
        notes.append(
            f"Each picture is cropped to its middle square and resized to {width} x {height} pixels, from originals of "
            f"{smallest} to {largest}."
        )
    if animated:
        notes.append(f"Of {animated:,} animated files, or of several pages, the first picture counts.")
    return images, notes


def prepare_pictures(files: Sequence[Path], shape: tuple[int, ...]) -> list[np.ndarray | LinclfError]:
    """The pixels of each file, uint8 of ``shape`` (h, w, c), or what is wrong with it; on all cores.

    Each is prepared as for training: of another size, it is cropped to its largest middle part of these proportions and
    resized. c is 1 for grey, 3 for colour.
    """
    from concurrent.futures import ThreadPoolExecutor

    from linclf.system.environment import cores

    def prepared(file: Path) -> np.ndarray | LinclfError:
        try:
            with _opened(file) as image:
                return _prepared(image, shape, resize=True)
        except LinclfError as error:
            return error

    with _strict_warnings(), ThreadPoolExecutor(cores()) as pool:
        return list(pool.map(prepared, files))


def _shown_size(image: Any) -> tuple[int, int]:
    """(width, height) as a viewer shows it."""
    width, height = image.size
    return (height, width) if image.getexif().get(0x0112) in _TURNED else (width, height)


def _is_deep(image: Any) -> bool:
    """Whether the file stores more than 8 bits where the mode says 8: Pillow would drop the others in silence."""
    stored = [tile[3] for tile in image.tile]
    if image.format == "PPM":  # (mode, maximum value)
        return any(isinstance(value, int) and value > 255 for args in stored for value in (args if args else ()))
    return any(";16" in str(args) for args in stored)


def _prepared(image: Any, shape: tuple[int, ...], *, resize: bool) -> np.ndarray:
    """The picture's pixels, upright, on white, cropped and resized where asked for."""
    from PIL import Image, ImageOps

    height, width, channels = shape
    mode = "L" if channels == 1 else "RGB"
    if resize:
        image.draft(mode, [max(width, height)] * 2)  # a JPEG is decoded at a part of its size, never below this one
    image = ImageOps.exif_transpose(image)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    image = image.convert(mode)
    if resize:
        w = min(image.width, max(1, round(image.height * width / height)))
        h = min(image.height, max(1, round(image.width * height / width)))
        left, top = (image.width - w) // 2, (image.height - h) // 2
        image = image.crop((left, top, left + w, top + h)).resize((width, height))
    return np.asarray(image).reshape(shape)


@contextmanager
def _naming_others(file: Path, files: Sequence[Path]) -> Iterator[None]:
    """Where a file cannot be read, name all that cannot, so that nobody meets them one by one."""
    try:
        yield
    except DataError as error:
        found = zip(files, prepare_pictures(files, (1, 1, 3)), strict=True)
        others = [str(other) for other, image in found if isinstance(image, LinclfError) and other != file]
        if not others:
            raise
        more = f", and {len(others) - 10:,} others" if len(others) > 10 else ""
        raise DataError(f"{error}; nor can {', '.join(others[:10])}{more} be read") from error


@contextmanager
def _strict_warnings() -> Iterator[None]:
    """Of Pillow's warnings, that of a decompression bomb is an error, and no other is shown; not for use in threads.

    ConfigError without Pillow.
    """
    try:
        from PIL import Image
    except ImportError:
        raise ConfigError("image files need Pillow: pip install 'linclf[images]'") from None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


@contextmanager
def _opened(file: Path) -> Iterator[Any]:
    """The image in a file, not decoded yet; whatever is wrong with it is a DataError that names the file.

    Call it within :func:`_strict_warnings`.
    """
    check_file(file, "an image")
    from PIL import Image, UnidentifiedImageError

    if file.suffix.lower() in HEIC:
        try:
            from pillow_heif import register_heif_opener
        except ImportError:
            raise ConfigError(
                f"{file}: HEIC pictures need pillow-heif: pip install 'linclf[heic]', or convert them to JPEG"
            ) from None
        register_heif_opener()
    try:
        # From memory: of an open file, Pillow asks for as many bytes as a header may say.
        Image.init()
        formats = ["HEIF"] if file.suffix.lower() in HEIC else FORMATS
        formats = [name for name in formats if name in Image.OPEN]  # not every Pillow is built with all
        with Image.open(io.BytesIO(file.read_bytes()), formats=formats) as image:
            if image.mode not in _EIGHT_BITS or _is_deep(image):
                raise DataError(
                    f"{file}: expected 8 bits per pixel and channel, found more (mode {image.mode}); convert it first, "
                    "or save the arrays as .npz, which keeps all bits"
                )
            check_size(str(file), math.prod(image.size) * 3, file.stat().st_size)
            yield image
    except DataError:
        raise
    except UnidentifiedImageError:
        raise DataError(f"{file}: expected an image, could not decode it (of no format that is known)") from None
    except Exception as error:  # decoding hostile bytes can raise nearly anything
        raise DataError(f"{file}: expected an image, could not decode it ({error})") from error

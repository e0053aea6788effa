"""Picture files, in a folder for each class: ``train/cat/1.png`` and ``test/cat/2.png``, or ``cat/1.png`` alone."""

import io
import math
import os
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from linclf.data.dataset import (
    PART_NAMES,
    Dataset,
    LabelledImages,
    Option,
    Reader,
    check_file,
    check_size,
    split_dataset,
)
from linclf.data.labels import composed
from linclf.errors import ConfigError, DataError, LinclfError
from linclf.system.files import LOCK


def find(path: Path) -> Path | None:
    """``path`` if it is a folder that holds pictures, or a folder ``train``, or None."""
    return path if path.is_dir() and ((path / "train").is_dir() or has_pictures(path)) else None


def load(path: Path, source: str, image_size: int | None = None) -> Dataset:
    """The data set of a folder, (n, h, w, c) uint8; DataError naming the first file or folder that does not fit.

    :func:`sort_pictures` says what the folders mean, :func:`read_pictures` what
    becomes of a picture. The classes are the folders of ``train`` by name. Without a folder ``test``, a test set is
    split off; those of ``val`` are to validate on. Other files are passed over and counted.
    """
    found = sort_pictures(path)
    names = sorted(found.parts["train"])
    files = {part: [file for own in classes.values() for file in own] for part, classes in found.parts.items()}
    images, notes = read_pictures([file for own in files.values() for file in own], image_size)
    made: dict[str, LabelledImages] = {}
    start = 0
    for part, classes in found.parts.items():
        labels = np.repeat([names.index(name) for name in classes], [len(own) for own in classes.values()])
        made[part] = images[start : start + len(labels)], labels
        start += len(labels)
    name, notes = f"{path.resolve().name} (image files)", [*notes, *found.note()]
    return split_dataset(
        made,
        name=name,
        source=source,
        layout="a folder a class",
        class_names=names,
        notes=notes,
        sources={part: [str(file.relative_to(path)) for file in own] for part, own in files.items()},
    )


_DEEPEST = 6
_REPORTS = "folders of reports"


@dataclass
class Found:
    """The pictures of each part and class, and how many files were passed over, by reason."""

    parts: dict[str, dict[str, list[Path]]] = field(default_factory=dict)
    over: Counter[str] = field(default_factory=Counter)

    def note(self) -> list[str]:
        """What was passed over, as a sentence; none if nothing was."""
        if not self.over:
            return []
        return [f"Passed over: {', '.join(f'{number:,} {reason}' for reason, number in sorted(self.over.items()))}."]


def has_pictures(folder: Path) -> bool:
    """Whether there is any picture in ``folder`` or deeper."""
    return next(pictures(folder, Counter()), None) is not None


def sort_pictures(root: Path) -> Found:
    """The pictures below ``root`` by part and class.

    ``root`` holds folders of the parts (train, val, test, in any case) with a folder for each class in them; or a
    folder for each class. A picture may be deeper within its class. A folder called ``train`` is a class where other
    classes stand beside it. A single folder within ``root`` is looked into.

    Raises:
        DataError: pictures that no folder gives a class, or classes that training does not have.
    """
    found = Found()
    folders = _folders(root)
    while len(folders) == 1 and folders[0].name.lower() not in PART_NAMES and _folders(folders[0]):
        (root,) = folders
        folders = _folders(root)
    splits = {folder: PART_NAMES[folder.name.lower()] for folder in folders if folder.name.lower() in PART_NAMES}
    divided = len(splits) == len(folders) > 0 or any(len(_folders(folder)) > 1 for folder in splits)
    if not divided:
        found.parts["train"] = _classes(root, found)
        return found
    for folder, part in splits.items():
        if part in found.parts:
            raise DataError(f"{folder}: expected one folder for {part}, found another beside it")
        found.parts[part] = _classes(folder, found)
    for folder in set(folders) - set(splits):
        found.over[f"pictures in {folder.name}, beside the folders of the parts"] += len([*pictures(folder, Counter())])
    if "train" not in found.parts:
        raise DataError(f"{root}: expected a folder train beside {', '.join(folder.name for folder in splits)}")
    for part in ("validation", "test"):
        _check_classes(root, found, part)
    return found


def _check_classes(root: Path, found: Found, part: str) -> None:
    """A part without any training class is passed over if its pictures are in no class's folder, else refused."""
    classes, known = found.parts.get(part, {}), found.parts["train"]
    others = [name for name in classes if name not in known]
    if part in found.parts and len(others) == len(classes) <= 1:
        number = sum(map(len, found.parts.pop(part).values()))
        if number:
            found.over[f"pictures for {part} without labels, in no folder of a class"] += number
    elif others:
        folder = classes[others[0]][0].parent
        raise DataError(f"{folder}: expected a class of training, such as {next(iter(known))}, found {others[0]}")


def _classes(folder: Path, found: Found) -> dict[str, list[Path]]:
    """The pictures of each class: of each folder in ``folder``, at any depth."""
    classes: dict[str, list[Path]] = {}
    loose = []
    for path in sorted(folder.iterdir()):
        if path.is_dir():
            if _is_hidden(path.name):
                continue
            if _is_report(path):
                found.over[_REPORTS] += 1
                continue
            over: Counter[str] = Counter()
            files = [*pictures(path, over)]
            if not files and over[_REPORTS]:  # such as reports, in which latest is one
                found.over += over
                continue
            if not files:
                held = f", found only {sum(over.values())} others" if over else ", found none"
                raise DataError(f"{path}: expected image files{held} (pictures end in .png, .jpg and the like)")
            found.over += over
            classes.setdefault(composed(path.name), []).extend(files)
        elif _is_picture(path.name):
            loose.append(path)
        else:
            found.over[_why(path.name)] += 1
    part = PART_NAMES.get(folder.name.lower())
    if loose and not classes and part in ("validation", "test"):
        return {"": loose}
    if loose and not classes:
        raise DataError(
            f"{folder}: expected a folder for each class, found {len(loose):,} pictures in no such folder, such as "
            f"{loose[0].name}: they have no labels"
        )
    if loose:
        found.over["pictures in no folder of a class"] += len(loose)
    if not classes:
        raise DataError(f"{folder}: expected a folder of image files for each class, found none")
    return classes


def _folders(folder: Path) -> list[Path]:
    """The folders in ``folder`` that hold pictures, at any depth."""
    inside = sorted(
        path for path in folder.iterdir() if path.is_dir() and not (_is_hidden(path.name) or _is_report(path))
    )
    return [path for path in inside if has_pictures(path)]


def pictures(folder: Path, over: Counter[str]) -> Iterator[Path]:
    """The pictures in ``folder`` and deeper, in order; other files are counted in ``over``."""
    for place, folders, files in os.walk(folder):
        depth = len(Path(place).relative_to(folder).parts)
        inside = sorted(name for name in folders if not _is_hidden(name))
        folders[:] = [name for name in inside if not _is_report(Path(place, name))] if depth < _DEEPEST else []
        if depth < _DEEPEST and len(folders) < len(inside):
            over[_REPORTS] += len(inside) - len(folders)
        for name in sorted(files):
            if _is_picture(name):
                yield Path(place, name)
            else:
                over[_why(name)] += 1


def _is_picture(name: str) -> bool:
    return os.path.splitext(name)[1].lower() in ENDINGS | HEIC and not _is_hidden(name)


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name == "__MACOSX"


def _is_report(folder: Path) -> bool:
    """Whether a report is, or is being, written to a folder, or keeps its runs there: they are no data."""
    return (folder / LOCK).exists() or (folder.name == "runs" and (folder.parent / LOCK).exists())


def _why(name: str) -> str:
    return "hidden files" if _is_hidden(name) else f"{os.path.splitext(name)[1].lower() or 'other'} files"


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


_SIZE = Option(
    "image_size",
    int,
    "N",
    "pixels a side, to which the middle square of each picture is brought",
    "folders of pictures",
)
READER = Reader("a folder with a folder of pictures for each class", find, load, (_SIZE,), ("PIL",), "photos/")

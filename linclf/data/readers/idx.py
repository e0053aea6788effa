"""IDX files, as MNIST and Fashion-MNIST come: a folder with images and labels to train on and to test, gzipped or not.

Facts about the files: https://github.com/zalandoresearch/fashion-mnist and
https://web.archive.org/web/20240101000000/http://yann.lecun.com/exdb/mnist/ (section "File formats").
"""

import gzip
import math
import re
from pathlib import Path

import numpy as np

from linclf.data.dataset import Dataset, LabelledImages, Reader, as_labels, check_size, reading, split_dataset
from linclf.errors import DataError

_NAME = re.compile(r"(.*?)(train|test|t10k)[-_.](images|labels)[-_.]idx[13][-_.]ubyte(?:\.gz)?", re.IGNORECASE)
"""As MNIST's and EMNIST's pages, torchvision, Kaggle and 7-Zip write them; what comes before names a set."""

_Files = dict[tuple[str, str], Path]
"""The file of each (train or t10k, images or labels)."""


def find(path: Path) -> Path | None:
    """``path`` if it is an IDX file, or a folder that holds some itself, in ``raw``, or one or two folders deeper."""
    if path.is_file():
        return path if _NAME.fullmatch(path.name) else None
    return path if _sets(path) else None


def load(path: Path, source: str) -> Dataset:
    """The data set of a folder of IDX files, (n, h, w, 1) uint8; DataError naming the file and what was expected of it.

    Of several sets, as EMNIST has them, any file of one names it. Without test files, a test set is split off. The
    files name no classes, so these are called by their numbers.
    """
    sets = _sets(path.parent if path.is_file() else path)
    if path.is_file():
        sets = {key: files for key, files in sets.items() if path in files.values()}
    if len(sets) != 1:
        several = ", ".join(str(min(files.values()).relative_to(path)) for files in sets.values())
        raise DataError(f"{path}: expected IDX files of one data set, found those of several: name one of {several}")
    ((folder, _), files) = next(iter(sets.items()))
    parts = {"train": _part(folder, files, "train")}
    if any(part == "t10k" for part, _ in files):
        parts["test"] = _part(folder, files, "t10k")
        shape, other = (images.shape[1:3] for images, _ in parts.values())
        if other != shape:
            file = files["t10k", "images"]
            raise DataError(f"{file}: expected images of {shape} pixels as in training, found {other}")
    layout = "IDX files" if folder == path else f"IDX files in {folder.name}"
    over = [file for file in folder.rglob("*") if file.is_file() and file not in files.values()]
    notes = [f"Passed over: {len(over):,} other files."] if over else []
    return split_dataset(parts, name=f"{path.resolve().name} (IDX)", source=source, layout=layout, notes=notes)


def _sets(path: Path) -> dict[tuple[Path, str], _Files]:
    """The files of each set, by folder and by what its names begin with: those nearest to ``path`` only."""
    sets: dict[tuple[Path, str], _Files] = {}
    for pattern in ("*", "*/*", "*/*/*"):
        for file in sorted(path.glob(pattern)):
            match = _NAME.fullmatch(file.name)
            if match and not (file.is_dir() or file.name.startswith(".")):
                prefix, part, kind = (word.lower() for word in match.groups())
                folder = file.parent.parent if file.parent.name == file.name else file.parent  # as Kaggle unpacks them
                files = sets.setdefault((folder, prefix), {})
                key = "train" if part == "train" else "t10k", kind
                if key in files and file.suffix != ".gz" and files[key].suffix != ".gz":
                    raise DataError(f"{file}: expected one file of {part} {kind}, found also {files[key].name}")
                files.setdefault(key, file)  # sorted: the plain one before its gzipped one
        if sets:
            break
    return sets


def _part(folder: Path, files: _Files, part: str) -> LabelledImages:
    for kind, dimensions in (("images", 3), ("labels", 1)):
        if (part, kind) not in files:
            raise DataError(f"{folder}/{part}-{kind}-idx{dimensions}-ubyte: expected an IDX file, found none")
    images, labels = _read(files[part, "images"], 3), _read(files[part, "labels"], 1)
    return images[..., None], as_labels(labels, len(images), "labels", str(files[part, "labels"]))


def _read(path: Path, n_dimensions: int) -> np.ndarray:
    """The array of a file: 0, 0, 8 for unsigned bytes, the number of dimensions, 4 bytes for each, the data."""
    magic = bytes([0, 0, 8, n_dimensions])
    with reading(path, "an IDX file"), gzip.open(path) if path.suffix == ".gz" else open(path, "rb") as file:
        header = file.read(4 + 4 * n_dimensions)
        shape = tuple(np.frombuffer(header[4:], ">u4").tolist())
        if header[:4] != magic or len(shape) != n_dimensions or 0 in shape:
            expected = f"an IDX file of unsigned bytes in {n_dimensions} dimensions"
            raise DataError(f"{path}: expected {expected}, found a header {header.hex(' ')}")
        size = math.prod(shape)
        check_size(str(path), size, path.stat().st_size)
        content = bytearray()
        while len(content) <= size and (chunk := file.read(2**20)):  # no more memory than there are bytes
            content += chunk
    if len(content) != size:
        held = f"{len(content):,}" if len(content) < size else "more"
        raise DataError(f"{path}: expected {size:,} bytes for dimensions {shape}, found {held}")
    return np.frombuffer(content, np.uint8).reshape(shape)


READER = Reader("a folder of IDX files", find, load, example="MNIST/raw/")

"""Data sets by name or path: CIFAR-10 or other data where the user has them, and the embedded surrogate."""

import logging
import os
import warnings
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from linclf.errors import ConfigError, DataError

from . import surrogate
from .dataset import Dataset, split_dataset
from .readers import cifar, idx, npz, pictures, tables
from .readers.cifar import PYTHON_ARCHIVE


class Reader(Protocol):
    """What the module of a format has; ``load`` takes the reader's option besides, where it has one."""

    def find(self, path: Path) -> Path | None:
        """What this reader would load of ``path``, or None."""

    @property
    def load(self) -> Any:
        """(path, source) -> the data set at what ``find`` found; ``source`` is what people are told about the place."""


READERS: tuple[Reader, ...] = (surrogate, npz, tables, cifar.cifar10, cifar.cifar100, idx, pictures)
"""In the order in which they are asked: the first that finds something loads it."""
_OPTIONS: dict[Reader, str] = {pictures: "image_size", tables: "label"}


def load_dataset(
    name_or_path: str | os.PathLike[str], *, image_size: int | None = None, label: str | None = None
) -> Dataset:
    """The data set called, or found at, ``name_or_path``.

    Args:
        name_or_path: "synthetic", the embedded surrogate of CIFAR-10, 2,000 images per batch ("synthetic:200": 200);
            "digits", scikit-learn's; "cifar-10", downloaded into the cache folder unless it is there; "auto": what
            ``$LINCLF_DATA`` names, else CIFAR-10 in the cache folder, where Keras keeps it or in ``./data``, where
            torchvision's examples do, else the surrogate, with a warning; or a path: of CIFAR-10 or CIFAR-100 in any
            official layout, as a folder, a folder that holds it, or an archive; of an ``.npz`` file of arrays or of a
            surrogate; of a table (CSV or Parquet); of a folder of IDX files; or of a folder of images, a folder for
            each class. The modules of the readers say what each must hold. After a colon a path says how it is read:
            "photos:32" is ``image_size=32``, "table.csv:kind" is ``label="kind"``. What exists under the whole name
            goes before.
        image_size: of a folder of images: crop each to its middle square and resize it to so many pixels a side.
        label: of a table: the column of labels.

    Raises:
        DataError: nothing usable there; names the file, what was expected and what was found.
        ConfigError: a package that reads it is not installed, or an option is for other data.

    >>> data = load_dataset("synthetic:200")
    >>> data.train_images[0].shape, len(data.train_images), data.class_names[0]
    ((200, 32, 32, 3), 5, 'airplane')
    """
    name = os.fspath(name_or_path)
    options: dict[str, Any] = {"image_size": image_size, "label": label}
    options = {option: value for option, value in options.items() if value is not None}
    if name == "auto":
        name = _found_automatically()
        if name == "synthetic":
            warnings.warn(
                "no CIFAR-10 was found, so this is a surrogate of it, drawn from its means and covariances; for "
                "CIFAR-10 itself give its path, or 'cifar-10', which downloads it",
                stacklevel=2,
            )
    elif name.lower() == "cifar-10" and not os.path.exists(name):
        name = str(cache_folder() if cifar.cifar10.find(cache_folder()) else fetch())
    base, _, size = name.partition(":")
    if base in ("synthetic", "digits") and not os.path.exists(name):
        if options or (base == "digits" and size):
            raise ConfigError(f"{name}: expected no image size and no label column: those are for data at a path")
        return digits() if base == "digits" else _synthetic(name, size)
    return _load_path(name, options)


def _found_automatically() -> str:
    """What "auto" stands for."""
    places = [cache_folder(), Path("~/.keras/datasets").expanduser(), Path("data")]
    found = (str(place) for place in places if place.is_dir() and cifar.cifar10.find(place) is not None)
    return os.environ.get("LINCLF_DATA") or next(found, "synthetic")


def _synthetic(name: str, size: str) -> Dataset:
    if name == "synthetic":
        return surrogate.embedded()
    if not (size.isdecimal() and 0 < int(size) <= 100_000):
        raise DataError(f"{name}: expected a number of images after the colon, 1 to 100000, such as synthetic:200")
    return surrogate.embedded(int(size))


def _load_path(name: str, options: dict[str, Any]) -> Dataset:
    whole = os.path.expanduser(name)
    place, _, word = whole.rpartition(":")
    if os.path.exists(whole) or not os.path.exists(place):
        place, word = whole, ""
    if not os.path.exists(place):
        raise DataError(
            f"{name or 'an empty name'}: no such file or folder; give the path of data, or 'synthetic' for the "
            "surrogate of CIFAR-10"
        )
    path, home = Path(place), os.path.expanduser("~")
    source = place.replace(home, "~", 1) if place.startswith(home) else place
    try:
        for reader in READERS:
            found = reader.find(path)
            if found is not None:
                if path.is_dir() and found != path:
                    source = os.path.join(source, found.relative_to(path))
                result: Dataset = reader.load(found, source, **_options(reader, name, word, options))
                return result
    except (OSError, MemoryError) as error:  # a folder that may not be listed, or more images than memory
        raise DataError(f"{name}: expected data that can be read, but {error or 'memory does not suffice'}") from error
    raise DataError(
        f"{name}: expected CIFAR-10 there, CIFAR-100, an .npz file, a table (.csv, .tsv or .parquet), a folder of IDX "
        "files or folders of images, found none of them"
    )


def _options(reader: Reader, name: str, word: str, options: dict[str, Any]) -> dict[str, Any]:
    """The reader's option: what was given, or the word after the colon."""
    own = _OPTIONS.get(reader, "")
    if word and own:
        if own in options:
            raise ConfigError(f"{name}: expected {own} once, found {word} and {options[own]}")
        if own == "image_size" and not (word.isdecimal() and len(word) < 5):
            raise ConfigError(
                f"{name}: expected an image size in pixels after the colon, such as 32, found {word}; a column of "
                "labels is for tables"
            )
        options = options | {own: int(word) if own == "image_size" else word}
    for option in options:
        if option != own:
            kind = "folders of image files" if option == "image_size" else "tables"
            raise ConfigError(f"{name}: expected no {option}, which is for {kind}, found {options[option]!r}")
    if word and not own:
        raise ConfigError(
            f"{name}: expected neither an image size nor a column of labels, which are for folders of image files and "
            f"tables, found {word}"
        )
    return options


URL = f"https://www.cs.toronto.edu/~kriz/{PYTHON_ARCHIVE.name}"


def cache_folder() -> Path:
    """``$XDG_CACHE_HOME/linclf``, else ``~/.cache/linclf``; ConfigError where there is no home folder either."""
    folder = os.path.expanduser(os.environ.get("XDG_CACHE_HOME") or "~/.cache")
    if folder.startswith("~"):
        raise ConfigError("expected a home folder to look for data in, found none: set HOME, or name the data")
    return Path(folder) / "linclf"


def fetch(url: str | None = None) -> Path:
    """The official archive in the cache folder, downloaded unless it is there; only with the official checksum.

    Raises:
        DataError: no connection, or other bytes; says which file to put where by hand.
    """
    try:
        import pooch
    except ImportError:
        raise ConfigError("fetching needs pooch: pip install 'linclf[report]'") from None
    folder, archive = cache_folder(), PYTHON_ARCHIVE
    pooch.get_logger().setLevel(logging.WARNING)
    try:
        found = pooch.retrieve(
            url or URL,
            known_hash=f"sha256:{archive.sha256}",
            fname=archive.name,
            path=folder,
            downloader=pooch.HTTPDownloader(progressbar=True),
        )
    except (OSError, ValueError) as error:
        reason = "its checksum is another" if "hash" in str(error) else "it could not be downloaded"
        raise DataError(
            f"{url or URL}: {reason}; get {archive.name} ({archive.size:,} bytes, SHA-256 {archive.sha256}) "
            f"by other means and put it into {folder}"
        ) from error
    return Path(found)


def digits() -> Dataset:
    """The digits, (n, 8, 8, 1), with a test set split off; ConfigError if scikit-learn is not installed."""
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise ConfigError("the digits come with scikit-learn: pip install 'linclf[sklearn]'") from None
    found = load_digits()
    images = found.images[..., None].astype(np.uint8)  # 0..16
    digits = {"train": (images, found.target)}
    return split_dataset(digits, name="digits", source="scikit-learn", layout="built in")

"""Data sets by name or path: CIFAR-10 or other data where the user has them, and the embedded surrogate."""

import logging
import os
import pickle
import re
import warnings
from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from linclf.errors import ConfigError, DataError

from . import surrogate
from .dataset import Dataset, Option, Reader, split_dataset
from .readers import cifar, idx, npz, pictures, tables
from .readers.cifar import PYTHON_ARCHIVE

READERS: tuple[Reader, ...] = (
    surrogate.READER,
    npz.READER,
    tables.READER,
    *cifar.READERS,
    idx.READER,
    pictures.READER,
)
"""In the order in which they are asked: the first that finds something loads it."""
OPTIONS: Mapping[str, Option] = {option.name: option for reader in READERS for option in reader.options}
"""Of all readers, by name."""


def formats() -> str:
    """What can be read, as a list in words."""
    *first, end = (reader.reads for reader in READERS)
    return f"{', '.join(first)} or {end}"


def load_dataset(name_or_path: str | os.PathLike[str], **options: Any) -> Dataset:
    """The data set called, or found at, ``name_or_path``.

    Args:
        name_or_path: "synthetic", the embedded surrogate of CIFAR-10, 2,000 images per batch ("synthetic:200": 200);
            "digits", scikit-learn's; "cifar-10", downloaded into the cache folder unless it is there; "auto": what
            ``$LINCLF_DATA`` names, else CIFAR-10 in the cache folder, where Keras keeps it or in ``./data``, where
            torchvision's examples do, else the surrogate, with a warning; or a path: of
            {formats}.
            After a colon a path says how it is read, as the options do: "photos:32" is ``image_size=32``,
            "table.csv:kind:drop=id:drop=zip" is ``label="kind", drop=["id", "zip"]``, a colon within a name is doubled.
            A path that exists with its colons is taken as it is.
        options: {options}

    Raises:
        DataError: nothing usable there; names the file, what was expected and what was found.
        ConfigError: a package that reads it is not installed, or an option is for other data.

    >>> data = load_dataset("synthetic:200")
    >>> data.train_images[0].shape, len(data.train_images), data.class_names[0]
    ((200, 32, 32, 3), 5, 'airplane')
    """
    for option in options.keys() - OPTIONS.keys():
        raise TypeError(f"load_dataset() has no option {option!r}, but {', '.join(OPTIONS)}")
    name = os.fspath(name_or_path)
    if decoded and not options and (known := _read_decoded(decoded, name)):
        return known
    given = {option: value for option, value in options.items() if value is not None and value is not False}
    if name == "auto":
        places = [cache_folder(), Path("~/.keras/datasets").expanduser(), Path("data")]
        held = (str(place) for place in places if place.is_dir() and cifar.cifar10.find(place) is not None)
        name = os.environ.get("LINCLF_DATA") or next(held, "synthetic")
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
        if given or (base == "digits" and name != base):
            raise ConfigError(f"{name}: expected no options: those are for data at a path")
        if name == base:
            return digits() if base == "digits" else surrogate.embedded()
        if not (size.isdecimal() and 0 < int(size) <= 100_000):
            raise DataError(f"{name}: expected a number of images after the colon, 1 to 100000, such as synthetic:200")
        return surrogate.embedded(int(size))
    return _load_path(name, given)


if load_dataset.__doc__:  # python -O -O leaves none
    told = (f"``{option.name}``, of {option.of}: {option.help}" for option in OPTIONS.values())
    load_dataset.__doc__ = load_dataset.__doc__.format(formats=formats(), options=";\n            ".join(told))


decoded: Path | None = None
"""The folder in which :func:`write_decoded` left a data set for this process, if any."""


def write_decoded(data: Dataset, name: str, folder: Path) -> None:
    """Leave a data set in a folder, so that other processes map its arrays in place of reading ``name`` once more.

    It is a pickle, and so as safe as the folder, which nobody else may write to. On a full disk nothing is left.
    """
    arrays: list[pickle.PickleBuffer] = []
    head = pickle.dumps((name, data), protocol=5, buffer_callback=arrays.append)
    with suppress(OSError):
        for i, array in enumerate(arrays):
            (folder / f"{i}.array").write_bytes(array.raw())
        (folder / "data.pickle").write_bytes(head)


def _read_decoded(folder: Path, name: str) -> Dataset | None:
    """The data set that was left in a folder; None unless it was read from ``name``."""
    if not (head := folder / "data.pickle").exists():
        return None
    arrays = (np.memmap(folder / f"{i}.array", mode="r") for i in count())
    known, data = pickle.loads(head.read_bytes(), buffers=arrays)
    return data if known == name else None


def _load_path(name: str, given: dict[str, Any]) -> Dataset:
    whole = os.path.expanduser(name)
    ends = [i for i, letter in enumerate(f"{whole}:") if letter == ":"]
    place = next((whole[:end] for end in reversed(ends) if os.path.exists(whole[:end])), "")
    if not place:
        advice = "give the path of data, or 'synthetic' for a surrogate of CIFAR-10"
        raise DataError(f"{name or 'an empty name'}: no such file or folder; {advice}")
    words = [word.replace("::", ":") for word in re.split("(?<!:):(?!:)", whole[len(place) + 1 :]) if word]
    path, home = Path(place), os.path.expanduser("~")
    source = place.replace(home, "~", 1) if place.startswith(home) else place
    try:
        for reader in READERS:
            found = reader.find(path)
            if found is not None:
                source = os.path.join(source, found.relative_to(path)) if found != path else source
                return reader.load(found, source, **_options(reader, name, words, given))
    except (OSError, MemoryError) as error:  # a folder that may not be listed, or more images than memory
        raise DataError(f"{name}: expected data that can be read, but {error or 'memory does not suffice'}") from error
    names = sorted(os.listdir(path)) if path.is_dir() else [path.name]
    advice = next((advice for endings, advice in _ADVICE.items() for n in names if n.lower().endswith(endings)), "")
    held = f", but {', '.join(names)[:99]}" if path.is_dir() and names else ""
    raise DataError(f"{name}: expected {formats()}, found none of them{held}{advice}")


_ADVICE = {
    (".xlsx", ".xls", ".xlsm", ".ods"): "; save the sheet of this workbook as CSV (UTF-8)",
    (".json", ".jsonl"): "; of COCO's annotations, cut each object out as a picture, into a folder for each class",
    (".rar", ".7z", ".zip", ".tar", ".tar.xz", ".tar.bz2", ".zst", ".gz"): "; unpack it, and give what is in it",
    (".txt", ".dat", ".data"): "; a table with commas between its columns has a name that ends in .csv",
    (".csv", ".tsv", ".parquet", ".npz"): "; give the file in it",
    (".npy", ".mat", ".h5", ".hdf5"): "; save its arrays with numpy.savez as X and y",
}
"""What to do with files of other kinds, by their endings."""


def name_with_options(name: str, options: Mapping[str, Any]) -> str:
    """A name that says after colons how the data is read.

    >>> name_with_options("table.csv", {"label": "kind", "drop": ["a:b"], "image_size": None, "skip_unreadable": True})
    'table.csv:label=kind:drop=a::b:skip_unreadable'
    """
    for option, value in options.items():
        for item in value if isinstance(value, list) else [value]:
            if item is not None and item is not False:
                name += f":{option}" + ("" if item is True else f"={item}".replace(":", "::"))
    return name


def _options(reader: Reader, name: str, words: Sequence[str], given: Mapping[str, Any]) -> dict[str, Any]:
    """The reader's options: those that were given, and the words after the path."""
    known, values = {option.name: option for option in reader.options}, dict(given)
    for word in words:
        key, equals, value = word.partition("=")
        option = known.get(key)
        if option is None or (option.kind is bool) == bool(equals):
            if not known:
                said = f"expected nothing after the path, for {reader.reads} has no options, found {word}"
                raise ConfigError(f"{name}: {said}")
            option, value = reader.options[0], word
        if option.name in given or (option.name in values and option.kind is not list):
            raise ConfigError(f"{name}: expected {option.name} once, found {value} and {values[option.name]}")
        if option.kind is int and not (value.isdecimal() and len(value) < 5):
            raise ConfigError(f"{name}: expected {option.help}, such as {option.name}=32, found {word}")
        kind: Any = option.kind
        values[option.name] = [*values.get(option.name, []), value] if kind is list else kind(value or True)
    for key in values.keys() - known.keys():
        raise ConfigError(f"{name}: expected no {key}, which is for {OPTIONS[key].of}, found {values[key]!r}")
    return values


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
        downloader = pooch.HTTPDownloader(progressbar=True)
        path = pooch.retrieve(url or URL, f"sha256:{archive.sha256}", archive.name, folder, downloader=downloader)
    except (OSError, ValueError) as error:
        reason = "its checksum is another" if "hash" in str(error) else "it could not be downloaded"
        advice = f"get {archive.name} ({archive.size:,} bytes, SHA-256 {archive.sha256}) by other means"
        raise DataError(f"{url or URL}: {reason}; {advice} and put it into {folder}") from error
    return Path(path)


def digits() -> Dataset:
    """The digits, (n, 8, 8, 1), with a test set split off; ConfigError if scikit-learn is not installed."""
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise ConfigError("the digits come with scikit-learn: pip install 'linclf[sklearn]'") from None
    bunch = load_digits()
    parts = {"train": (bunch.images[..., None].astype(np.uint8), bunch.target)}  # 0..16
    return split_dataset(parts, name="digits", source="scikit-learn", layout="built in")

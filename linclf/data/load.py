"""Data sets: CIFAR-10 or other data where the user has them, and an embedded stand-in. Nothing is downloaded here."""

import os
from pathlib import Path
from typing import Protocol

from linclf.errors import DataError

from .dataset import Dataset
from .fetch import cache_folder
from .readers import cifar10, cifar100, idx, image_folders, npz
from .readers.sklearn_digits import digits
from .synthetic import synthetic


class Reader(Protocol):
    """What the module of a format has."""

    def find(self, path: Path) -> Path | None:
        """What this reader would load of ``path``, or None."""

    def load(self, path: Path, source: str) -> Dataset:
        """The data set at what ``find`` found; ``source`` is what people are told about the place."""


READERS: tuple[Reader, ...] = (cifar10, cifar100, npz, idx, image_folders)
"""In the order in which they are asked: the first that finds something loads it."""


def load_dataset(name_or_path: str | os.PathLike[str]) -> Dataset:
    """The data set called, or found at, ``name_or_path``.

    Args:
        name_or_path: "synthetic", the generated stand-in ("synthetic:200": with 200 images a batch); "digits",
            scikit-learn's; "auto": what ``$LINCLF_DATA`` names, else CIFAR-10 in the cache folder, else the stand-in;
            or a path: of CIFAR-10 or CIFAR-100 in either official layout, as a folder, a folder that holds it, or the
            official archive; of an ``.npz`` file; of a folder of IDX files; or of a folder of images, a folder a class.
            The modules of this package say what each must hold.

    Raises:
        DataError: nothing usable there; names the file, what was expected and what was found.
        ConfigError: a package that reads it is not installed.

    >>> data = load_dataset("synthetic:200")
    >>> data.train_images[0].shape, len(data.train_images), data.class_names[0]
    ((200, 32, 32, 3), 5, 'texture A')
    """
    name = os.fspath(name_or_path)
    if name == "auto":
        name = os.environ.get("LINCLF_DATA") or (
            str(cache_folder()) if cifar10.find(cache_folder()) is not None else "synthetic"
        )
    if name == "synthetic":
        return synthetic()
    if name.startswith("synthetic:"):
        size = name.partition(":")[2]
        if not (size.isdecimal() and 0 < int(size) <= 100_000):
            raise DataError(f"{name}: expected a number of images after the colon, 1 to 100000, such as synthetic:200")
        return synthetic(batch_size=int(size), n_test=int(size))
    if name == "digits":
        return digits()
    path = Path(os.path.expanduser(name))
    if not os.path.exists(path):
        raise DataError(f"{name}: no such file or folder; give the path of data, or 'synthetic' for the stand-in")
    home = os.path.expanduser("~")
    source = name.replace(home, "~", 1) if name.startswith(home) else name
    try:
        for reader in READERS:
            found = reader.find(path)
            if found is not None:
                return reader.load(found, source)
    except (OSError, MemoryError) as error:  # a folder that may not be listed, or more images than memory
        raise DataError(f"{name}: expected data that can be read, but {error or 'memory does not suffice'}") from error
    raise DataError(
        f"{name}: expected CIFAR-10 there, CIFAR-100, an .npz file, a folder of IDX files or folders of images, found "
        "none of them"
    )

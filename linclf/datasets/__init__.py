"""Data sets: CIFAR-10 where the user has it, and an embedded stand-in everywhere else. Nothing is downloaded here."""

import os
from pathlib import Path

from ..errors import DataError
from . import cifar10
from .cache import cache_folder
from .dataset import Dataset, Provenance
from .synthetic import synthetic

__all__ = ["Dataset", "Provenance", "load_dataset"]


def load_dataset(name_or_path: str | os.PathLike[str]) -> Dataset:
    """The data set called, or found at, ``name_or_path``.

    Args:
        name_or_path: "synthetic", the generated stand-in ("synthetic:200": with 200 images a batch); the path of
            CIFAR-10 in either official layout, as a folder, a folder that holds it, or the official archive; or
            "auto": what ``$LINCLF_DATA`` names, else CIFAR-10 in the cache folder, else the stand-in.

    Raises:
        DataError: nothing usable there; names the file, what was expected and what was found.
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
    path = Path(name).expanduser()
    if not path.exists():
        raise DataError(f"{name}: no such file or folder; give the path of CIFAR-10, or 'synthetic' for the stand-in")
    found = cifar10.find(path)
    if found is None:
        raise DataError(
            f"{name}: expected CIFAR-10 there ({cifar10.PICKLED}, {cifar10.BINARY} or an official archive), found none"
        )
    home = str(Path.home())
    return cifar10.load(found, name.replace(home, "~", 1) if name.startswith(home) else name)

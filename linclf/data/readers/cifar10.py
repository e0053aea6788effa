"""CIFAR-10 in its three official layouts, as a folder or as an archive, the official one or another.

Facts about the files: https://www.cs.toronto.edu/~kriz/cifar.html.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from linclf.data.dataset import CIFAR10, Dataset, LabelledImages, make_dataset
from linclf.errors import DataError

from .archives import LARGEST_ARCHIVE
from .cifar_files import Family, batch, records
from .cifar_mat import mat_batch
from .cifar_pickle import unpickle_batch

PICKLED, BINARY, MATLAB = "cifar-10-batches-py", "cifar-10-batches-bin", "cifar-10-batches-mat"
BATCHES = (*(f"data_batch_{i}" for i in range(1, 6)), "test_batch")
NAMES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


@dataclass(frozen=True)
class Archive:
    """An official archive: its name, size in bytes and SHA-256."""

    name: str
    size: int
    sha256: str


PYTHON_ARCHIVE = Archive(
    "cifar-10-python.tar.gz", 170_498_071, "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce"
)
BINARY_ARCHIVE = Archive(
    "cifar-10-binary.tar.gz", 170_052_171, "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"
)
# As published with the archive's readers; the binary layout has no such list.
_OFFICIAL_MD5 = {
    "data_batch_1": "c99cafc152244af753f735de768cd75f",
    "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
    "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
    "data_batch_4": "634d18415352ddfa80567beed471001a",
    "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
    "test_batch": "40351d587109b95175f43aff81a1287e",
}
_FAMILY = Family(
    CIFAR10,
    {
        PICKLED: BATCHES,
        BINARY: tuple(f"{name}.bin" for name in BATCHES),
        MATLAB: tuple(f"{name}.mat" for name in BATCHES),
    },
    # The last two are what Keras calls the first.
    (PYTHON_ARCHIVE.name, BINARY_ARCHIVE.name, "cifar-10-matlab.tar.gz", f"{PICKLED}.tar.gz", f"{PICKLED}-target"),
    64 * 2**20,
)


def find(path: Path) -> Path | None:
    """The folder or archive of CIFAR-10 that ``path`` is or holds, or None; any archive counts but CIFAR-100's."""
    return None if path.is_file() and path.name.startswith("cifar-100") else _FAMILY.find(path)


def load(path: Path, source: str) -> Dataset:
    """CIFAR-10 from what ``find`` found; DataError naming the file that is missing or not what it has to be."""
    layout, files = _FAMILY.read(path)
    stored, read = _READ[layout]
    batches: dict[str, LabelledImages] = {}
    official = True if layout == PICKLED else None  # as long as the files' checksums are; of others none are published
    for name, content in files:
        batches[name] = batch(f"{path}/{name}", *read(f"{path}/{name}", content), len(NAMES))
        official = official and hashlib.md5(content).hexdigest() == _OFFICIAL_MD5[name]
    largest = max(len(labels) for _, labels in batches.values())
    for name, (_, labels) in batches.items():
        if len(labels) != largest:  # a file cut between two records is whole in no other way
            raise DataError(
                f"{path}/{name}: expected {largest:,} images as in the largest batch, found {len(labels):,}"
            )
    if path.is_file():
        digest = hashlib.sha256(_FAMILY.read_file(path, LARGEST_ARCHIVE)).hexdigest()
        official = digest in (PYTHON_ARCHIVE.sha256, BINARY_ARCHIVE.sha256)
    return make_dataset(list(batches.values()), NAMES, name=CIFAR10, source=source, layout=stored, official=official)


def _records(file: str, content: bytes) -> tuple[np.ndarray, np.ndarray]:
    rows = records(file, content, n_labels=1)
    return rows[:, 1:], rows[:, 0]


_READ: dict[str, tuple[str, Callable[[str, bytes], tuple[np.ndarray, np.ndarray]]]] = {
    PICKLED: ("pickled batches", partial(unpickle_batch, key="labels")),
    BINARY: ("binary batches", _records),
    MATLAB: ("MATLAB batches", partial(mat_batch, key="labels", largest=_FAMILY.largest)),
}
"""What each layout is called, and what reads rows of pixels and labels from a file's name and bytes."""

"""CIFAR-100 in its three official layouts, as a folder or as an archive, with its 100 fine labels.

Facts about the files: https://www.cs.toronto.edu/~kriz/cifar.html.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from linclf.data.dataset import Dataset
from linclf.data.split import split_dataset
from linclf.errors import DataError

from .cifar_files import Family, batch, records
from .cifar_mat import mat_batch, read_mat
from .cifar_pickle import unpickle, unpickle_batch

PICKLED, BINARY, MATLAB = "cifar-100-python", "cifar-100-binary", "cifar-100-matlab"
N_CLASSES = 100
_FAMILY = Family(
    "CIFAR-100",
    {
        PICKLED: ("train", "test", "meta"),
        BINARY: ("train.bin", "test.bin", "fine_label_names.txt"),
        MATLAB: ("train.mat", "test.mat", "meta.mat"),
    },
    ("cifar-100-python.tar.gz", "cifar-100-binary.tar.gz", "cifar-100-matlab.tar.gz"),
    192 * 2**20,
)


def find(path: Path) -> Path | None:
    """The folder or archive, called cifar-100*, of CIFAR-100 that ``path`` is or holds, or None."""
    return None if path.is_file() and not path.name.startswith("cifar-100") else _FAMILY.find(path)


def load(path: Path, source: str) -> Dataset:
    """CIFAR-100 from what ``find`` found; DataError naming the file that is missing or not what it has to be."""
    layout, files = _FAMILY.read(path)
    train, test, names = ((f"{path}/{name}", content) for name, content in files)
    read, read_names = _READ[layout]
    images, held_out = (batch(file, *read(file, content), N_CLASSES) for file, content in (train, test))
    found, class_names = {"train": images, "test": held_out}, _names(names[0], read_names(*names))
    return split_dataset(found, name="CIFAR-100", source=source, layout=layout, class_names=class_names)


def _records(file: str, content: bytes) -> tuple[np.ndarray, np.ndarray]:
    rows = records(file, content, n_labels=2)  # coarse and fine
    return rows[:, 2:], rows[:, 1]


def _pickled_names(file: str, content: bytes) -> object:
    meta = unpickle(file, content)
    return meta.get("fine_label_names") if isinstance(meta, dict) else None


def _mat_names(file: str, content: bytes) -> object:
    return read_mat(file, content, _FAMILY.largest).get("fine_label_names")


def _names(file: str, found: object) -> list[str]:
    if isinstance(found, list) and len(found) == N_CLASSES and all(isinstance(name, bytes | str) for name in found):
        return [name.decode(errors="replace") if isinstance(name, bytes) else name for name in found]
    raise DataError(f"{file}: expected the names of {N_CLASSES} classes, found something else")


_Rows = Callable[[str, bytes], tuple[np.ndarray, np.ndarray]]
_READ: dict[str, tuple[_Rows, Callable[[str, bytes], object]]] = {
    PICKLED: (partial(unpickle_batch, key="fine_labels"), _pickled_names),
    BINARY: (_records, lambda file, content: content.split()),
    MATLAB: (partial(mat_batch, key="fine_labels", largest=_FAMILY.largest), _mat_names),
}
"""What reads rows of pixels and labels, and the classes' names, from a file's name and bytes."""

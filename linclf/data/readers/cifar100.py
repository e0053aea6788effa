"""CIFAR-100 in its two official layouts, as a folder or as the official archive, with its 100 fine labels.

Facts about the files: https://www.cs.toronto.edu/~kriz/cifar.html.
"""

from pathlib import Path

from linclf.data.dataset import Dataset, LabelledImages
from linclf.data.split import Parts, split_dataset
from linclf.errors import DataError

from .cifar_files import Family, batch, records
from .cifar_pickle import unpickle, unpickle_batch

PICKLED, BINARY = "cifar-100-python", "cifar-100-binary"
N_CLASSES = 100
_FAMILY = Family(
    "CIFAR-100",
    {PICKLED: ("train", "test", "meta"), BINARY: ("train.bin", "test.bin", "fine_label_names.txt")},
    ("cifar-100-python.tar.gz", "cifar-100-binary.tar.gz"),
    192 * 2**20,
)


def find(path: Path) -> Path | None:
    """The folder or archive, called cifar-100*, of CIFAR-100 that ``path`` is or holds, or None."""
    return None if path.is_file() and not path.name.startswith("cifar-100") else _FAMILY.find(path)


def load(path: Path, source: str) -> Dataset:
    """CIFAR-100 from what ``find`` found; DataError naming the file that is missing or not what it has to be."""
    layout, files = _FAMILY.read(path)
    train, test, names = ((f"{path}/{name}", content) for name, content in files)
    read, read_names = (_read_pickled, _pickled_names) if layout == PICKLED else (_read_binary, _listed_names)
    parts = Parts(read(*train), test=read(*test), class_names=read_names(*names))
    return split_dataset(parts, name="CIFAR-100", source=source, layout=layout)


def _read_pickled(file: str, content: bytes) -> LabelledImages:
    return batch(file, *unpickle_batch(file, content, b"fine_labels"), N_CLASSES)


def _read_binary(file: str, content: bytes) -> LabelledImages:
    rows = records(file, content, n_labels=2)  # coarse and fine
    return batch(file, rows[:, 2:], rows[:, 1], N_CLASSES)


def _pickled_names(file: str, content: bytes) -> list[str]:
    meta = unpickle(file, content)
    return _names(file, meta.get(b"fine_label_names") if isinstance(meta, dict) else None)


def _listed_names(file: str, content: bytes) -> list[str]:
    return _names(file, content.split())


def _names(file: str, found: object) -> list[str]:
    if isinstance(found, list) and len(found) == N_CLASSES and all(isinstance(name, bytes) for name in found):
        return [name.decode(errors="replace") for name in found]
    raise DataError(f"{file}: expected the names of {N_CLASSES} classes, found something else")

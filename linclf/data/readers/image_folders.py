"""Picture files, in a folder for each class: ``train/cat/1.png`` and ``test/cat/2.png``, or ``cat/1.png`` alone."""

from pathlib import Path

import numpy as np

from linclf.data.dataset import Dataset, LabelledImages
from linclf.data.pictures import read_pictures
from linclf.data.split import split_dataset

from .class_folders import has_pictures, sort_pictures


def find(path: Path) -> Path | None:
    """``path`` if it is a folder that holds pictures, or a folder ``train``, or None."""
    return path if path.is_dir() and ((path / "train").is_dir() or has_pictures(path)) else None


def load(path: Path, source: str, image_size: int | None = None) -> Dataset:
    """The data set of a folder, (n, h, w, c) uint8; DataError naming the first file or folder that does not fit.

    :func:`.class_folders.sort_pictures` says what the folders mean, :func:`linclf.data.pictures.read_pictures` what
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

"""What CIFAR-10 and CIFAR-100 share: where their files stand, how they are read, and how a row becomes an image.

Facts about the files: https://www.cs.toronto.edu/~kriz/cifar.html.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from linclf.data.dataset import LabelledImages
from linclf.data.limits import check_file
from linclf.errors import DataError

from .archives import is_archive, read_archive

PIXELS = 3 * 32 * 32


@dataclass(frozen=True)
class Family:
    """A data set's official files.

    Attributes:
        name: of the data set.
        layouts: the files of each layout, under the name of its folder.
        archives: the official archives' names.
        largest: bytes that no official file has.
    """

    name: str
    layouts: Mapping[str, Sequence[str]]
    archives: Sequence[str]
    largest: int

    def find(self, path: Path) -> Path | None:
        """The folder or archive that ``path`` is or holds, itself or a folder deeper, or None."""
        if path.is_file():
            return path if is_archive(path) else None
        names = (*self.layouts, *self.archives)
        inside = sorted(path.iterdir()) if path.is_dir() else []
        for place in (path, *(folder for folder in inside if folder.is_dir() and folder.name not in names)):
            if any((place / files[0]).is_file() for files in self.layouts.values()):
                return place
            for name in names:
                if (place / name).exists():
                    return self.find(place / name) or place / name
        return None

    def read(self, path: Path) -> tuple[str, Iterator[tuple[str, bytes]]]:
        """The layout of what ``find`` found and its files, name and content; of a folder each is read when asked for.

        DataError naming the file that cannot be read.
        """
        if not path.is_dir():
            return self._read_archive(path)
        held = [folder for folder, files in self.layouts.items() if (path / files[0]).is_file()]
        named = [folder for folder in self.layouts if folder == path.name]
        layout = [*held, *named, *self.layouts][0]  # of a folder without any, the first file is missed below
        return layout, ((name, self.read_file(path / name, self.largest)) for name in self.layouts[layout])

    def read_file(self, path: Path, largest: int) -> bytes:
        """The bytes of a file of at most ``largest`` bytes."""
        check_file(path, f"a file of {self.name}")
        try:
            if path.stat().st_size > largest:
                raise DataError(f"{path}: expected at most {largest:,} bytes, found {path.stat().st_size:,}")
            return path.read_bytes()
        except OSError as error:
            raise DataError(f"{path}: expected a file of {self.name}, could not read it ({error.strerror})") from error

    def _read_archive(self, path: Path) -> tuple[str, Iterator[tuple[str, bytes]]]:
        """The layout of which one folder of the archive holds most files."""
        wanted = {name for files in self.layouts.values() for name in files}
        folders = read_archive(path, wanted, self.largest, f"an archive of {self.name}")
        choices = [(layout, found) for layout in self.layouts for found in folders.values()]
        layout, found = max(choices, key=lambda choice: len(choice[1].keys() & set(self.layouts[choice[0]])))
        missing = [name for name in self.layouts[layout] if name not in found]
        if missing:
            of = " of its MATLAB files" if missing[0].endswith(".mat") else ""
            raise DataError(f"{path}: expected an archive of {self.name}, {missing[0]} is missing{of}")
        return layout, ((name, found[name]) for name in self.layouts[layout])


def records(file: str, content: bytes, n_labels: int) -> np.ndarray:
    """A binary file's records of ``n_labels`` label bytes and 3,072 pixel bytes, a row each."""
    size = n_labels + PIXELS
    if not content or len(content) % size:
        raise DataError(f"{file}: expected records of {size:,} bytes, found {len(content):,} bytes in all")
    return np.frombuffer(content, np.uint8).reshape(-1, size)


def batch(file: str, pixels: np.ndarray, labels: np.ndarray, n_classes: int) -> LabelledImages:
    """Images and labels from rows of 3,072 pixels, channel first, and as many labels."""
    if len(pixels) != len(labels) or len(labels) == 0 or labels.max() >= n_classes:
        raise DataError(
            f"{file}: expected one label 0..{n_classes - 1} an image, found {len(labels)} labels "
            f"(up to {max(labels, default='none')}) and {len(pixels)} images"
        )
    colours = np.moveaxis(pixels.reshape(-1, 3, 32, 32), 1, 0)
    return np.stack(list(colours), axis=-1), labels.astype(np.int64)  # thrice as fast as a copy of the axes turned

"""What CIFAR-10 and CIFAR-100 share: where their files stand, how they are read, and how a row becomes an image.

Facts about the files: https://www.cs.toronto.edu/~kriz/cifar.html. Archives are read in memory.
"""

import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from linclf.data.dataset import LabelledImages
from linclf.data.limits import check_file
from linclf.errors import DataError

PIXELS = 3 * 32 * 32
LARGEST_ARCHIVE = 256 * 2**20
"""Bytes of all files in an archive, and of the archive itself: the official ones' hold 186 MB."""
MOST_ENTRIES = 1000
"""Entries of an archive; the official ones have nine at most."""


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
        """The folder or archive that ``path`` is or holds, or None."""
        if path.is_file():
            return path if path.name.endswith((".tar.gz", ".tgz")) else None
        if any((path / files[0]).is_file() for files in self.layouts.values()):
            return path
        return next((path / name for name in (*self.layouts, *self.archives) if (path / name).exists()), None)

    def read(self, path: Path) -> tuple[str, Iterator[tuple[str, bytes]]]:
        """The layout of what ``find`` found and its files, name and content; of a folder each is read when asked for.

        DataError naming the file that cannot be read.
        """
        if not path.is_dir():
            return self._read_archive(path)
        held = [folder for folder, files in self.layouts.items() if (path / files[0]).is_file()]
        layout = [*held, *self.layouts][0]  # of a folder without any, the first file is missed below
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
        """Only regular members with the official names are looked at."""
        wanted = {f"{folder}/{name}": (folder, name) for folder, files in self.layouts.items() for name in files}
        found: dict[str, dict[str, bytes]] = {folder: {} for folder in self.layouts}
        try:
            with tarfile.open(path, "r|gz", tarinfo=_Header) as archive:
                total = 0
                for i, member in enumerate(archive, start=1):
                    total += member.size
                    if member.size > self.largest or total > LARGEST_ARCHIVE or i > MOST_ENTRIES:
                        raise DataError(
                            f"{path}: expected at most {MOST_ENTRIES:,} files of at most {self.largest:,} bytes, "
                            f"{LARGEST_ARCHIVE:,} in all, found more at {member.name}"
                        )
                    if member.name in wanted and member.isreg():
                        content = archive.extractfile(member)
                        assert content is not None  # a regular file has one
                        folder, name = wanted[member.name]
                        found[folder][name] = content.read()
        except DataError:
            raise
        except Exception as error:  # unpacking hostile bytes can raise nearly anything
            raise DataError(f"{path}: expected an archive of {self.name}, could not read it ({error})") from error
        layout = max(found, key=lambda folder: len(found[folder]))
        missing = [name for name in self.layouts[layout] if name not in found[layout]]
        if missing:
            raise DataError(f"{path}: expected an archive of {self.name}, {missing[0]} is missing")
        return layout, ((name, found[layout][name]) for name in self.layouts[layout])


class _Header(tarfile.TarInfo):
    """A header of an archive, refused if ``tarfile`` would read what follows it whole: a name of gigabytes, say."""

    @classmethod
    def frombuf(cls, *block: Any) -> "_Header":
        header = super().frombuf(*block)
        if header.type not in tarfile.REGULAR_TYPES and header.size > 4096:
            raise tarfile.ReadError(f"an entry of type {header.type!r} has {header.size:,} bytes")
        return header


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
            f"(greatest {max(labels, default='none')}) and {len(pixels)} images"
        )
    colours = np.moveaxis(pixels.reshape(-1, 3, 32, 32), 1, 0)
    return np.stack(list(colours), axis=-1), labels.astype(np.int64)  # thrice as fast as a copy of the axes turned

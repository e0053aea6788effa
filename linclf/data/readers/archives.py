"""Archives, tar files (gzipped or not) and zip files, read in memory, in bounds, and written nowhere."""

import tarfile
import zipfile
from collections.abc import Collection, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from linclf.errors import DataError

LARGEST_ARCHIVE = 256 * 2**20
"""Bytes of all files in an archive, and of the archive itself: CIFAR's official ones hold 186 MB."""
MOST_ENTRIES = 1000
"""Entries of an archive; CIFAR's official ones have nine at most."""
_ENDINGS = (".tar.gz", ".tgz", ".tar", ".zip")


def is_archive(path: Path) -> bool:
    """Whether a file is an archive by its name."""
    return path.name.lower().endswith(_ENDINGS)


def read_archive(path: Path, wanted: Collection[str], largest: int, what: str) -> dict[str, dict[str, bytes]]:
    """The regular files of an archive that have a name in ``wanted``, by the folder that they are in.

    DataError if it cannot be read as ``what`` it should be, or has a file of more than ``largest`` bytes.
    """
    read = _zipped if zipfile.is_zipfile(path) else _tarred
    found: dict[str, dict[str, bytes]] = {"": {}}
    total = 0
    try:
        for i, (name, size, content) in enumerate(read(path, wanted), start=1):
            total += size
            if size > largest or total > LARGEST_ARCHIVE or i > MOST_ENTRIES:
                raise DataError(
                    f"{path}: expected at most {MOST_ENTRIES:,} files of at most {largest:,} bytes, "
                    f"{LARGEST_ARCHIVE:,} in all, found more at {name}"
                )
            if content is not None:
                place = PurePosixPath(name)
                found.setdefault(str(place.parent), {})[place.name] = content(size)
    except DataError:
        raise
    except Exception as error:  # unpacking hostile bytes can raise nearly anything
        raise DataError(f"{path}: expected {what}, could not read it ({error})") from error
    return found


_Entry = tuple[str, int, Any]
"""Name, bytes and, of a file that is wanted, what reads so many bytes of it."""


def _wanted(name: str, wanted: Collection[str]) -> bool:
    place = PurePosixPath(name)
    return place.name in wanted and not place.is_absolute() and ".." not in place.parts


def _tarred(path: Path, wanted: Collection[str]) -> Iterator[_Entry]:
    with path.open("rb") as file:
        mode = "r|gz" if file.read(2) == b"\x1f\x8b" or path.suffix.lower() != ".tar" else "r|"
    with tarfile.open(path, mode, tarinfo=_Header) as archive:  # type: ignore[call-overload]
        for member in archive:
            content = archive.extractfile(member) if member.isreg() and _wanted(member.name, wanted) else None
            yield member.name, member.size, content and content.read


def _zipped(path: Path, wanted: Collection[str]) -> Iterator[_Entry]:
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if member.is_dir() or not _wanted(member.filename, wanted):
                yield member.filename, 0, None
                continue
            if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise ValueError(f"{member.filename} is compressed in an unusual way")
            with archive.open(member) as content:
                yield member.filename, member.file_size, content.read


class _Header(tarfile.TarInfo):
    """A header of an archive, refused if ``tarfile`` would read what follows it whole: a name of gigabytes, say."""

    @classmethod
    def frombuf(cls, *block: Any) -> "_Header":
        header = super().frombuf(*block)
        if header.type not in tarfile.REGULAR_TYPES and header.size > 4096:
            raise tarfile.ReadError(f"an entry of type {header.type!r} has {header.size:,} bytes")
        return header

"""What a file may ask for: enough for ordinary memory, and no more than what is stored makes likely."""

from pathlib import Path

from linclf.errors import DataError

LARGEST = 2**31
"""Bytes of images a file or folder may hold: what standardises to inputs that fit into ordinary memory."""
LARGEST_PACKED, MOST_PACKED = 2**27, 100
"""Bytes beyond which images may be no more than this many times their bytes on disk: a bomb's grow a thousandfold."""


def check_file(path: Path, what: str) -> None:
    """DataError if there is something else than a file at ``path``: a pipe, say, which would be waited for."""
    if path.exists() and not path.is_file():
        raise DataError(f"{path}: expected {what}, found something that is no file")


def check_size(where: str, size: int, stored: int) -> None:
    """DataError if images of ``size`` bytes, of which ``stored`` are on disk, would exhaust memory."""
    if size > LARGEST:
        raise DataError(f"{where}: expected at most {LARGEST:,} bytes of images, found {size:,}")
    if size > max(LARGEST_PACKED, MOST_PACKED * stored):
        raise DataError(f"{where}: expected at most {MOST_PACKED} times the {stored:,} bytes on disk, found {size:,}")

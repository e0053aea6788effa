"""Atomic writes: a file appears whole or not at all."""

import json
import os
import re
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

_UNFINISHED = ".linclf-part"
LOCK = ".lock"
"""The file in a report's folder that is locked while a report is written, and tells the folder from others after."""


def write_whole(path: str | os.PathLike[str], write: Callable[[BinaryIO], object]) -> None:
    """Let ``write`` fill a temporary file beside ``path``, then rename it: a reader sees the old file or the new.

    Raises:
        OSError: as the system says, with the name of ``path``; then what was there before is there still.
    """
    target = Path(path)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        while not _written(target, write):
            pass
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), str(target)) from error


def _written(target: Path, write: Callable[[BinaryIO], object]) -> bool:
    """Write ``target``; False if :func:`remove_unfinished` took the temporary file away meanwhile."""
    name = target.with_name(f".{target.name}.{secrets.token_hex(4)}{_UNFINISHED}")
    try:
        with open(name, "xb") as file:  # under the umask: tempfile's mode would keep a shared report from its readers
            write(file)
        try:
            os.replace(name, target)
        except FileNotFoundError:
            return False
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(name)
        raise
    return True


def remove_unfinished(folder: Path) -> None:
    """Remove the temporary files that killed processes left in ``folder``; one still being written is written again."""
    for path in folder.glob(f".*{_UNFINISHED}"):
        with suppress(FileNotFoundError, PermissionError):  # Windows removes no open file
            path.unlink()


def write_bytes(path: str | os.PathLike[str], content: bytes) -> None:
    """:func:`write_whole` for bytes."""
    write_whole(path, lambda file: file.write(content))


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """:func:`write_whole` for text, in UTF-8."""
    write_bytes(path, text.encode())


def write_json(path: str | os.PathLike[str], document: Any, digits: int | None = None) -> None:
    """Write a document as JSON, each list of numbers on one line, whole or not at all.

    Fractions in lists keep ``digits`` significant digits, all by default; single numbers stay as they are.
    """
    text = json.dumps(document if digits is None else _rounded(document, digits), indent=1, ensure_ascii=False)
    text = re.sub(r"\[\s+([^\[\]{}]*?)\s+\]", lambda match: "[" + re.sub(r"\s*\n\s*", "", match[1]) + "]", text)
    write_text(path, text + "\n")


def _rounded(value: Any, digits: int) -> Any:
    """The same document, its lists with so many significant digits.

    >>> _rounded({"loss": [2.302585092994046, 12345678, None], "share": 1 / 3}, 7)
    {'loss': [2.302585, 12345678, None], 'share': 0.3333333333333333}
    """
    if isinstance(value, dict):
        return {key: _rounded(item, digits) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [float(f"{x:.{digits}g}") if isinstance(x, float) else _rounded(x, digits) for x in value]
    return value

"""A report's folder: its lock, so that one report at a time writes there, its scratch folder, and its clean-up."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from linclf.errors import ConfigError
from linclf.studies.store import Store
from linclf.system.files import LOCK, remove_unfinished


@contextmanager
def sole_writer(out: Path) -> Iterator[None]:
    """Lock ``out`` against other reports; the system releases the lock when this process ends, however it ends.

    Raises:
        ConfigError: it is locked already, or cannot be written to.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(out / LOCK, timeout=0)
    try:
        out.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        raise ConfigError(f"{out}: another report is being written there; wait for it, or choose another") from None
    except OSError as error:
        reason = error.strerror or error
        raise ConfigError(f"{out}: expected a folder to write to, but found: {reason}; choose another") from None
    try:
        for folder in (out, Store.of_report(out).folder):
            remove_unfinished(folder)
        yield
    finally:
        lock.release()


@contextmanager
def scratch(out: Path) -> Iterator[Path]:
    """A temporary folder for the report in ``out``; those that killed reports left behind are removed first.

    Call it only within :func:`sole_writer`: another report's scratch folder would be removed, too.
    """
    prefix = f"linclf-{hashlib.sha256(str(out.resolve()).encode()).hexdigest()[:8]}-"
    for left in Path(tempfile.gettempdir()).glob(f"{prefix}*"):
        shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=prefix, ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def clean(out: Path) -> str:
    """Remove the finished runs of the report in ``out``, and say how many files and megabytes they were.

    Raises:
        ConfigError: ``out`` is no folder, or a report is being written there.
    """
    if not os.path.isdir(out):
        raise ConfigError(f"{out}: expected the folder of a report, found none")
    store = Store.of_report(out)
    if not store.folder.is_dir():
        return f"{store.folder}: no runs are stored there"
    with sole_writer(out):
        files, size = store.clear()
    return f"{store.folder}: {files} files of stored runs removed, {size / 1e6:.1f} MB"

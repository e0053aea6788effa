"""Where the finished runs go when no folder is named."""

import os
from contextlib import suppress
from pathlib import Path

from linclf.data.fetch import cache_folder
from linclf.errors import ConfigError
from linclf.system.environment import source_tree


def default_report_folder() -> tuple[Path, str]:
    """``reports/latest`` of the source tree, or of the current folder where linclf was installed without one.

    Where that cannot be written to it is ``reports/latest`` in the cache folder. Also returns a sentence that says
    where the finished runs are kept, for whoever looks for them.

    Raises:
        ConfigError: neither can be written to.
    """
    tree, own = source_tree(), Path("reports", "latest")
    first = ((tree or Path()) / own).absolute()
    if _writable(first):  # pages are handed on: no path of this machine
        where = "linclf's source tree" if tree else "the current folder"
        return first, f"Finished runs are kept in {own / 'runs'}, in {where}."
    with suppress(ConfigError):  # no home folder
        cache = cache_folder() / "reports" / "latest"
        if _writable(cache):
            return cache, f"{first} cannot be written to: finished runs are kept in {cache / 'runs'}."
    raise ConfigError(
        f'expected a folder to write to, but {first} is none: name another as out_dir, in place of "auto"'
    )


def _writable(folder: Path) -> bool:
    """Whether ``folder`` can be written to, or made where it is missing."""
    there = next(parent for parent in (folder, *folder.parents) if parent.exists())
    return there.is_dir() and os.access(there, os.W_OK | os.X_OK)

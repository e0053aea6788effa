"""CIFAR-10's official archive, downloaded on request only, and the cache folder where it then stands."""

import logging
import os
from pathlib import Path

from linclf.errors import ConfigError, DataError

from .readers.cifar10 import PYTHON_ARCHIVE

URL = f"https://www.cs.toronto.edu/~kriz/{PYTHON_ARCHIVE.name}"


def cache_folder() -> Path:
    """``$XDG_CACHE_HOME/linclf``, else ``~/.cache/linclf``; ConfigError where there is no home folder either."""
    folder = os.path.expanduser(os.environ.get("XDG_CACHE_HOME") or "~/.cache")
    if folder.startswith("~"):
        raise ConfigError("expected a home folder to look for data in, found none: set HOME, or name the data")
    return Path(folder) / "linclf"


def fetch(url: str | None = None) -> Path:
    """The official archive in the cache folder, downloaded unless it is there; only with the official checksum.

    Raises:
        DataError: no connection, or other bytes; says which file to put where by hand.
    """
    try:
        import pooch
    except ImportError:
        raise ConfigError("fetching needs pooch: pip install 'linclf[report]'") from None
    folder, archive = cache_folder(), PYTHON_ARCHIVE
    pooch.get_logger().setLevel(logging.WARNING)
    try:
        found = pooch.retrieve(
            url or URL,
            known_hash=f"sha256:{archive.sha256}",
            fname=archive.name,
            path=folder,
            downloader=pooch.HTTPDownloader(progressbar=True),
        )
    except (OSError, ValueError) as error:
        reason = "its checksum is another" if "hash" in str(error) else "it could not be downloaded"
        raise DataError(
            f"{url or URL}: {reason}; get {archive.name} ({archive.size:,} bytes, SHA-256 {archive.sha256}) "
            f"by other means and put it into {folder}"
        ) from error
    return Path(found)

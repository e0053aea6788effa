"""Download CIFAR-10's official archive, on request only."""

import logging
from pathlib import Path

from ..errors import ConfigError, DataError
from .cache import cache_folder
from .cifar10 import PYTHON_ARCHIVE

URL = f"https://www.cs.toronto.edu/~kriz/{PYTHON_ARCHIVE.name}"


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

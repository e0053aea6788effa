"""The folder where fetched data stand."""

import os
from pathlib import Path

from ..errors import ConfigError


def cache_folder() -> Path:
    """``$XDG_CACHE_HOME/linclf``, else ``~/.cache/linclf``; ConfigError where there is no home folder either."""
    folder = os.path.expanduser(os.environ.get("XDG_CACHE_HOME") or "~/.cache")
    if folder.startswith("~"):
        raise ConfigError("expected a home folder to look for data in, found none: set HOME, or name the data")
    return Path(folder) / "linclf"

"""The folder where fetched data stand."""

import os
from pathlib import Path


def cache_folder() -> Path:
    """``$XDG_CACHE_HOME/linclf``, else ``~/.cache/linclf``."""
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "linclf"

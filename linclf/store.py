"""Finished runs on disk: one file a stack, under a key that changes with anything that could change its numbers.

Not in the key: the kernels that BLAS chooses for the processor. They change rounding only, and a notebook opened by
hand, where they may differ from the report's, shall find the report's runs.

Why no library keeps them: joblib.Memory would hash all inputs at each call and sees changes in one function's code but
not in what that calls; it and diskcache store pickles, which run code when they are read.
"""

import hashlib
import json
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from .files import write_whole
from .model import Linear

_PACKAGE = Path(__file__).parent
ONLY_SHOW = ("__init__.py", "__main__.py", "claims", "estimators.py", "plots.py", "report")
"""Modules and subpackages that change no stored number: the others must not import them."""

Key = dict[str, Any]
"""All that the runs of a stack depend on but the code, as plain values; its "name" begins the file's name."""


@dataclass(frozen=True)
class StoredRun:
    """One trained network: its record for ``results.json``, its model and, where it was tested, its predictions.

    predictions: classes of the test images, (n_test,); None where the test images may not be looked at.
    """

    record: dict[str, Any]
    model: Linear
    predictions: np.ndarray | None = None


@dataclass(frozen=True)
class Store:
    """A folder of finished runs; each file is read once."""

    folder: Path
    _read: dict[Path, list[StoredRun]] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of_report(cls, out: Path) -> "Store":
        """The store of the report in the folder ``out``."""
        return cls(out / "runs")

    def get(self, key: Key) -> list[StoredRun] | None:
        """The runs stored under ``key``, or None. A file that cannot be read counts as absent: it is made again."""
        path = self.path("npz", key)
        if path not in self._read:
            try:
                self._read[path] = _load(path)
            except Exception:  # whatever damage to the file makes zipfile, NumPy or json say
                return None
        return self._read[path]

    def put(self, key: Key, runs: Sequence[StoredRun]) -> None:
        """Store ``runs``, all tested or none, under ``key``: all of them or, when interrupted, none."""
        arrays: dict[str, Any] = {
            "W": np.stack([run.model.W for run in runs]),
            "b": np.stack([run.model.b for run in runs]),
            "records": np.array(json.dumps([run.record for run in runs])),
        }
        predictions = [run.predictions for run in runs if run.predictions is not None]
        if predictions:
            arrays["predictions"] = np.stack(predictions)
        write_whole(self.path("npz", key), lambda file: np.savez(file, **arrays))

    def forget(self, key: Key) -> None:
        """Let nothing be stored under ``key``."""
        path = self.path("npz", key)
        path.unlink(missing_ok=True)
        self._read.pop(path, None)

    def clear(self) -> tuple[int, int]:
        """Remove all that stores have written to the folder, and nothing else: how many files, and their bytes."""
        files = [path for path in self.folder.glob("*") if path.is_file() and _OURS.fullmatch(path.name)]
        size = sum(path.stat().st_size for path in files)
        for path in files:
            path.unlink()
        with suppress(OSError):  # others' files in it
            self.folder.rmdir()
        return len(files), size

    def path(self, ending: str, key: Key) -> Path:
        """The file of what depends on ``key``."""
        text = json.dumps({"key": key, "code": _code_hash(), "numpy": np.__version__}, sort_keys=True)
        return self.folder / f"{key['name']}-{hashlib.sha256(text.encode()).hexdigest()[:16]}.{ending}"


_OURS = re.compile(r".+-[0-9a-f]{16}\.(npz|json)")


def _load(path: Path) -> list[StoredRun]:
    with open(path, "rb") as file, np.load(file, allow_pickle=False) as arrays:
        records = json.loads(str(arrays["records"]))
        predictions = arrays.get("predictions", [None] * len(records))
        each = zip(records, arrays["W"], arrays["b"], predictions, strict=True)
        return [StoredRun(record, Linear(W, b), predicted) for record, W, b, predicted in each]


@cache
def _code_hash() -> str:
    """Hash of the modules that decide what a run's numbers are: a new one counts until ``ONLY_SHOW`` names it."""
    files = [path.relative_to(_PACKAGE) for path in sorted(_PACKAGE.rglob("*.py"))]
    code = hashlib.sha256()
    for file in files:
        if file.parts[0] not in ONLY_SHOW:
            code.update(str(file.as_posix()).encode() + (_PACKAGE / file).read_bytes())
    return code.hexdigest()

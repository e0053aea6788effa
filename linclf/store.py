"""Finished runs on disk: one file a stack, under a key that changes with anything that could change its runs."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from .files import write_whole
from .model import Linear

_PACKAGE = Path(__file__).parent
_CODE = (
    "blas",
    "config",
    "experiments",
    "losses",
    "metrics",
    "model",
    "preprocessing",
    "stack",
    "store",
    "study",
    "training",
)

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

    def get(self, key: Key) -> list[StoredRun] | None:
        """The runs stored under ``key``, or None. A file that cannot be read counts as absent: it is made again."""
        path = self.path("npz", key)
        if path not in self._read:
            try:
                self._read[path] = _load(path)
            except (OSError, ValueError, KeyError, EOFError, BadZipFile):
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

    def path(self, ending: str, key: Key) -> Path:
        """The file of what depends on ``key``."""
        text = json.dumps({"key": key, "code": _code_hash()}, sort_keys=True)
        return self.folder / f"{key['name']}-{hashlib.sha256(text.encode()).hexdigest()[:16]}.{ending}"


def _load(path: Path) -> list[StoredRun]:
    with open(path, "rb") as file, np.load(file, allow_pickle=False) as arrays:
        records = json.loads(str(arrays["records"]))
        predictions = arrays.get("predictions", [None] * len(records))
        each = zip(records, arrays["W"], arrays["b"], predictions, strict=True)
        return [StoredRun(record, Linear(W, b), predicted) for record, W, b, predicted in each]


@cache
def _code_hash() -> str:
    """Hash of the modules that decide what a run's numbers are."""
    text = "".join((_PACKAGE / f"{name}.py").read_text(encoding="utf-8") for name in _CODE)
    return hashlib.sha256(text.encode()).hexdigest()

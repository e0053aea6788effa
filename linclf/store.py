"""Finished runs on disk: one file a stack, under a key that changes with anything that could change its runs."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True)
class StoredRun:
    """One trained and tested network: its record for ``results.json``, its model and its predictions on test images."""

    record: dict[str, Any]
    model: Linear
    predictions: np.ndarray


@dataclass(frozen=True)
class Store:
    """A folder of finished runs."""

    folder: Path

    def get(self, key: dict[str, Any]) -> list[StoredRun] | None:
        """The runs stored under ``key``, or None. A file that cannot be read counts as absent: it is made again."""
        try:
            with open(self.path("npz", key), "rb") as file, np.load(file, allow_pickle=False) as arrays:
                records = json.loads(str(arrays["records"]))
                each = zip(records, arrays["W"], arrays["b"], arrays["predictions"], strict=True)
                return [StoredRun(record, Linear(W, b), predictions) for record, W, b, predictions in each]
        except (OSError, ValueError, KeyError, EOFError, BadZipFile):
            return None

    def put(self, key: dict[str, Any], runs: Sequence[StoredRun]) -> None:
        """Store ``runs`` under ``key``, all of them or, when interrupted, none."""
        arrays: dict[str, Any] = {
            "W": np.stack([run.model.W for run in runs]),
            "b": np.stack([run.model.b for run in runs]),
            "predictions": np.stack([run.predictions for run in runs]),
            "records": np.array(json.dumps([run.record for run in runs])),
        }
        write_whole(self.path("npz", key), lambda file: np.savez(file, **arrays))

    def path(self, ending: str, key: dict[str, Any]) -> Path:
        """The file of what depends on ``key``, whose "name" begins its name."""
        text = json.dumps({"key": key, "code": _code_hash()}, sort_keys=True)
        return self.folder / f"{key['name']}-{hashlib.sha256(text.encode()).hexdigest()[:16]}.{ending}"


@cache
def _code_hash() -> str:
    """Hash of the modules that decide what a run's numbers are."""
    text = "".join((_PACKAGE / f"{name}.py").read_text(encoding="utf-8") for name in _CODE)
    return hashlib.sha256(text.encode()).hexdigest()

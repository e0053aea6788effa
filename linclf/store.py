"""Finished runs on disk: one file a run, under a key that changes with anything that could change the run."""

import hashlib
import json
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

    def get(self, key: dict[str, Any]) -> StoredRun | None:
        """The run stored under ``key``, or None. A file that cannot be read counts as absent: it is made again."""
        try:
            with open(self.path("run.npz", key), "rb") as file, np.load(file, allow_pickle=False) as arrays:
                record = json.loads(str(arrays["record"]))
                return StoredRun(record, Linear(arrays["W"], arrays["b"]), arrays["predictions"])
        except (OSError, ValueError, KeyError, EOFError, BadZipFile):
            return None

    def put(self, key: dict[str, Any], run: StoredRun) -> None:
        """Store ``run`` under ``key``, whole or not at all."""
        arrays: dict[str, Any] = {
            "W": run.model.W,
            "b": run.model.b,
            "predictions": run.predictions,
            "record": np.array(json.dumps(run.record)),
        }
        write_whole(self.path("run.npz", key), lambda file: np.savez(file, **arrays))

    def path(self, name: str, key: dict[str, Any]) -> Path:
        """Where what is called ``name`` and depends on ``key`` stands."""
        text = json.dumps({"key": key, "code": _code_hash()}, sort_keys=True)
        parts = (
            key["arm"],
            key["setting"],
            key["seed"],
            hashlib.sha256(text.encode()).hexdigest()[:16],
            name,
        )
        return self.folder / "-".join(map(str, parts))


@cache
def _code_hash() -> str:
    """Hash of the modules that decide what a run's numbers are."""
    text = "".join((_PACKAGE / f"{name}.py").read_text(encoding="utf-8") for name in _CODE)
    return hashlib.sha256(text.encode()).hexdigest()

"""Finished runs on disk: one file per stack, under a key that changes with anything that could change its numbers.

Not in the key: the kernels that BLAS chooses for the processor. They change rounding only, and a notebook opened by
hand, where they may differ from the report's, must find the report's runs.

Why no library keeps them: joblib.Memory would hash all inputs at each call and sees changes in one function's code but
not in what that calls; it and diskcache store pickles, which run code when they are read.

A file holds the hash of its name and content: what was changed, or given another name, is trained again.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from linclf.data.dataset import check_file
from linclf.system.files import write_whole
from linclf.training import History, Linear, Run
from linclf.training.config import config_of

from .metrics import accuracy

_PACKAGE = Path(__file__).parent.parent
_DECIDE = ("data", "training", "studies")
"""The packages that decide what a run's numbers are; what they import beside each other decides none."""

CURVES = tuple(field.name for field in fields(History))
"""Series of a run's history: one value before training, and one after each epoch."""

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

    @classmethod
    def untested(cls, label: dict[str, Any], run: Run, **measured: Any) -> "StoredRun":
        """A run that may not see the test images: label, Config, time and measures."""
        return cls({**label, **asdict(run.config), "seconds": run.seconds, **measured}, run.model)

    @classmethod
    def tested(
        cls, label: dict[str, Any], run: Run, predictions: np.ndarray, labels: np.ndarray, **measured: Any
    ) -> "StoredRun":
        """The same with its predictions of the test images, whose true classes are ``labels``, and their accuracy."""
        record = cls.untested(label, run, **measured, test_accuracy=accuracy(predictions, labels)).record
        return cls(record, run.model, predictions.astype(np.uint16))

    @property
    def run(self) -> Run:
        """The run as ``train`` returned it, its history where the record holds that."""
        series = {name: np.array(self.record[name]) for name in CURVES if name in self.record}
        history = History(**series) if len(series) == len(CURVES) else None
        return Run(config_of(self.record), self.model, history, self.record["seconds"])


def has_json_type(kind: type, value: Any) -> bool:
    """Whether a JSON value is of the kind and not empty. Floats may be whole; they must be finite and below 1e300."""
    if kind is float:
        return type(value) in (int, float) and abs(value) < 1e300
    return type(value) is kind and value != ""


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
        """The runs stored under ``key``, or None. A file that was changed since, or damaged, counts as absent."""
        path = self.path(key)
        if path not in self._read and (arrays := _load(path)):
            records = json.loads(str(arrays["values"]))
            predictions = arrays.get("predictions", [None] * len(records))
            members = zip(records, arrays["W"], arrays["b"], predictions, strict=True)
            self._read[path] = [StoredRun(record, Linear(W, b), predicted) for record, W, b, predicted in members]
        return self._read.get(path)

    def put(self, key: Key, runs: Sequence[StoredRun]) -> None:
        """Store ``runs``, all tested or none, under ``key``: all of them or, when interrupted, none."""
        arrays = {"W": np.stack([run.model.W for run in runs]), "b": np.stack([run.model.b for run in runs])}
        predictions = [run.predictions for run in runs if run.predictions is not None]
        if predictions:
            arrays["predictions"] = np.stack(predictions)
        self.put_values(key, [run.record for run in runs], **arrays)

    def get_values(self, key: Key) -> Any:
        """The plain values stored under ``key``, or None as with :meth:`get`."""
        arrays = _load(self.path(key))
        return json.loads(str(arrays["values"])) if arrays else None

    def put_values(self, key: Key, values: Any, **arrays: Any) -> None:
        """Store plain values under ``key``, and arrays beside them."""
        path, arrays = self.path(key), arrays | {"values": np.array(json.dumps(values))}
        digest = np.array(_digest(path.name, arrays))
        write_whole(path, lambda file: np.savez(file, **arrays, digest=digest))

    def clear(self) -> tuple[int, int]:
        """Remove all that stores have written to the folder, and nothing else: how many files, and their bytes."""
        self._read.clear()
        files = [path for path in self.folder.glob("*") if path.is_file() and _OURS.fullmatch(path.name)]
        size = sum(path.stat().st_size for path in files)
        for path in files:
            path.unlink()
        with suppress(OSError):  # others' files in it
            self.folder.rmdir()
        return len(files), size

    def path(self, key: Key) -> Path:
        """The file of what depends on ``key``."""
        text = json.dumps({"key": key, "code": _code_hash(), "numpy": np.__version__}, sort_keys=True)
        return self.folder / f"{key['name']}-{hashlib.sha256(text.encode()).hexdigest()[:16]}.npz"


_OURS = re.compile(r".+-[0-9a-f]{16}\.(npz|json)")


def _load(path: Path) -> dict[str, np.ndarray]:
    """The arrays that :meth:`Store.put_values` wrote; none if the file cannot be read, or was changed since."""
    try:
        check_file(path, "stored runs")
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as stored:
            packed = any(member.compress_type for member in stored.zip.infolist())  # and may be far more than the file
            arrays = {} if packed else dict(stored)
        return arrays if arrays.pop("digest") == _digest(path.name, arrays) else {}
    except Exception:  # whatever damage to the file makes zipfile or NumPy say
        return {}


def _digest(name: str, arrays: Mapping[str, np.ndarray]) -> str:
    """Hash of a file's name and of all that it holds."""
    content = hashlib.sha256(name.encode())
    for key, array in sorted(arrays.items()):
        content.update(f"{key} {array.dtype.str} {array.shape}".encode() + array.tobytes())
    return content.hexdigest()


@cache
def _code_hash() -> str:
    """Hash of the packages that decide what a run's numbers are."""
    code = hashlib.sha256()
    for package in _DECIDE:
        for path in sorted((_PACKAGE / package).rglob("*.py")):
            code.update(path.relative_to(_PACKAGE).as_posix().encode() + path.read_bytes())
    return code.hexdigest()


@dataclass(frozen=True)
class Count:
    """How many networks were found in the store, how many had to be trained, and with how many FLOP."""

    reused: int
    trained: int
    flop: float = field(default=0.0, compare=False)

    def __add__(self, other: "Count") -> "Count":
        return Count(self.reused + other.reused, self.trained + other.trained, self.flop + other.flop)

"""Finished runs on disk: one file per stack, under a key that changes with anything that could change its numbers.

Not in the key: the kernels that BLAS chooses for the processor. They change rounding only, and a notebook opened by
hand, where they may differ from the report's, shall find the report's runs.

Why no library keeps them: joblib.Memory would hash all inputs at each call and sees changes in one function's code but
not in what that calls; it and diskcache store pickles, which run code when they are read.
"""

import hashlib
import json
import re
import zipfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from linclf.data.dataset import check_file
from linclf.system.files import write_text, write_whole
from linclf.system.progress import Progress
from linclf.training.config import config_of
from linclf.training.loop import History, Run, Task
from linclf.training.model import Linear
from linclf.training.train import run_tasks

from .metrics import accuracy

_PACKAGE = Path(__file__).parent.parent
_DECIDE = ("data", "training", "studies")
"""The packages that decide what a run's numbers are; what they import beside each other decides none."""

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
        """What is kept of a run while the test images may not be looked at: its label, Config, time and measures."""
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
        """The run as ``train`` returned it; its record holds the fields of its Config and History."""
        history = History(**{field.name: np.array(self.record[field.name]) for field in fields(History)})
        return Run(config_of(self.record), self.model, history, self.record["seconds"])

    def check(
        self, known: Mapping[str, Any], measured: Mapping[str, type], shape: tuple[int, int], n_test: int | None
    ) -> None:
        """ValueError, or what Python says of odd values, unless the run can be what a study has stored.

        Args:
            known: what its record says of label and Config.
            measured: the types of the record's other values, as in :func:`has_json_type`; ``list`` is a number before
                training and after each epoch. Accuracies are shares, and an "epoch" is one of the run's.
            shape: classes and inputs of the model.
            n_test: number of test images that it predicts; None for a network that is not tested.
        """
        arrays = {"W": (self.model.W, shape), "b": (self.model.b, shape[:1])}
        for name, (array, wanted) in arrays.items():
            if array.shape != wanted or array.dtype.kind != "f" or not np.isfinite(array).all():
                raise ValueError(f"{name} is no array of {wanted} finite numbers")
        if json.dumps({name: self.record[name] for name in known}) != json.dumps(known):
            raise ValueError("it is another network's")
        for name, kind in measured.items():
            values = self.record[name] if kind is list else [self.record[name]]
            if kind is list and len(values) != known["epochs"] + 1:
                raise ValueError(f"{name} is not of {known['epochs']} epochs")
            for value in values:
                if not has_json_type(float if kind is list else kind, value):
                    raise ValueError(f"{name} holds {value!r}")
                highest = {"accuracy": 1, "epoch": known.get("epochs")}.get(name.rpartition("_")[2])
                if highest is not None and not 0 <= value <= highest:
                    raise ValueError(f"{name} is {value}")
        if (self.predictions is None) != (n_test is None):
            raise ValueError("it is tested where it should not be, or the other way round")
        if self.predictions is not None and not (
            self.predictions.shape == (n_test,)
            and self.predictions.dtype.kind == "u"
            and self.predictions.max() < shape[0]
        ):
            raise ValueError("predictions are no classes of the test images")


def has_json_type(kind: type, value: Any) -> bool:
    """Whether a JSON value is of the kind and not empty. Floats may be whole; they must be finite and below 1e300."""
    if kind is float:
        return type(value) in (int, float) and abs(value) < 1e300
    return type(value) is kind and value != ""


Check = Callable[[list[StoredRun]], None]
"""Raises whatever it likes where runs cannot be what was stored."""


@dataclass(frozen=True)
class Store:
    """A folder of finished runs; each file is read once."""

    folder: Path
    _read: dict[Path, list[StoredRun]] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of_report(cls, out: Path) -> "Store":
        """The store of the report in the folder ``out``."""
        return cls(out / "runs")

    def get(self, key: Key, check: Check) -> list[StoredRun] | None:
        """The runs stored under ``key``, or None. A file that is damaged or fails ``check`` counts as absent."""
        path = self.path("npz", key)
        if path not in self._read:
            try:
                runs = _load(path)
                check(runs)
            except Exception:  # whatever damage to the file makes zipfile, NumPy, json or the check say
                return None
            self._read[path] = runs
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

    def get_json(self, key: Key, check: Callable[[Any], None]) -> Any:
        """The plain values stored under ``key``, or None as with :meth:`get`."""
        try:
            check_file(path := self.path("json", key), "stored values")
            values = json.loads(path.read_text(encoding="utf-8"))
            check(values)
            return values
        except Exception:
            return None

    def put_json(self, key: Key, values: Any) -> None:
        """Store plain values under ``key``."""
        write_text(self.path("json", key), json.dumps(values))

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

    def path(self, ending: str, key: Key) -> Path:
        """The file of what depends on ``key``."""
        text = json.dumps({"key": key, "code": _code_hash(), "numpy": np.__version__}, sort_keys=True)
        return self.folder / f"{key['name']}-{hashlib.sha256(text.encode()).hexdigest()[:16]}.{ending}"


_OURS = re.compile(r".+-[0-9a-f]{16}\.(npz|json)")


def _load(path: Path) -> list[StoredRun]:
    check_file(path, "stored runs")
    with open(path, "rb") as file:
        if any(member.compress_type for member in zipfile.ZipFile(file).infolist()):
            raise ValueError("expected what put has written, which is not compressed and takes no more memory than it")
        with np.load(file, allow_pickle=False) as arrays:
            records = json.loads(str(arrays["records"]))
            predictions = arrays.get("predictions", [None] * len(records))
            members = zip(records, arrays["W"], arrays["b"], predictions, strict=True)
            return [StoredRun(record, Linear(W, b), predicted) for record, W, b, predicted in members]


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


def train_missing(
    store: Store,
    keys: Sequence[Key],
    check: Callable[[int, list[StoredRun]], None],
    make_task: Callable[[int], Task],
    finish: Callable[[int, list[Run]], Sequence[StoredRun]],
    *,
    progress: bool,
) -> Count:
    """Train the stacks that ``store`` lacks on all cores, and store each as it finishes.

    The functions get the number of a stack in ``keys``.

    Args:
        store: where finished runs are looked for and kept.
        keys: one per stack, of all that its runs depend on.
        check: raises where runs that are stored cannot be those of the stack.
        make_task: the training of a stack; called for missing ones only.
        finish: what to store of a stack's finished runs.
        progress: show a line while training.

    Raises:
        As ``train``; what had finished before is stored.
    """
    stored = [store.get(key, partial(check, i)) for i, key in enumerate(keys)]
    tasks = {i: make_task(i) for i, runs in enumerate(stored) if runs is None}
    reused = sum(len(runs or ()) for runs in stored)
    if not tasks:
        return Count(reused, 0)
    order = sorted(tasks, key=lambda i: _work(tasks[i]), reverse=True)  # no worker waits at the end for a long one
    count = Count(reused, sum(len(task.configs) for task in tasks.values()), sum(map(_flop, tasks.values())))
    with Progress(sum(task.configs[0].epochs for task in tasks.values()), count.trained, enabled=progress) as line:
        for number, runs in run_tasks([tasks[i] for i in order], line.epoch):
            store.put(keys[order[number]], finish(order[number], runs))
    return count


def _flop(task: Task) -> float:
    """Floating-point operations of a task's matrix products: two per image, class and input of each product."""
    n, held_out = (len(images[1]) if images else 0 for images in (task.train, task.validation))
    measured = {True: n + held_out, "validation": held_out, False: 0}[task.evaluate]
    images = sum(2 * config.epochs * n + (config.epochs + 1) * measured for config in task.configs)
    return 2.0 * task.n_classes * task.train[0].shape[1] * images


def _work(task: Task) -> int:
    """How long a stack takes to train, roughly, in no unit."""
    return task.configs[0].epochs * len(task.train[1]) * (4 + len(task.configs))

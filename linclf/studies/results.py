"""``results.json``: what a report measured, as plain numbers, and how to read it."""

import base64
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

import numpy as np

from linclf.data.dataset import Dataset, check_file
from linclf.errors import DataError
from linclf.training import Linear, Run

from .store import CURVES, StoredRun, has_json_type

FORMAT = 2
"""Rises when a program that reads the files would fail or be misled."""
_READABLE = (1, FORMAT)
_FIELDS = {
    "arm": str, "setting": int, "seed": int, "loss": str, "learning_rate": float, "l2": float, "lr_decay": float,
    "shuffle": bool, "epochs": int, "batch_size": int, "n_train": int, "n_validation": int, "test_accuracy": float,
}  # fmt: skip


HELD_OUT = ("base", "full")
"""The arms of which the final loss of each validation image of the full split is kept; neither trains on them."""


def _no_images(*cut: Any) -> NoReturn:
    """In place of ``split`` in results from a file, which hold no images."""
    raise DataError("expected results of a study, found those of a file, which holds no images: call run first")


@dataclass(frozen=True, eq=False)
class Results:
    """The measurements of the reference's study.

    Attributes:
        document: ``results.json``: ``data``, ``environment``, ``plan``, ``exact``, ``timings`` and ``runs``.
        trained_on: the data set; None for results that were loaded from a file.
        stored: the finished runs of each arm, by setting and seed; none for results that were loaded from a file.
        split: as in ``StudyResults``, by default batch 1 to train and batch 2 to validate; DataError for a file's.
    """

    document: dict[str, Any]
    trained_on: Dataset | None = field(default=None, repr=False)
    stored: Mapping[str, Sequence[StoredRun]] = field(default_factory=dict, repr=False)
    split: Callable[..., Any] = field(default=_no_images, repr=False)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Results":
        """The results stored at ``path``; DataError, naming the file and what is wrong in it, if they are unusable."""
        document = load_json(path)
        try:
            for problem in _problems(document):
                raise ValueError(problem)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            missing = f"{error} is missing" if isinstance(error, KeyError) else str(error)
            raise DataError(
                f"{os.fspath(path)}: expected what linclf report writes as results.json, but {missing}: make it again"
            ) from None
        return cls(document)

    @property
    def data(self) -> dict[str, Any]:
        """The data's provenance, ``class_names`` and ``n_test``."""
        return self.document["data"]

    @property
    def exact(self) -> dict[str, dict[str, float]]:
        """The measurements for the exact statements E1 to E3."""
        return self.document["exact"]

    @property
    def arms(self) -> list[str]:
        """The arms that ran, in the order of the document."""
        return list(dict.fromkeys(run["arm"] for run in self.document["runs"]))

    @property
    def seeds(self) -> list[int]:
        """The seeds that ran, in order, whatever the arm."""
        return sorted({run["seed"] for run in self.document["runs"]})

    def runs(self, arm: str, setting: int) -> list[dict[str, Any]]:
        """The records of one arm and setting, by seed; DataError if there are none."""
        runs = [run for run in self.document["runs"] if (run["arm"], run["setting"]) == (arm, setting)]
        if not runs:
            raise DataError(f"{arm}, setting {setting}: not measured")
        return sorted(runs, key=lambda run: int(run["seed"]))

    def curves(self, arm: str, setting: int, key: str) -> np.ndarray:
        """The values under ``key`` in the record of each seed, one row per seed.

        (seeds, epochs + 1) for a series such as "train_loss", (seeds,) for a number such as "test_accuracy".
        """
        return np.array([run[key] for run in self.runs(arm, setting)])

    def correct(self, arm: str, setting: int) -> np.ndarray:
        """Whether each test image was classified rightly, bool (seeds, n_test)."""
        n_test = self.data["n_test"]
        return np.stack([decode_correct(run["test_correct"], n_test) for run in self.runs(arm, setting)])

    def held_out(self, arm: str, setting: int) -> np.ndarray:
        """Final loss of each validation image of the full split, (seeds, images); DataError where it is not kept."""
        try:
            losses = [decode_losses(run["held_out_loss"]) for run in self.runs(arm, setting)]
            return np.stack(losses).astype(np.float64)
        except (KeyError, ValueError):
            raise DataError(f"the losses of single images are not kept of {arm}") from None

    @property
    def version(self) -> str:
        """The version and commit of linclf that measured this, as far as they are known."""
        environment: Any = self.document.get("environment")
        try:
            version, commit = environment["versions"]["linclf"], environment.get("commit")
        except (KeyError, TypeError, AttributeError):
            return "of an unknown version"
        return f"{version} (commit {str(commit)[:12]})" if commit else str(version)

    @property
    def dataset(self) -> Dataset:
        """The data set of training and test; DataError for results that were loaded from a file."""
        return _no_images() if self.trained_on is None else self.trained_on

    def models(self, arm: str, setting: int) -> list[Linear]:
        """The trained models of one arm and setting, one per seed; DataError if they are not here."""
        return [run.model for run in self._stored(arm, setting)]

    def trained(self, arm: str, setting: int) -> list[Run]:
        """The runs of one arm and setting as ``train`` returned them, one per seed; DataError if they are not here."""
        return [run.run for run in self._stored(arm, setting)]

    def predictions(self, arm: str, setting: int) -> np.ndarray:
        """Predicted classes of the test images, (seeds, n_test); DataError if they are not here."""
        return tested_predictions(self._stored(arm, setting))

    def _stored(self, arm: str, setting: int) -> list[StoredRun]:
        runs = [run for run in self.stored.get(arm, ()) if run.record["setting"] == setting]
        if not runs:
            raise DataError(f"expected networks of arm {arm!r}, setting {setting}, found none: call run({arm!r}) first")
        return runs

    @property
    def timings(self) -> np.ndarray:
        """Seconds to train one network in stored order and shuffled, (seeds, 2)."""
        pairs = [(pair["base"], pair["shuffle"]) for pair in self.document["timings"]]
        return np.array(pairs).reshape(-1, 2)


def tested_predictions(runs: Sequence[StoredRun]) -> np.ndarray:
    """Predicted classes of the test images by those of the networks that were tested, (networks, n_test)."""
    return np.stack([run.predictions for run in runs if run.predictions is not None])


def encode_correct(correct: np.ndarray) -> str:
    """Which images were classified rightly, one bit per image (``numpy.packbits``), in base64."""
    return base64.b64encode(np.packbits(correct).tobytes()).decode()


def decode_correct(text: str, n: int, key: str = "test_correct") -> np.ndarray:
    """The inverse of :func:`encode_correct`, bool (n,); DataError, naming the field, if ``text`` is not of n images."""
    packed = _decoded(text, "u1", f"{key}: expected base64 of a bit for each of {n} images")
    if len(packed) != -(-n // 8):
        raise DataError(f"{key}: expected a bit for each of {n} images, got {len(packed)} bytes")
    return np.unpackbits(packed, count=n).astype(bool)


def encode_losses(losses: np.ndarray) -> str:
    """Losses of images in float16, whose largest number stands for all beyond, in base64."""
    largest = np.finfo(np.float16).max
    return base64.b64encode(np.minimum(losses, largest).astype("<f2").tobytes()).decode()


def decode_losses(text: str) -> np.ndarray:
    """The inverse of :func:`encode_losses`, float16 (images,); DataError if ``text`` holds none."""
    return _decoded(text, "<f2", "held_out_loss: expected base64 of a float16 for each validation image")


def _decoded(text: str, dtype: str, problem: str) -> np.ndarray:
    try:
        return np.frombuffer(base64.b64decode(text, validate=True), dtype)
    except (TypeError, ValueError):
        raise DataError(problem) from None


def load_json(path: str | os.PathLike[str]) -> Any:
    """The JSON file at ``path``; DataError if it cannot be read, or holds NaN or infinity."""

    def refuse(word: str) -> NoReturn:
        raise ValueError(f"it holds {word}, which is no number")

    check_file(path, "a file made by linclf report")
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file, parse_constant=refuse)
    except OSError as error:
        raise DataError(f"{os.fspath(path)}: expected a file made by linclf report, but {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise DataError(f"{os.fspath(path)}: expected JSON as linclf report writes it, but {error}") from None


def _problems(document: Any) -> Iterator[str]:
    """Why ``document`` cannot be what a report wrote; the first is to be raised, as what follows relies on it.

    KeyError, TypeError, AttributeError or ValueError where a field is missing, or none of its kind.
    """
    if not isinstance(document, dict):
        yield "it is no JSON object"
    if document["format"] not in _READABLE:
        yield f"its format is {document['format']!r} and not {FORMAT}"
    data, kinds = document["data"], {"n_test": int, "synthetic": bool, "name": str}
    if not all(has_json_type(kind, data[key]) for key, kind in kinds.items()) or data["n_test"] < 1:
        yield "data does not say its name, whether it is synthetic, or how many test images it has"
    if not (isinstance(document.get("plan", {}), dict) and isinstance(document.get("command", ""), str)):
        yield "its plan or its command are none"
    names = set()
    for run in document["runs"]:
        name = (run["arm"], run["setting"], run["seed"])
        where = "arm {!r}, setting {}, seed {}".format(*name)
        if name in names:
            yield f"{where} is there twice"
        names.add(name)
        for key, kind in _FIELDS.items():
            if not has_json_type(kind, run[key]):
                yield f"{where}: {key} is {run[key]!r}, which is no {kind.__name__}"
        for key in CURVES:
            if len(run[key]) != run["epochs"] + 1 or not all(has_json_type(float, value) for value in run[key]):
                yield f"{where}: {key} is no list of {run['epochs'] + 1} finite numbers"
        shares = run["low_frequency_share"], *run["test_draws_below"].values()
        if not all(share is None or has_json_type(float, share) for share in shares):
            yield f"{where}: low_frequency_share or test_draws_below holds what is no number"
        accuracy = decode_correct(run["test_correct"], data["n_test"]).mean()
        if not abs(accuracy - run["test_accuracy"]) < 1e-9:
            yield f"{where}: test_accuracy is {run['test_accuracy']} where test_correct says {accuracy}"
        if document["format"] > 1 and run["arm"] in HELD_OUT:
            losses = decode_losses(run["held_out_loss"])
            if not np.isfinite(losses).all() or not losses.size:
                yield f"{where}: held_out_loss holds what is no number"
    for pair in document["timings"]:
        positive = all(has_json_type(float, pair[arm]) and pair[arm] > 0 for arm in ("base", "shuffle"))
        if not (has_json_type(int, pair["seed"]) and positive):
            yield "a timing is no positive number of seconds of a seed"
    for numbers in document["exact"].values():
        if not all(has_json_type(float, number) for number in numbers.values()):
            yield "an exact statement's value is no number"

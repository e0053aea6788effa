"""A classifier's file, ``model.npz``: its arrays, and as bytes a text in JSON that says what they are. No pickle."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from linclf.data.pictures import PREPARATION
from linclf.data.readers.npz import read_arrays
from linclf.data.standardize import Standardizer
from linclf.errors import DataError
from linclf.system.files import write_whole
from linclf.training.config import config_of
from linclf.training.model import Linear

FORMAT = 1
_ARRAYS = ("W", "b", "mean", "std", "about")
_LONGEST_TEXT = 2**24  # bytes; a thousand long class names take half of it
_TOLD: dict[str, Any] = {
    "class_names": list,
    "image_shape": list,
    "loss": str,
    "config": dict | None,
    "data_name": str,
    "data_sha256": str,
    "validation_accuracy": float | int | None,
    "feature_names": list,
}
"""What the text holds under the names of the classifier's own fields, besides format, scale and preparation."""


def write(path: str | os.PathLike[str], fields: Mapping[str, Any]) -> None:
    """Write the fields of a classifier, whole or not at all."""
    model, standardize, config = fields["model"], fields["standardize"], fields["config"]
    told = {name: fields[name] for name in _TOLD} | {
        "config": config and asdict(config),
        "format": FORMAT,
        "preparation": PREPARATION,
        "scale": standardize.scale,
    }
    text = json.dumps(told, default=lambda number: number.item())  # NumPy's numbers
    arrays = model.W, model.b, standardize.mean, standardize.std, np.frombuffer(text.encode(), np.uint8)
    write_whole(path, lambda file: np.savez(file, **dict(zip(_ARRAYS, arrays, strict=True))))


def read(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The fields that :func:`write` wrote; DataError where the file holds no such thing, or of another format.

    Which values fit each other is the classifier's to check.
    """
    what = "a model saved by Classifier.save"
    arrays = read_arrays(path, _ARRAYS.__contains__, what)
    try:
        W, b, mean, std, text = (arrays[name] for name in _ARRAYS)
        if text.nbytes > _LONGEST_TEXT:
            raise ValueError(f"its text takes {text.nbytes:,} bytes")
        told = {"feature_names": []} | json.loads(text.tobytes())  # older files have none
        if told["format"] != FORMAT or told["preparation"] != PREPARATION:
            raise ValueError("it was made by another version of linclf, of which this one does not know the format")
        found = {name: told[name] for name in _TOLD}
        for name, kind in _TOLD.items():
            if not isinstance(found[name], kind):
                raise ValueError(f"its {name} is none")
        if not all(isinstance(name, str) for name in found["class_names"] + found["feature_names"]):
            raise ValueError("a name of a class or feature is no text")
        config = found["config"] and config_of(found["config"])
        if config and found["config"].keys() - vars(config).keys():
            raise ValueError("its config is none")
        return found | {
            "model": Linear(W, b),
            "standardize": Standardizer(mean, std, float(told["scale"])),
            "config": config,
        }
    except KeyError as error:
        raise DataError(f"{os.fspath(path)}: expected {what}, found none of its {error}") from None
    except Exception as error:  # whatever hostile text makes json, NumPy or Config say
        raise DataError(f"{os.fspath(path)}: expected {what}, but {error}") from error

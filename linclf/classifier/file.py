"""The files of a classifier: ``model.npz``, which has arrays, a text in JSON and no pickle; and an ONNX file."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from linclf.data.inputs import Standardizer
from linclf.data.readers.npz import read_arrays
from linclf.data.readers.pictures import PREPARATION
from linclf.errors import ConfigError, DataError
from linclf.system.files import write_bytes, write_whole
from linclf.training import Linear, get_loss
from linclf.training.config import config_of

FORMAT = 1
_ARRAYS = ("W", "b", "mean", "std", "about")
_LONGEST_TEXT = 2**24  # bytes; a thousand long class names take half of it
_TYPES: dict[str, Any] = {
    "class_names": list,
    "image_shape": list,
    "loss": str,
    "config": dict | None,
    "data_name": str,
    "data_sha256": str,
    "validation_accuracy": float | int | None,
    "feature_names": list,
}
"""The fields of a classifier that the text holds; besides, it holds format, scale and preparation."""


def write(path: str | os.PathLike[str], fields: Mapping[str, Any]) -> None:
    """Write the fields of a classifier, whole or not at all."""
    model, standardize, config = fields["model"], fields["standardize"], fields["config"]
    about = {name: fields[name] for name in _TYPES} | {"config": config and asdict(config), "format": FORMAT}
    about |= {"preparation": PREPARATION, "scale": standardize.scale}
    text = json.dumps(about, default=lambda number: number.item())  # NumPy's numbers
    arrays = model.W, model.b, standardize.mean, standardize.std, np.frombuffer(text.encode(), np.uint8)
    write_whole(path, lambda file: np.savez(file, **dict(zip(_ARRAYS, arrays, strict=True))))


def read(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The fields that :func:`write` wrote; whether their values fit each other is the classifier's to check.

    Raises:
        DataError: the file holds anything else, or another format.
    """
    what = "a model saved by Classifier.save"
    arrays = read_arrays(path, _ARRAYS.__contains__, what)
    try:
        W, b, mean, std, text = (arrays[name] for name in _ARRAYS)
        if text.nbytes > _LONGEST_TEXT:
            raise ValueError(f"its text takes {text.nbytes:,} bytes")
        about = {"feature_names": []} | json.loads(text.tobytes())  # older files have none
        if about["format"] != FORMAT or about["preparation"] != PREPARATION:
            raise ValueError("it was made by another version of linclf, of which this one does not know the format")
        fields = {name: about[name] for name in _TYPES}
        for name, kind in _TYPES.items():
            if not isinstance(fields[name], kind):
                raise ValueError(f"its {name} is of another type")
        if not all(isinstance(name, str) for name in fields["class_names"] + fields["feature_names"]):
            raise ValueError("a name of a class or feature is no text")
        config = fields["config"] and config_of(fields["config"])
        if config and (unknown := fields["config"].keys() - vars(config).keys()):
            raise ValueError(f"its config has an unknown {min(unknown)}")
        standardize = Standardizer(mean, std, float(about["scale"]))
        return fields | {"model": Linear(W, b), "standardize": standardize, "config": config}
    except KeyError as error:
        raise DataError(f"{os.fspath(path)}: expected {what}, found none of its {error}") from None
    except Exception as error:  # whatever hostile text makes json, NumPy or Config say
        raise DataError(f"{os.fspath(path)}: expected {what}, but {error}") from error


_GRAPH = """<ir_version: 8, opset_import: ["": 17], producer_name: "linclf">
linclf ({kind}[n, {shape}] images) => (double[n, {n_classes}] {output}) {{
    numbers = Cast <to = 11> (images)
    rows = Flatten (numbers)
    centred = Sub (rows, mean)
    inputs = Mul (centred, factor)
    scores = Gemm <transB = 1> (inputs, W, b)
    {last}
}}"""
"""The versions are of 2022: what a graph this simple needs, and what older programs read too. Type 11 is double."""
_SOFTMAX = "probabilities = Softmax <axis = 1> (scores)"
# log sigmoid(S) = min(S, 0) - log(1 + exp(-|S|)), as in predict_proba; onnxruntime has no Softplus of doubles.
_SIGMOID = """size = Abs (scores)
    minus = Neg (size)
    power = Exp (minus)
    one = Constant <value = double {1.0}> ()
    sum = Add (one, power)
    high = Log (sum)
    zero = Constant <value = double {0.0}> ()
    low = Min (scores, zero)
    logarithms = Sub (low, high)
    probabilities = Softmax <axis = 1> (logarithms)"""


def write_onnx(path: str | os.PathLike[str], fields: Mapping[str, Any]) -> None:
    """Write the graph of a classifier, by its fields, from images (n, ...) to probabilities or scores (n, C), double.

    The file's properties are the names of classes and features, as text in JSON.

    Raises:
        ConfigError: onnx is not installed.
        DataError: a feature whose values doubles cannot tell apart.
    """
    model, standardize, names = fields["model"], fields["standardize"], fields["feature_names"]
    mean, std = standardize.mean * standardize.scale, standardize.std * standardize.scale
    # A constant feature has std 1, and the weight that it began with: nothing is to be told apart.
    coarse = np.flatnonzero((np.spacing(np.abs(mean)) > std / 1000) & (standardize.std != 1))
    if len(coarse):
        i = int(coarse[0])
        name = names[i] if names else f"number {i}"
        raise DataError(
            f"feature {name}: its values lie around {mean[i]:.3g} with a deviation of {std[i]:.3g}, and the doubles "
            "that an ONNX file takes cannot tell them apart; subtract a constant from it, and train again"
        )
    try:
        import onnx.parser
    except ImportError:
        raise ConfigError("an ONNX file needs onnx: pip install 'linclf[onnx]'") from None

    last = {"softmax": _SOFTMAX, "sigmoid": _SIGMOID, None: ""}[get_loss(fields["loss"]).link]
    kind, output = "uint8" if standardize.of_pixels else "double", "probabilities" if last else "scores"
    shape = ", ".join(map(str, fields["image_shape"]))
    text = _GRAPH.format(kind=kind, shape=shape, n_classes=len(model.b), output=output, last=last)
    graph = onnx.parser.parse_model(text)
    for name, array in {"mean": mean, "factor": 1 / std, "W": model.W, "b": model.b}.items():
        graph.graph.initializer.append(onnx.numpy_helper.from_array(array.astype(np.float64), name))
    onnx.helper.set_model_props(graph, {key: json.dumps(list(fields[key])) for key in ("class_names", "feature_names")})
    onnx.checker.check_model(graph, full_check=True)
    write_bytes(path, graph.SerializeToString())

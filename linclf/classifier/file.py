"""A classifier's file, ``model.npz``: its arrays, and as bytes a text in JSON that says what they are. No pickle."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from linclf.data.inputs import Standardizer
from linclf.data.readers.npz import read_arrays
from linclf.data.readers.pictures import PREPARATION
from linclf.errors import ConfigError, DataError
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


_OPSET, _IR_VERSION = 17, 8
"""Of 2022: what a graph this simple needs, and what older programs read too."""


def write_onnx(
    path: str | os.PathLike[str],
    model: Linear,
    standardize: Standardizer,
    told: Mapping[str, Sequence[str]],
    image_shape: tuple[int, ...],
    loss: str,
) -> None:
    """Write the graph from images (n, *image_shape), uint8 or float32, to probabilities or scores (n, C), float32.

    The names that are ``told`` become properties of the file, as text in JSON.

    Raises:
        ConfigError: onnx is not installed.
    """
    try:
        import onnx
        from onnx import TensorProto, helper, numpy_helper
    except ImportError:
        raise ConfigError("an ONNX file needs onnx: pip install 'linclf[onnx]'") from None

    kind = TensorProto.UINT8 if standardize.of_pixels else TensorProto.FLOAT
    numbers = {
        "mean": standardize.mean * standardize.scale,
        "factor": 1 / (standardize.std * standardize.scale),
        "W": model.W,
        "b": model.b,
    }
    steps: list[tuple[str, dict[str, Any]]] = [
        ("Cast images -> floats", {"to": TensorProto.FLOAT}),
        ("Flatten floats -> rows", {"axis": 1}),
        ("Sub rows mean -> centred", {}),
        ("Mul centred factor -> inputs", {}),
        ("Gemm inputs W b -> scores", {"transB": 1}),
    ]
    if loss == "binary_cross_entropy":  # -log sigmoid(S) = softplus(-S), as in Classifier.predict_proba
        steps += [("Neg scores -> minus", {}), ("Softplus minus -> plus", {}), ("Neg plus -> logarithms", {})]
        steps += [("Softmax logarithms -> probabilities", {"axis": 1})]
    elif loss == "cross_entropy":
        steps += [("Softmax scores -> probabilities", {"axis": 1})]
    nodes = []
    for step, attributes in steps:
        (operator, *given), made = (words.split() for words in step.split("->"))
        nodes.append(helper.make_node(operator, given, made, **attributes))
    graph = helper.make_graph(
        nodes,
        "linclf",
        [helper.make_tensor_value_info("images", kind, ["n", *image_shape])],
        [helper.make_tensor_value_info(made[0], TensorProto.FLOAT, ["n", len(model.b)])],
        [numpy_helper.from_array(values.astype(np.float32), name) for name, values in numbers.items()],
    )
    proto = helper.make_model(
        graph,
        producer_name="linclf",
        ir_version=_IR_VERSION,
        opset_imports=[helper.make_opsetid("", _OPSET)],
    )
    helper.set_model_props(proto, {name: json.dumps(list(names)) for name, names in told.items()})
    onnx.checker.check_model(proto, full_check=True)
    write_whole(path, lambda file: file.write(proto.SerializeToString()))

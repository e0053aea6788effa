"""A classifier as an ONNX graph, which many programs run: https://onnx.ai/onnx/repo-docs/Operators.html."""

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from linclf.data.standardize import Standardizer
from linclf.errors import ConfigError
from linclf.system.files import write_whole
from linclf.training.model import Linear

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

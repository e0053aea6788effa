"""The ONNX file gives what the classifier does, in a program that knows nothing of linclf."""

import json
import sys

import numpy as np
import onnx
import onnxruntime
import pytest
from helpers import arrays

from linclf import Classifier, Config, ConfigError, load_dataset

KINDS = {
    "images": {"shape": (5, 6, 3), "dtype": np.uint8},
    "float images": {"shape": (5, 6, 3), "dtype": np.float32},
    "vectors": {"shape": (4,), "dtype": np.float64},
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("loss", ["cross_entropy", "binary_cross_entropy", "multiclass_hinge"])
def test_onnxruntime_gives_the_same_numbers(tmp_path, kind, loss):
    np.savez(tmp_path / "data.npz", **arrays(**KINDS[kind]))
    data = load_dataset(tmp_path / "data.npz")
    classifier = Classifier.fit(data, Config(loss=loss, learning_rate=0.1, l2=0.0, epochs=5), progress=False)
    path = tmp_path / "model.onnx"
    classifier.to_onnx(path)
    onnx.checker.check_model(str(path), full_check=True)
    session = onnxruntime.InferenceSession(path)
    (given,), (made,) = session.get_inputs(), session.get_outputs()
    assert (given.name, given.shape) == ("images", ["n", *data.test_images.shape[1:]])
    assert (made.name, made.shape) == ("probabilities" if classifier.has_probabilities else "scores", ["n", 3])
    images = data.test_images if data.test_images.dtype == np.uint8 else data.test_images.astype(np.float64)
    (found,) = session.run(None, {"images": images})
    expected = classifier.predict_proba if classifier.has_probabilities else classifier.scores
    np.testing.assert_allclose(found, expected(data.test_images), atol=1e-5)
    told = session.get_modelmeta().custom_metadata_map
    assert json.loads(told["class_names"]) == list(data.class_names)
    assert json.loads(told["feature_names"]) == []


def test_without_onnx_it_says_what_to_install(tmp_path, monkeypatch):
    np.savez(tmp_path / "data.npz", **arrays())
    config = Config(learning_rate=0.1, l2=0.0, epochs=0)
    classifier = Classifier.fit(load_dataset(tmp_path / "data.npz"), config, progress=False)
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ConfigError, match=r"pip install 'linclf\[onnx\]'"):
        classifier.to_onnx(tmp_path / "model.onnx")
    assert not (tmp_path / "model.onnx").exists()

"""``model.npz``: all of a classifier comes back, and nothing else is taken for one; and ONNX files."""

import json
import sys
from dataclasses import replace

import numpy as np
import onnx
import onnxruntime
import pytest
from helpers import arrays, refused

from linclf import Augmentation, Classifier, Config, ConfigError, DataError, Linear, Standardizer, load_dataset, train
from linclf.training.losses import LOSSES

NUMPYS = {"learning_rate": np.float32(0.5), "epochs": np.int64(3)}
CONFIG = Config(loss="binary_cross_entropy", l2=0.0, augment=Augmentation(image_shape=(1, 2, 3), flip=True), **NUMPYS)
WHOLE = Classifier(
    model=Linear(np.random.default_rng(0).normal(size=(2, 6)).astype(np.float32), np.zeros(2, np.float32)),
    standardize=Standardizer(np.linspace(0, 1, 6), np.full(6, 1 / 3), 255.0),
    class_names=("cat", "café 👩\u200d🌾"),
    image_shape=(1, 2, 3),
    loss="binary_cross_entropy",
    config=CONFIG,
    data_name="flowers",
    data_sha256="0" * 64,
    validation_accuracy=0.25,
    feature_names=tuple("uvwxyz"),
)


@pytest.mark.parametrize("classifier", [WHOLE, replace(WHOLE, config=None, validation_accuracy=None)])
def test_all_of_it_comes_back(tmp_path, classifier):
    classifier.save(path := tmp_path / "model.npz")
    loaded = Classifier.load(path)
    parts = (loaded, classifier), (loaded.model, classifier.model), (loaded.standardize, classifier.standardize)
    for part, other in parts:
        for name in vars(other).keys() - {"model", "standardize"}:
            np.testing.assert_array_equal(getattr(part, name), getattr(other, name))
    images = np.arange(12, dtype=np.uint8).reshape(2, 1, 2, 3)
    np.testing.assert_array_equal(loaded.predict_proba(images), classifier.predict_proba(images))
    np.testing.assert_array_equal(Linear.load(path).W, classifier.model.W)
    with np.load(path, allow_pickle=False) as file:
        assert json.loads(file["about"].tobytes())["preparation"]["crop"] == "middle"
    older = changed(path, about(feature_names="none"))  # as an older version wrote it
    assert Classifier.load(older).feature_names == ()


def changed(path, change):
    """The file of ``WHOLE`` with its arrays changed."""
    WHOLE.save(path)
    with np.load(path) as file:
        contents = dict(file)
    change(contents)
    np.savez(path, **contents)
    return path


def about(**changes):
    """The change of the text in a file, in which a field that is "none" is left out."""

    def change(contents):
        text = json.loads(contents["about"].tobytes()) | changes
        text = json.dumps({key: value for key, value in text.items() if value != "none"})
        contents["about"] = np.frombuffer(text.encode(), np.uint8)

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (None, "expected a model saved by Classifier.save"),  # no file
        (lambda contents: contents.pop("about"), "found none of its 'about'"),  # as Linear.save writes it
        (lambda contents: contents.update(W=np.zeros((3, 6))), "model.npz: expected W (2, 6)"),
        (lambda contents: contents.update(about=np.frombuffer(b"[" * 10**5, np.uint8)), "expected a model saved by"),
        (lambda contents: contents.update(about=np.zeros(2**22)), "its text takes 33,554,432 bytes"),
        (about(format=2), "made by another version of linclf"),
        (about(preparation={}), "made by another version of linclf"),
        (about(config="none"), "found none of its 'config'"),
        (about(config={"learning_rate": -1, "l2": 0, "augment": None}), "learning_rate must be"),
        (about(config={"rate": 1, "augment": None}), "rate"),
        (about(class_names=[1, 2]), "a name of a class or feature is no text"),
        (about(feature_names=[1, 2]), "a name of a class or feature is no text"),
        (about(image_shape=[2.0, 1, 3]), "expected an image_shape"),
        (about(image_shape=6), "its image_shape is of another type"),
        (about(validation_accuracy=float("nan")), "a validation accuracy from 0 to 1"),
        (about(scale="x"), "could not convert"),
    ],
)
def test_any_other_file_is_refused_by_name(tmp_path, change, message):
    path = tmp_path / "model.npz"
    if change:
        changed(path, change)
    refused(path, f"{path}: expected", message, load=Classifier.load)


@pytest.mark.parametrize(("shape", "dtype"), [((5, 6, 3), np.uint8), ((5, 6, 3), np.float32), ((4,), np.float64)])
@pytest.mark.parametrize("loss", LOSSES)
def test_onnxruntime_gives_the_same_numbers_and_so_does_a_file_of_any_loss(tmp_path, shape, dtype, loss):
    np.savez(tmp_path / "data.npz", **arrays(shape=shape, dtype=dtype))
    data = load_dataset(tmp_path / "data.npz")
    classifier = Classifier.fit(data, Config(loss=loss, learning_rate=0.1, l2=0.0, epochs=5), progress=False)
    classifier.save(tmp_path / "model.npz")
    classifier = Classifier.load(tmp_path / "model.npz")
    classifier.to_onnx(path := tmp_path / "model.onnx")
    onnx.checker.check_model(str(path), full_check=True)
    session = onnxruntime.InferenceSession(path)
    (given,), (made,) = session.get_inputs(), session.get_outputs()
    assert (given.name, given.shape) == ("images", ["n", *data.test_images.shape[1:]])
    assert (made.name, made.shape) == ("probabilities" if classifier.has_probabilities else "scores", ["n", 3])
    images = data.test_images if dtype == np.uint8 else data.test_images.astype(np.float64)
    expected = classifier.predict_proba if classifier.has_probabilities else classifier.scores
    np.testing.assert_allclose(session.run(None, {"images": images})[0], expected(data.test_images), atol=1e-12)
    properties = session.get_modelmeta().custom_metadata_map
    assert json.loads(properties["class_names"]) == list(data.class_names)
    assert json.loads(properties["feature_names"]) == []


@pytest.mark.parametrize(("far", "dtype"), [(1.7e9, float), (5.4e6, float), (2**40, int)], ids=str)
def test_onnx_gives_the_same_classes_however_far_from_zero(tmp_path, far, dtype):
    """Of feature vectors whose classes only their last digits tell, such as times and coordinates."""
    rng, y = np.random.default_rng(0), np.arange(300) % 3
    X = np.column_stack([100 * y + rng.normal(0, 10, 300), rng.normal(size=300)]).astype(dtype) + dtype(far)
    standardize = Standardizer.fit(X)
    (run,) = train(Config(learning_rate=0.1, l2=0.0, epochs=20), (standardize(X, np.float64), y), progress=False)
    classifier = Classifier.of(run, standardize)
    classifier.to_onnx(tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    (probabilities,) = session.run(None, {"images": X.astype(np.float64)})
    names = classifier.predict(X)
    assert probabilities.argmax(axis=1).tolist() == names.astype(int).tolist()
    assert (names.astype(int) == y).mean() > 0.9


def test_onnx_refuses_what_doubles_cannot_tell_apart_and_says_what_to_install(tmp_path, monkeypatch):
    standardize = Standardizer(np.array([0.0, 2.0**60]), np.array([1.0, 20.0]), 1.0)
    parts = {"model": Linear(np.eye(2), np.zeros(2)), "image_shape": (2,), "feature_names": ("a", "id")}
    classifier = replace(WHOLE, standardize=standardize, **parts)
    with pytest.raises(DataError, match=r"^feature id: its values lie around 1\.15e\+18 with a deviation of 20, and"):
        classifier.to_onnx(tmp_path / "model.onnx")
    constant = replace(classifier, standardize=Standardizer(standardize.mean, np.ones(2), 1.0))
    constant.to_onnx(tmp_path / "model.onnx")
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ConfigError, match=r"pip install 'linclf\[onnx\]'"):
        WHOLE.to_onnx(tmp_path / "other.onnx")
    assert [file.name for file in tmp_path.iterdir()] == ["model.onnx"]

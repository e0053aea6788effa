"""``model.npz``: all of a classifier comes back, and nothing else is taken for one."""

import json
from dataclasses import replace

import numpy as np
import pytest

from linclf import Augmentation, Classifier, Config, DataError, Linear, Standardizer

WHOLE = Classifier(
    model=Linear(np.random.default_rng(0).normal(size=(2, 6)).astype(np.float32), np.zeros(2, np.float32)),
    standardize=Standardizer(np.linspace(0, 1, 6), np.full(6, 1 / 3), 255.0),
    class_names=("cat", "café 👩\u200d🌾"),
    image_shape=(1, 2, 3),
    loss="binary_cross_entropy",
    config=Config(
        loss="binary_cross_entropy",
        learning_rate=np.float32(0.5),
        l2=0.0,
        epochs=np.int64(3),
        augment=Augmentation(image_shape=(1, 2, 3), flip=True),
    ),
    data_name="flowers",
    data_sha256="0" * 64,
    validation_accuracy=0.25,
    feature_names=tuple("uvwxyz"),
)


@pytest.mark.parametrize("classifier", [WHOLE, replace(WHOLE, config=None, validation_accuracy=None)])
def test_all_of_it_comes_back(tmp_path, classifier):
    classifier.save(tmp_path / "model.npz")
    loaded = Classifier.load(tmp_path / "model.npz")
    for name in vars(classifier).keys() - {"model", "standardize"}:
        assert getattr(loaded, name) == getattr(classifier, name)
    for own, other in ((loaded.model, classifier.model), (loaded.standardize, classifier.standardize)):
        for name in own.__dataclass_fields__:
            np.testing.assert_array_equal(getattr(own, name), getattr(other, name))
    images = np.arange(12, dtype=np.uint8).reshape(2, 1, 2, 3)
    np.testing.assert_array_equal(loaded.predict_proba(images), classifier.predict_proba(images))
    np.testing.assert_array_equal(Linear.load(tmp_path / "model.npz").W, classifier.model.W)
    with np.load(tmp_path / "model.npz", allow_pickle=False) as arrays:
        assert json.loads(arrays["about"].tobytes())["preparation"]["crop"] == "middle"


def test_a_file_of_a_version_that_kept_no_feature_names_is_read(tmp_path):
    WHOLE.save(tmp_path / "model.npz")
    with np.load(tmp_path / "model.npz") as file:
        arrays = dict(file)
    told(feature_names="none")(arrays)
    np.savez(tmp_path / "old.npz", **arrays)
    assert Classifier.load(tmp_path / "old.npz").feature_names == ()


def as_bytes(text):
    return np.frombuffer(text.encode(), np.uint8)


def told(**changes):
    def change(arrays):
        text = json.loads(arrays["about"].tobytes())
        arrays["about"] = as_bytes(json.dumps({k: v for k, v in (text | changes).items() if v != "none"}))

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda arrays: arrays.pop("about"), "found none of its 'about'"),
        (lambda arrays: arrays.update(W=np.zeros((3, 6))), r"model\.npz: expected W \(2, 6\)"),
        (lambda arrays: arrays.update(about=as_bytes("[1")), "expected a model saved by Classifier.save, but"),
        (lambda arrays: arrays.update(about=as_bytes("[" * 10**5)), "expected a model saved by Classifier.save, but"),
        (lambda arrays: arrays.update(about=np.zeros(2**22)), "its text takes 33,554,432 bytes"),
        (told(format=2), "made by another version of linclf"),
        (told(preparation={}), "made by another version of linclf"),
        (told(config="none"), "found none of its 'config'"),
        (told(config={"learning_rate": -1, "l2": 0, "augment": None}), "learning_rate must be"),
        (told(config={"rate": 1, "augment": None}), "rate"),
        (told(class_names=[1, 2]), "a name of a class or feature is no text"),
        (told(feature_names=[1, 2]), "a name of a class or feature is no text"),
        (told(image_shape=[2.0, 1, 3]), "expected an image_shape"),
        (told(image_shape=6), "its image_shape is of another type"),
        (told(validation_accuracy=float("nan")), "a validation accuracy from 0 to 1"),
        (told(scale="x"), "could not convert"),
    ],
)
def test_a_file_that_is_none_is_refused_by_name(tmp_path, change, said):
    path = tmp_path / "model.npz"
    WHOLE.save(path)
    with np.load(path) as file:
        arrays = dict(file)
    change(arrays)
    np.savez(path, **arrays)
    with pytest.raises(DataError, match=said) as raised:
        Classifier.load(path)
    assert str(raised.value).startswith(f"{path}: expected")


def test_weights_alone_and_missing_files_are_refused(tmp_path):
    WHOLE.model.save(tmp_path / "model.npz")
    for name in ("model.npz", "nothing.npz"):
        with pytest.raises(DataError, match=f"{name}: expected a model saved by Classifier.save"):
            Classifier.load(tmp_path / name)

"""The model: what it starts from and computes, saved and read back."""

import math

import numpy as np
import pytest
from helpers import refused

from linclf import DataError, Linear


@pytest.mark.parametrize(("init", "spread"), [("normal", 0.01), ("xavier", math.sqrt(2 / 3082)), ("zeros", 0)])
def test_initial_weights_have_the_spread_that_is_stated(init, spread):
    model = Linear.initial(10, 3072, seed=1, init=init)
    assert model.W.std() == pytest.approx(spread, rel=0.02)
    assert np.abs(model.b).max() < 0.05
    assert model.b.any() == (init == "normal")


def test_scores_put_the_class_axis_first_and_probabilities_are_the_softmax_of_any():
    model = Linear(np.array([[1.0, 2.0], [0.0, -1.0], [3.0, 0.0]]), np.array([0.5, 0.0, -1.0]))
    X = np.array([[1.0, 1.0], [2.0, 0.0]])
    assert model.scores(X).tolist() == [[3.5, 2.5], [-1.0, 0.0], [2.0, 5.0]]
    assert model.predict(X).tolist() == [0, 2]
    model, e = Linear(np.array([[1e4], [0.0], [-1e4]]), np.zeros(3)), np.exp([1, 0, -1])
    np.testing.assert_allclose(model.predict_proba(np.array([[1.0], [1e-4]])).T, [[1, 0, 0], e / e.sum()])


@pytest.mark.parametrize("shape", [(2,), (3,), (4, 3), (2, 1, 2), ()])
def test_inputs_of_another_shape_are_refused(shape):
    model = Linear(np.zeros((3, 2)), np.zeros(3))
    for method in (model.scores, model.predict, model.predict_proba):
        with pytest.raises(DataError, match=r"expected inputs X \(n, 2\), found shape") as raised:
            method(np.zeros(shape))
        assert ("give X[None]" in str(raised.value)) == (shape == (2,))


def test_a_saved_model_comes_back_and_nothing_else_is_taken_for_one(tmp_path):
    model, path = Linear.initial(3, 4, seed=5), tmp_path / "model.npz"
    model.save(path)
    content = path.read_bytes()
    for name, array in vars(Linear.load(path)).items():
        np.testing.assert_array_equal(array, getattr(model, name))
    assert [file.name for file in tmp_path.iterdir()] == ["model.npz"]
    for length in range(0, len(content), 37):
        path.write_bytes(content[:length])
        refused(path, "model.npz: expected a model", load=Linear.load)
    objects = {"W": np.array([object()]), "b": 0}
    for arrays in ({}, {"W": np.zeros((2, 3))}, {"W": np.zeros(3), "b": np.zeros(3)}, objects):
        np.savez(path, **arrays)
        refused(path, "model.npz: expected", load=Linear.load)
    refused(tmp_path / "nothing.npz", "nothing.npz: expected a model", load=Linear.load)

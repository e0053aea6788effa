"""The model, saved and read back."""

import numpy as np
import pytest

from linclf import DataError, Linear


def test_scores_put_the_class_axis_first():
    model = Linear(np.array([[1.0, 2.0], [0.0, -1.0], [3.0, 0.0]]), np.array([0.5, 0.0, -1.0]))
    X = np.array([[1.0, 1.0], [2.0, 0.0]])
    assert model.scores(X).tolist() == [[3.5, 2.5], [-1.0, 0.0], [2.0, 5.0]]
    assert model.predict(X).tolist() == [0, 2]


@pytest.mark.parametrize("shape", [(2,), (3,), (4, 3), (2, 1, 2), ()])
def test_inputs_of_another_shape_are_refused(shape):
    model = Linear(np.zeros((3, 2)), np.zeros(3))
    for method in (model.scores, model.predict, model.predict_proba):
        with pytest.raises(DataError, match=r"expected inputs X \(n, 2\), found shape") as raised:
            method(np.zeros(shape))
        assert ("give X[None]" in str(raised.value)) == (shape == (2,))


def test_probabilities_are_the_softmax_of_any_scores():
    model = Linear(np.array([[1e4], [0.0], [-1e4]]), np.zeros(3))
    e = np.exp([1, 0, -1])
    np.testing.assert_allclose(model.predict_proba(np.array([[1.0], [1e-4]])).T, [[1, 0, 0], e / e.sum()])


def test_save_and_load(tmp_path):
    model = Linear.initial(10, 3072, seed=5)
    model.save(tmp_path / "model.npz")
    loaded = Linear.load(tmp_path / "model.npz")
    np.testing.assert_array_equal(loaded.W, model.W)
    np.testing.assert_array_equal(loaded.b, model.b)
    assert [path.name for path in tmp_path.iterdir()] == ["model.npz"]


@pytest.mark.parametrize(
    "arrays",
    [{}, {"W": np.zeros((2, 3))}, {"W": np.zeros(3), "b": np.zeros(3)}, {"W": np.array([object()]), "b": 0}],
)
def test_a_file_that_is_no_model_is_refused(tmp_path, arrays):
    path = tmp_path / "model.npz"
    np.savez(path, **arrays)
    with pytest.raises(DataError, match=r"model\.npz: expected"):
        Linear.load(path)


def test_truncated_and_missing_files_are_refused(tmp_path):
    path = tmp_path / "model.npz"
    Linear.initial(3, 4, seed=0).save(path)
    whole = path.read_bytes()
    for length in range(0, len(whole), 37):
        path.write_bytes(whole[:length])
        with pytest.raises(DataError, match=r"model\.npz: expected a model"):
            Linear.load(path)
    with pytest.raises(DataError, match=r"nothing\.npz: expected a model"):
        Linear.load(tmp_path / "nothing.npz")

"""The products of a training step: NumPy's numbers, whatever its BLAS offers and however matrices lie."""

import numpy as np
import pytest

from linclf import Config, train
from linclf.training import stack
from linclf.training.stack import add_product, scores

rng = np.random.default_rng(0)
REACH = {"the BLAS": stack._gemm, "NumPy alone": lambda char: None}


@pytest.fixture(params=REACH)
def reach(request, monkeypatch):
    monkeypatch.setattr(stack, "_gemm", REACH[request.param])


def test_the_blas_of_this_numpy_is_reached():
    assert stack._gemm("f") is not None
    assert stack._gemm("d") is not None


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("m", "n", "d"),
    [(40, 100, 3072), (10, 100, 3001), (130, 30, 307), (4, 5, 30), (1, 3, 4), (2, 1, 4), (2, 3, 1), (1, 1, 1)],
)
def test_products_are_numpys(m, n, d, dtype, reach):
    W, x, G = (rng.standard_normal(shape).astype(dtype) for shape in ((m, d), (n, d), (m, n)))
    tolerance = {"rtol": 1e-5, "atol": 1e-3 if dtype == np.float32 else 1e-9}
    S = scores(W, x)
    np.testing.assert_allclose(S, W @ x.T, **tolerance)
    assert S.flags.c_contiguous
    expected = W + G @ x
    add_product(W, G, x)
    np.testing.assert_allclose(W, expected, **tolerance)


def test_matrices_that_lie_otherwise_give_the_same(reach):
    G, x, W = rng.standard_normal((2, 3)), rng.standard_normal((3, 4)), np.zeros((2, 4))
    for left, right in ((G[:, ::-1], x), (G, x[::-1]), (np.asfortranarray(G), x), (G, np.broadcast_to(x[0], (3, 4)))):
        for out in (W.copy(), np.zeros((4, 2)).T, np.zeros((2, 8))[:, ::2]):
            add_product(out, left, right)
            np.testing.assert_allclose(out, left @ right)


def test_matrices_that_do_not_fit_are_refused(reach):
    G, x, W = np.ones((2, 3)), np.ones((3, 4)), np.zeros((2, 4))
    for left, right, out in ((G, x.T, W), (G, x, W.astype(np.float32)), (G, x, np.zeros((4, 4)))):
        with pytest.raises(ValueError, match="expected"):
            add_product(out, left, right)


X, y = rng.standard_normal((350, 640), dtype=np.float32), rng.integers(0, 10, 350)  # a last, smaller mini-batch
CONFIGS = [
    Config(loss=loss, seed=seed, epochs=2, learning_rate=0.01, l2=0.1)
    for loss in ("cross_entropy", "multiclass_hinge")
    for seed in range(4)
]


@pytest.mark.parametrize("changes", [{}, {"shuffle": True, "seed": 3}, {"momentum": 0.9}], ids=str)
def test_networks_are_the_same_without_the_blas(changes, monkeypatch):
    configs, seen = [Config(**{**vars(config), **changes}) for config in CONFIGS], []
    for gemm in REACH.values():
        monkeypatch.setattr(stack, "_gemm", gemm)
        seen.append(train(configs, (X, y), (X[:300], y[:300]), progress=False))
    for run, other in zip(*seen, strict=True):
        np.testing.assert_allclose(run.model.W, other.model.W, rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(run.history.validation_cost, other.history.validation_cost, rtol=1e-5)

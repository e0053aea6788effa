"""The products of a training step: NumPy's numbers, however many threads the BLAS has and whatever it offers."""

import dataclasses
import threading

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from linclf import Config, train
from linclf.training import matmul
from linclf.training.matmul import Products, spaced

rng = np.random.default_rng(0)
real_blas = matmul._blas


def with_threads(monkeypatch, threads):
    """As if the BLAS had so many; 0: as if it could not be reached."""
    if threads > 1 and not (real_blas("f") and real_blas("f").gemm_batch):
        pytest.skip("this NumPy's BLAS makes one product a call")
    monkeypatch.setattr(
        matmul, "_blas", lambda char: dataclasses.replace(real_blas(char), threads=lambda: threads) if threads else None
    )


def parts(products, n):
    return len(cut._S) if (cut := products._parts_for(n)) else 1


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("threads", [0, 1, 2, 3])
@pytest.mark.parametrize(
    ("m", "n", "d", "cut"),
    [
        (40, 100, 3072, True),
        (10, 100, 3001, True),  # parts of different widths
        (130, 30, 3072, True),  # more rows of weights than images
        (4, 5, 30, False),
        (1, 1, 1, False),
    ],
)
def test_products_are_numpys(m, n, d, cut, threads, dtype, monkeypatch):
    with_threads(monkeypatch, threads)
    W = spaced(rng.standard_normal((m, d)), np.dtype(dtype))
    x, G = rng.standard_normal((n, d)).astype(dtype), rng.standard_normal((m, n)).astype(dtype)
    products, tolerance = Products(W), {"rtol": 1e-5, "atol": 1e-3 if dtype == np.float32 else 1e-9}
    assert (parts(products, n) > 1) == (cut and threads > 1)
    for images in (x, x[::-1].copy()):
        scores, expected = products.scores(images), images @ W.T
        np.testing.assert_allclose(scores, expected.T, **tolerance)
        assert scores.flags.c_contiguous
        expected = W + G @ images
        products.add(G, images)
        np.testing.assert_allclose(W, expected, **tolerance)
    expected = W + G @ x  # not the images of the last scores
    products.add(G, x)
    np.testing.assert_allclose(W, expected, **tolerance)


def test_products_are_cut_where_the_parts_are_worth_it(monkeypatch):
    with_threads(monkeypatch, 2)
    weights = {(m, d): Products(np.zeros((m, d), np.float32)) for m, d in ((10, 3072), (100, 512), (1000, 496))}
    assert parts(weights[10, 3072], 66) == 2
    assert parts(weights[10, 3072], 65) == 1  # 998,400 multiplications a part
    assert parts(weights[100, 512], 100) == 2
    assert parts(weights[1000, 496], 100) == 1  # 240 inputs a part
    with_threads(monkeypatch, 64)
    wide = Products(np.zeros((400, 3072), np.float32))
    assert (parts(wide, 100), parts(wide, 5)) == (12, 6)


def test_single_rows_and_columns_as_numpy_cuts_them():
    for m, n, d in ((1, 3, 4), (2, 1, 4), (2, 3, 1), (1, 1, 1)):
        G, x = rng.standard_normal((9, 9))[:m, :n], rng.standard_normal((9, 9))[:n, :d]
        W = spaced(np.zeros((m, d)), G.dtype)
        G = G if n > 1 else G[:, ::-1]
        Products(W).add(G, x[::-1][::-1])
        np.testing.assert_allclose(W, G @ x)


def test_matrices_that_the_blas_would_misread_are_refused():
    G, x, W = np.ones((2, 3)), np.ones((3, 4)), np.zeros((2, 4))
    for left, right, out in (
        *((G, x.T, W), (G[:, ::-1], x, W), (G, x, W.astype(np.float32)), (G, x, np.zeros((4, 4)))),
        *((np.ones((3, 2)).T, x, W), (G, x[::-1], W), (G, np.broadcast_to(np.ones(4), (3, 4)), W)),
    ):
        with pytest.raises(ValueError, match="expected"):
            Products(out).add(left, right)
    with pytest.raises(ValueError, match="expected"):
        Products(np.zeros((4, 2)).T)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("d", [1, 15, 16, 17, 3072])
def test_rows_begin_at_cache_lines_with_one_between(d, dtype):
    A = rng.standard_normal((3, 2, d)).astype(dtype)
    copy = spaced(A, A.dtype)
    np.testing.assert_array_equal(copy, A)
    assert copy.dtype == dtype
    assert copy.ctypes.data % 64 == 0
    assert copy.strides[1] % 64 == 0
    assert 64 <= copy.strides[1] - d * A.itemsize < 128
    assert np.shares_memory(copy.reshape(6, d), copy)  # what a step writes through


X, y = rng.standard_normal((350, 640), dtype=np.float32), rng.integers(0, 10, 350)  # a last, smaller mini-batch
CONFIGS = [
    Config(loss=loss, seed=seed, epochs=2, learning_rate=0.01, l2=0.1)
    for loss in ("cross_entropy", "multiclass_hinge")
    for seed in range(4)
]


@pytest.mark.parametrize("changes", [{}, {"shuffle": True, "seed": 3}, {"momentum": 0.9}], ids=str)
def test_networks_are_the_same_however_many_threads(changes, monkeypatch):
    configs, seen = [Config(**{**vars(config), **changes}) for config in CONFIGS], []
    for threads in (0, 1, 2):
        with_threads(monkeypatch, threads)
        seen.append(train(configs, (X, y), (X[:300], y[:300]), progress=False))
    for alone, *others in zip(*seen, strict=True):
        for run in others:
            np.testing.assert_allclose(run.model.W, alone.model.W, rtol=1e-4, atol=1e-6)
            np.testing.assert_allclose(run.model.b, alone.model.b, rtol=1e-4, atol=1e-6)
            np.testing.assert_allclose(run.history.validation_cost, alone.history.validation_cost, rtol=1e-5)


def test_threads_that_train_at_once_do_not_disturb_each_other():
    def bits(run):
        return run.model.W.tobytes(), run.model.b.tobytes()

    def work(i):
        for _ in range(5):
            found[i].append([bits(run) for run in train(CONFIGS, (X, y), progress=False)])

    found = [[] for _ in range(4)]
    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    alone = [bits(run) for run in train(CONFIGS, (X, y), progress=False)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [[alone] * 5] * 4


def test_the_number_of_threads_is_what_the_blas_may_use_now():
    with threadpool_limits(1, user_api="blas"):
        assert real_blas("f").threads() == 1

"""Wide stacks cut into parts, one a core: the same networks, whatever the number of cores."""

import sys
import threading

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from linclf import Config, DivergenceError, Standardizer, cores, train
from linclf.batches import copies
from linclf.cores import cut, one_each

rng = np.random.default_rng(0)
X, y = rng.standard_normal((60, 640), dtype=np.float32), rng.integers(0, 10, 60)
SETTINGS = {"epochs": 3, "batch_size": 20, "learning_rate": 0.01, "l2": 0.1}
CONFIGS = [
    Config(**SETTINGS | {"loss": loss, "seed": seed})
    for loss in ("cross_entropy", "multiclass_hinge")
    for seed in range(12)
]


def blas_threads():
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


@pytest.mark.parametrize(
    ("n_networks", "n_classes", "n_inputs", "copied", "threads", "sizes"),
    [
        (1, 10, 3072, False, 2, [1]),
        (7, 10, 3072, False, 2, [7]),
        (8, 10, 3072, False, 2, [4, 4]),
        (9, 10, 3072, False, 2, [4, 5]),
        (3, 10, 3072, True, 2, [3]),
        (4, 10, 3072, True, 2, [2, 2]),
        (2, 100, 3072, False, 2, [1, 1]),
        (100, 10, 64, False, 2, [100]),  # few inputs
        (40, 10, 3072, False, 8, [5] * 8),
        (24, 10, 3072, False, 8, [24]),  # too narrow for all eight, so the products are shared out
        (40, 10, 3072, False, 1, [40]),
    ],
)
def test_a_stack_is_cut_where_the_parts_stay_wide(n_networks, n_classes, n_inputs, copied, threads, sizes, monkeypatch):
    monkeypatch.setattr(cores, "_blas_threads", lambda: threads)
    parts = cut(n_networks, n_classes, n_inputs, copied)
    members = list(range(n_networks))
    assert [len(members[part]) for part in parts] == sizes
    assert [i for part in parts for i in members[part]] == members


@pytest.mark.parametrize("changes", [{}, {"shuffle": True, "seed": 3}, {"momentum": 0.9}], ids=str)
def test_parts_are_the_stack_to_float_tolerance(changes, monkeypatch):
    configs = [Config(**{**vars(config), **changes}) for config in CONFIGS]
    seen = {}
    for threads in (1, 2, 3):
        monkeypatch.setattr(cores, "_blas_threads", lambda threads=threads: threads)
        told, during = [], set()

        def after_epoch(told=told, during=during):
            told.append(threading.current_thread())
            during |= blas_threads()

        before = blas_threads()
        seen[threads] = train(configs, (X, y), (X[:30], y[:30]), progress=after_epoch)
        assert told == [threading.main_thread()] * 3  # an epoch of the stack, however many parts
        assert during == ({1} if threads > 1 else before)
        assert blas_threads() == before
        assert len({run.seconds for run in seen[threads]}) == 1
    for whole, *parts in zip(*seen.values(), strict=True):
        for part in parts:
            assert part.config == whole.config
            np.testing.assert_allclose(part.model.W, whole.model.W, rtol=1e-4, atol=1e-6)
            np.testing.assert_allclose(part.model.b, whole.model.b, rtol=1e-4, atol=1e-6)
            np.testing.assert_allclose(part.history.validation_cost, whole.history.validation_cost, rtol=1e-5)


@pytest.mark.parametrize(
    ("error", "configs", "progress"),
    [
        (DivergenceError, [*CONFIGS[:-1], Config(**SETTINGS | {"learning_rate": 1e30})], False),  # in the second part
        (KeyboardInterrupt, CONFIGS, lambda: (_ for _ in ()).throw(KeyboardInterrupt)),
    ],
)
def test_an_error_in_a_part_ends_all_and_gives_the_blas_its_threads_back(error, configs, progress, monkeypatch):
    monkeypatch.setattr(cores, "_blas_threads", lambda: 2)
    before, running = blas_threads(), threading.active_count()
    with pytest.raises(error):
        train(configs, (X, y), progress=progress)
    assert (blas_threads(), threading.active_count()) == (before, running)


def test_the_calls_run_at_once():
    meet = threading.Barrier(2, timeout=10)
    with one_each(2) as on_cores:
        assert sorted(on_cores(lambda i: (meet.wait(), i)[1], (0, 1))) == [0, 1]


def test_the_threads_are_those_that_the_blas_may_use_now(monkeypatch):
    with threadpool_limits(1, user_api="blas"):
        assert cores._blas_threads() == 1
    assert cores._blas_threads() == max(blas_threads())
    monkeypatch.setitem(sys.modules, "threadpoolctl", None)  # not installed
    assert cores._blas_threads() == 1


def test_a_batch_is_a_copy_unless_it_is_a_slice():
    images = np.zeros((2, 4), np.uint8)
    assert not copies((X, y), Config(**SETTINGS))
    assert copies((X, y), Config(**SETTINGS | {"shuffle": True}))
    assert copies((Standardizer.fit(images).lazily(images), y), Config(**SETTINGS))

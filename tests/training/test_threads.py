"""Trainings side by side: on every core, with one BLAS thread, until one fails. And a stack alone: considerate."""

import math
import subprocess
import sys
import threading
import time
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from linclf import Config, DivergenceError, sweep, train
from linclf.system import environment
from linclf.training import stack, threads
from linclf.training.stack import scores

rng = np.random.default_rng(0)
X, y = rng.standard_normal((350, 640), dtype=np.float32), rng.integers(0, 10, 350)
CONFIGS = [Config(seed=seed, epochs=2, learning_rate=0.01, l2=0.1) for seed in range(5)]


@pytest.fixture(autouse=True)
def two_blas_threads():
    """However many the tests were started with, in each BLAS that is loaded: SciPy's may have come since."""
    threads._blas.cache_clear()
    with threadpool_limits(2, "blas"):
        yield


def blas_threads():
    return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]


def bits(runs):
    return [(run.model.W.tobytes(), run.model.b.tobytes()) for run in runs]


def test_networks_that_share_mini_batches_are_one_stack():
    epochs = []
    runs = train(CONFIGS, (X, y), progress=lambda: epochs.append(threading.get_ident()))
    assert epochs == [threading.get_ident()] * 2
    for run, config in zip(runs, CONFIGS, strict=True):
        (alone,) = train(config, (X, y), progress=False)
        assert run.config == config
        np.testing.assert_allclose(run.model.W, alone.model.W, rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(run.history.train_cost, alone.history.train_cost, rtol=1e-5)


def test_stacks_run_at_once_with_one_blas_thread_each(monkeypatch):
    monkeypatch.setattr(environment, "cores", lambda: 2)
    both, seen, before = threading.Barrier(2, timeout=30), [], blas_threads()

    def after_epoch():
        both.wait()  # until the other is there
        seen.append(set(blas_threads()))

    train([replace(config, shuffle=True) for config in CONFIGS[:2]], (X, y), progress=after_epoch)
    assert seen == [{1}] * 4
    assert blas_threads() == before


@pytest.mark.parametrize("configs", [CONFIGS[0], CONFIGS], ids=["one", "five"])
@pytest.mark.parametrize("busy", [False, True])
def test_a_stack_keeps_the_threads_of_the_blas_unless_others_need_the_cores(busy, configs, monkeypatch):
    seen = []
    monkeypatch.setattr(threads, "_others_use_the_cores", lambda: busy)
    monkeypatch.setattr(stack, "scores", lambda W, x: seen.append(blas_threads()) or scores(W, x))
    with threadpool_limits(2, user_api="blas"):
        before, between = blas_threads(), []
        train(configs, (X, y), progress=lambda: between.append(blas_threads()))
        assert seen == [[1] * len(before) if busy else before] * len(seen) != []
        assert between == [before] * 2


def test_one_thread_will_do_for_a_while_once_cores_were_taken(monkeypatch):
    now, waited = 100.0, 7.0
    monkeypatch.setattr(threads, "time", SimpleNamespace(monotonic=lambda: now))
    monkeypatch.setattr(threads, "_waited", lambda: waited)
    monkeypatch.setattr(threads, "_seen", (-math.inf, 0.0))
    monkeypatch.setattr(threads, "_rest_until", -math.inf)
    with threadpool_limits(2, user_api="blas"):
        many = blas_threads()
        one = [1] * len(many)
        with threads.adaptive_blas_threads() as look:
            for seconds, more, expected in ((0.6, 0.1, many), (0.3, 0.4, many), (0.3, 0, one), (50, 0, one)):
                now, waited = now + seconds, waited + more
                look()
                assert blas_threads() == expected
        assert blas_threads() == many
        now, waited = now + 1, waited + 0.5
        for later, expected in ((0, one), (2, one), (2, many)):
            now += later
            with threads.adaptive_blas_threads():
                assert blas_threads() == expected


SPIN = """
import os, time
from linclf.training import threads
os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])
end = time.monotonic() + 0.5
while time.monotonic() < end:
    pass
print(threads._waited())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says how long threads wait")
def test_two_programs_on_one_core_wait_for_each_other():
    both = [subprocess.Popen([sys.executable, "-c", SPIN], stdout=subprocess.PIPE) for _ in range(2)]
    assert sum(float(program.communicate()[0]) for program in both) > 0.1


def test_one_that_fails_ends_the_others(monkeypatch):
    monkeypatch.setattr(environment, "cores", lambda: 2)
    before, started = blas_threads(), time.monotonic()
    own = {"l2": 1.0, "epochs": 50_000, "shuffle": True}
    configs = [Config(learning_rate=rate, seed=seed, **own) for seed, rate in enumerate((1e30, 0.0))]
    with pytest.raises(DivergenceError):
        train(configs, (X, y), progress=False)
    assert time.monotonic() - started < 20
    assert blas_threads() == before


def test_callers_at_once_do_not_disturb_each_other():
    def work(i):
        for _ in range(5):
            found[i].append(bits(sweep(CONFIGS, (X, y), progress=False)))

    found, before = [[] for _ in range(4)], blas_threads()
    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    alone = bits(sweep(CONFIGS, (X, y), progress=False))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [[alone] * 5] * 4
    assert blas_threads() == before


def test_any_thread_can_limit_the_blas_and_take_it_back():
    def enter(i):
        with threads.one_blas_thread():
            seen.append(blas_threads())
            entered[i].set()
            leave[i].wait(30)

    before, seen = blas_threads(), []  # this thread has set them
    entered, leave = ([threading.Event() for _ in range(2)] for _ in range(2))
    workers = [threading.Thread(target=enter, args=(i,)) for i in range(2)]
    for thread, event in zip(workers, entered, strict=True):
        thread.start()
        event.wait(30)
    for thread, event in zip(workers, leave, strict=True):
        event.set()
        thread.join()
    assert seen == [[1] * len(before)] * 2
    assert blas_threads() == before


def test_what_is_not_asked_for_is_not_run():
    ran = []
    trainings = [lambda after_epoch, i=i: ran.append(i) or time.sleep(0.05) for i in range(50)]
    results = threads.side_by_side(trainings, lambda: None, n_threads=1)
    next(results)
    results.close()
    assert len(ran) < 50

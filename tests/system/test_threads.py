"""Trainings side by side: on all cores, with one BLAS thread, until one fails. A single one leaves cores to others."""

import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from linclf import Config, DivergenceError, sweep, train
from linclf.system import environment, threads

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


def test_stacks_run_at_once_with_one_blas_thread_each(monkeypatch):
    monkeypatch.setattr(environment, "cores", lambda: 2)
    both, seen, before = threading.Barrier(2, timeout=30), [], blas_threads()

    def after_epoch():
        both.wait()  # until the other is there
        seen.append(set(blas_threads()))

    train([replace(config, shuffle=True) for config in CONFIGS[:2]], (X, y), progress=after_epoch)
    assert seen == [{1}] * 4
    assert blas_threads() == before


BESIDE_OTHERS = """
import os, threading, time, numpy as np
from threadpoolctl import threadpool_info
from linclf import Config, train

X, y, seen, done = np.ones((2000, 3072), np.float32), np.arange(2000) % 10, [], threading.Event()

def watch():
    while not done.wait(0.01):
        seen.append(threadpool_info()[0]["num_threads"])

watcher = threading.Thread(target=watch)
watcher.start()
os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])  # as if the other cores were busy
configs, deadline = [Config(seed=i, epochs=20, learning_rate=0.001, l2=0.1) for i in range(4)], time.monotonic() + 60
while 1 not in seen and time.monotonic() < deadline:
    train(configs, (X, y), progress=False)
done.set()
watcher.join()
print(seen[0], min(seen), threadpool_info()[0]["num_threads"])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says how long threads wait")
def test_a_stack_has_all_threads_of_the_blas_until_they_wait_for_cores():
    environ = os.environ | {"OPENBLAS_NUM_THREADS": "2"}
    done = subprocess.run([sys.executable, "-c", BESIDE_OTHERS], env=environ, capture_output=True, text=True)
    assert done.stdout.split() == ["2", "1", "2"], done.stderr


def test_one_that_fails_ends_the_others(monkeypatch):
    monkeypatch.setattr(environment, "cores", lambda: 2)
    before, started = blas_threads(), time.monotonic()
    rates = enumerate((1e30, 0.0))
    configs = [Config(seed=i, learning_rate=rate, l2=1.0, epochs=50_000, shuffle=True) for i, rate in rates]
    with pytest.raises(DivergenceError):
        train(configs, (X, y), progress=False)
    assert time.monotonic() - started < 20
    assert blas_threads() == before


def test_callers_at_once_do_not_disturb_each_other():
    def work(_=None):
        return [(run.model.W.tobytes(), run.model.b.tobytes()) for run in sweep(CONFIGS, (X, y), progress=False)]

    alone, before = work(), blas_threads()
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(work, range(20))) == [alone] * 20
    assert blas_threads() == before

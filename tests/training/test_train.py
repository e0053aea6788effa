"""Sweeps: the same bits on every engine, a real cluster included, also when a worker dies."""

import signal
import socket
import subprocess
import sys
import time

import joblib
import numpy as np
import pytest
from helpers import TINY, linclf
from joblib._parallel_backends import LokyBackend

from linclf import Config, DataError, sweep, train
from linclf.training.loop import Task
from linclf.training.train import run_tasks

rng = np.random.default_rng(0)
X, y = rng.standard_normal((400, 30), dtype=np.float32), rng.integers(0, 3, 400)
IMAGES = (X[:300], y[:300]), (X[300:], y[300:])
# Forty networks: two losses, stored order and orders of their own, so that stacks differ in kind and size.
WEIGHED = (*IMAGES[0], y[:300] + 0.5), (*IMAGES[1], 2.0 - y[300:])
CONFIGS = [
    Config(loss=loss, learning_rate=0.01, l2=l2, shuffle=shuffle, epochs=3, seed=seed)
    for loss in ("cross_entropy", "multiclass_hinge")
    for l2 in (0.0, 0.1)
    for shuffle in (False, True)
    for seed in range(5)
]


def bits(runs):
    return [
        (run.config, run.model.W.tobytes(), run.model.b.tobytes(), run.history.train_loss.tobytes()) for run in runs
    ]


@pytest.fixture(scope="session")
def here():
    return bits(sweep(CONFIGS, *WEIGHED, progress=False))


def test_a_sweep_is_train_to_float_tolerance(here):
    X, y, sample_weight = WEIGHED[0]
    runs = sweep(CONFIGS, (X, y), WEIGHED[1], sample_weight=sample_weight, progress=False)
    assert bits(runs) == here
    for run, alone in zip(runs, train(CONFIGS, *WEIGHED, progress=False), strict=True):
        assert run.config == alone.config
        np.testing.assert_allclose(run.model.W, alone.model.W, rtol=1e-4, atol=1e-6)


class OtherBackend(LokyBackend):
    """Registered by a user, as Ray's is: gives all results at the end."""

    supports_return_generator = False


@pytest.mark.parametrize("backend", ["threading", "loky", "other"])
def test_backends_give_the_same_bits(here, backend):
    joblib.register_parallel_backend("other", OtherBackend)
    with joblib.parallel_config(backend=backend, n_jobs=2):
        assert bits(sweep(CONFIGS, *WEIGHED, progress=False)) == here


PLANTED = """
import sys, joblib, numpy as np
from linclf import Config, sweep
if __name__ == "__main__":
    X, y = np.eye(4), np.arange(4) % 2
    configs = [Config(learning_rate=0.1, l2=0.0, epochs=1, seed=seed) for seed in range(2)]
    with joblib.parallel_config(backend=sys.argv[1], n_jobs=2):
        print(len(sweep(configs, (X, y), progress=False)))
"""


@pytest.mark.parametrize("backend", ["threading", "loky"])
def test_processes_import_nothing_from_the_current_folder(backend, tmp_path):
    data, script = tmp_path / "data", tmp_path / "script.py"
    data.mkdir()
    script.write_text(PLANTED)
    for module in ("joblib", "multiprocessing", "numpy", "linclf", "pickle", "threadpoolctl"):
        (data / f"{module}.py").write_text(f"open('ran', 'a').write('{module} ')\nraise ImportError('planted')\n")
    done = subprocess.run([sys.executable, script, backend], cwd=data, capture_output=True, text=True)
    assert done.stdout == "2\n", done.stderr
    assert not (data / "ran").exists()


def test_an_error_in_one_task_ends_the_sweep():
    with pytest.raises(DataError, match="labels"):
        sweep(CONFIGS, (X, y - 1), progress=False)


def test_who_breaks_off_hears_nothing_of_cancelled_tasks(recwarn):
    short, long = (Task([Config(learning_rate=0.01, l2=0.0, epochs=epochs)], *IMAGES, 3) for epochs in (1, 100_000))
    finished = run_tasks([short, *[long] * 5], lambda: None)
    next(finished)
    finished.close()
    assert list(recwarn) == []


@pytest.mark.slow
def test_ctrl_c_ends_a_report_and_keeps_what_was_finished(tmp_path):
    words = ["report", "--data", "synthetic:100", "--epochs", "400", "--out", tmp_path, "--only", "1_1_all_data"]
    report = subprocess.Popen([sys.executable, "-m", "linclf", *map(str, words)], stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 100
    while not list(tmp_path.glob("runs/*.npz")) and time.monotonic() < deadline:
        time.sleep(0.1)
    report.send_signal(signal.SIGINT)
    *progress, last = report.communicate(timeout=10)[1].splitlines()
    assert last == "linclf: interrupted"
    assert all(line.startswith("training 28 networks: ") for line in progress)
    assert report.returncode == 130
    assert list(tmp_path.glob("runs/*.npz"))
    assert not list(tmp_path.glob("runs/.*"))


@pytest.fixture
def cluster():
    """The address of a Dask scheduler, and its two workers of one thread: processes of this machine."""
    pytest.importorskip("distributed")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"tcp://127.0.0.1:{port}"
    scheduler = ["scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard"]
    worker = ["worker", address, "--nthreads", "1", "--no-nanny", "--no-dashboard"]
    silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    processes = [subprocess.Popen([sys.executable, "-m", "dask", *c], **silent) for c in (scheduler, worker, worker)]
    yield address, processes[1:]
    for process in processes:
        process.kill()
        process.wait()


@pytest.mark.slow
def test_a_cluster_gives_the_same_bits_also_when_a_worker_dies(here, cluster):
    from distributed import Client

    address, workers = cluster
    tasks = [Task([config], *IMAGES, 3) for config in CONFIGS]
    alone, done = {i: bits(runs) for i, runs in run_tasks(tasks, lambda: None)}, {}
    with Client(address, timeout=60) as client, joblib.parallel_config(backend="dask"):
        client.wait_for_workers(2, timeout=60)
        assert bits(sweep(CONFIGS, *WEIGHED, progress=False)) == here
        for i, runs in run_tasks(tasks, lambda: None):
            done[i] = bits(runs)
            if len(done) == len(tasks) // 2:
                workers[0].kill()
        assert done == alone
        assert len(client.scheduler_info()["workers"]) == 1


@pytest.mark.slow
def test_a_report_trains_on_a_cluster(report, cluster, tmp_path):
    done = linclf("report", *TINY, "--only", "2_svm", "--out", tmp_path, "--backend", "dask", "--scheduler", cluster[0])
    assert done.returncode == 0, done.stderr
    stored = list((tmp_path / "runs").glob("*.npz"))
    assert stored
    for path in stored:
        with np.load(path) as there, np.load(report / "runs" / path.name) as here:
            assert there.files == here.files
            for name in {"W", "b"} & {*there.files}:  # the exact statements have none
                np.testing.assert_array_equal(there[name], here[name])

"""Training that resumes: only what is missing is trained, and what finished before a failure is kept."""

import numpy as np
import pytest

from linclf import Config, DivergenceError, train
from linclf.resume import Count, train_missing
from linclf.store import Store, StoredRun
from linclf.sweep import Task

rng = np.random.default_rng(0)
IMAGES = rng.standard_normal((60, 5), dtype=np.float32), rng.integers(0, 3, 60)
STACKS = [[Config(learning_rate=0.1, l2=l2, epochs=2, seed=seed) for l2 in (0.0, 0.1)] for seed in range(3)]
KEYS = [{"name": f"search-{i}", "configs": repr(configs)} for i, configs in enumerate(STACKS)]


def untested(i, runs):
    return [StoredRun({"stack": i, "accuracy": run.history.validation_accuracy[-1]}, run.model) for run in runs]


def train_all(folder, keys=KEYS):
    made = []

    def task(i):
        made.append(i)
        return Task(STACKS[i], IMAGES, IMAGES)

    return train_missing(Store(folder), keys, task, untested, progress=False), made


def test_only_what_is_missing_is_trained(tmp_path):
    assert train_all(tmp_path) == (Count(reused=0, trained=6), [0, 1, 2])
    first = {path: path.read_bytes() for path in tmp_path.iterdir()}
    assert train_all(tmp_path) == (Count(reused=6, trained=0), [])
    lost = Store(tmp_path).path("npz", KEYS[1])
    lost.write_bytes(first[lost][:100])  # cut off: counts as absent
    assert train_all(tmp_path) == (Count(reused=4, trained=2), [1])
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == first


def test_a_run_without_predictions_is_stored_as_such(tmp_path):
    train_all(tmp_path)
    runs = Store(tmp_path).get(KEYS[2])
    assert [run.record["stack"] for run in runs] == [2, 2]
    assert [run.predictions for run in runs] == [None, None]
    assert runs[0].model.W.shape == (3, 5)


def test_what_finished_before_a_failure_is_kept(tmp_path, monkeypatch):
    def fails_after_the_first(tasks, after_epoch):
        yield 0, train(tasks[0].configs, tasks[0].train, tasks[0].validation, progress=False)
        raise DivergenceError("on purpose")

    monkeypatch.setattr("linclf.resume.run_tasks", fails_after_the_first)
    with pytest.raises(DivergenceError):
        train_all(tmp_path)
    monkeypatch.undo()
    assert train_all(tmp_path)[0] == Count(reused=2, trained=4)

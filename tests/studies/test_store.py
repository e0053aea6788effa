"""The store: what its key depends on, what it survives, and what it removes."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

import linclf
from linclf import Config
from linclf.studies import store
from linclf.studies.ceiling import CeilingStudy, Size
from linclf.studies.exploration import Exploration
from linclf.studies.reference import ReferenceStudy
from linclf.studies.store import Count, Store, StoredRun, train_missing
from linclf.studies.your_data import YourDataStudy
from linclf.system.files import remove_unfinished, write_text, write_whole
from linclf.training.loop import Task
from linclf.training.model import Linear

PACKAGE = Path(linclf.__file__).parent
KEY = {"name": "a"}


def study(out, data="synthetic:40", **plan):
    return ReferenceStudy(data, out, progress=False, **{"epochs": 1} | plan)


def count(out, *arms, **changes):
    """How many networks of the arms a study finds stored, and how many it trains."""
    made = study(out, **changes)
    made.run(*arms)
    return made.count


@pytest.mark.parametrize(
    ("change", "retrained"),
    [
        ({}, 0),
        ({"first_seed": 1}, 4),
        ({"seeds": 2}, 8),  # what trains together changes
        ({"epochs": 2}, 4),
        ({"lr_decay": 0.5}, 0),  # of other arms
        ({"n_validation": 7}, 4),
        ({"data": "synthetic:41"}, 4),
    ],
)
def test_a_changed_setting_or_data_uses_nothing_stored(tmp_path, change, retrained):
    count(tmp_path, "full_updates")
    assert count(tmp_path, "full_updates", **change).trained == retrained


def test_arms_that_see_the_same_mini_batches_train_together(tmp_path):
    assert count(tmp_path, "base") == Count(reused=0, trained=12)
    assert count(tmp_path, "decay", "svm") == Count(reused=12, trained=0)
    assert count(tmp_path, "full", seeds=4) == Count(reused=0, trained=48)


def test_studies_that_hold_out_other_images_do_not_take_each_others_runs(tmp_path):
    first = study(tmp_path)
    first.run("base")
    for n_train, trained in ((0, 0), (30, 12), (40, 12)):  # of other batches, a fifth of what is left is held out
        explored = Exploration(first.data, tmp_path, epochs=1, n_train=n_train, progress=False)
        explored.run()
        assert explored.reference.count.trained == trained
    assert count(tmp_path, "base", data=first.data) == Count(reused=12, trained=0)
    assert count(tmp_path, "base", data=first.data, n_validation=7) == Count(reused=0, trained=12)
    assert count(tmp_path, "shuffle", data=first.data).trained == 4
    assert count(tmp_path, "shuffle", data=first.data, n_validation=7).trained == 0


def test_changed_code_or_another_numpy_uses_nothing_stored(tmp_path, monkeypatch):
    before = Store(tmp_path).path("npz", KEY)
    with monkeypatch.context() as other:
        other.setattr(np, "__version__", "1.0")
        assert Store(tmp_path).path("npz", KEY) != before
    monkeypatch.setattr(store, "_PACKAGE", tmp_path)
    paths = set()
    for file, text in (("data/new.py", "1"), ("data/new.py", "2"), ("training/new.py", "1"), ("studies/a/new.py", "1")):
        write_text(tmp_path / file, text)
        store._code_hash.cache_clear()
        paths.add(Store(tmp_path).path("npz", KEY))
    assert len(paths) == 4
    for file in ("new.py", "report/new.py", "claims/new.py", "system/new.py"):
        write_text(tmp_path / file, text)
        store._code_hash.cache_clear()
        assert Store(tmp_path).path("npz", KEY) in paths
    store._code_hash.cache_clear()


def runs(value):
    return [StoredRun({"loss": value}, Linear(np.full((2, 3), value), np.zeros(2)), np.zeros(4, np.uint16))]


def unchecked(runs):
    """Whatever was read is taken."""


def test_a_damaged_file_counts_as_absent(tmp_path):
    Store(tmp_path).put(KEY, runs(1.0))
    path = Store(tmp_path).path("npz", KEY)
    content = path.read_bytes()
    assert Store(tmp_path).get(KEY, unchecked)[0].record == {"loss": 1.0}
    changed_byte = content.replace(b"o\0\0\0s", b"o\0\0\0t")  # NumPy's text has four bytes a letter
    for damaged in (content[:-40], changed_byte, b""):
        path.write_bytes(damaged)
        assert Store(tmp_path).get(KEY, unchecked) is None


def changed(path, change):
    """Stored runs that someone has changed: arrays and the first network's record."""
    with np.load(path) as file:
        arrays = dict(file)
    records = json.loads(str(arrays.pop("records")))
    change(arrays, records[0])
    np.savez(path, **arrays, records=np.array(json.dumps(records)))


def at(name, value):
    """The change of the first entry of an array."""
    return lambda arrays, record: arrays[name].reshape(-1).__setitem__(0, value)


def recorded(**fields):
    return lambda arrays, record: record.update(fields)


HANDED = [
    at("W", np.nan),
    at("b", np.inf),
    at("predictions", 10),
    lambda arrays, record: arrays.update(W=arrays["W"][:, :, :-1]),
    lambda arrays, record: arrays.update(b=arrays["b"].astype(complex)),
    lambda arrays, record: arrays.update(predictions=arrays["predictions"][:, :-1]),
    lambda arrays, record: arrays.update({name: array[:-1] for name, array in arrays.items()}),
    lambda arrays, record: arrays.pop("predictions"),
    lambda arrays, record: record.pop("seconds"),
    lambda arrays, record: record["validation_loss"].pop(),
    lambda arrays, record: record["train_loss"].__setitem__(0, "2"),
    recorded(train_accuracy=[0.1, 1.5]),
    recorded(seed=5),
    recorded(arm="svm"),
    recorded(seconds=1e400),
    recorded(test_accuracy="high"),
    recorded(test_accuracy=2.0),
    recorded(test_correct=""),
    recorded(test_correct="AAAAAAA="),
    recorded(test_draws_below=None),
    recorded(low_frequency_share=None),
]


def test_runs_that_were_handed_over_and_cannot_be_are_trained_again(tmp_path):
    wanted = study(tmp_path)
    document, path = wanted.run("full_updates").document, next((tmp_path / "runs").glob("full_updates-*.npz"))
    stored = path.read_bytes()
    for change in HANDED:
        path.write_bytes(stored)
        changed(path, change)
        again = study(tmp_path, wanted.data)
        (first, *_), (other, *_) = (d["runs"] for d in (document, again.run("full_updates").document))
        assert again.count.trained == 4
        assert first | {"seconds": 0} == other | {"seconds": 0}
    path.write_bytes(stored)
    changed(path, lambda arrays, record: None)
    assert count(tmp_path, "full_updates", data=wanted.data).trained == 0
    with np.load(path) as file:
        np.savez_compressed(path, **file)  # which may ask for much more memory than the file has bytes
    assert count(tmp_path, "full_updates", data=wanted.data).trained == 4


@pytest.mark.parametrize("kind", [CeilingStudy, YourDataStudy])
def test_so_are_those_of_the_other_studies(tmp_path, kind):
    few = {"size": Size(1, 1, 1, 1, 1, 1, (0.5,), 2)} if kind is CeilingStudy else {"epochs": 1}
    first = kind("synthetic:20", tmp_path, progress=False, **few)
    first.run()
    files = list((tmp_path / "runs").glob("*.npz"))
    for path in files:
        changed(path, at("b", np.nan))  # a searched network keeps no W
    again = kind(first.data, tmp_path, progress=False, **few)
    again.run()
    assert again.count == Count(reused=0, trained=first.count.trained)
    for path in files:
        changed(path, lambda arrays, record: record.update(validation_accuracy=[7], cost="low", train_accuracy=-1))
    again = kind(first.data, tmp_path, progress=False, **few)
    assert "NaN" not in json.dumps(again.run().document())
    assert again.count == Count(reused=0, trained=first.count.trained)


def test_numbers_that_were_handed_over_are_made_again(tmp_path):
    first = study(tmp_path)
    first.time_shuffling()
    wanted = first.results().document
    files = list((tmp_path / "runs").glob("*.json"))
    assert len(files) == 2
    for text in ("", "[]", "{", "7", "{}", '{"E1": []}', '[{"seed": 0}]', '[{"seed": 9, "base": 1, "shuffle": 1}]'):
        for file in files:
            file.write_text(text)
        again = study(tmp_path, first.data)
        again.time_shuffling()
        assert [pair["seed"] for pair in again.results().document["timings"]] == [0]
        assert again.results().document["exact"] == wanted["exact"]


def test_clear_removes_what_stores_wrote_and_nothing_else(tmp_path):
    folder = Store(tmp_path / "runs")
    folder.put(KEY, runs(1.0))
    write_text(folder.path("json", KEY), "[]")
    size = sum(path.stat().st_size for path in folder.folder.iterdir())
    for name in ("notes.txt", "mine.npz", "a-0123.npz"):
        write_text(folder.folder / name, "mine")
    assert folder.clear() == (2, size)
    assert {path.name for path in folder.folder.iterdir()} == {"notes.txt", "mine.npz", "a-0123.npz"}


def test_a_failed_write_leaves_what_was_there_and_names_the_file(tmp_path):
    write_text(tmp_path / "a", "before")

    def fails(file):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left") as error:
        write_whole(tmp_path / "a", fails)
    assert error.value.filename == str(tmp_path / "a")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["before"]


def test_a_file_whose_unfinished_copy_is_tidied_away_is_written_again(tmp_path):
    times = []

    def meanwhile(file):
        file.write(b"whole")
        times.append(1)
        if len(times) < 3:
            remove_unfinished(tmp_path)

    write_whole(tmp_path / "a", meanwhile)
    assert len(times) == (1 if os.name == "nt" else 3)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["whole"]


def test_timings_are_kept_one_by_one(tmp_path):
    """Those that a report took before it was interrupted are not taken again."""
    made = study(tmp_path, seeds=2)
    made.time_shuffling()
    before = made.results().document["timings"]
    (path,) = (tmp_path / "runs").glob("timings-*.json")
    path.write_text(json.dumps(before[:1]))
    made.time_shuffling()
    first, second = made.results().document["timings"]
    assert (first, second["seed"]) == (before[0], 1)
    made.time_shuffling()
    assert made.results().document["timings"] == [first, second]


# Training that resumes.

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
        return Task(STACKS[i], IMAGES, IMAGES, 3)

    return train_missing(Store(folder), keys, lambda i, runs: None, task, untested, progress=False), made


def test_only_what_is_missing_is_trained(tmp_path):
    assert train_all(tmp_path) == (Count(reused=0, trained=6), [0, 1, 2])
    first = {path: path.read_bytes() for path in tmp_path.iterdir()}
    assert train_all(tmp_path) == (Count(reused=6, trained=0), [])
    lost = Store(tmp_path).path("npz", KEYS[1])
    lost.write_bytes(first[lost][:100])  # cut off: counts as absent
    assert train_all(tmp_path) == (Count(reused=4, trained=2), [1])
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == first

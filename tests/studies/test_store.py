"""The store: what its key depends on, and what it survives."""

import json
import os
import re
from pathlib import Path

import numpy as np
import pytest

import linclf
from linclf.studies import store
from linclf.studies.ceiling import CeilingStudy, Size
from linclf.studies.exploration import Exploration
from linclf.studies.reference import ReferenceStudy
from linclf.studies.store import Count, Store, StoredRun
from linclf.studies.your_data import YourDataStudy
from linclf.system.files import remove_unfinished, write_text, write_whole
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


def test_studies_that_hold_out_other_images_do_not_take_each_others_runs(tmp_path):
    first = study(tmp_path)
    first.run("base")
    for n_train, trained in ((0, 0), (30, 12), (40, 12)):  # of other batches, a fifth of what is left is held out
        explored = Exploration(first.data, tmp_path, epochs=1, n_train=n_train, progress=False)
        explored.run()
        assert explored.reference.count.trained == trained
    # Arms that see the same mini-batches train together.
    assert count(tmp_path, "base", "decay", "svm", data=first.data) == Count(reused=12, trained=0)
    assert count(tmp_path, "base", data=first.data, n_validation=7) == Count(reused=0, trained=12)
    assert count(tmp_path, "shuffle", data=first.data).trained == 4
    assert count(tmp_path, "shuffle", data=first.data, n_validation=7).trained == 0


def test_changed_code_or_another_numpy_uses_nothing_stored(tmp_path, monkeypatch):
    before = Store(tmp_path).path(KEY)
    with monkeypatch.context() as other:
        other.setattr(np, "__version__", "1.0")
        assert Store(tmp_path).path(KEY) != before
    monkeypatch.setattr(store, "_PACKAGE", tmp_path)
    paths = set()
    for file, text in (("data/new.py", "1"), ("data/new.py", "2"), ("training/new.py", "1"), ("studies/a/new.py", "1")):
        write_text(tmp_path / file, text)
        store._code_hash.cache_clear()
        paths.add(Store(tmp_path).path(KEY))
    assert len(paths) == 4
    for file in ("new.py", "report/new.py", "claims/new.py", "system/new.py"):
        write_text(tmp_path / file, text)
        store._code_hash.cache_clear()
        assert Store(tmp_path).path(KEY) in paths
    store._code_hash.cache_clear()


def runs(value):
    return [StoredRun({"loss": value}, Linear(np.full((2, 3), value), np.zeros(2)), np.zeros(4, np.uint16))]


def changed(array):
    """The same array but for a bit."""
    content = bytearray(array.tobytes())
    content[0] ^= 1
    return np.frombuffer(bytes(content), array.dtype).reshape(array.shape)


def rewritten(path, change=lambda arrays: arrays, save=np.savez):
    with np.load(path) as file:
        arrays = change(dict(file))
    save(path, **arrays)


def test_a_file_that_was_changed_or_renamed_counts_as_absent(tmp_path):
    Store(tmp_path).put(KEY, runs(1.0))
    path = Store(tmp_path).path(KEY)
    content = path.read_bytes()
    rewritten(path)
    assert Store(tmp_path).get(KEY)[0].record == {"loss": 1.0}
    for damaged in (content[:-40], content.replace(b"o\0\0\0s", b"o\0\0\0t"), b""):  # text has four bytes a letter
        path.write_bytes(damaged)
        assert Store(tmp_path).get(KEY) is None
    changes = [
        *(lambda arrays, name=name: arrays | {name: changed(arrays[name])} for name in ("W", "b", "predictions")),
        *(lambda arrays, name=name: arrays.pop(name) is None or arrays for name in ("predictions", "digest")),
        lambda arrays: arrays | {"W": arrays["W"].reshape(1, 3, 2)},
        lambda arrays: arrays | {"more": np.zeros(1)},
    ]
    for change in changes:
        path.write_bytes(content)
        rewritten(path, change)
        assert Store(tmp_path).get(KEY) is None
    path.write_bytes(content)
    rewritten(path, save=np.savez_compressed)  # which may ask for much more memory than the file has bytes
    assert Store(tmp_path).get(KEY) is None
    Store(tmp_path).path({"name": "b"}).write_bytes(content)
    assert Store(tmp_path).get({"name": "b"}) is None


@pytest.mark.parametrize("kind", [ReferenceStudy, CeilingStudy, YourDataStudy])
def test_what_was_changed_is_made_again(tmp_path, kind):
    few = {"size": Size(1, 1, 1, 1, 1, 1, (0.5,), 2)} if kind is CeilingStudy else {"epochs": 1}

    def document(data):
        made = kind(data, tmp_path, progress=False, **few)
        if kind is not ReferenceStudy:
            return made, made.run().document()
        made.time_shuffling()
        return made, made.run("base").document | {"timings": []}

    first, wanted = document("synthetic:20")
    assert document(first.data)[0].count == Count(reused=first.count.trained, trained=0)
    for path in (tmp_path / "runs").iterdir():
        rewritten(path, lambda arrays: arrays | {"values": changed(arrays["values"])})
    again, made = document(first.data)
    assert again.count == Count(reused=0, trained=first.count.trained)
    assert re.sub(r'"seconds": [^,}]*', "", json.dumps(made)) == re.sub(r'"seconds": [^,}]*', "", json.dumps(wanted))


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
    times = iter(range(9))

    def meanwhile(file):
        file.write(b"whole")
        if next(times) < 2:
            remove_unfinished(tmp_path)

    write_whole(tmp_path / "a", meanwhile)
    assert next(times) == (1 if os.name == "nt" else 3)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["whole"]


def test_only_what_is_missing_is_trained(tmp_path):
    first = study(tmp_path)
    first.run("full_updates", "shuffle")
    stored = {path: path.read_bytes() for path in (tmp_path / "runs").iterdir()}
    (lost,) = (path for path in stored if path.name.startswith("shuffle"))
    lost.write_bytes(stored[lost][:100])  # cut off: counts as absent
    again = study(tmp_path)
    again.run("full_updates", "shuffle")
    assert (first.count.trained, again.count.trained, again.count.reused) == (8, 4, 4)
    assert {path for path in stored if path.read_bytes() != stored[path]} <= {lost}  # which tells its seconds

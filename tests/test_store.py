"""The store: what its key depends on, what it survives, and what it removes."""

import ast
import os
from pathlib import Path

import numpy as np
import pytest

import linclf
from linclf import store
from linclf.datasets import load_dataset
from linclf.files import remove_unfinished, write_text, write_whole
from linclf.model import Linear
from linclf.store import ONLY_SHOW, Store, StoredRun
from linclf.study import Study

PACKAGE = Path(linclf.__file__).parent
KEY = {"name": "a"}


def study(out, data="synthetic:40", **plan):
    return Study(data, out, progress=False, **{"epochs": 1} | plan)


@pytest.mark.parametrize(
    ("change", "retrained"),
    [
        ({}, 0),
        ({"first_seed": 1}, 4),
        ({"seeds": 2}, 8),  # what trains together changes
        ({"epochs": 2}, 4),
        ({"lr_decay": 0.5}, 0),  # of other arms
        ({"data": "synthetic:41"}, 4),
    ],
)
def test_a_changed_setting_or_data_uses_nothing_stored(tmp_path, change, retrained):
    study(tmp_path).train_missing("base")
    assert study(tmp_path, **change).train_missing("base").trained == retrained


def test_each_setting_that_an_arm_uses_changes_its_key(tmp_path):
    study(tmp_path).train_missing("decay_full")
    for change in ({"lr_decay": 0.5}, {"n_validation": 7}):
        assert study(tmp_path, **change).train_missing("decay_full").reused == 0


def test_changed_code_or_another_numpy_uses_nothing_stored(tmp_path, monkeypatch):
    before = Store(tmp_path).path("npz", KEY)
    with monkeypatch.context() as other:
        other.setattr(np, "__version__", "1.0")
        assert Store(tmp_path).path("npz", KEY) != before
    monkeypatch.setattr(store, "_PACKAGE", tmp_path)
    paths = set()
    for file, text in (("losses.py", "1"), ("losses.py", "2"), ("new.py", "1"), ("datasets/new.py", "1")):
        write_text(tmp_path / file, text)
        store._code_hash.cache_clear()
        paths.add(Store(tmp_path).path("npz", KEY))
    assert len(paths) == 4
    for file in ("plots.py", "report/show.py", "claims/new.py"):
        write_text(tmp_path / file, text)
        store._code_hash.cache_clear()
        assert Store(tmp_path).path("npz", KEY) in paths
    store._code_hash.cache_clear()


def imported(file):
    """Modules and subpackages of the package that a file of it imports, and the file's own parts."""
    parts = file.relative_to(PACKAGE).parts
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            above = parts[: len(parts) - node.level]
            full = [*above, *(node.module or "").split(".")] if node.module else list(above)
            yield from [full[0]] if full else [alias.name for alias in node.names]


def test_nothing_that_decides_numbers_imports_what_only_shows_them():
    show = {name.removesuffix(".py") for name in ONLY_SHOW}
    assert all((PACKAGE / name).exists() for name in ONLY_SHOW)
    for file in PACKAGE.rglob("*.py"):
        if file.relative_to(PACKAGE).parts[0] not in ONLY_SHOW:
            assert not show & set(imported(file)), file


def runs(value):
    return [StoredRun({"loss": value}, Linear(np.full((2, 3), value), np.zeros(2)), np.zeros(4, np.uint16))]


DAMAGES = {
    "cut off": lambda raw: raw[:-40],
    "a byte changed": lambda raw: raw.replace(b"o\0\0\0s", b"o\0\0\0t"),  # NumPy's text has four bytes a letter
    "empty": lambda raw: b"",
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_file_counts_as_absent(tmp_path, damage):
    Store(tmp_path).put(KEY, runs(1.0))
    path = Store(tmp_path).path("npz", KEY)
    assert Store(tmp_path).get(KEY)[0].record == {"loss": 1.0}
    path.write_bytes(damage(path.read_bytes()))
    assert Store(tmp_path).get(KEY) is None


def test_clear_removes_what_stores_wrote_and_nothing_else(tmp_path):
    folder = Store(tmp_path / "runs")
    folder.put(KEY, runs(1.0))
    write_text(folder.path("json", KEY), "[]")
    size = sum(path.stat().st_size for path in folder.folder.iterdir())
    for name in ("notes.txt", "mine.npz", "a-0123.npz"):
        write_text(folder.folder / name, "mine")
    assert folder.clear() == (2, size)
    assert {path.name for path in folder.folder.iterdir()} == {"notes.txt", "mine.npz", "a-0123.npz"}


def test_what_is_forgotten_is_not_there(tmp_path):
    folder = Store(tmp_path)
    folder.put(KEY, runs(1.0))
    assert folder.get(KEY)
    folder.forget(KEY)
    assert folder.get(KEY) is None


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


def test_timings_are_kept_one_by_one(tmp_path, monkeypatch):
    from linclf import study as module

    real, trained = module.train, []

    def third_fails(*args, **kwargs):
        trained.append(args)
        if len(trained) == 3:
            raise KeyboardInterrupt
        return real(*args, **kwargs)

    monkeypatch.setattr(module, "train", third_fails)
    with pytest.raises(KeyboardInterrupt):
        study(tmp_path, seeds=2).time_shuffling()
    again = study(tmp_path, seeds=2)
    again.time_shuffling()
    assert len(trained) == 3 + 2
    assert [pair["seed"] for pair in again.results().document["timings"]] == [0, 1]
    again.time_shuffling()
    assert len(trained) == 3 + 2


def test_the_datas_hash_is_in_the_key(tmp_path):
    """Equal images with other labels: another key."""
    one = load_dataset("synthetic:40")
    np.savez(tmp_path / "a.npz", X_train=one.train_images[0], y_train=one.train_labels[0])
    study(tmp_path, tmp_path / "a.npz").train_missing("base")
    assert study(tmp_path, tmp_path / "a.npz").train_missing("base").trained == 0
    labels = np.roll(one.train_labels[0], 1)
    np.savez(tmp_path / "a.npz", X_train=one.train_images[0], y_train=labels)
    assert study(tmp_path, tmp_path / "a.npz").train_missing("base").reused == 0

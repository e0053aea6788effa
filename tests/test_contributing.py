"""CONTRIBUTING's "where to add what", followed to the letter in a copy of the package: each row and nothing else."""

import json
import os
import re
import shutil
import subprocess
import sys

import pytest
from helpers import ROOT, write_notebook

ROWS = dict(re.findall(r"^\| (\w.*?) \| (.*) \|$", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), re.M))

LOSS = """Loss(
            "squared_error",
            "squared error",
            lambda S, y: np.square(S - _onehot(y, S)).sum(axis=0),
            lambda S, y: 2 * (S - _onehot(y, S)),
        ),
        """
READER = """import numpy as np

from linclf.data.dataset import Reader, split_dataset


def load(path, source):
    rows = np.loadtxt(path)
    return split_dataset({"train": (rows[:, 1:], rows[:, 0].astype(int))}, name=path.stem, source=source, layout="rows")


READER = Reader("a file of rows (.rows)", lambda path: path if path.suffix == ".rows" else None, load, example="a.rows")
"""
OPTION = '    clip: float = _option(0.0, "largest gradient of a score; 0 clips none", _NUMBER, "clip")\n'
CLIP = """                bound = np.array([config.clip or np.inf for config in configs], G.dtype)[:, None]
                np.clip(G, -bound, bound, out=G)
"""
CLAIM = {
    "id": "1.1z", "section": "1.1", "where": "1.1", "figure": None, "says": "Training begins where it begins.",
    "statistic": "validation loss before training, all batches", "unit": "", "resample": "seeds",
    "tests": [{"measure": "beginning", "key": "validation_loss", "of": ["full 2"], "region": "> 1"}],
}  # fmt: skip
MEASURE = """
def beginning(results: Results, arm: str, setting: int, key: str) -> np.ndarray:
    return results.curves(arm, setting, key)[:, 0]


"""
ADDED = [
    ("a loss", "linclf/training/losses.py", 'Loss("cross_entropy",', LOSS),
    ("a data format", "linclf/data/load.py", "cifar, idx,", "rows, "),
    ("a data format", "linclf/data/load.py", "    npz.READER,", "    rows.READER,\n"),
    ("an option", "linclf/training/config.py", "    seed: int = _option(\n", OPTION),
    ("an option", "linclf/training/loop.py", "                stack.descend(G, x)\n", CLIP),
    ("a claim", "linclf/claims/ledger.json", ' {"id": "1.1a",', f"{json.dumps(CLAIM)},\n"),
    ("a claim", "linclf/claims/statistics.py", "\ndef final(", MEASURE),
    ("a page", "linclf/report/pages.py", '    "learn": Page(', '    "mine": Page("Mine", study=None),\n'),
]
"""Rows of the guide, a file that each names, and what is put in there before what."""


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """The package and its notebooks with a loss, a format, an option, a claim and a page more."""
    root = tmp_path_factory.mktemp("copy")
    for name in ("linclf", "notebooks"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints"))
    for row, name, before, added in ADDED:
        text = (root / name).read_text(encoding="utf-8")
        assert (name in ROWS[row], text.count(before)) == (True, 1), (name, before)
        (root / name).write_text(text.replace(before, added + before), encoding="utf-8")
    assert "linclf/data/readers/" in ROWS["a data format"]
    (root / "linclf" / "data" / "readers" / "rows.py").write_text(READER, encoding="utf-8")
    assert "notebooks/" in ROWS["a page"]
    write_notebook(root / "notebooks" / "mine.ipynb", 'data: str = "auto"\nout_dir: str = "auto"', "print(data)")
    return root


def run(copy, code, *words):
    """What a program prints that imports the copy."""
    env = os.environ | {"PYTHONPATH": f"{copy}{os.pathsep}{ROOT / 'tests'}"}
    command = [sys.executable, "-P", *(["-c", code] if code else ["-m", "linclf"]), *words]
    done = subprocess.run(command, cwd=copy, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


PROGRAM = """
import helpers, linclf, pytest
from linclf.claims.verdicts import evaluate, ledger
from linclf.studies.exploration import ExplorationPlan
from linclf.studies.reference import gradient_error

X, y = helpers.blobs()
assert gradient_error("squared_error", X, y, 3) < 1e-6
config = linclf.Config(loss="squared_error", learning_rate=0.05, l2=0.01, epochs=200)
linclf.Classifier.of(linclf.train([config], (X, y), progress=False)[0]).save("model.npz")
kept = linclf.Classifier.load("model.npz")
assert (kept.loss, kept.has_probabilities, (kept.predict(X) == y.astype(str)).mean() > 0.8) == ("squared_error", 0, 1)

data = linclf.load_dataset("made.rows")
assert (data.test_images.shape[1:], data.class_names) == ((3,), ("0", "1"))

(run,) = linclf.train(linclf.Config(learning_rate=0.1, l2=0, epochs=1, init="zeros", clip=0.01), (X, y), progress=False)
linclf.Classifier.of(run).save("model.npz")
assert 0 < abs(run.model.b).max() <= 0.001
assert linclf.Classifier.load("model.npz").config.clip == ExplorationPlan(clip=0.01).config(0, X.shape[1:]).clip == 0.01
options = {"max_iter": 3, "tol": None, "random_state": 0}
fitted = [linclf.SVMClassifier(clip=clip, **options).fit(X, y).coef_ for clip in (0, 0.01)]
assert (fitted[0] != fitted[1]).any() and "clip" in linclf.Config.__doc__
for wrong in (lambda: linclf.Config(learning_rate=1, l2=0, clip=-1), lambda: linclf.SVMClassifier(clip=-1).fit(X, y)):
    with pytest.raises(linclf.ConfigError, match="clip must be a finite number, 0 or more, not -1"):
        wrong()

judged = evaluate(helpers.fabricated())
assert (judged["claims"][0]["id"], judged["claims"][0]["verdict"]) == ("1.1z", "reproduced")
assert sum(judged["counts"].values()) == len(ledger()["claims"])
"""


def test_what_was_added_is_read_checked_trained_stored_and_judged(copy):
    (copy / "made.rows").write_text("".join(f"{i % 2} {i / 7:.4f} 0 {i % 2}\n" for i in range(60)))
    run(copy, PROGRAM)
    assert "a file of rows (.rows)" in " ".join(run(copy, "", "report", "--help").split())


@pytest.mark.slow
def test_a_page_is_made_and_the_loss_is_explored(copy):
    words = ["--data", "synthetic:60", "--epochs", "1", "-p", "loss=squared_error", "--out", "out"]
    run(copy, "", "report", "--only", "mine", "explore", *words)
    assert "A page of mine" in (copy / "out" / "mine.html").read_text(encoding="utf-8")
    assert "squared error" in (copy / "out" / "explore.html").read_text(encoding="utf-8")

"""CONTRIBUTING's "where to add what", followed to the letter in a copy of the package: each row and nothing else."""

import json
import os
import re
import shutil
import subprocess
import sys

import nbformat
import pytest
from helpers import PYTHON, ROOT

ROWS = dict(re.findall(r"^\| (\w.*?) \| (.*) \|$", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), re.M))

LOSS = '''
def squared_error(S: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Squared error of the scores as a guess of 1 for the true class and 0 for others, Σ_j (S_j - onehot(y)_j)²."""
    return np.square(S - _onehot(y, S)).sum(axis=0)


def squared_error_gradient(S: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Gradient of :func:`squared_error` with respect to the scores, (C, ...)."""
    return 2 * (S - _onehot(y, S))


'''
READER = '''"""Rows of numbers with blanks between: a label, then the features."""

from pathlib import Path

import numpy as np

from linclf.data.dataset import Dataset, Reader, split_dataset


def find(path: Path) -> Path | None:
    return path if path.suffix == ".rows" and path.is_file() else None


def load(path: Path, source: str) -> Dataset:
    rows = np.loadtxt(path)
    return split_dataset({"train": (rows[:, 1:], rows[:, 0].astype(int))}, name=path.stem, source=source, layout="rows")


READER = Reader("a file of rows (.rows)", find, load, example="a9a.rows")
'''
CLAIM = {
    "id": "1.1z", "section": "1.1", "where": "1.1", "figure": None, "says": "Training begins where it begins.",
    "statistic": "validation loss before training, all batches", "unit": "", "resample": "seeds",
    "tests": [{"measure": "beginning", "key": "validation_loss", "of": ["full 2"], "region": "> 1"}],
}  # fmt: skip
MEASURE = '''
def beginning(results: Results, arm: str, setting: int, key: str) -> np.ndarray:
    """x_0, the value before training."""
    return results.curves(arm, setting, key)[:, 0]


'''


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """The package and its notebooks with a loss, a format, an option, a claim and a page more."""
    root = tmp_path_factory.mktemp("copy")
    for name in ("linclf", "notebooks"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints"))

    def edit(name, *changes):
        """Replace texts in a file that its row of the guide names."""
        text = (root / name).read_text(encoding="utf-8")
        for before, after in changes:
            assert text.count(before) == 1, (name, before)
            text = text.replace(before, after)
        (root / name).write_text(text, encoding="utf-8")
        return name

    def row(what, *names):
        for name in names:
            assert name in ROWS[what], (what, name)

    losses = "linclf/training/losses.py"
    entry = '        Loss("squared_error", "squared error", squared_error, squared_error_gradient),\n'
    edit(losses, ("@dataclass", LOSS + "@dataclass"), ("    for loss in (\n", f"    for loss in (\n{entry}"))
    row("a loss", losses, "`LOSSES`")

    (root / "linclf" / "data" / "readers" / "rows.py").write_text(READER, encoding="utf-8")
    edit(
        "linclf/data/load.py",
        ("from .readers import cifar, idx,", "from .readers import cifar, idx, rows,"),
        ("    npz.READER,\n", "    npz.READER,\n    rows.READER,\n"),
    )
    row("a data format", "linclf/data/readers/", "`READER`", "`READERS`", "linclf/data/load.py")

    seed = "    seed: int = field(\n"
    clip = (
        '    clip: float = field(default=0.0, metadata=_number("largest gradient of a score; 0 clips none", "clip"))\n'
    )
    edit("linclf/training/config.py", (seed, clip + seed))
    use = "                G = _gradient(losses, stack.scores(x), *targets)\n"
    bound = "                bound = np.array([config.clip or np.inf for config in configs], G.dtype)[:, None]\n"
    edit("linclf/training/loop.py", (use, f"{use}{bound}                np.clip(G, -bound, bound, out=G)\n"))
    row("an option", "linclf/training/config.py", "`Config`", "linclf/training/loop.py")

    ledger = root / "linclf" / "claims" / "ledger.json"
    document = json.loads(ledger.read_text(encoding="utf-8"))
    document["claims"].append(CLAIM)
    ledger.write_text(json.dumps(document), encoding="utf-8")
    edit("linclf/claims/statistics.py", ("\ndef final(", f"{MEASURE}def final("))
    row("a claim", "linclf/claims/ledger.json", "linclf/claims/statistics.py")

    cells = [
        nbformat.v4.new_markdown_cell("# A page of mine"),
        nbformat.v4.new_code_cell('data: str = "auto"\nout_dir: str = "auto"', metadata={"tags": ["parameters"]}),
        nbformat.v4.new_code_cell("print(data)"),
    ]
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=PYTHON), root / "notebooks" / "mine.ipynb")
    edit("linclf/report/pages.py", ("PAGES = {\n", 'PAGES = {\n    "mine": Page("Mine", study=None),\n'))
    row("a page", "notebooks/", "`PAGES`", "linclf/report/pages.py")
    return root


def run(copy, code, *words):
    """What a program prints that imports the copy."""
    env = os.environ | {"PYTHONPATH": f"{copy}{os.pathsep}{ROOT / 'tests'}"}
    command = [sys.executable, "-P", *(["-c", code] if code else ["-m", "linclf"]), *words]
    done = subprocess.run(command, cwd=copy, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_loss_trains_has_the_right_gradient_and_is_kept(copy):
    code = """
import linclf, helpers
from linclf.studies.reference import gradient_error
X, y = helpers.blobs()
assert gradient_error("squared_error", X, y, 3) < 1e-6
config = linclf.Config(loss="squared_error", learning_rate=0.05, l2=0.01, epochs=200)
(run,) = linclf.train(config, (X, y), progress=False)
linclf.Classifier.of(run).save("model.npz")
kept = linclf.Classifier.load("model.npz")
print(kept.loss, kept.has_probabilities, (kept.predict(X) == y.astype(str)).mean() > 0.8)
"""
    assert run(copy, code).split() == ["squared_error", "False", "True"]


def test_a_format_is_read_and_told_of(copy):
    (copy / "made.rows").write_text("".join(f"{i % 2} {i / 7:.4f} 0 {i % 2}\n" for i in range(60)))
    code = "import linclf; data = linclf.load_dataset('made.rows'); print(data.test_images.shape[1:], data.class_names)"
    assert run(copy, code) == "(3,) ('0', '1')\n"
    assert "a file of rows (.rows)" in " ".join(run(copy, "", "report", "--help").split())


def test_an_option_is_checked_used_and_stored(copy):
    code = """
import linclf, helpers
from linclf.studies.exploration import ExplorationPlan
X, y = helpers.blobs()
fitted = [linclf.SVMClassifier(clip=clip, max_iter=3, tol=None, random_state=0).fit(X, y).coef_ for clip in (0, 0.01)]
print((fitted[0] != fitted[1]).any(), "clip" in linclf.Config.__doc__)
config = linclf.Config(learning_rate=0.1, l2=0, epochs=1, init="zeros", clip=0.01)
(run,) = linclf.train(config, (X, y), progress=False)
linclf.Classifier.of(run).save("model.npz")
print(ExplorationPlan(clip=0.01).config(0, X.shape[1:]).clip)
print(0 < abs(run.model.b).max() <= 0.001, linclf.Classifier.load("model.npz").config.clip)
for wrong in (lambda: linclf.Config(learning_rate=1, l2=0, clip=-1), lambda: linclf.SVMClassifier(clip=-1).fit(X, y)):
    try:
        wrong()
    except linclf.ConfigError as error:
        print(error)
"""
    refusal = "clip must be a finite number, 0 or more, not -1"
    assert run(copy, code).splitlines() == ["True True", "0.01", "True 0.01", refusal, refusal]


def test_a_claim_is_judged_and_counted(copy):
    code = """
import helpers
from linclf.claims.verdicts import evaluate, ledger
document = evaluate(helpers.fabricated())
print(document["claims"][-1]["id"], document["claims"][-1]["verdict"], sum(document["counts"].values()))
"""
    count = len(json.loads((ROOT / "linclf" / "claims" / "ledger.json").read_text(encoding="utf-8"))["claims"])
    assert run(copy, code).split() == ["1.1z", "reproduced", str(count + 1)]


@pytest.mark.slow
def test_a_page_is_made_and_the_loss_is_explored(copy):
    words = ["--data", "synthetic:60", "--epochs", "1", "-p", "loss=squared_error", "--out", "out"]
    run(copy, "", "report", "--only", "mine", "explore", *words)
    assert "A page of mine" in (copy / "out" / "mine.html").read_text(encoding="utf-8")
    assert "squared error" in (copy / "out" / "explore.html").read_text(encoding="utf-8")

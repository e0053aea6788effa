"""CONTRIBUTING's table "Where to add what", followed in a copy of the package by what its rows say."""

import os
import shutil
import subprocess
import sys

import pytest
from helpers import ROOT

LOSS = '''
def squared_hinge(S: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Sum over the other classes of max(0, S_j - S_y + 1)²."""
    margins = np.maximum(S - _true_scores(S, y) + 1, 0)
    return np.square(margins).sum(axis=0) - 1  # the true class's margin


def squared_hinge_gradient(S: np.ndarray, y: np.ndarray) -> np.ndarray:
    """2 max(0, S_j - S_y + 1), and minus their sum for the true class."""
    G = 2 * np.maximum(S - _true_scores(S, y) + 1, 0)
    G[_true_class(y)] -= G.sum(axis=0).T
    return G


'''
ENTRY = '        Loss("squared_hinge", "squared SVM loss", squared_hinge, squared_hinge_gradient),\n'
OPTION = """    clipping: float = field(default=0.0, metadata=_number("max. of a gradient; 0 for none", "clipping"))

"""
USE = """
                for k, config in enumerate(configs):
                    if config.clipping:
                        G[:, k] = np.clip(G[:, k], -config.clipping, config.clipping)
"""
USED = """
import numpy as np
from linclf import Classifier, Config, ConfigError, SVMClassifier, train
from linclf.studies.reference import gradient_error

X, y = np.random.default_rng(0).normal(size=(40, 5)), np.arange(40) % 3
assert gradient_error("squared_hinge", X, y, 3) < 1e-6
options = {"learning_rate": 0.05, "l2": 0.01, "epochs": 3}
(run,) = train(Config(loss="squared_hinge", **options), (X, y), progress=False)
classifier = Classifier.of(run)
classifier.save("model.npz")
assert not Classifier.load("model.npz").has_probabilities

clipped, free = (train(Config(clipping=at, **options), (X, y), progress=False)[0].model.W for at in (0.1, 0))
assert (clipped != free).any()
parameters = {"learning_rate_init": 0.05, "alpha": 0.01, "max_iter": 3, "random_state": 0, "shuffle": False}
clipped, free = (SVMClassifier(clipping=at, **parameters).fit(X, y).coef_ for at in (0.1, 0))
assert (clipped != free).any()
for wrong in (lambda: Config(clipping=-1, **options), lambda: SVMClassifier(clipping=-1).fit(X, y)):
    try:
        wrong()
    except ConfigError as error:
        assert str(error) == "clipping must be a finite number, 0 or more, not -1"
    else:
        raise AssertionError
assert "max. of a gradient" in Config.__doc__
"""


def insert(path, text, before):
    content = path.read_text(encoding="utf-8")
    assert content.count(before) == 1, before
    path.write_text(content.replace(before, text + before), encoding="utf-8")


@pytest.mark.slow
def test_a_loss_and_an_option_are_added_in_one_file_each(tmp_path):
    for part in ("linclf", "notebooks"):
        shutil.copytree(ROOT / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
    training = tmp_path / "linclf" / "training"
    insert(training / "losses.py", LOSS.lstrip(), before="@dataclass(frozen=True)\nclass Loss:")
    insert(training / "losses.py", ENTRY, before='    )\n}\n"""The losses by name.')
    insert(training / "config.py", OPTION, before="    def __post_init__(self)")
    insert(training / "loop.py", USE.lstrip("\n"), before="                stack.descend(G, x)\n")
    environ = os.environ | {"PYTHONPATH": str(tmp_path)}
    explore = ["-m", "linclf", "report", "--data", "synthetic:30", "--epochs", "1", "--out", "out"]
    for words in (["-c", USED], [*explore, "--only", "explore", "-p", "loss=squared_hinge"]):
        done = subprocess.run([sys.executable, *words], cwd=tmp_path, env=environ, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
    assert "Tried here: <strong>squared SVM loss" in (tmp_path / "out" / "explore.html").read_text(encoding="utf-8")

"""The page for learners: its loop is the algorithm that the library runs, and what its answers say is so."""

import re

import nbformat
import numpy as np
import pytest
from helpers import ROOT, blobs

import linclf
from linclf.report.views import pictures, reference
from linclf.training.losses import LOSSES, multiclass_hinge_gradient

NOTEBOOK = nbformat.read(ROOT / "notebooks" / "learn.ipynb", as_version=4)
(LOOP,) = [cell.source for cell in NOTEBOOK.cells if cell.cell_type == "code" and "kept[epoch]" in cell.source]
TEXT = "".join(cell.source for cell in NOTEBOOK.cells if cell.cell_type == "markdown")
ANSWERS = re.findall(r"```python\n(.*?)```", TEXT, re.S)


def learned(source, **given):
    """What the loop leaves, on blobs, with the weights that the page starts from."""
    X, y = blobs(n=330, d=12, dtype=np.float32)
    rng = np.random.default_rng(3)
    start = {"W": rng.normal(0, 0.01, (3, 12)), "b": rng.normal(0, 0.01, 3)}
    names = {"np": np, "linclf": linclf, "X": X, "y": y, "epochs": 4, "rng": rng, **start, **given}
    exec(source, names)
    return names


def test_the_loop_is_plain_numpy_in_thirteen_lines():
    assert len(LOOP.splitlines()) == 13
    assert not re.search(r"\bdef\b|\bimport\b|linclf\.(?!Linear)", LOOP)


@pytest.mark.parametrize("loss", ["cross_entropy", "multiclass_hinge"])
def test_the_loop_is_the_algorithm_that_the_library_runs(loss):
    """And the fifth answer turns it into the hinge's."""
    source = LOOP
    if loss == "multiclass_hinge":
        lines = "".join(
            f"        {line}\n" for line in ["true = np.arange(len(labels)), labels", *ANSWERS[1].splitlines()]
        )
        source, n = re.subn(r"        P = .*?labels\] -= 1[^\n]*\n", lines, LOOP, flags=re.S)
        assert n == 1
    found = learned(source)
    config = linclf.Config(loss=loss, learning_rate=0.001, l2=1.0, epochs=4, seed=3)
    (run,) = linclf.train(config, (found["X"], found["y"]), progress=False)
    np.testing.assert_allclose(found["W"], run.model.W, atol=1e-6)
    np.testing.assert_allclose(found["b"], run.model.b, atol=1e-6)
    assert np.abs(found["kept"][0].W - run.model.W).max() > 1e-3


def test_the_fourth_answer_shuffles():
    head = "    for start in range(0, len(X), batch_size):\n        batch, labels"
    assert head in LOOP
    lines = "".join(f"    {line}\n" for line in ANSWERS[0].splitlines())
    source = re.sub(r"    for start in .*?\n        batch, labels = [^\n]*\n", lines, LOOP, count=1, flags=re.S)
    shuffled = learned(source)["kept"][4].W
    assert 1e-6 < np.abs(shuffled - learned(LOOP)["kept"][4].W).max() < 1e-2


def test_the_hinges_gradient_on_the_page_is_the_librarys():
    (cell,) = [cell.source for cell in NOTEBOOK.cells if "hinge_gradient" in cell.source and cell.cell_type == "code"]
    lines = cell[cell.index("violated =") : cell.index("learn.two_losses")]
    s = np.array([1.0, 0.2, 1.5, -3.0])
    names = {"np": np, "s": s, "label": 0}
    exec(lines, names)
    np.testing.assert_array_equal(names["hinge_gradient"], multiclass_hinge_gradient(s[:, None], np.array([0]))[:, 0])


def test_a_run_is_told_in_words():
    said = reference.told(np.array([[0.1, 0.4, 0.3]]), np.array([[0.1, 0.2, 0.3]]), "accuracy")
    assert said == (
        "Training accuracy goes from 10.0 % to 30.0 %, highest 40.0 % at epoch 1; validation accuracy goes from 10.0 % "
        "to 30.0 %."
    )


@pytest.mark.parametrize("loss", sorted(LOSSES))
@pytest.mark.parametrize(("shape", "shown"), [((5,), False), ((4, 4, 4), False), ((4, 4, 3), True), ((4, 4, 1), True)])
def test_what_is_no_picture_and_no_probability_is_said(shape, shown, loss):
    rng = np.random.default_rng(0)
    images, y = rng.integers(0, 256, (20, *shape), np.uint8), np.arange(20) % 2
    X, config = images.reshape(20, -1) / 255, linclf.Config(loss=loss, learning_rate=0.1, l2=0.0)
    run = linclf.Run(config, linclf.Linear(X[:2], np.zeros(2)), None, 0.0)
    markup = pictures.surest(run, images, X, y, ["a", "b"], number=1).markup
    assert ("<img" in markup) == shown
    assert ("No pictures" in markup) != shown
    assert ("its probability." in markup) == (shown and LOSSES[loss].link is not None)
    assert (" ahead" in markup) == (shown and LOSSES[loss].link is None)

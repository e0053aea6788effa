"""The page for learners: its loop is the algorithm that the library runs, and what its answers say is so."""

import ast
import re
import textwrap

import nbformat
import numpy as np
import pytest
from helpers import ROOT, write_notebook

import linclf
from linclf import DivergenceError
from linclf.report.execute import execute
from linclf.report.views import pictures
from linclf.training.losses import LOSSES, cross_entropy

NOTEBOOK = nbformat.read(ROOT / "notebooks" / "learn.ipynb", as_version=4)
CODE = [cell.source for cell in NOTEBOOK.cells if cell.cell_type == "code"]
(LOOP,) = [source for source in CODE if "kept[epoch]" in source]
TEXT = "".join(cell.source for cell in NOTEBOOK.cells if cell.cell_type == "markdown")
ANSWERS = re.findall(r"```python\n(.*?)```", TEXT, re.S)
HINGE = re.sub(r"        P = .*?P\[true\] -= 1[^\n]*\n", textwrap.indent(ANSWERS[1], " " * 8), LOOP, flags=re.S)
SHUFFLED = re.sub(
    r"    for start in .*?\n        batch, labels = [^\n]*\n", textwrap.indent(ANSWERS[0], "    "), LOOP, flags=re.S
).replace("for epoch", "orders, order_rng = [], np.random.default_rng(2)\nfor epoch", 1)


def run(source, names):
    """What a cell shows: the text of its last expression."""
    *body, last = ast.parse(source).body
    exec(compile(ast.Module(body, []), "cell", "exec"), names)
    if isinstance(last, ast.Expr):
        return repr(eval(compile(ast.Expression(last.value), "cell", "eval"), names))
    exec(compile(ast.Module([last], []), "cell", "exec"), names)
    return ""


@pytest.fixture(scope="module")
def lesson(tmp_path_factory):
    """What the lesson leaves after each of its cells ran twice, on few images and epochs."""
    names = {}
    for source in CODE:
        if source.startswith("data: str"):
            source += f"\ndata, epochs, out_dir = 'synthetic:250', 6, {str(tmp_path_factory.mktemp('lesson'))!r}"
        first = run(source, names)
        if "provenance.provenance(" not in source:  # a date
            assert run(source, names) == first, source
    return names


@pytest.fixture
def after(lesson):
    return dict(lesson)


def test_cells_that_run_again_after_the_end_give_the_same(after):
    """The loop's own losses are those of its mini-batches, and its weights are the library's."""
    said = [run(source, after) for source in CODE[1:-1]]
    assert said == [run(source, after) for source in CODE[1:-1]]
    for array in ("W", "b"):
        np.testing.assert_allclose(after[array], getattr(after["run"].model, array), atol=1e-6)
    assert len(after["curve"].losses) == 6 * 3  # of 100, 100 and 50 images
    X, y, start = after["X"][:100], after["y"][:100], after["kept"][0]
    first = cross_entropy(start.scores(X).astype(np.float64), y).mean()
    assert after["curve"].losses[0] == pytest.approx(first, rel=1e-6)


NOISY = "learning_rate, l2, batch_size = 0.1, 0, 100\n" + LOOP.partition("\n")[2]
OF_ALL = "(({0} @ W.T + b).argmax(axis=1) == {1}).mean()"


@pytest.mark.parametrize(
    ("number", "loop", "wrong", "right"),
    [
        (1, LOOP, "2.0, 9", "2.3, 9"),
        (2, LOOP, "p + 0.1", "np.exp(s + 5) / np.exp(s + 5).sum()"),
        (3, NOISY, "0, 0", f"{OF_ALL.format('X', 'y')}, {OF_ALL.format('X_validation', 'y_validation')}"),
        (4, SHUFFLED, "orders[:2] * 3", "orders"),
        (4, SHUFFLED, "[]", "[list(order) for order in orders]"),
        (5, HINGE, "kept[4].W", "kept[5].W"),
        (6, LOOP, "'-1.2', 'a thousand'", "-1.2, 1000"),
    ],
)
def test_exercises_tell_right_answers_from_others(after, number, loop, wrong, right):
    """Each after a run of the loop as its answer changes it; 4 and 5 hold that the answers on the page work."""
    (source,) = [source for source in CODE if f"learn.check({number}," in source or f"\n    {number},\n" in source]
    assert "is not answered yet" in run(source, after)
    run(loop, after)
    for answer, said in ((wrong, "not yet"), (right, f"Exercise {number} is right")):
        text = re.sub(r"(?<= = )None(, None)?", answer, source, count=1)
        assert said in run(text, after), answer


def test_each_curve_of_losses_keeps_its_own_place(tmp_path):
    source = "from linclf.report.views import learn\nfor n in 'abc':\n    learn.LossCurve(n).show()"
    done = execute(write_notebook(tmp_path / "curves.ipynb", "", source), {}, tmp_path / "executed.ipynb", png=False)
    shown = [output.data["text/plain"].partition(".")[0] for output in done.notebook.cells[-1].outputs]
    assert shown == ["Figure a", "Figure b", "Figure c"]


def test_a_loop_that_diverges_says_so_below_its_curve(after):
    source = LOOP.replace("l2, batch_size = 0.001, 1.0", "l2, batch_size = 0.001, 1e7")
    with pytest.raises(DivergenceError, match="use a smaller penalty"), np.errstate(all="ignore"):
        run(source, after)
    assert 0 < len(after["curve"].losses) < 120


@pytest.mark.parametrize("loss", sorted(LOSSES))
@pytest.mark.parametrize("shape", [(5,), (4, 4, 4), (4, 4, 1)])
def test_what_is_no_picture_and_no_probability_is_said(shape, loss):
    shown, rng = shape == (4, 4, 1), np.random.default_rng(0)
    images, y = rng.integers(0, 256, (20, *shape), np.uint8), np.arange(20) % 2
    X, config = images.reshape(20, -1) / 255, linclf.Config(loss=loss, learning_rate=0.1, l2=0.0)
    run = linclf.Run(config, linclf.Linear(X[:2], np.zeros(2)), None, 0.0)
    markup = pictures.surest(run, images, X, y, ["a", "b"], number=1).markup
    assert ("<img" in markup) == shown
    assert ("No pictures" in markup) != shown
    assert ("its probability." in markup) == (shown and LOSSES[loss].link is not None)
    assert (" ahead" in markup) == (shown and LOSSES[loss].link is None)

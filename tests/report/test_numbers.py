"""The pages' numbers from tiny and odd data: no share outside 0..100 %, no interval without its value, no NaN."""

import ast
import base64
import csv
import json
import re
from itertools import product

import nbformat
import numpy as np
import pytest
from bs4 import BeautifulSoup
from helpers import ROOT

from linclf.report.pages import PAGES
from linclf.report.views import html
from linclf.studies.ceiling import CeilingPlan, Size

FEW = Size(2, 1, 1, 2, 2, 2, (1 / 10, 1 / 4, 1 / 2, 3 / 4), 5)
NUMBER = r"([-−]?[\d,]*\.?\d+(?:e[-−+]?\d+)?)"


def data(train, test=(), shape=(5,), kind="random", dtype=np.float32, validation=()):
    """Arrays with these labels; the images of a class are far from the others', at random, or all the same."""
    rng, made = np.random.default_rng(0), {}
    for part, labels in (("train", train), ("test", test), ("val", validation)):
        y = np.array(labels, dtype=int)
        X = rng.integers(0, 200, (len(y), *shape)).astype(dtype)
        if kind == "separate":
            X = (X / 40 + 60 * y.reshape(-1, *[1] * len(shape))).astype(dtype)
        if len(y):
            made |= {f"X_{part}": np.zeros_like(X) if kind == "same" else X, f"y_{part}": y}
    return made


RARE = np.repeat([0, 1, 2], [180, 14, 6])
CASES = {
    "20 images, 2 classes": data([0, 1] * 8, [0, 1, 1, 0], (4, 4, 3), dtype=np.uint8),
    "one image of a class": data([0] * 19 + [1, 2] * 4, [0, 0, 1, 2]),
    "no test image of a class": data([0, 1, 2] * 8, [0, 0, 1]),
    "perfect separation": data([0, 1, 2] * 12, [0, 1, 2] * 5, (3, 3, 1), "separate", np.uint8),
    "all the same": data([0, 1] * 15, [0, 1] * 3, (2, 2, 1), "same", np.uint8),
    "one pixel": data([0, 1] * 15, [1] * 6, (1, 1, 1), dtype=np.uint8),
}
OWN = {
    "few images in folds": data([0, 1] * 3),
    "imbalanced": data(RARE, RARE[::4]),
    "imbalanced, in folds": data(RARE),
    "validation images": data([0, 1] * 25, [0, 1] * 6, validation=[0, 1] * 10),
    "validation images and folds": data([0, 1] * 30, validation=[0, 1] * 10),
    "two channels": data([0, 1] * 20, shape=(8, 9, 2)),
    "many constant inputs": data([0, 1] * 20, [0, 1] * 4, (99,), "same"),
    "200 classes of 5": data([*range(200)] * 5),
    "a thousand classes": data([*range(1000)] * 6, [*range(1000)], (4,)),
}
"""For the page about one's own data alone."""


def shown(name, values, monkeypatch):
    """What a notebook's cells show, run in this process with these parameters, and what they leave."""
    pieces, namespace = [], {}
    monkeypatch.setattr("IPython.display.display", pieces.append)
    for cell in nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4).cells:
        if cell.cell_type != "code":
            continue
        body = ast.parse(cell.source).body
        last = body.pop() if isinstance(body[-1], ast.Expr) else None
        exec(compile(ast.Module(body, []), name, "exec"), namespace)
        if "parameters" in cell.metadata.get("tags", []):
            namespace.update({key: value for key, value in values.items() if key in namespace})
        if last is not None:
            pieces.append(eval(compile(ast.Expression(last.value), name, "eval"), namespace))
    return [piece for piece in pieces if hasattr(piece, "_repr_mimebundle_")], namespace


def number(text):
    return float(text.replace("−", "-").replace(",", ""))


def check(piece):
    markup = getattr(piece, "markup", "")
    article = BeautifulSoup(markup, "html.parser")
    for hidden in article.select(".provenance"):
        hidden.decompose()
    text = article.get_text(" ") if markup else piece.text
    text += " ".join(image["alt"] for image in article.select("[alt]"))
    assert not re.search(r"\b(nan|NaN|inf|None)\b", text), text
    for share in re.findall(rf"{NUMBER} %", text):
        assert 0 <= number(share) <= 100, text
    for value, low, high in re.findall(rf"{NUMBER}(?: %| points| pp)? \({NUMBER} to {NUMBER}\)", text):
        assert number(low) <= number(value) <= number(high), text
    for table in article.select("table:has(thead)"):
        columns = [column.get_text() for column in table.select("thead th")]
        for row in table.select("tbody tr"):
            cells = dict(zip(columns, (cell.get_text() for cell in row.select("td")), strict=False))
            for column, cell in cells.items():
                if column.endswith(", %") and (found := re.match(NUMBER, cell)):
                    assert 0 <= number(found[1]) <= 100, (column, cell)
            if found := re.fullmatch(f"{NUMBER} to {NUMBER}", cells.get("95 % interval", "")):
                value = number(re.match(NUMBER, cells["test, %"])[1])
                assert number(found[1]) <= value <= number(found[2]), cells
    odd = {"inf", "-inf"} if "Where a cell is empty" in text else {"nan", "inf", "-inf"}
    for content in re.findall('href="data:text/csv;base64,(.*?)"', markup):
        _, *rows = csv.reader(base64.b64decode(content).decode().splitlines())
        assert not odd & {cell for row in rows for cell in row}


@pytest.mark.parametrize(
    ("case", "seeds"), [*product(CASES, (1, 2)), *((case, 2 if "imbalanced" in case else 1) for case in OWN)]
)
def test_numbers_are_possible(case, seeds, tmp_path, monkeypatch):
    np.savez(tmp_path / "data.npz", **(CASES | OWN)[case])
    monkeypatch.setattr(html, "svg", lambda fig, salt: b"")  # what is drawn, not how, and quickly
    monkeypatch.setattr(html, "with_png", False)
    monkeypatch.setattr("linclf.studies.your_data.SEARCH", 2e8)  # a coarse grid where the classes are many
    monkeypatch.setitem(CeilingPlan.__init__.__kwdefaults__, "size", FEW)
    values = {"data": str(tmp_path / "data.npz"), "out_dir": str(tmp_path), "epochs": 2, "seeds": seeds}
    names = [name for name in PAGES if name != "learn"] if seeds == 2 else ["0_baseline", "summary", "your_data"]
    for name in names if case in CASES else ["your_data"]:
        outputs, left = shown(name, values, monkeypatch)
        for output in outputs:
            check(output)
    results = left["results"]
    document, n_test = results.document(), len(results.dataset.test_labels)
    assert len(json.dumps(document, allow_nan=False)) < 1e6
    pairs = document.get("confusion_pairs") or np.array(document["confusion"]).reshape(-1, 1)  # a thousand classes
    assert sum(pair[-1] for pair in pairs) == pytest.approx(n_test)
    assert len(document["mistakes"]) == min(1000, document["n_mistakes"])
    assert document["n_mistakes"] == round(n_test * (1 - results.finals[0].record["test_accuracy"]))
    assert bool(results.folds) == ("X_test" not in (CASES | OWN)[case])
    assert np.isfinite(results.scores).all()

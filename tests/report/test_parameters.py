"""Notebook parameters are checked before a kernel starts, and reach it as what they are."""

import ast
import json
from pathlib import Path

import nbformat
import pytest
from helpers import PYTHON
from hypothesis import given
from hypothesis import strategies as st

from linclf import ConfigError
from linclf.report import build
from linclf.report.execute import execute


def notebook(tmp_path: Path, source: str) -> Path:
    cell = nbformat.v4.new_code_cell(source, metadata={"tags": ["parameters"]})
    nbformat.write(nbformat.v4.new_notebook(cells=[cell], metadata=PYTHON), tmp_path / "one.ipynb")
    return tmp_path / "one.ipynb"


@pytest.fixture
def known(tmp_path):
    source = 'epochs: int = 40\nlr_decay: float = 0.9\ndata: str = "auto"\nquick: bool = False'
    return {"one": build.read_notebook(notebook(tmp_path, source))}


def test_every_notebook_has_one_parameters_cell_of_annotated_literals():
    for known in build.notebooks().values():
        cells = nbformat.read(known.path, as_version=4).cells
        (cell,) = (cell for cell in cells if "parameters" in cell.metadata.get("tags", []))
        values = {line.target.id: ast.literal_eval(line.value) for line in ast.parse(cell.source).body}
        assert {name: type(value).__name__ for name, value in values.items()} == known.types


def test_values_have_the_types_of_the_parameters_cell(known):
    assert known["one"].types == {"epochs": "int", "lr_decay": "float", "data": "str", "quick": "bool"}
    given = ["epochs=3", "lr_decay=1", "data=3", "quick=True"]
    assert build.parse(given, known) == {"epochs": 3, "lr_decay": 1, "data": "3", "quick": True}


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("epoch=3", "unknown parameter 'epoch': did you mean 'epochs'?"),
        ("zzz=3", "unknown parameter 'zzz': choose among data, epochs, lr_decay, quick"),
        ("epochs=3.5", "parameter 'epochs' must be of type int, not '3.5'"),
        ("epochs=__import__('os').getcwd()", "parameter 'epochs' must be of type int"),
        ("lr_decay=fast", "parameter 'lr_decay' must be of type float, not 'fast'"),
        ("quick=1", "parameter 'quick' must be of type bool, not '1'"),
        ("epochs", "expected NAME=VALUE"),
    ],
)
def test_unknown_and_mistyped_parameters_are_refused(known, assignment, message):
    with pytest.raises(ConfigError) as caught:
        build.parse([assignment], known)
    assert message in str(caught.value)


HOSTILE = (
    '"; import os; os._exit(3); "',
    "'; import os; os._exit(3); '",
    '"""\nimport os; os._exit(3)\n"""',
    "'''\nimport os; os._exit(3)\n#",
    "\\",
    '\\"',
    r"\n \x41 \u0041 \N{DIGIT ONE}",
    "a\nb\r\nc\td",
    "{} {0} {__class__} %s %(x)s $x ${x} `x` $(x)",
    "line\u2028paragraph\u2029next\x85tab\x0bfeed\x0cgroup\x1c",
    "\x00\x1b[2J\x7f\u200b\ufeff",
    "λ = 0.1, 漢字, 😀",
    "# comment",
    "!exit 3",
    "%system exit 3",
    "",
)


def test_text_reaches_a_notebook_as_it_is_and_runs_nothing(tmp_path):
    names = [f"text_{i}" for i in range(len(HOSTILE))]
    cell = notebook(tmp_path, "\n".join(f'{name}: str = ""' for name in names))
    whole = nbformat.read(cell, as_version=4)
    whole.cells.append(nbformat.v4.new_code_cell(f"import json; print(json.dumps([{', '.join(names)}]))"))
    nbformat.write(whole, cell)
    known = {"one": build.read_notebook(cell)}
    given = build.parse([f"{name}={text}" for name, text in zip(names, HOSTILE, strict=True)], known)
    execution = execute(cell, given, tmp_path / "executed.ipynb")
    assert execution.failure is None
    (output,) = execution.notebook.cells[-1].outputs
    assert json.loads(output.text) == list(HOSTILE)


def parsed(type_, text):
    """The value, or the error."""
    try:
        return build.parse([f"it={text}"], {"one": build.Notebook(Path("one.ipynb"), {"it": type_})})["it"]
    except ConfigError as error:
        return error


@given(text=st.text())
def test_any_text_is_a_text_or_refused_elsewhere(text):
    assert parsed("str", text) == text
    for type_, kinds in (("int", int), ("float", (int, float)), ("bool", bool)):
        value = parsed(type_, text)
        assert isinstance(value, kinds) or str(value).startswith(f"parameter 'it' must be of type {type_}, not ")


@pytest.mark.parametrize(
    "text", ["9" * 5000, "(" * 10_000, "1e999", "nan", "-" * 10_000 + "1", "\x00", "{1: []}[1]", "\udc80"]
)
def test_odd_numbers_are_refused_in_one_line(text):
    error = parsed("int", text)
    assert isinstance(error, ConfigError)
    assert str(error).isprintable()
    assert len(str(error)) < 3000

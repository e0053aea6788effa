"""Notebook parameters are checked before a kernel starts, and reach it as what they are."""

import ast
import json
from pathlib import Path

import nbformat
import pytest
from helpers import write_notebook
from hypothesis import given
from hypothesis import strategies as st

from linclf import ConfigError
from linclf.report import build
from linclf.report.execute import execute

KNOWN = {"epochs": "int", "lr_decay": "float", "data": "str", "quick": "bool"}


def parsed(*assignments, types=KNOWN):
    """The values, or the error."""
    try:
        return build.parse(assignments, {"one": build.Notebook(Path("one.ipynb"), types)})
    except ConfigError as error:
        return str(error)


def test_every_notebook_has_one_parameters_cell_of_annotated_literals():
    for known in build.notebooks().values():
        cells = nbformat.read(known.path, as_version=4).cells
        (cell,) = (cell for cell in cells if "parameters" in cell.metadata.get("tags", []))
        values = {line.target.id: ast.literal_eval(line.value) for line in ast.parse(cell.source).body}
        assert {name: type(value).__name__ for name, value in values.items()} == known.types


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("zzz=3", "unknown parameter 'zzz': choose among data, epochs, lr_decay, quick"),
        ("epochs=3.5", "parameter 'epochs' must be of type int, not '3.5'"),
        ("epochs=__import__('os').getcwd()", "parameter 'epochs' must be of type int"),
        ("quick=1", "parameter 'quick' must be of type bool, not '1'"),
        ("epochs", "expected NAME=VALUE"),
    ],
)
def test_unknown_and_mistyped_parameters_are_refused(assignment, message):
    given = {"epochs": 3, "lr_decay": 1, "data": "3", "quick": True}
    assert parsed(*(f"{name}={value}" for name, value in given.items())) == given
    assert message in parsed(assignment)


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
    shows = f"import json; print(json.dumps([{', '.join(names)}]))"
    path = write_notebook(tmp_path / "one.ipynb", "\n".join(f'{name}: str = ""' for name in names), shows)
    given = [f"{name}={text}" for name, text in zip(names, HOSTILE, strict=True)]
    execution = execute(path, parsed(*given, types=build.read_notebook(path).types), tmp_path / "executed.ipynb")
    assert execution.failure is None
    (output,) = execution.notebook.cells[-1].outputs
    assert json.loads(output.text) == list(HOSTILE)


@given(text=st.text())
def test_any_text_is_a_text_or_refused_elsewhere(text):
    assert parsed(f"it={text}", types={"it": "str"}) == {"it": text}
    for type_, kinds in (("int", int), ("float", (int, float)), ("bool", bool)):
        found = parsed(f"it={text}", types={"it": type_})
        refused = isinstance(found, str) and found.startswith(f"parameter 'it' must be of type {type_}, not ")
        assert refused or isinstance(found["it"], kinds)


@pytest.mark.parametrize(
    "text", ["9" * 5000, "(" * 10_000, "1e999", "nan", "-" * 10_000 + "1", "\x00", "{1: []}[1]", "\udc80"]
)
def test_odd_numbers_are_refused_in_one_line(text):
    error = parsed(f"epochs={text}")
    assert isinstance(error, str)
    assert error.isprintable()
    assert len(error) < 3000

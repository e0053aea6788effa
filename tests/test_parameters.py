"""Notebook parameters are checked before a kernel starts."""

from pathlib import Path

import nbformat
import pytest

from linclf import ConfigError
from linclf.report import parameters


def notebook(tmp_path: Path, source: str, name: str = "one", tags: tuple[str, ...] = ("parameters",)) -> Path:
    cell = nbformat.v4.new_code_cell(source, metadata={"tags": list(tags)})
    path = tmp_path / f"{name}.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), path)
    return path


@pytest.fixture
def known(tmp_path):
    source = 'epochs: int = 40\nlr_decay: float = 0.9\ndata: str = "auto"\nquick: bool = False'
    return {"one": parameters.read_notebook(notebook(tmp_path, source))}


def test_types_come_from_the_parameters_cell(known):
    assert known["one"].types == {"epochs": "int", "lr_decay": "float", "data": "str", "quick": "bool"}


@pytest.mark.parametrize(
    "source",
    [
        "epochs = 40",
        "epochs: int",
        "import os",
        "epochs: int = 40\nprint(epochs)",
        "epochs: int = 40; twice = 2",
    ],
)
def test_a_parameters_cell_holds_annotated_literals_only(tmp_path, source):
    with pytest.raises(ConfigError, match=r"one\.ipynb: expected one cell tagged 'parameters'"):
        parameters.read_notebook(notebook(tmp_path, source))


def test_a_notebook_needs_its_parameters_cell(tmp_path):
    with pytest.raises(ConfigError, match="expected one cell tagged 'parameters'"):
        parameters.read_notebook(notebook(tmp_path, "epochs: int = 40", tags=()))


def test_values_are_typed(known):
    given = ["epochs=3", "lr_decay=1", "data=3", "quick=True"]
    assert parameters.parse(given, known) == {"epochs": 3, "lr_decay": 1, "data": "3", "quick": True}


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("epoch=3", "unknown parameter 'epoch': did you mean 'epochs'?"),
        ("zzz=3", "unknown parameter 'zzz': choose among data, epochs, lr_decay, quick"),
        ("epochs=3.5", "parameter 'epochs' must be of type int, not 3.5"),
        ("epochs=True", "parameter 'epochs' must be of type int, not True"),
        ("epochs=__import__('os').getcwd()", "parameter 'epochs' must be of type int"),
        ("lr_decay=fast", "parameter 'lr_decay' must be of type float, not 'fast'"),
        ("quick=1", "parameter 'quick' must be of type bool, not 1"),
        ("epochs", "expected NAME=VALUE"),
    ],
)
def test_unknown_and_mistyped_parameters_are_refused(known, assignment, message):
    with pytest.raises(ConfigError) as caught:
        parameters.parse([assignment], known)
    assert message in str(caught.value)


def test_unknown_notebook_names_the_nearest(known):
    assert parameters.select(known, []) == known
    with pytest.raises(ConfigError, match=r"unknown notebook 'on': did you mean 'one'\?"):
        parameters.select(known, ["on"])

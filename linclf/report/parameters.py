"""Notebook parameters, checked before any kernel starts.

papermill itself only warns about unknown names and passes values of any type on; here both are errors.
"""

import ast
import difflib
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat

from linclf.errors import ConfigError

_TYPES: dict[str, tuple[type, ...]] = {"int": (int,), "float": (float, int), "str": (str,), "bool": (bool,)}


@dataclass(frozen=True)
class Notebook:
    """A notebook and its parameters: name -> type, as its one cell tagged ``parameters`` declares them."""

    path: Path
    types: dict[str, str]


def read_notebook(path: Path) -> Notebook:
    """The notebook at ``path``; ConfigError unless one tagged cell holds annotated literals and nothing else."""
    cells = [
        cell.source for cell in nbformat.read(path, as_version=4).cells if "parameters" in cell.metadata.get("tags", [])
    ]
    wrong = ConfigError(
        f"{path.name}: expected one cell tagged 'parameters' with lines such as 'epochs: int = 40' and nothing else"
    )
    if len(cells) != 1:
        raise wrong
    types = {}
    for line in ast.parse(cells[0]).body:
        if not (isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name) and line.value is not None):
            raise wrong
        types[line.target.id] = ast.unparse(line.annotation)
        check(line.target.id, types[line.target.id], ast.literal_eval(line.value))
    return Notebook(path, types)


def select(notebooks: dict[str, Notebook], only: Collection[str]) -> dict[str, Notebook]:
    """The notebooks called ``only``, in the report's order."""
    for name in only:
        if name not in notebooks:
            raise ConfigError(f"unknown notebook {name!r}{_nearest(name, notebooks)}")
    return {name: notebook for name, notebook in notebooks.items() if name in only}


def parse(assignments: list[str], notebooks: dict[str, Notebook]) -> dict[str, Any]:
    """``NAME=VALUE`` texts as typed values; every name must be a parameter of at least one of the notebooks.

    Values are Python literals or bare text: nothing in them is run.
    """
    known = {name: type_ for notebook in notebooks.values() for name, type_ in notebook.types.items()}
    values = {}
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        if not equals:
            raise ConfigError(f"expected NAME=VALUE, such as lr_decay=0.9, not {assignment!r}")
        if name not in known:
            raise ConfigError(f"unknown parameter {name!r}{_nearest(name, known)}")
        values[name] = check(name, known[name], text if known[name] == "str" else _literal(text))
    return values


def check(name: str, type_: str, value: Any) -> Any:
    """``value`` if it is of the type, else ConfigError."""
    allowed = _TYPES.get(type_)
    if allowed is None:
        raise ConfigError(f"parameter {name!r}: expected a type among {', '.join(_TYPES)}, not {type_!r}")
    if not isinstance(value, allowed) or (isinstance(value, bool) and type_ != "bool"):
        raise ConfigError(f"parameter {name!r} must be of type {type_}, not {value!r}")
    return value


def _literal(text: str) -> Any:
    try:
        value = ast.literal_eval(text)
        repr(value)  # refused for whole numbers of thousands of digits, which no message could then show
        return value
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return text


def _nearest(name: str, known: dict[str, Any]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f": did you mean {close[0]!r}?" if close else f": choose among {', '.join(sorted(known))}"

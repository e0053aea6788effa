"""The report: check parameters -> papermill -> nbconvert -> a folder of pages, with the numbers as JSON beside them."""

import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

from .. import claims
from ..errors import ConfigError, DataError
from ..files import write_text
from ..study import Study
from . import parameters
from .execute import Execution, Line, execute
from .page import PAGES, convert, page_file, single_file

DEFAULT_OUT = "reports/latest"


def notebooks() -> dict[str, parameters.Notebook]:
    """The report's notebooks in order: beside the package in a source tree, inside it where it was installed."""
    package = Path(__file__).parent.parent
    folder = next((f for f in (package / "notebooks", package.parent / "notebooks") if f.is_dir()), None)
    if folder is None:
        raise ConfigError("the report's notebooks are missing from this installation: install linclf again")
    return {name: parameters.read_notebook(folder / f"{name}.ipynb") for name in PAGES}


def make_report(
    given: dict[str, Any],
    *,
    assignments: list[str] | None = None,
    only: list[str] | None = None,
    single: bool = False,
    command: str = "",
) -> int:
    """Run the notebooks and write their pages, ``results.json`` and ``claims.json``; the exit status, 0 or 1.

    Args:
        given: parameters from the command line: data, out_dir, seeds, first_seed, epochs.
        assignments: further parameters as NAME=VALUE.
        only: names of the notebooks to run; all by default.
        single: also write ``report.html``, all pages in one.
        command: what makes this report again; shown on its pages.

    Raises:
        ConfigError, DataError: before anything is run or written.
    """
    started = time.monotonic()
    chosen = parameters.select(notebooks(), only or [])
    values = given | parameters.parse(assignments or [], chosen)
    plan = {name: value for name, value in values.items() if name not in ("data", "out_dir")}
    study = Study(values["data"], values["out_dir"], **plan)
    out = _writable_folder(Path(values["out_dir"]))
    print(f"data: {study.data.provenance.describe()}")

    failures = 0
    executed: dict[str, Execution] = {}
    with tempfile.TemporaryDirectory(prefix="linclf-") as scratch:
        for i, (name, notebook) in enumerate(chosen.items(), start=1):
            line, began = Line(f"[{i}/{len(chosen)}] {name:<26}"), time.monotonic()
            own = {key: value for key, value in values.items() if key in notebook.types}
            executed[name] = execute(notebook.path, own, Path(scratch) / notebook.path.name, line)
            reason = executed[name].failure
            line.end(f"{time.monotonic() - began:6.1f} s" + (f"  failed: {reason}" if reason else ""))
            failures += reason is not None

    _write_pages(out, executed, command, single)
    results = study.results()
    write_text(out / "results.json", json.dumps({**results.document, "command": command}, indent=1) + "\n")
    outcomes = claims.evaluate(results)
    write_text(out / "claims.json", json.dumps(claims.to_document(outcomes, results), indent=1) + "\n")
    first = out / page_file("summary" if "summary" in executed else next(iter(executed)))
    training = sum(run["seconds"] for run in results.document["runs"])
    print(f"report: {first}  ({time.monotonic() - started:.0f} s)")
    return 1 if failures else 0

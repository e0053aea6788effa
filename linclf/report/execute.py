"""Execute one notebook with papermill, in a kernel of its own."""

import logging
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode


@dataclass(frozen=True)
class Execution:
    """An executed notebook and, where it failed, the reason in one line."""

    notebook: NotebookNode
    failure: str | None


def execute(path: Path, parameters: dict[str, Any], scratch: Path, show: "Line") -> Execution:
    """Run the notebook at ``path`` from top to bottom in the current folder.

    Args:
        parameters: checked beforehand (papermill would only warn).
        scratch: where papermill keeps the copy that it writes while it runs.
        show: told what the notebook prints on stderr, which is where its progress goes.
    """
    import papermill
    from traitlets.config import Config

    # papermill would repeat on stderr what the notebook's own page shows.
    logging.getLogger("papermill").setLevel(logging.ERROR)
    # A socket file in place of TCP ports: nobody else on the machine can reach the kernel, and ipykernel warns at
    # the start of any other.
    config = Config() if os.name == "nt" else Config(KernelManager={"transport": "ipc"})
    reason = None
    try:
        papermill.execute_notebook(
            path,
            scratch,
            parameters,
            kernel_name="python3",
            language="python",
            progress_bar=False,
            stderr_file=show,
            config=config,
        )
    except papermill.PapermillExecutionError as error:
        reason = f"{error.ename}: {error.evalue}"
    except Exception as error:  # a kernel that died or did not start: said in a line, and the other notebooks still run
        reason = f"{type(error).__name__}: {error}"
    notebook = nbformat.read(scratch if scratch.exists() else path, as_version=4)
    # papermill marks cells that a dead kernel never ran as completed: what was saved decides.
    if reason is None and any(cell.cell_type == "code" and not cell.execution_count for cell in notebook.cells):
        reason = "the kernel stopped before the last cell"
    return Execution(notebook, reason and reason.splitlines()[0])


class Line:
    """One line of the terminal that tells how a notebook is doing; where there is no terminal, only its end."""

    def __init__(self, label: str) -> None:
        self.label, self.live = label, sys.stderr.isatty()
        self._draw("running")

    def write(self, text: str) -> None:
        """Show the last of what the notebook wrote, as its progress line."""
        last = [part.strip() for part in text.replace("\n", "\r").split("\r") if part.strip()]
        if last:
            self._draw(last[-1])

    def flush(self) -> None:
        """Part of what papermill expects of a file."""

    def _draw(self, text: str) -> None:
        if self.live:
            print(f"\r{self.label} {text[:60]:<60}", end="", file=sys.stderr, flush=True)

    def end(self, text: str) -> None:
        """Replace the line by its last word."""
        if self.live:
            print(f"\r{'':<{len(self.label) + 61}}\r", end="", file=sys.stderr, flush=True)
        print(f"{self.label} {text}", flush=True)

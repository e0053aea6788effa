"""Execute one notebook with papermill, in a kernel of its own."""

import logging
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode


@dataclass(frozen=True)
class Execution:
    """An executed notebook, how long it took in seconds and, where it failed, the reason in one line."""

    notebook: NotebookNode
    seconds: float
    failure: str | None


def execute(path: Path, parameters: dict[str, Any], scratch: Path) -> Execution:
    """Run the notebook at ``path`` from top to bottom in the current folder.

    Args:
        parameters: checked beforehand (papermill would only warn).
        scratch: where papermill keeps the copy that it writes while it runs.
    """
    import papermill
    from jupyter_core.utils import ensure_event_loop
    from traitlets.config import Config

    # papermill would repeat on stderr what the notebook's own page shows.
    logging.getLogger("papermill").setLevel(logging.ERROR)
    # Socket files in place of TCP ports: nobody else on the machine can reach the kernel, and ipykernel warns at the
    # start of any other. Each kernel's have a name of their own: the default would be the same for all.
    sockets = {"transport": "ipc", "ip": str(scratch.with_suffix(""))}
    config = Config() if os.name == "nt" else Config(KernelManager=sockets)
    started, reason = time.monotonic(), None
    try:
        papermill.execute_notebook(
            path,
            scratch,
            parameters,
            kernel_name="python3",
            language="python",
            progress_bar=False,
            config=config,
            extra_arguments=["--IPKernelApp.log_level=CRITICAL"],  # what goes wrong is in the notebook
        )
    except papermill.PapermillExecutionError as error:
        reason = f"{error.ename}: {error.evalue}"
    except Exception as error:  # a kernel that died or did not start: said in a line, and the other notebooks still run
        reason = f"{type(error).__name__}: {error}"
    finally:
        ensure_event_loop().close()  # papermill's, of this thread
    notebook = nbformat.read(scratch if scratch.exists() else path, as_version=4)
    # papermill marks cells that a dead kernel never ran as completed: what was saved decides.
    if reason is None and any(cell.cell_type == "code" and not cell.execution_count for cell in notebook.cells):
        reason = "the kernel stopped before the last cell"
    return Execution(notebook, time.monotonic() - started, reason and reason.splitlines()[0])


def stop_kernels() -> None:
    """End the kernels that this process has started; what waits for them then sees that they died."""
    import psutil  # ipykernel brings it

    for kernel in psutil.Process().children(recursive=True):
        kernel.kill()

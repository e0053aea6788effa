"""Execute one notebook with papermill, in a kernel of its own."""

import logging
import os
import time
import warnings
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
    from nbclient.exceptions import DeadKernelError
    from traitlets.config import Config

    # papermill would repeat on stderr what the notebook's own page shows, or the report's line about a dead kernel.
    logging.getLogger("papermill").setLevel(logging.CRITICAL)
    warnings.filterwarnings("ignore", "IPython parent")  # that home is read-only, where nothing is kept anyway
    # The connection file stands beside the scratch copy, since a home folder may be missing, and socket files beside it
    # in place of TCP ports: nobody else on the machine can reach the kernel, and ipykernel warns about any other way.
    connection = {"connection_file": str(scratch.with_suffix(".json"))}
    if os.name != "nt":
        connection["transport"] = "ipc"
    config = Config(KernelManager=connection)
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
            # What goes wrong is in the notebook. Nothing of the user's own IPython may change a page.
            extra_arguments=["--IPKernelApp.log_level=CRITICAL", f"--IPKernelApp.ipython_dir={scratch.parent}"],
        )
    except papermill.PapermillExecutionError as error:
        reason = f"{error.ename}: {error.evalue}"
    except DeadKernelError:
        reason = "the kernel was killed, perhaps for want of memory"
    except Exception as error:  # a kernel that did not start: said in a line, and the other notebooks still run
        reason = f"{type(error).__name__}: {error}"
    finally:
        ensure_event_loop().close()  # papermill's, of this thread
    try:
        notebook = nbformat.read(scratch, as_version=4)
    except (OSError, ValueError):  # no copy, or one cut off where the disk was full
        notebook = nbformat.read(path, as_version=4)
    # papermill marks cells that a dead kernel never ran as completed: what was saved decides.
    if reason is None and any(cell.cell_type == "code" and not cell.execution_count for cell in notebook.cells):
        reason = "the kernel stopped before the last cell"
    return Execution(notebook, time.monotonic() - started, reason and reason.splitlines()[0])


def stop_kernels() -> None:
    """End the kernels that this process has started; what waits for them then sees that they died."""
    import psutil  # ipykernel brings it

    for kernel in psutil.Process().children(recursive=True):
        kernel.kill()

"""Execute one notebook by papermill in a new kernel."""

import json
import logging
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple, cast

import psutil
import zmq.asyncio
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from nbformat import NotebookNode

from linclf.errors import ConfigError

PATIENCE = "LINCLF_KERNEL_TIMEOUT"
"""The environment variable that says how many seconds a kernel may take to start."""

# Nothing of the user's own Python or IPython may change a page.
_UNTOUCHED = ("log_level=CRITICAL", "ignore_cwd=True", "exec_PYTHONSTARTUP=False")


class Execution(NamedTuple):
    """An executed notebook, how long it took in seconds and, where it failed, the reason in one line."""

    notebook: NotebookNode
    seconds: float
    failure: str | None


_SCRIPT = str(Path(__file__).with_name("kernel.py"))


def _environment() -> dict[str, str]:
    """Environment variables of a kernel that differ from this process's."""
    return {
        "MATPLOTLIBRC": os.devnull,
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",  # or a debugger that nobody asked for warns on stderr
        "MPLBACKEND": "agg",  # no window is opened, and a backend that is not here would fail the import
        "PYTHONPATH": os.pathsep.join(sys.path),  # every module is the one that this command would import
        # Several threads, of as many kernels as cores, wait for each other.
        **({"OPENBLAS_NUM_THREADS": os.environ.get("OPENBLAS_NUM_THREADS", "1")} if _fork else {}),
        # Output for debugging would appear on pages.
        **dict.fromkeys(("PYTHONWARNINGS", "PYTHONDEVMODE", "PYTHONVERBOSE", "PYTHONINSPECT"), ""),
    }


class _ThisPython(AsyncKernelManager):
    """Starts the Python that runs this command, whatever kernels are installed where Jupyter looks for them."""

    def __init__(self, **given: object) -> None:
        # One context for all kernels, which ends with the process: a manager that makes its own waits for ever for the
        # sockets of a kernel that could not be reached.
        super().__init__(context=zmq.asyncio.Context.instance(), **given)

    async def _async_launch_kernel(self, kernel_cmd: list[str], **kw: object) -> None:
        kernel, provisioner = _fork and _fork(kernel_cmd[3:]), cast(Any, self.provisioner)
        if kernel:
            provisioner.process, provisioner.pgid = kernel, kernel.pid
        else:
            await super()._async_launch_kernel(kernel_cmd, **kw)

    @property
    def kernel_spec(self) -> KernelSpec:
        return KernelSpec(
            argv=[sys.executable, "-P", _SCRIPT, "-f", "{connection_file}"],
            display_name="Python 3",
            language="python",
            # jupyter_client fills in variables
            env={name: value.replace("$", "$$") for name, value in _environment().items()},
        )


class _Forked(psutil.Process):  # type: ignore[misc]
    """A kernel that is no child of this process, with what jupyter_client asks of one."""

    stdin = stdout = stderr = None

    def poll(self) -> int | None:
        """None while it runs; its status is not known afterwards."""
        with suppress(psutil.NoSuchProcess):
            if self.is_running() and self.status() != psutil.STATUS_ZOMBIE:
                return None
        return 1

    wait = poll  # asked only once it has ended


_fork: Callable[[list[str]], _Forked | None] | None = None
"""Within :func:`forked_kernels`, a new kernel by its arguments, or None where no process is there to copy."""


@contextmanager
def forked_kernels() -> Iterator[None]:
    """Within, notebooks run in kernels that are copies of one process, with one BLAS thread each.

    Each kernel by itself would take most of a second for what all of them import. Only on Linux: libraries of other
    systems do not bear copies of a process. There, and where that process has ended, each is started by itself.
    """
    global _fork
    lock, process, (ours, theirs) = threading.Lock(), None, socket.socketpair()
    ours.settimeout(patience())
    pids = ours.makefile()

    def fork(arguments: list[str]) -> _Forked | None:
        with lock, suppress(OSError, ValueError, psutil.NoSuchProcess):
            ours.sendall(f"{json.dumps(arguments)}\n".encode())
            return _Forked(int(pids.readline()))
        return None

    _fork = fork
    try:
        with ours, pids:
            with theirs:
                if sys.platform == "linux":
                    command, env = [sys.executable, "-P", _SCRIPT], {**os.environ, **_environment()}
                    process = subprocess.Popen(command, stdin=theirs.fileno(), env=env, start_new_session=True)
            yield
    finally:
        _fork = None
        if process:
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=5)
            process.kill()
            process.wait()


def patience() -> float:
    """Seconds that a kernel may take to start, from ``$LINCLF_KERNEL_TIMEOUT``, 300 by default.

    A kernel that dies is noticed at once; this is how long one is waited for that lives and says nothing.
    """
    given = os.environ.get(PATIENCE, "300")
    with suppress(ValueError):
        if 0 < (seconds := float(given)) < float("inf"):
            return seconds
    raise ConfigError(f"{PATIENCE} must be a number of seconds above 0, not {given!r}")


def execute(
    path: Path, parameters: dict[str, object], scratch: Path, *, png: bool = True, decoded: Path | None = None
) -> Execution:
    """Run the notebook at ``path`` from top to bottom in the current folder.

    Args:
        path: of the notebook, which stays as it is.
        parameters: by name, checked beforehand.
        scratch: begins the names of the kernel's files, in a folder for them alone.
        png: give figures a PNG beside their SVG. Pages show none, and their notebooks take a third less time without.
        decoded: a folder in which ``write_decoded`` left the data set.
    """
    from jupyter_core.utils import ensure_event_loop
    from nbclient.exceptions import DeadKernelError
    from papermill.engines import papermill_engines
    from papermill.iorw import load_notebook_node
    from papermill.parameterize import parameterize_notebook
    from traitlets.config import Config

    notebook = load_notebook_node(str(path))
    if parameters:
        notebook = parameterize_notebook(notebook, parameters, kernel_name="python3", language="python")
    notebook.metadata.papermill["input_path"] = path.name  # says which page it is, whatever a copy is called
    settings = [] if png else ["from linclf.report.views import html; html.with_png = False; del html"]
    if decoded:
        settings.append(f"from linclf.data import load; load.decoded = load.Path({str(decoded)!r}); del load")
    logging.getLogger("papermill").setLevel(logging.CRITICAL)  # the page shows what it would repeat on stderr
    warnings.filterwarnings("ignore", "IPython parent")  # that home is read-only, where nothing is kept anyway
    started, reason, folder = time.monotonic(), None, _folder_for_sockets(scratch)
    kernel_options = [
        *(f"--IPKernelApp.{word}" for word in (*_UNTOUCHED, f"ipython_dir={scratch.parent}")),
        *(f"--IPKernelApp.exec_lines={line}" for line in settings),
    ]
    try:
        # The engine alone: execute_notebook keeps what ran before a kernel died in a file only.
        papermill_engines.execute_notebook_with_engine(
            "nbclient",
            notebook,
            "python3",
            progress_bar=False,
            start_timeout=patience(),
            kernel_manager_class=_ThisPython,
            config=Config(KernelManager=_connection(scratch, folder)),
            extra_arguments=kernel_options,
        )
        outputs = (output for cell in notebook.cells for output in cell.get("outputs", ()))
        unshown = "a cell failed and showed no error" if notebook.metadata.papermill.exception else None
        reason = next((f"{it.ename}: {it.evalue}" for it in outputs if it.output_type == "error"), unshown)
    except DeadKernelError:
        reason = "the kernel was killed, perhaps for want of memory"
    except Exception as error:  # a kernel that did not start: said in a line, and the other notebooks still run
        reason = f"{type(error).__name__}: {error}"
        if isinstance(error, RuntimeError) and "Kernel didn't respond" in str(error):
            reason = f"the kernel did not answer within {patience():g} s; {PATIENCE}=SECONDS waits longer"
    finally:
        loop = ensure_event_loop()
        if not loop.is_running():  # papermill's, of this thread; one that runs is the caller's
            loop.close()
        if folder:
            shutil.rmtree(folder, ignore_errors=True)
    return Execution(notebook, time.monotonic() - started, reason and reason.splitlines()[0])


def _folder_for_sockets(scratch: Path) -> Path | None:
    """A folder for a kernel's sockets, closed to other users: beside ``scratch``, where names are shorter, or None.

    A system limits a socket's name, on Linux to 107 bytes.
    """
    for place in (scratch.parent, *short_places()):
        with suppress(OSError):
            folder = Path(tempfile.mkdtemp(prefix=f"{scratch.parent.name[:16]}-", dir=place))
            if _takes_sockets(folder, scratch.stem):
                return folder
            folder.rmdir()
    return None


def _takes_sockets(folder: Path, name: str) -> bool:
    with suppress(OSError, AttributeError), socket.socket(socket.AF_UNIX) as trial:
        trial.bind(str(longest := folder / f"{name}-5"))  # jupyter_client numbers the five sockets of a kernel
        longest.unlink()
        return True
    return False


def short_places() -> list[Path]:
    """Where folders with short names may be made."""
    return [Path(place) for place in (os.environ.get("XDG_RUNTIME_DIR"), "/tmp", "/var/tmp") if place]


def _connection(scratch: Path, folder: Path | None) -> dict[str, str]:
    """How the kernel is reached: by a file beside ``scratch``, since a home folder may be missing, and sockets.

    In a folder of one's own they keep everybody else on the machine from the kernel, and ipykernel warns about any
    other way. Where the system makes none it is TCP on loopback, signed.
    """
    file = str(scratch.with_suffix(".json"))
    if folder is None:
        return {"connection_file": file, "transport": "tcp", "ip": "127.0.0.1"}
    return {"connection_file": file, "transport": "ipc", "ip": str(folder / scratch.stem)}


def stop_kernels() -> None:
    """End the kernels that this process has started; what waits for them then sees that they died."""
    for kernel in psutil.Process().children(recursive=True):
        kernel.kill()

"""Execute one notebook with papermill, in a new kernel."""

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
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import nbformat
import psutil
import zmq.asyncio
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from nbformat import NotebookNode

from linclf.errors import ConfigError

from .kernel import FORK_SERVER

PATIENCE = "LINCLF_KERNEL_TIMEOUT"
"""The environment variable that says how many seconds a kernel may take to start."""

# Nothing of the user's own Python or IPython may change a page.
_UNTOUCHED = ("log_level=CRITICAL", "ignore_cwd=True", "exec_PYTHONSTARTUP=False")

_FILE = "{connection_file}"


@dataclass(frozen=True)
class Execution:
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

    def format_kernel_cmd(self, extra_arguments: list[str] | None = None) -> list[str]:
        """The command as it is: a path may hold braces of its own."""
        argv = [self.connection_file if word == _FILE else word for word in self.kernel_spec.argv]
        return [*argv, *(extra_arguments or ())]

    async def _async_launch_kernel(self, kernel_cmd: list[str], **kw: object) -> None:
        kernel, provisioner = _fork and _fork(kernel_cmd[3:]), cast(Any, self.provisioner)
        if kernel:
            provisioner.process, provisioner.pgid = kernel, kernel.pid
        else:
            await super()._async_launch_kernel(kernel_cmd, **kw)

    @property
    def kernel_spec(self) -> KernelSpec:
        return KernelSpec(
            argv=[sys.executable, "-P", _SCRIPT, "-f", _FILE],
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
                    command, env = [sys.executable, "-P", _SCRIPT, FORK_SERVER], {**os.environ, **_environment()}
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
    path: Path,
    parameters: dict[str, object],
    scratch: Path,
    *,
    png: bool = True,
    decoded: Path | None = None,
) -> Execution:
    """Run the notebook at ``path`` from top to bottom in the current folder.

    Args:
        path: of the notebook, which stays as it is.
        parameters: checked beforehand (papermill would only warn).
        scratch: where papermill keeps the copy that it writes while it runs; its folder is for the kernel's files too.
        png: give figures a PNG beside their SVG. Pages show none, and their notebooks take a third less time without.
        decoded: a folder in which ``write_decoded`` left the data set.
    """
    import papermill
    from jupyter_core.utils import ensure_event_loop
    from nbclient.exceptions import DeadKernelError
    from papermill.engines import NBClientEngine, papermill_engines
    from traitlets.config import Config

    class SavesOnce(NBClientEngine):  # type: ignore[misc]
        """Writes the notebook at its end, however that comes: before and after each cell takes longer than some do."""

        @classmethod
        def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **given: Any) -> None:
            nb_man.output_path, path = None, nb_man.output_path
            try:
                super().execute_managed_notebook(nb_man, kernel_name, **given)
            finally:
                nb_man.output_path = path

    papermill_engines.register("linclf", SavesOnce)
    settings = [] if png else ["from linclf.report.views import html; html.with_png = False; del html"]
    if decoded:
        settings.append(f"from linclf.data import load; load.decoded = load.Path({str(decoded)!r}); del load")

    # papermill would repeat on stderr what the notebook's own page shows, or the report's line about a dead kernel.
    logging.getLogger("papermill").setLevel(logging.CRITICAL)
    warnings.filterwarnings("ignore", "IPython parent")  # that home is read-only, where nothing is kept anyway
    started, reason, folder = time.monotonic(), None, _folder_for_sockets(scratch)
    try:
        papermill.execute_notebook(
            _literal(path),
            _literal(scratch),
            parameters,
            engine_name="linclf",
            kernel_name="python3",
            language="python",
            progress_bar=False,
            start_timeout=patience(),
            kernel_manager_class=_ThisPython,
            config=Config(KernelManager=_connection(scratch, folder)),
            extra_arguments=[
                *(f"--IPKernelApp.{word}" for word in (*_UNTOUCHED, f"ipython_dir={scratch.parent}")),
                *(f"--IPKernelApp.exec_lines={line}" for line in settings),
            ],
        )
    except papermill.PapermillExecutionError as error:
        reason = f"{error.ename}: {error.evalue}"
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
        if folder not in (None, scratch.parent):
            shutil.rmtree(folder, ignore_errors=True)
    try:
        notebook = nbformat.read(scratch, as_version=4)
    except (OSError, ValueError):  # no copy, or one cut off where the disk was full
        notebook = nbformat.read(path, as_version=4)
    # papermill marks cells that a dead kernel never ran as completed: what was saved decides.
    if reason is None and any(cell.cell_type == "code" and not cell.execution_count for cell in notebook.cells):
        reason = "the kernel stopped before the last cell"
    return Execution(notebook, time.monotonic() - started, reason and reason.splitlines()[0])


def _literal(path: Path) -> str:
    """A path for papermill, which would fill in parameters between braces."""
    return str(path).replace("{", "{{").replace("}", "}}")


def _folder_for_sockets(scratch: Path) -> Path | None:
    """The folder for a kernel's sockets, closed to other users: that of ``scratch``, one with a shorter name, or None.

    A system limits a socket's name, on Linux to 107 bytes.
    """
    if _takes_sockets(scratch.parent, scratch.stem):
        return scratch.parent
    for place in short_places():
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

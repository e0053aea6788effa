"""The script that the report starts as a kernel: ipykernel with this copy of linclf and without the user's settings.

A script: ``python -P kernel.py -f CONNECTION_FILE``, where -P keeps the folder of this file off the path. Without
arguments it imports what kernels need and waits: see :func:`_fork_kernels`.
"""

import contextlib
import logging
import os
import sys


def _fork_kernels() -> None:
    """Make a kernel of a copy of this process for each list of arguments that comes as a line; return in the copies.

    The lines come through a socket, which is this process's standard input; a copy's process id goes back. When the
    report ends, however it does, so does this process, which ends the copies.
    """
    import ctypes
    import gc
    import json
    import signal
    import socket

    import ipykernel.kernelapp  # noqa: F401
    import matplotlib.backends.backend_svg  # noqa: F401

    from linclf.report.views import claims, explore, learn, sliders, your_data  # noqa: F401

    gc.freeze()  # a copy that never looks at these objects shares their memory
    this = os.getpid()
    with socket.socket(fileno=0) as report, report.makefile("rw") as lines:
        while arguments := lines.readline():
            if (pid := os.fork()) == 0:
                break
            print(pid, file=lines, flush=True)
        else:
            with contextlib.suppress(ChildProcessError):  # what the copies used counts as this process's
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
            sys.exit()
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG of prctl(2): end with the parent
    if os.getppid() != this:
        sys.exit()
    os.setsid()  # Ctrl-C is for the report
    os.open(os.devnull, os.O_RDONLY)  # as standard input, in the socket's place
    sys.argv[1:] = json.loads(arguments)


if __name__ == "__main__":
    here = os.getcwd()
    os.chdir(os.path.dirname(os.path.abspath(__file__)))
    import matplotlib  # noqa: F401  a matplotlibrc in the current folder would come before $MATPLOTLIBRC

    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # how its fonts are found is nothing for a page

    import linclf  # noqa: F401  before ipykernel takes the current folder, where it may be, off the path

    os.chdir(here)
    for name in ("IPYTHONDIR", "SOURCE_DATE_EPOCH"):  # IPython ends where it can make nothing of them
        os.environ.pop(name, None)
    if len(sys.argv) == 1:
        _fork_kernels()
    from ipykernel.kernelapp import launch_new_instance

    launch_new_instance()

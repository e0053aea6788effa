"""Reports under odd surroundings: each ends with the pages of a plain one, or is refused in one line.

Root gives up its right to everything first, where the system has ``setpriv``.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from row import Row

from linclf.system.environment import cores

WORDS = ("report", "--data", "synthetic:60", "--epochs", "2", "--only", "0_baseline", "2_svm", "--out", "../out")
HOSTILE = "raise SystemExit('not to be run')\n"
NO_RIGHTS = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")


class Place:
    """Folders of a trial's own, and how its report is started: in ``here``, with a home and a temporary folder."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.home, self.here, self.out = folder, folder / "home", folder / "here", folder / "out"
        self.umask, self.locked, self.before = -1, [], ""
        self.home.mkdir(parents=True)
        self.here.mkdir()
        self.environ = {**os.environ, "HOME": str(self.home)}
        self.temporary("tmp")

    def temporary(self, name: str) -> Path:
        """Make the temporary folder, in the trial's, and say so in the environment."""
        tmp = self.folder / name
        tmp.mkdir(parents=True)
        self.environ["TMPDIR"] = str(tmp)
        return tmp

    def write(self, file: str, text: str | bytes) -> Path:
        """Write a file, and its folder, in the trial's folder."""
        path = self.folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def lock(self, *folders: Path) -> None:
        """Make folders read-only."""
        self.locked += folders
        for folder in folders:
            folder.mkdir(exist_ok=True)
            folder.chmod(0o555)

    def nowhere(self, *names: str) -> None:
        """Let variables name what cannot be made."""
        self.environ |= dict.fromkeys(names, "/proc/nowhere")

    def start(self, commands: str) -> None:
        """Let a shell run these commands first, such as redirections."""
        self.before = commands

    def path(self, folder: str) -> None:
        """Put a folder of the trial's before all others in PYTHONPATH."""
        before = self.environ.get("PYTHONPATH")
        self.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (folder, before)))

    def run(self) -> subprocess.CompletedProcess[str]:
        """The report, whole."""
        root = hasattr(os, "geteuid") and not os.geteuid() and shutil.which(NO_RIGHTS[0])
        command = [*(NO_RIGHTS if root else ()), sys.executable, "-m", "linclf", *WORDS]
        if self.before:
            command = ["sh", "-c", f'{self.before}; exec "$@"', "sh", *command]
        try:
            return subprocess.run(
                command, cwd=self.here, env=self.environ, umask=self.umask, capture_output=True, text=True, timeout=300
            )
        finally:
            for folder in self.locked:
                folder.chmod(0o755)

    def made(self) -> dict[str, str]:
        """The report's pages and numbers, without times."""
        pages = {
            path.name: re.sub(r"<time>.*?</time>", "", path.read_text("utf-8")) for path in self.out.glob("*.html")
        }
        if (self.out / "results.json").exists():
            results = json.loads((self.out / "results.json").read_text("utf-8"))
            pages["results.json"] = json.dumps([{**run, "seconds": 0} for run in results["runs"]])
        return pages


def _shadows(place: Place, *names: str) -> None:
    for name in names:
        place.write(f"here/{name}.py", "print('a script of mine')\n")


def _startup(place: Place) -> None:
    place.environ["PYTHONSTARTUP"] = str(place.write("home/startup.py", HOSTILE))
    place.write("home/.ipython/profile_default/startup/00.py", HOSTILE)
    for name in (".ipython/profile_default/ipython_config.py", ".ipython/profile_default/ipython_kernel_config.py"):
        place.write(f"home/{name}", "c.InteractiveShellApp.exec_lines = ['raise SystemExit(1)']\n")
    for name in ("jupyter", "nbconvert"):
        place.write(f"home/.jupyter/jupyter_{name}_config.py", "c.HTMLExporter.exclude_input = True\n")


def _site_kernel(place: Place) -> None:
    spec = {"argv": ["/nowhere/python", "-f", "{connection_file}"], "display_name": "site", "language": "python"}
    place.write("site/kernels/python3/kernel.json", json.dumps(spec))
    place.environ["JUPYTER_PATH"] = str(place.folder / "site")


def _slow(place: Place) -> None:
    place.write("slow/sitecustomize.py", "import sys, time\n'kernel.py' in str(sys.orig_argv) and time.sleep(65)\n")
    place.path(str(place.folder / "slow"))


SURROUNDINGS: dict[str, Callable[[Place], object]] = {
    "a TMPDIR of a hundred characters": lambda place: place.temporary("0123456789/" * 8),
    "a TMPDIR of four hundred characters": lambda place: place.temporary("0123456789/" * 40),
    "a TMPDIR with spaces, quotes and other letters": lambda place: place.temporary("a 'b' \"ä\" $(c) 日本"),
    "a TMPDIR with braces and dollar signs": lambda place: place.temporary("{data}{0}{}/{connection_file} $HOME"),
    "a TMPDIR that is not there": lambda place: shutil.rmtree(place.folder / "tmp"),
    "a TMPDIR that is read-only": lambda place: place.lock(place.folder / "tmp"),
    "no HOME": lambda place: place.environ.pop("HOME"),
    "a HOME that is not there": lambda place: shutil.rmtree(place.home),
    "a HOME that is read-only": lambda place: place.lock(place.home),
    "a HOME so slow that kernels take over a minute": _slow,
    "startup files and settings of IPython and Jupyter": _startup,
    "a template called linclf": lambda place: place.write(
        "home/.local/share/jupyter/nbconvert/templates/linclf/index.html.j2", "{{ nothing.here }}"
    ),
    "a site's kernel": _site_kernel,
    "a matplotlibrc with LaTeX and other looks": lambda place: place.write(
        "here/matplotlibrc", "text.usetex: True\naxes.facecolor: red\nfont.size: 30\nsavefig.dpi: 7\n"
    ),
    "a matplotlibrc that is no text": lambda place: place.write("here/matplotlibrc", b"font.family: \xff\xfe\n"),
    "a matplotlibrc of HOME that is no text": lambda place: place.write(
        "home/.config/matplotlib/matplotlibrc", b"\xff"
    ),
    "scripts called json, random and code in the folder": lambda place: _shadows(place, "json", "random", "code"),
    "such scripts, and the folder on PYTHONPATH": lambda place: (
        _shadows(place, "json", "random", "code"),
        place.path("."),
    ),
    "locale C, and no UTF-8": lambda place: place.environ.update(
        LC_ALL="C", LANG="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0", PYTHONIOENCODING="ascii"
    ),
    "git's variables, of another repository": lambda place: place.nowhere(
        "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY"
    ),
    "Python's variables": lambda place: (
        place.environ.update(PYTHONWARNINGS="error", PYTHONOPTIMIZE="2", PYTHONSAFEPATH="1"),
        place.nowhere("PYTHONSTARTUP", "PYTHONUSERBASE", "PYTHONPYCACHEPREFIX", "PYTHONBREAKPOINT"),
    ),
    "Matplotlib's, Jupyter's and IPython's variables": lambda place: (
        place.environ.update(MPLBACKEND="TkAgg"),
        place.nowhere("MPLCONFIGDIR", "MATPLOTLIBRC", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"),
        place.nowhere("IPYTHONDIR", "JUPYTER_PATH"),
    ),
    "variables of terminals, builds and BLAS": lambda place: place.environ.update(
        COLUMNS="20", TERM="dumb", FORCE_COLOR="1", TZ="No/Where", SOURCE_DATE_EPOCH="x", OMP_NUM_THREADS="0"
    ),
    "standard input and errors that are closed": lambda place: place.start("exec 0<&- 2>&-"),
    "umask 077": lambda place: setattr(place, "umask", 0o077),
    "everything read-only but the report": lambda place: (
        place.out.mkdir(),
        place.lock(place.here, place.home, place.folder / "tmp", place.folder),
    ),
    "a report's folder that is read-only": lambda place: place.lock(place.out),
}
"""What is odd -> how to make it so."""


def rows() -> Iterator[Row]:
    """One row: how many reports were as a plain one, and how many refused."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="torture-") as folder, ThreadPoolExecutor(cores()) as pool:
        plain = Place(Path(folder) / "plain")
        done = plain.run()
        assert done.returncode == 0, done.stderr

        def attempt(i: int, arrange: Callable[[Place], object]) -> tuple[str, str]:
            place = Place(Path(folder) / str(i))
            arrange(place)
            done = place.run()
            left = [*(place.folder / "tmp").rglob("linclf-*"), *place.out.rglob("*-part")]
            if (done.returncode, done.stderr, left) == (0, "", []) and place.made() == plain.made():
                return "as a plain one", ""
            if (done.returncode, done.stdout, done.stderr.count("\n"), place.made()) == (2, "", 1, {}):
                return "refused in a line", ""
            return "lost", f"status {done.returncode}, {done.stdout[-600:]!r}, {done.stderr[-600:]!r}, left {left}"

        tried = dict(zip(SURROUNDINGS, pool.map(attempt, range(99), SURROUNDINGS.values()), strict=False))
    counts = Counter(word for word, _ in tried.values())
    losses = tuple(f"{name}: {lost}" for name, (_, lost) in tried.items() if lost)
    yield Row("reports under odd surroundings", counts, losses, time.monotonic() - started)

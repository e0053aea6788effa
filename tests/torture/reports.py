"""Reports that are killed, run in pairs, run out of disk, or lose a kernel; each is then run again.

After the second run nothing may show that there was a first: the numbers of an unbroken run, nothing trained twice,
no temporary file, no process.
"""

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np
import psutil
from row import Row

WORDS = ("report", "--data", "synthetic:300", "--epochs", "15", "--seeds", "2", "--out", "out")
ONLY = ("--only", "1_3_shuffling", "2_svm")
KILLED, PAIRS, FULL, KERNELS = 30, 10, 10, 10


class Outcome(NamedTuple):
    """How a trial ended, in a word or two, and what was lost; empty if nothing."""

    word: str
    lost: tuple[str, ...] = ()


class Unbroken(NamedTuple):
    """A report that nothing happened to: how long it took, the bytes of its files, and its numbers."""

    seconds: float
    size: int
    numbers: str


class Trial:
    """A folder of its own, with a report in ``out`` and a folder for temporary files in ``tmp``."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.out, self.tmp = folder, folder / "out", folder / "t"
        self.tmp.mkdir(parents=True)

    def start(self) -> subprocess.Popen[str]:
        environ = {**os.environ, "TMPDIR": str(self.tmp)}
        command = [sys.executable, "-m", "linclf", *WORDS, *ONLY]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        return subprocess.Popen(command, cwd=self.folder, env=environ, start_new_session=True, **pipes)

    def run(self) -> tuple[int, str, str]:
        """Status, output and errors of a whole report."""
        process = self.start()
        said, wrong = process.communicate(timeout=120)
        return process.returncode, said, wrong

    def stored(self) -> dict[str, tuple[int, int]]:
        """Inode and time of each file but of the timings, which grows: another file has others."""
        return {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in self.out.glob("runs/[!t]*.npz")}

    def again(self, numbers: str) -> list[str]:
        """Run the report again; what shows that it was not the first, or gives other numbers."""
        before, timed = self.stored(), self._timings()
        kept = sum(self._networks(name) for name in before)
        status, said, wrong = self.run()
        lost = []
        if status or wrong:
            lost.append(f"run again: status {status}, {wrong[-200:]!r}")
        if f"{kept} reused" not in said:
            lost.append(f"run again: {kept} networks were stored, {re.findall('networks: .*', said)}")
        if not before.items() <= self.stored().items():
            lost.append("run again: a stored stack was written again")
        if self._timings()[: len(timed)] != timed:
            lost.append("run again: a stored timing was taken again")
        if self.numbers() != numbers:
            lost.append("run again: other numbers than an unbroken run's")
        return lost + self.strays()

    def numbers(self) -> str:
        """``results.json`` without its timings; how it fails, if it does."""
        try:
            document = json.loads((self.out / "results.json").read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            return repr(error)
        for run in document["runs"]:
            del run["seconds"]
        del document["timings"]
        return json.dumps(document)

    def strays(self) -> list[str]:
        """Temporary files and processes that are left."""
        left = [str(path) for path in [*self.out.rglob(".*"), *self.tmp.iterdir()] if path.name != ".lock"]
        deadline = time.monotonic() + 5  # a kernel looks once a second whether its parent is alive
        while (running := self._processes()) and time.monotonic() < deadline:
            time.sleep(0.2)
        return [f"left behind: {left + running}"] if left or running else []

    def broken(self) -> list[str]:
        """Files of the report that are not whole."""
        found = []
        for path in self.out.rglob("*.*"):
            try:
                if path.suffix == ".json":
                    json.loads(path.read_text(encoding="utf-8"))
                elif path.suffix == ".npz":
                    with np.load(path) as arrays:
                        list(arrays.values())
                elif path.suffix == ".html" and not path.read_text(encoding="utf-8").rstrip().endswith("</html>"):
                    found.append(f"{path.name} is cut off")
            except Exception as error:
                found.append(f"{path.name}: {error!r}")
        return found

    def _networks(self, name: str) -> int:
        with np.load(self.out / "runs" / name) as arrays:
            return len(arrays["W"]) if "W" in arrays else 0

    def _timings(self) -> list[object]:
        for path in self.out.glob("runs/timings-*.npz"):
            with np.load(path) as arrays:
                return json.loads(str(arrays["values"]))
        return []

    def _processes(self) -> list[str]:
        found = []
        for process in psutil.process_iter(["cmdline"]):
            if str(self.tmp) in " ".join(process.info["cmdline"] or []):
                found.append(f"process {process.pid}")
        return found


def rows() -> Iterator[Row]:
    """A row a kind of trial."""
    with tempfile.TemporaryDirectory(prefix="torture-") as folder:
        first, started = Trial(Path(folder) / "first"), time.monotonic()
        status, _, wrong = first.run()
        assert status == 0, wrong
        seconds, size = time.monotonic() - started, sum(path.stat().st_size for path in first.out.rglob("*"))
        unbroken = Unbroken(seconds, size, first.numbers())

        def trials(what: str, number: int, attempt: Callable[[Trial, random.Random, float, Unbroken], Outcome]) -> Row:
            """``number`` trials, each told how far into a report it is to strike, 0..1."""
            begun, counts, losses = time.monotonic(), Counter(), []
            for i in range(number):
                rng, trial = random.Random(i), Trial(Path(folder) / "trial")
                try:
                    outcome = attempt(trial, rng, (i + rng.random()) / number, unbroken)
                except Exception as error:
                    outcome = Outcome("not tried to the end", (repr(error),))
                counts[outcome.word] += 1
                losses += [f"trial {i}: {lost}" for lost in outcome.lost]
                shutil.rmtree(trial.folder)
            return Row(what, counts, tuple(losses), time.monotonic() - begun)

        yield trials("reports killed with SIGKILL, then run again", KILLED, _killed)
        yield trials("pairs of reports into one folder", PAIRS, _pair)
        yield trials("reports that lose a kernel, then run again", KERNELS, _kernel_killed)
        yield trials("reports on a full disk, then run again with room", FULL, _disk_full)


def _killed(trial: Trial, rng: random.Random, when: float, unbroken: Unbroken) -> Outcome:
    process = trial.start()
    time.sleep(when * unbroken.seconds)
    family = [*psutil.Process(process.pid).children(recursive=True)] if process.poll() is None else []
    with suppress(ProcessLookupError):  # it may have ended just before
        os.killpg(process.pid, signal.SIGKILL)
    for kernel in family:  # which are in groups of their own
        with suppress(psutil.NoSuchProcess):
            kernel.kill()
    said, _ = process.communicate()
    lines = said.count("\n")
    stages = ("at the start", "at the start", "in training", "in the first notebooks", "in notebooks", "in pages")
    word = "after the end" if process.returncode == 0 else f"killed {stages[min(lines, len(stages) - 1)]}"
    return Outcome(word, (*trial.broken(), *trial.again(unbroken.numbers)))


def _pair(trial: Trial, rng: random.Random, when: float, unbroken: Unbroken) -> Outcome:
    one = trial.start()
    time.sleep(0.5 * when * unbroken.seconds)
    other = trial.start()
    ends = []
    for process in (one, other):
        _, wrong = process.communicate(timeout=120)
        ends.append((process.returncode, wrong.count("\n"), "another report is being written there" in wrong))
    told = (2, 1, True)
    word = "one was told of the other" if told in ends else "one after the other"
    right = sorted(ends) in ([(0, 0, False), told], [(0, 0, False)] * 2)
    lost = [] if right else [f"ended with {ends}"]
    if trial.numbers() != unbroken.numbers:
        lost.append("other numbers than one report's")
    return Outcome(word, (*lost, *trial.broken(), *trial.strays()))


def _kernels(report: int) -> list[psutil.Process]:
    """The kernels of a report, which are copies of a child of it."""
    return [child for child in psutil.Process(report).children(recursive=True) if child.ppid() != report]


def _kernel_killed(trial: Trial, rng: random.Random, when: float, unbroken: Unbroken) -> Outcome:
    process = trial.start()
    kernels: list[psutil.Process] = []
    while not kernels and process.poll() is None:
        time.sleep(0.02)
        kernels = _kernels(process.pid)
    time.sleep(0.6 * when * unbroken.seconds)
    kernels = _kernels(process.pid) if process.poll() is None else []
    if kernels:
        rng.choice(kernels).kill()
    said, wrong = process.communicate(timeout=120)
    failed = len(re.findall("failed: .*[Kk]ernel", said))
    if (process.returncode, wrong) not in ((failed, ""), (0, "")) or failed > 1:
        return Outcome("lost", (f"status {process.returncode}, {failed} notebooks failed, {wrong[-200:]!r}",))
    word = "said, with status 1" if failed else "no kernel ran any more" if not kernels else "the notebook was done"
    lost = [] if trial.numbers() == unbroken.numbers else ["other numbers, though all training was done"]
    lost += trial.broken() + trial.strays() + trial.again(unbroken.numbers)
    if failed and list(trial.out.glob("*.failed.ipynb")):
        lost.append("the failed notebook is still there")
    return Outcome(word, tuple(lost))


def _disk_full(trial: Trial, rng: random.Random, when: float, unbroken: Unbroken) -> Outcome:
    """The report's folder, or for one trial in five that of temporary files, is a disk of a size that fills up."""
    temporary = rng.random() < 0.2
    place, need = (trial.tmp, 300_000) if temporary else (trial.out, unbroken.size)
    place.mkdir(exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={max(4096, int(need * when))}", "torture", place]
    if not hasattr(os, "geteuid") or subprocess.run(mount, capture_output=True).returncode:
        return Outcome("not possible here")
    try:
        status, said, wrong = trial.run()
        lost = trial.broken() + [f"left behind: {path}" for path in trial.out.rglob(".*-part")]
        failed = re.findall("failed: .*", said)
        if status != 1 or wrong.count("\n") != (0 if failed else 1) or "Traceback" in said + wrong:
            lost.append(f"status {status}, {failed}, {wrong[-300:]!r}, place {place.name}, {shutil.disk_usage(place)}")
        subprocess.run(["mount", "-o", "remount,size=64m", place], check=True)
        return Outcome(f"{place.name} full: said, with status 1", (*lost, *trial.again(unbroken.numbers)))
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)

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
from contextlib import suppress
from pathlib import Path

import numpy as np
import psutil

WORDS = ("report", "--data", "synthetic:300", "--epochs", "15", "--seeds", "2", "--out", "out")
ONLY = ("--only", "1_3_shuffling", "2_svm")


class Trial:
    """A folder of its own, with a report in ``out`` and a folder for temporary files in ``tmp``."""

    def __init__(self, folder):
        self.out, self.tmp = folder / "out", folder / "t"
        self.tmp.mkdir(parents=True)

    def start(self):
        environ = {**os.environ, "TMPDIR": str(self.tmp)}
        command = [sys.executable, "-m", "linclf", *WORDS, *ONLY]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        return subprocess.Popen(command, cwd=self.out.parent, env=environ, start_new_session=True, **pipes)

    def end(self, process):
        """Status, output and errors of a report, but for the lines that tell how far a long training has come."""
        said, wrong = process.communicate(timeout=300)
        return process.returncode, said, re.sub(r"training \d+ networks?: .*\n", "", wrong)

    def stored(self):
        """Inode and time of each file but of the timings, which grows (another file has others), and the timings."""
        files = {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in self.out.glob("runs/[!t]*.npz")}
        timings = (json.loads(str(np.load(path)["values"])) for path in self.out.glob("runs/timings-*.npz"))
        return files, next(timings, [])

    def again(self, numbers):
        """Run the report again; what shows that it was not the first, or gives other numbers."""
        before, timed = self.stored()
        kept = sum(len(arrays["W"]) for arrays in map(np.load, before) if "W" in arrays)
        status, said, wrong = self.end(self.start())
        after, timings = self.stored()
        found = {
            f"status {status}, {wrong[-200:]!r}": status or wrong,
            f"{kept} networks were stored, {re.findall('networks: .*', said)}": f"{kept} reused" not in said,
            "a stored stack was written again": not before.items() <= after.items(),
            "a stored timing was taken again": timings[: len(timed)] != timed,
            "other numbers than an unbroken run's": self.numbers() != numbers,
        }
        return [f"run again: {words}" for words, true in found.items() if true] + self.strays()

    def numbers(self):
        """``results.json`` without its timings and where it was made; how it fails, if it does."""
        try:
            document = json.loads((self.out / "results.json").read_bytes())
        except (OSError, ValueError) as error:
            return repr(error)
        runs = [{key: value for key, value in run.items() if key != "seconds"} for run in document["runs"]]
        return json.dumps({**document, "runs": runs, "timings": None, "environment": None})

    def strays(self):
        """Temporary files and processes that are left."""
        left = [str(path) for path in [*self.out.rglob(".*"), *self.tmp.iterdir()] if path.name != ".lock"]
        deadline = time.monotonic() + 5  # a kernel looks once a second whether its parent is alive
        while (running := self._processes()) and time.monotonic() < deadline:
            time.sleep(0.2)
        return [f"left behind: {left + running}"] if left or running else []

    def _processes(self):
        found = psutil.process_iter(["cmdline"])
        return [f"process {one.pid}" for one in found if str(self.tmp) in " ".join(one.info["cmdline"] or [])]

    def broken(self):
        """Files of the report that are not whole."""
        found = []
        for path in self.out.rglob("*.*"):
            try:
                if path.suffix == ".json":
                    json.loads(path.read_bytes())
                elif path.suffix == ".npz":
                    with np.load(path) as arrays:
                        list(arrays.values())
                elif path.suffix == ".html":
                    assert path.read_text(encoding="utf-8").rstrip().endswith("</html>"), "cut off"
            except Exception as error:
                found.append(f"{path.name}: {error!r}")
        return found


def rows():
    """Of each kind of trial, each told how far into a report to strike, 0..1: what, the outcomes, and what was lost."""
    with tempfile.TemporaryDirectory(prefix="torture-") as folder:
        first, started = Trial(Path(folder) / "first"), time.monotonic()  # a report that nothing happens to
        status, _, wrong = first.end(first.start())
        assert status == 0, wrong
        first.seconds = time.monotonic() - started
        for what, (number, attempt) in TRIALS.items():
            counts, losses = Counter(), []
            for i in range(number):
                rng, trial = random.Random(i), Trial(Path(folder) / "trial")
                try:
                    word, lost = attempt(trial, rng, (i + rng.random()) / number, first)
                except Exception as error:
                    word, lost = "not tried to the end", [repr(error)]
                counts[word] += 1
                losses += [f"trial {i}: {one}" for one in lost]
                shutil.rmtree(trial.out.parent)
            yield what, counts, losses


def _family(process):
    """The processes that a report started, of which the kernels are those that a child of it started."""
    return psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []


def _killed(trial, rng, when, first):
    process = trial.start()
    time.sleep(when * first.seconds)
    family = _family(process)
    with suppress(ProcessLookupError):  # it may have ended just before
        os.killpg(process.pid, signal.SIGKILL)
    for kernel in family:  # which are in groups of their own
        with suppress(psutil.NoSuchProcess):
            kernel.kill()
    status, said, _ = trial.end(process)
    stages = ("at the start", "at the start", "in training", "in the first notebooks", "in notebooks", "in pages")
    stage = stages[min(said.count("\n"), len(stages) - 1)]
    return "after the end" if status == 0 else f"killed {stage}", trial.broken() + trial.again(first.numbers())


def _pair(trial, rng, when, first):
    one = trial.start()
    time.sleep(0.5 * when * first.seconds)
    ended = [trial.end(process) for process in (one, trial.start())]
    told, words = (2, 1, True), "another report is being written there"
    ends = sorted((status, wrong.count("\n"), words in wrong) for status, _, wrong in ended)
    lost = [] if ends in ([(0, 0, False), told], [(0, 0, False)] * 2) else [f"ended with {ended}"]
    lost += [] if trial.numbers() == first.numbers() else ["other numbers than one report's"]
    word = "one was told of the other" if told in ends else "one after the other"
    return word, lost + trial.broken() + trial.strays()


def _kernel_killed(trial, rng, when, first):
    def kernels():
        return [child for child in _family(process) if child.ppid() != process.pid]

    process = trial.start()
    while not kernels() and process.poll() is None:
        time.sleep(0.02)
    time.sleep(0.6 * when * first.seconds)
    running = kernels()
    if running:
        rng.choice(running).kill()
    status, said, wrong = trial.end(process)
    failed = len(re.findall("failed: .*[Kk]ernel", said))
    if (status, wrong) not in ((failed, ""), (0, "")) or failed > 1:
        return "lost", [f"status {status}, {failed} notebooks failed, {wrong[-200:]!r}"]
    word = "said, with status 1" if failed else "the notebook was done" if running else "no kernel ran any more"
    lost = [] if trial.numbers() == first.numbers() else ["other numbers, though all training was done"]
    lost += trial.broken() + trial.strays() + trial.again(first.numbers())
    return word, lost + [f"{path.name} is still there" for path in trial.out.glob("*.failed.ipynb") if failed]


def _disk_full(trial, rng, when, first):
    """The report's folder, or for one trial in five that of temporary files, is a disk of a size that fills up."""
    whole = sum(path.stat().st_size for path in first.out.rglob("*"))
    place, need = (trial.tmp, 300_000) if rng.random() < 0.2 else (trial.out, whole)
    place.mkdir(exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={max(4096, int(need * when))}", "torture", place]
    if not hasattr(os, "geteuid") or subprocess.run(mount, capture_output=True).returncode:
        return "not possible here", []
    try:
        status, said, wrong = trial.end(trial.start())
        lost = trial.broken() + [f"left behind: {path}" for path in trial.out.rglob(".*-part")]
        failed = re.findall("failed: .*", said)
        if status != 1 or wrong.count("\n") != (0 if failed else 1) or "Traceback" in said + wrong:
            lost.append(f"status {status}, {failed}, {wrong[-300:]!r}, place {place.name}, {shutil.disk_usage(place)}")
        subprocess.run(["mount", "-o", "remount,size=64m", place], check=True)
        return f"{place.name} full: said, with status 1", lost + trial.again(first.numbers())
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)


TRIALS = {
    "reports killed with SIGKILL, then run again": (30, _killed),
    "pairs of reports into one folder": (10, _pair),
    "reports that lose a kernel, then run again": (10, _kernel_killed),
    "reports on a full disk, then run again with room": (10, _disk_full),
}

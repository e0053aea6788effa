"""Bad command lines: each is refused in one line with status 2, and nothing is written."""

import contextlib
import io
import itertools
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from row import Row

from linclf.cli import main

NUMBER, IN_PROCESSES = 200, 20
NO_WHOLE_NUMBERS = (
    *("", " ", "x", "1.5", "1e3", "0x10", "nan", "inf", "--", "一二", "½", "1;2", "9" * 5000, "\u202e1", "True"),
)
NO_PATHS = (
    *("/nowhere", "no/such", "x" * 300, "~nobody-here/data", "a\nb", "\x1b[31mred", "日本語", "/dev/null/x", "", "*"),
)
NO_NAMES = ("2_swm", "", "Summary", "../summary", "summary.ipynb", "summary\n", "ſummary", "0", "-")
NO_PARAMETERS = (
    *("epochs", "=", "=1", "epochs=", "epochs=x", "epochs=1.5", "epochs=True", "epochs=[1]", "epochs=-1", "epochs=0"),
    *("epochs=1e9", "epochs=10**9", "epochs=9999999999", f"epochs={'9' * 5000}", f"epochs=0x{'f' * 5000}"),
    *("lr_decay=fast", "lr_decay=0", "lr_decay=-1", "lr_decay=2", "lr_decay=1e999", f"lr_decay=0x{'f' * 5000}"),
    *("seeds=None", "seeds='1'", "first_seed=-1", "n_validation=0", "n_validation=(1,)", "lr decay=0.5", "__class__=1"),
    *("epochs=__import__('os').getpid()", "ｅpochs=1", f"epochs={'(' * 300}", "epochs=1\nimport os"),
)
NO_COUNTS = ("0", "-1", "1000000000", "99999999999999999999")


def lines() -> list[list[str]]:
    """All the ways of being wrong that are written here; each would be refused for one reason."""
    data = ["--data", "synthetic:20"]
    wrong: list[list[str]] = [[], [""], ["reprot"], ["REPORT"], ["--report"], ["report", "report"], ["--nothing"]]
    for option in ("--seeds", "--epochs", "--first-seed"):
        wrong += [["report", *data, option, value] for value in NO_WHOLE_NUMBERS]
        wrong += [["report", *data, option, value] for value in NO_COUNTS if (option, value) != ("--first-seed", "0")]
        wrong += [["report", option]]
    wrong = [line for line in wrong if line[-2:] != ["--first-seed", "1000000000"]]  # which is one
    wrong += [["report", "--data", path] for path in NO_PATHS]
    wrong += [["report", "--data", f"synthetic:{size}"] for size in ("0", "-1", "x", "1.5", "9" * 30, "٣٠٠٠٠٠٠٠")]
    wrong += [["report", *data, "--out", path] for path in ("/dev/null", "/dev/null/x", "/proc/x", "x" * 300)]
    wrong += [["report", *data, "--only", name] for name in NO_NAMES]
    wrong += [["report", *data, "-p", parameter] for parameter in NO_PARAMETERS]
    wrong += [["report", *data, "--backend", name] for name in ("", "dusk", "Loky", "dask")]
    wrong += [["report", *data, "--scheduler", "tcp://127.0.0.1:9"], ["report", "--no-such-option"], ["report", "-p"]]
    wrong += [["report", *data, "--fresh=yes"], ["report", *data, "stray"], ["report", *data, "--single-file", "x\ny"]]
    wrong += [[command, path] for command in ("verify", "clean") for path in NO_PATHS if path]
    wrong += [["predict", path, "a.png"] for path in NO_PATHS] + [["predict"], ["predict", "a.npz"]]
    wrong += [["predict", "a.npz", "a.png", "--top", number] for number in NO_WHOLE_NUMBERS]
    wrong += [[command, "a", "b"] for command in ("verify", "clean")]
    wrong += [["info", "x"], ["info", "--data", "x"], ["fetch", "x"], ["fetch", "--url"], ["verify"]]
    wrong += [["fetch", "--url", url] for url in ("nothing", "file:///nowhere", "http://127.0.0.1:9/x")]
    return wrong


def mutated(rng: random.Random) -> Iterator[list[str]]:
    """Wrong lines with more words about them, which make nothing right."""
    whole = [line for line in lines() if len(line) > 2 and line[0] == "report" and "-" in line[-2]]
    more = [["--single-file"], ["--seeds", "2"], ["--epochs", "3"], ["--out", "out"], ["--only", "2_svm"], ["--fresh"]]
    while True:
        line = rng.choice(whole)
        words = list(itertools.chain(*rng.sample([item for item in more if item[0] not in line], 2)))
        yield [line[0], *words, *line[1:]]


def _here(words: list[str]) -> tuple[int, str]:
    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
        return main(words), said.getvalue()


def _in_a_process(words: list[str]) -> tuple[int, str]:
    done = subprocess.run([sys.executable, "-m", "linclf", *words], capture_output=True, text=True, timeout=60)
    return done.returncode, done.stderr


def rows() -> Iterator[Row]:
    """One row: how many were refused as they should be."""
    started, rng, before = time.monotonic(), random.Random(0), Path.cwd()
    tried = lines()
    tried += itertools.islice(mutated(rng), max(0, NUMBER - len(tried)))
    processes = set(rng.sample(range(len(tried)), IN_PROCESSES))
    refused, losses = {"refused": 0, "refused in a process of its own": 0}, []
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            for i, words in enumerate(tried):
                try:
                    status, said = (_in_a_process if i in processes else _here)(words)
                except BaseException as error:
                    status, said = -1, repr(error)
                    refused.setdefault("lost", 0)
                left = os.listdir(folder)
                if status == 2 and said.count("\n") == 1 and "Traceback" not in said and not left:
                    refused["refused in a process of its own" if i in processes else "refused"] += 1
                else:
                    losses.append(
                        f"{[word[:60] for word in words]}: status {status}, said {said[-300:]!r}, left {left}"
                    )
                    refused["lost"] = refused.get("lost", 0) + 1
        finally:
            os.chdir(before)
    yield Row("bad command lines", refused, tuple(losses), time.monotonic() - started)

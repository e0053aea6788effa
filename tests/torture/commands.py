"""Bad command lines: each is refused in one line with status 2, and nothing is written."""

import contextlib
import io
import os
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from row import Row

from linclf.cli import main

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
NO_COUNTS = ("-1", "1000000000", "99999999999999999999")
OF_REPORT = {
    "--seeds": (*NO_WHOLE_NUMBERS, *NO_COUNTS, "0"),
    "--epochs": (*NO_WHOLE_NUMBERS, *NO_COUNTS, "0"),
    "--first-seed": (*NO_WHOLE_NUMBERS, "-1", NO_COUNTS[-1]),
    "--out": ("/dev/null", "/dev/null/x", "/proc/x", "x" * 300),
    "--only": NO_NAMES,
    "-p": NO_PARAMETERS,
    "--backend": ("", "dusk", "Loky", "dask"),
    "--data": (*NO_PATHS, *(f"synthetic:{size}" for size in ("0", "-1", "x", "1.5", "9" * 30, "٣٠٠٠٠٠٠٠"))),
}
"""Values that an option of ``linclf report`` does not take."""
MORE = ("--single-file", "--seeds=2", "--epochs=3", "--fresh")
"""What makes no wrong line right."""


def lines() -> list[list[str]]:
    """All the ways of being wrong that are written here; each would be refused for one reason."""
    report = ["report", "--data", "synthetic:20"]
    wrong: list[list[str]] = [[], [""], ["reprot"], ["REPORT"], ["--report"], ["report", "report"], ["--nothing"]]
    for option, values in OF_REPORT.items():
        wrong += [[*start, option, value] for value in values for start in (report, ["report", *MORE, *report[1:]])]
        wrong += [[*report, option]]
    more = (["--scheduler", "tcp://127.0.0.1:9"], ["--no-such-option"], ["--fresh=yes"], ["stray"])
    wrong += [[*report, *words] for words in (*more, ["--single-file", "x\ny"])]
    wrong += [[command, path] for command in ("verify", "clean") for path in NO_PATHS if path]
    wrong += [["predict", path, "a.png"] for path in NO_PATHS] + [["predict"], ["predict", "a.npz"]]
    wrong += [["predict", "a.npz", "a.png", "--top", number] for number in NO_WHOLE_NUMBERS]
    wrong += [[command, "a", "b"] for command in ("verify", "clean")]
    wrong += [["info", "x"], ["info", "--data", "x"], ["fetch", "x"], ["fetch", "--url"], ["verify"]]
    return wrong + [["fetch", "--url", url] for url in ("nothing", "file:///nowhere", "http://127.0.0.1:9/x")]


def rows() -> Iterator[Row]:
    """One row: how many were refused as they should be."""
    started, counts, losses = time.monotonic(), Counter[str](), []
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        for words in lines():
            said = io.StringIO()
            try:
                with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
                    status: object = main(words)
            except BaseException as error:
                status = repr(error)
            left = os.listdir(Path())
            refused = status == 2 and said.getvalue().count("\n") == 1 and "Traceback" not in said.getvalue()
            counts["refused" if refused and not left else "lost"] += 1
            if not refused or left:
                shown = [word[:60] for word in words]
                losses.append(f"{shown}: status {status}, said {said.getvalue()[-300:]!r}, left {left}")
    yield Row("bad command lines", counts, tuple(losses), time.monotonic() - started)

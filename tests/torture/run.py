"""``make torture``: all trials, one table, status 1 on any loss; the table is kept in ``tests/TORTURE.md``."""

import importlib
import os
import sys
import time
from pathlib import Path

from linclf.system.environment import describe


def main() -> int:
    """Run the modules named on the command line, all by default; only a run of all is kept."""
    # A report of this machine's default environment, whatever the shell says.
    for name in ("LINCLF_DATA", "OPENBLAS_CORETYPE"):
        os.environ.pop(name, None)
    begun, lines, losses = time.monotonic(), [], []
    for module in sys.argv[1:] or ("reports", "readers"):
        started = time.monotonic()
        for what, counts, lost in importlib.import_module(module).rows():
            outcomes = ", ".join(f"{number:,} {outcome}" for outcome, number in counts.items())
            seconds, started = time.monotonic() - started, time.monotonic()
            lines.append(f"| {what} | {counts.total():,} | {outcomes} | {len(lost)} | {seconds:.0f} s |")
            losses += [f"- {what}: {loss}" for loss in lost]
            print(lines[-1], *lost, sep="\n    ", flush=True)
    machine = [f"- {name}: {value}" for name, value in describe().items()]
    minutes, date = (time.monotonic() - begun) / 60, time.strftime("%Y-%m-%d", time.gmtime())
    head = f"# A run of make torture\n\n{date}, {minutes:.1f} minutes.\n"
    table = ["| trial | number | outcomes | losses | time |", "| --- | --: | --- | --: | --: |", *lines, ""]
    text = "\n".join([head, *table, *(losses or ["Nothing was lost."]), "", *machine, ""])
    print(text)
    if not sys.argv[1:]:
        (Path(__file__).parent.parent / "TORTURE.md").write_text(text, encoding="utf-8")
    return 1 if losses else 0


if __name__ == "__main__":
    sys.exit(main())

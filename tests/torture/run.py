"""``make torture``: all trials, one table, status 1 on any loss; the table is kept in ``tests/TORTURE.md``."""

import importlib
import os
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from row import Row

from linclf.system.environment import describe

MODULES = ("reports", "readers", "bombs")
KEPT = Path(__file__).parent.parent / "TORTURE.md"


def main() -> int:
    """Run the modules named on the command line, all by default; only a run of all is kept."""
    # A report of this machine's default environment, whatever the shell says.
    for name in ("LINCLF_DATA", "OPENBLAS_CORETYPE"):
        os.environ.pop(name, None)
    started, found = time.monotonic(), []
    for name in sys.argv[1:] or MODULES:
        for row in importlib.import_module(name).rows():
            print(as_line(row), *(f"    {loss}" for loss in row.losses), sep="\n", flush=True)
            found.append(row)
    lost = sum(len(row.losses) for row in found)
    text = page(found, time.monotonic() - started)
    print(text)
    if not sys.argv[1:]:
        KEPT.write_text(text, encoding="utf-8")
    return 1 if lost else 0


def as_line(row: Row) -> str:
    outcomes = ", ".join(f"{number:,} {outcome}" for outcome, number in row.counts.items())
    return f"| {row.what} | {sum(row.counts.values()):,} | {outcomes} | {len(row.losses)} | {row.seconds:.0f} s |"


def page(found: Iterable[Row], seconds: float) -> str:
    """The table, when and where it was made."""
    machine = "\n".join(f"- {name}: {value}" for name, value in describe().items())
    losses = "\n".join(f"- {row.what}: {loss}" for row in found for loss in row.losses)
    lines = "\n".join(map(as_line, found))
    return f"""# A run of make torture

{time.strftime("%Y-%m-%d", time.gmtime())}, {seconds / 60:.1f} minutes.

| trial | number | outcomes | losses | time |
| --- | --: | --- | --: | --: |
{lines}

{losses or "Nothing was lost."}

{machine}
"""


if __name__ == "__main__":
    sys.exit(main())

"""The command line as a user meets it: in a process of its own."""

import subprocess
import sys

TINY = ("--data", "synthetic:250", "--epochs", "2", "--seeds", "2")


def linclf(*words, cwd=None, under=()):
    """Status and output of ``linclf`` with these words; under: a command that starts it."""
    command = [*under, sys.executable, "-m", "linclf", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd)

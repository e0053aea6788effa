"""The command line as a user meets it: in a process of its own."""

import subprocess
import sys

TINY = ("--data", "synthetic:250", "--epochs", "2", "--seeds", "2")


def linclf(*words, cwd=None):
    return subprocess.run([sys.executable, "-m", "linclf", *map(str, words)], capture_output=True, text=True, cwd=cwd)

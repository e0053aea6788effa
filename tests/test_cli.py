"""The command's own help: its version, its examples, and completions for shells."""

import re
import shlex
import subprocess
import sys
from importlib.metadata import version

import pytest
from helpers import linclf

from linclf.cli import parser

EXAMPLES = re.findall(r"^  linclf (.*?)(?:  |$)", parser().epilog, re.M)


def test_it_says_its_version():
    assert linclf("--version").stdout == f"linclf {version('linclf')}\n"


@pytest.mark.parametrize("example", EXAMPLES)
def test_help_shows_examples_that_parse(example, capsys):
    assert example.split()[0] == parser().parse_args(shlex.split(example)).command
    with pytest.raises(SystemExit):
        parser().parse_args(["--help"])
    assert f"linclf {example}" in capsys.readouterr().out


def test_shtab_makes_completions_of_the_parser():
    pytest.importorskip("shtab")
    made = subprocess.run([sys.executable, "-m", "shtab", "linclf.cli.parser"], capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    typed = "COMP_WORDS=(linclf report --see) COMP_CWORD=2; _shtab_linclf; echo ${COMPREPLY[@]}"
    found = subprocess.run(["bash", "-c", f"{made.stdout}\n{typed}"], capture_output=True, text=True)
    assert found.stdout == "--seeds\n", found.stderr

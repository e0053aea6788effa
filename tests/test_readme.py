"""README is true: its examples and commands run, its files are there, its numbers are the committed report's."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import cifar_files
import numpy as np
import pytest
from helpers import ROOT, arrays, commands, examples, spans, write_cifar100, write_idx, write_images
from PIL import Image

from linclf.cli import main
from linclf.report.views.ceiling import LOSS_WORDS, REPORTED
from linclf.report.views.reference import REFERENCE_SVM, percent
from linclf.studies.results import Results

TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
ARMS_SHOWN = ("base", "full", "decay", "shuffle", "svm")

COMMANDS = commands(TEXT)

MAKES = {
    "report": "linclf report",
    "test": "-m pytest",
    "notebooks": "jupyter lab notebooks",
    "bench": "benchmarks/run.py",
}


def write_table(path):
    rows = (f"{i % 3},{i % 7},{'rose' if i % 3 else 'tulip'}" for i in range(60))
    path.write_text("\n".join(["width,height,kind", *rows]))


DATA = {  # what stands for the user's data, and how many classes it has pictures of
    "path/to/cifar-10": (cifar_files.write, 10),
    "digits": (lambda path: None, 10),
    "flowers/": (write_images, 3),
    "photos/": (write_images, 3),
    "flowers.csv": (write_table, 0),
    "embeddings.npz": (lambda path: np.savez(path, **arrays()), 0),
    "MNIST/raw/": (write_idx, 3),
    "cifar-100-python/": (lambda path: write_cifar100(path.parent), 100),
}
ELSEWHERE = {  # what takes a network, other machines or another program, and who runs it
    "linclf fetch": "test_load.py, from a server of its own",
    "linclf report --backend dask --scheduler tcp://host1:8786": "test_sweep.py, on a cluster of its own",
    "dask ssh host1 host2": "nobody: it takes two machines",
    "conda env create -f environment.yml": "nobody; test_setup.py reads the file",
    "apt-get install chromium": ".ci/run",
    "npm install --prefix tests": ".ci/run",
}


def commands_of(program):
    """The arguments of each command of a program, in README's order."""
    found = [command for command in dict.fromkeys(COMMANDS) if command.split()[0] == program]
    return [shlex.split(command)[1:] for command in found if command not in ELSEWHERE]


def test_every_command_is_run_by_a_test():
    run = {shlex.join([program, *words]) for program in ("make", "pip", "linclf") for words in commands_of(program)}
    assert {shlex.join(shlex.split(command)) for command in COMMANDS} == run | ELSEWHERE.keys()
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    for command, who in ELSEWHERE.items():
        assert who != ".ci/run" or command.rpartition(" install ")[2] in ci


@pytest.mark.parametrize("words", commands_of("make"), ids=" ".join)
def test_make_commands(words):
    """Only said, not done: they build environments, and one never ends."""
    done = subprocess.run(["make", "--dry-run", *words], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    target, *arguments = words
    options = "".join(argument.removeprefix("ARGS=") for argument in arguments)
    assert f"{MAKES[target]} {options}".strip() in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("words", commands_of("pip"), ids=" ".join)
def test_pip_commands(words):
    """Without the dependencies, and without changing this environment."""
    pip = [sys.executable, "-m", "pip", *words, "--dry-run", "--no-deps"]
    done = subprocess.run(pip, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "does not provide the extra" not in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("words", commands_of("linclf"), ids=" ".join)
def test_linclf_commands(words, request, tmp_path, monkeypatch, capsys):
    """As they stand, but for fewer epochs and one page of the report."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LINCLF_DATA", "synthetic:100")
    command, *rest = words
    if command == "predict":
        write_images(tmp_path / "photos")
    if command in ("verify", "predict"):
        Path("reports").mkdir()
        Path("reports/latest").symlink_to(request.getfixturevalue("report"))
    if command == "clean":
        Path("reports/latest").mkdir(parents=True)
    if command != "report":
        assert main(words) == 0, capsys.readouterr().err
        return
    pictures = 10
    if "--data" in rest:
        name = rest[rest.index("--data") + 1]
        make, pictures = DATA[name]
        make(tmp_path / name)
    assert main([*words, "--epochs", "1", "--only", "0_baseline"]) == 0, capsys.readouterr().err
    page = Path("reports/latest/0_baseline.html").read_text(encoding="utf-8")
    assert page.count('class="pixels"') == 4 * pictures  # a template a class, in each setting


@pytest.mark.parametrize("option", [span for span in spans(TEXT) if span.startswith("--")])
def test_options(option, capsys):
    assert main(["report", "--help"]) == 0
    assert f" {option.split()[0]}" in capsys.readouterr().out


def test_its_examples_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LINCLF_DATA", "synthetic:100")
    printed = []
    for example in examples(TEXT, "python"):
        exec(compile(example, "README.md", "exec"), {})
        printed.append([line.split()[0] for line in capsys.readouterr().out.splitlines()])
    assert printed == [
        ["Classifier(10"],
        ["0", "0.1", "1"],
        ["0.0001", "0.001", "0.01"],
        ["{'softmaxclassifier__alpha':"],
    ]


def test_its_map_is_the_tree():
    block = re.search(r"^    linclf/\n(?:.*\n)*?(?=    notebooks/)", TEXT, re.M).group()
    folders, named = [], {}
    for line in block.splitlines():
        found = re.match(r"( {4,24})([\w./-]+)?", line)
        indent, entry = len(found[1]), found[2]
        if entry and entry.endswith("/") and indent < 24:
            folders = [*folders[: (indent - 4) // 2], entry]
            named["".join(folders)] = line
        elif indent >= 24:
            named["".join(folders)] += line
    for folder in (path for path in (ROOT / "linclf").rglob("*") if (path / "__init__.py").exists()):
        words = re.findall(r"\w+", named[f"{folder.relative_to(ROOT).as_posix()}/"])
        assert {file.stem for file in folder.glob("[!_]*.py")} <= {*words}, folder
    for name in re.findall(r"^    ([\w./-]+/)", TEXT, re.M):
        assert (ROOT / name).is_dir()


def test_its_results_are_the_committed_reports():
    results = Results.load(ROOT / "reports" / "cifar-10" / "results.json")
    rows = re.findall(r"^\| (\d): [^|]*\|(.*)\|$", TEXT, re.M)
    assert [row[0] for row in rows] == ["1", "2", "3", "4"]
    for setting, row in rows:
        cells = [cell.strip() for cell in row.split("|")]
        shown = [percent(results.curves(arm, int(setting), "test_accuracy")) for arm in ARMS_SHOWN]
        assert cells == [*shown, f"{REFERENCE_SVM[int(setting)]}"]


def test_its_picture_counts_the_verdicts_of_the_committed_report():
    counts = json.loads((ROOT / "reports" / "cifar-10" / "claims.json").read_text(encoding="utf-8"))["counts"]
    (name,) = re.findall(r"!\[[^]]*\]\((reports/.*?)\)", TEXT)
    said = Image.open(ROOT / name).text["Description"]
    numbers = "{reproduced} of 45 statements reproduced, {refuted} refuted, {inconclusive} inconclusive".format(
        **counts
    )
    assert said.startswith(numbers.format(**counts))


@pytest.mark.parametrize("file", ["README.md", "CITATION.cff", "notebooks/summary.ipynb"])
def test_the_reference_is_named(file):
    text = (ROOT / file).read_text(encoding="utf-8")
    for words in ("Fernando", "García Sanz", "Deep Learning in Data Science - Assignment 1 - Bonus Tasks"):
        assert words in text
    assert "March 26, 2020" in text or "2020-03-26" in text


def test_its_results_beyond_the_reference_are_the_committed_reports():
    document = json.loads((ROOT / "reports" / "cifar-10" / "ceiling.json").read_text(encoding="utf-8"))
    n = document["images"]["final"]
    for loss, word in LOSS_WORDS.items():
        tested = [run["test_accuracy"] for run in document["finals"] if run["name"] == f"{loss} {n}"]
        (row,) = re.findall(rf"^\| {word} \|(.*)\|$", TEXT, re.M)
        assert [cell.strip() for cell in row.split("|")] == [percent(np.array(tested)), str(REPORTED.get(loss, ""))]

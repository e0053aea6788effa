"""README is true: its examples and commands run, its files are there, its numbers are the committed report's."""

import json
import re
import shlex
import subprocess
import sys
import webbrowser
from pathlib import Path

import numpy as np
import pytest
from helpers import ROOT, commands, examples, spans, write_images
from PIL import Image

from linclf.cli import main
from linclf.report.views.reference import REFERENCE_SVM, mean_and_spread
from linclf.studies.results import Results

TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
ARMS_SHOWN = ("base", "full", "decay", "shuffle", "svm")

COMMANDS = commands(TEXT)

MAKES = {"report": "linclf report", "test": "-m pytest", "notebooks": "jupyter lab notebooks", "docs": "-m sphinx"}
PICTURES = ("photos/", "more/")


def commands_of(*programs):
    """The words of each command of some programs, in README's order."""
    return [words for words in map(shlex.split, dict.fromkeys(COMMANDS)) if words[0] in programs]


def test_every_command_is_run_by_a_test():
    run = commands_of("make", "pip", "linclf", "papermill", "jupyter")
    assert run == commands_of(*(shlex.split(command)[0] for command in COMMANDS))


@pytest.mark.parametrize("words", commands_of("make"), ids=" ".join)
def test_make_commands(words):
    """Only said, not done: they build environments, and one never ends."""
    done = subprocess.run(["make", "--dry-run", *words[1:]], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    _, target, *arguments = words
    options = "".join(argument.removeprefix("ARGS=") for argument in arguments)
    assert f"{MAKES[target]} {options}".strip() in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("words", commands_of("pip"), ids=" ".join)
def test_pip_commands(words):
    """Without the dependencies, and without changing this environment."""
    pip = [sys.executable, "-m", *words, "--dry-run", "--no-deps"]
    done = subprocess.run(pip, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "does not provide the extra" not in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("words", commands_of("linclf"), ids=" ".join)
def test_linclf_commands(words, request, tmp_path, monkeypatch, capsys):
    """As they stand, but for one epoch, and for one page where they name no data and no page."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LINCLF_DATA", "synthetic:100")
    monkeypatch.setattr(webbrowser, "open", lambda address: True)
    for folder in {*PICTURES} & {*words}:
        write_images(tmp_path / folder)
    if words[1] == "predict":
        Path("reports").mkdir()
        Path("reports/latest").symlink_to(request.getfixturevalue("report"))
        assert main(words[1:]) == 0, capsys.readouterr().err
        return
    one_page = [] if {"--data", "--only"} & {*words} else ["--only", "0_baseline"]
    assert main([*words[1:], "--epochs", "1", *one_page]) == 0, capsys.readouterr().err
    (page, *_) = [*one_page[1:], *(words[i + 1] for i, word in enumerate(words) if word == "--only"), "index"]
    assert "photos" in Path(f"reports/latest/{page}.html").read_text(encoding="utf-8") or "photos/" not in words


def test_commands_by_hand(tmp_path):
    """papermill's, then nbconvert's, as they stand but for little data in place of CIFAR-10."""
    (tmp_path / "notebooks").symlink_to(ROOT / "notebooks")
    little = ["-p", "data", "synthetic:50", "-p", "out_dir", "out"]
    for words in commands_of("papermill", "jupyter"):
        program = Path(sys.executable).with_name(words[0])
        command = [program, *words[1:], *(little if words[0] == "papermill" else [])]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    assert "<nav" in (tmp_path / "svm.html").read_text(encoding="utf-8")  # nbconvert's own templates have none


@pytest.mark.parametrize("option", [span for span in spans(TEXT) if span.startswith("--")])
def test_options(option, capsys):
    assert main(["report", "--help"]) == 0
    assert f" {option.split()[0]}" in capsys.readouterr().out


def test_its_examples_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LINCLF_DATA", "synthetic:100")
    (example,) = examples(TEXT, "python")
    exec(compile(example, "README.md", "exec"), {})
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["0", "0.1", "1"]
    assert len(example.splitlines()) <= 12


def test_it_takes_two_minutes():
    assert len(TEXT.splitlines()) <= 110


def test_its_links_lead_somewhere():
    links = re.findall(r"\]\(([^)]+)\)", TEXT)
    assert len(links) > 10
    for link in links:
        path, _, anchor = link.partition("#")
        assert (ROOT / path).exists(), link
        assert not anchor or anchor in {
            re.sub(r"[^\w-]", "", title.lower().replace(" ", "-"))
            for title in re.findall(r"^#+ (.*)", (ROOT / path).read_text(encoding="utf-8"), re.M)
        }


def test_its_map_is_the_tree():
    """Every package has its line; docs/package.md, which is made from the code, has every module."""
    block = re.search(r"^    linclf/\n(?:    .*\n)*", TEXT, re.M).group()
    named = {*re.findall(r"[\w.-]+/(?:[\w.-]+/)*", block)}
    assert {path.parent.name + "/" for path in (ROOT / "linclf").rglob("__init__.py")} <= named
    for name in re.findall(r"^    ([\w./-]+/)", block, re.M):
        assert (ROOT / name).is_dir(), name


def test_its_results_are_the_committed_reports():
    results = Results.load(ROOT / "reports" / "cifar-10" / "results.json")
    rows = re.findall(r"^\| (\d): [^|]*\|(.*)\|$", TEXT, re.M)
    assert [row[0] for row in rows] == ["1", "2", "3", "4"]
    for setting, row in rows:
        cells = [cell.strip() for cell in row.split("|")]
        shown = [mean_and_spread(results.curves(arm, int(setting), "test_accuracy")) for arm in ARMS_SHOWN]
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


def test_how_far_it_goes_is_the_committed_reports():
    document = json.loads((ROOT / "reports" / "cifar-10" / "ceiling.json").read_text(encoding="utf-8"))
    name = f"{document['chosen_loss']} {document['images']['final']}"  # chosen on validation images
    tested = [run["test_accuracy"] for run in document["finals"] if run["name"] == name]
    assert f"{mean_and_spread(np.array(tested))} %" in TEXT

"""README and the benchmark's page are true: examples and commands run, files are there, numbers are those stored."""

import json
import re
import runpy
import shlex
import subprocess
import sys
import webbrowser
from pathlib import Path

import numpy as np
import pytest
from helpers import ROOT, commands, examples, write_images
from PIL import Image

from linclf.cli import main
from linclf.report.views.reference import REFERENCE_SVM, mean_and_spread
from linclf.studies.results import Results

TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
REPORT, BENCHMARKS = ROOT / "reports" / "cifar-10", ROOT / "benchmarks"
COMMANDS = [shlex.split(command) for command in dict.fromkeys(commands(TEXT))]


def commands_of(*programs):
    """The words of each command of some programs, in README's order."""
    return [words for words in COMMANDS if words[0] in programs]


@pytest.mark.slow
@pytest.mark.parametrize("words", commands_of("linclf"), ids=" ".join)
def test_linclf_commands(words, request, tmp_path, monkeypatch, capsys):
    """As they stand, but for one epoch, and for one page where they name no data and no page."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LINCLF_DATA", "synthetic:100")
    monkeypatch.setattr(webbrowser, "open", lambda address: True)
    for folder in {"photos/", "more/"} & {*words}:
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


@pytest.mark.slow
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


def test_its_example_runs_and_is_short(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LINCLF_DATA", "synthetic:100")
    (example,) = examples(TEXT, "python")
    exec(compile(example, "README.md", "exec"), {})
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["0", "0.1", "1"]
    assert (len(example.splitlines()) <= 12, len(TEXT.splitlines()) <= 110) == (True, True)


def test_its_links_and_its_map_lead_somewhere():
    links = re.findall(r"\]\(([^)]+)\)", TEXT)
    assert len(links) > 10
    for link in links:
        path, _, anchor = link.partition("#")
        titles = re.findall(r"^#+ (.*)", (ROOT / path).read_text(encoding="utf-8"), re.M) if anchor else []
        assert (ROOT / path).exists(), link
        assert not anchor or anchor in {re.sub(r"[^\w-]", "", title.lower().replace(" ", "-")) for title in titles}
    tree = re.search(r"^    linclf/\n(?:    .*\n)*", TEXT, re.M).group()
    assert {f"{path.parent.name}/" for path in (ROOT / "linclf").glob("*/__init__.py")} <= {*tree.split()}
    for name in re.findall(r"^    ([\w./-]+/)", tree, re.M):
        assert (ROOT / name).is_dir(), name


def test_its_numbers_are_the_committed_reports():
    results = Results.load(REPORT / "results.json")
    rows = re.findall(r"^\| (\d): [^|]*\|(.*)\|$", TEXT, re.M)
    assert [row[0] for row in rows] == ["1", "2", "3", "4"]
    for setting, row in rows:
        arms = ("base", "full", "decay", "shuffle", "svm")
        expected = [mean_and_spread(results.curves(arm, int(setting), "test_accuracy")) for arm in arms]
        assert [cell.strip() for cell in row.split("|")] == [*expected, f"{REFERENCE_SVM[int(setting)]}"]
    document = json.loads((REPORT / "ceiling.json").read_text(encoding="utf-8"))
    name = f"{document['chosen_loss']} {document['images']['final']}"  # chosen on validation images
    tested = [run["test_accuracy"] for run in document["finals"] if run["name"] == name]
    assert f"{mean_and_spread(np.array(tested))} %" in TEXT


def test_the_page_on_verdicts_says_what_the_committed_report_says():
    claims = json.loads((REPORT / "claims.json").read_text())["claims"]
    verdicts = {claim["id"]: claim["verdict"] for claim in claims}
    text = (ROOT / "docs" / "verdicts.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([\d.]+[a-z]) \|.* (\w+) \|$", text, flags=re.MULTILINE)
    assert len(rows) == 8
    assert dict(rows).items() <= verdicts.items()


def test_its_picture_counts_the_verdicts_of_the_committed_report():
    document = json.loads((REPORT / "claims.json").read_text(encoding="utf-8"))
    (name,) = re.findall(r"!\[[^]]*\]\((reports/.*?)\)", TEXT)
    numbers = "{reproduced} of {total} statements reproduced, {refuted} refuted, {inconclusive} inconclusive"
    numbers = numbers.format(total=len(document["claims"]), **document["counts"])
    assert Image.open(ROOT / name).text["Description"].startswith(numbers)


def test_the_benchmarks_page_is_made_of_the_stored_results(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    page = runpy.run_path(str(BENCHMARKS / "run.py"))["page"]
    results = json.loads((BENCHMARKS / "results.json").read_text(encoding="utf-8"))
    assert (BENCHMARKS / "README.md").read_text(encoding="utf-8") == page(results)
    draws = [[0.9, 0.5, 1.0], [0.8, 0.25, 2.0]]
    ours = [[accuracy - 0.015, 1.02 * loss, seconds] for accuracy, loss, seconds in draws]
    models = {"SoftmaxClassifier": ours, "LogisticRegression": draws}
    hinges = {"SVMClassifier": [[0.5, None, 1.0]] * 2, "LinearSVC": [[0.4, None, 1.0], [0.45, None, 2.0]]}
    text = page(results | {"accuracy": {"folds": {"iris": models | hinges}, "embeddings": {"near": {"a": draws[0]}}}})
    assert [line for line in text.splitlines() if re.match(r"\| (iris|near) ", line)] == [
        "| iris | SoftmaxClassifier | 83.5 (78.5 to 88.5) | 0.383 (0.255 to 0.510) | 1.5 | 2.0 | 1.50 |",
        "| iris | LogisticRegression | 85.0 (80.0 to 90.0) | 0.375 (0.250 to 0.500) |  |  | 1.50 |",
        "| iris | SVMClassifier | 50.0 (50.0 to 50.0) |  | -5.0 |  | 1.00 |",
        "| iris | LinearSVC | 42.5 (40.0 to 45.0) |  |  |  | 1.50 |",
        "| near | a | 90.0 ± 0.8 | 0.500 | 1.0 |",
    ]

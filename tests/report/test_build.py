"""The whole report on tiny data, in real kernels; the command's errors; parameters; whatever a page may hold."""

import ast
import base64
import errno
import html as html_module
import io
import json
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import nbformat
import psutil
import pytest
from bs4 import BeautifulSoup
from helpers import refuses, without_times, write_notebook
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from linclf.claims.verdicts import verify
from linclf.cli import main
from linclf.errors import ConfigError, DivergenceError
from linclf.report import build
from linclf.report.execute import execute
from linclf.report.pages import CEILING, USUAL, page_file
from linclf.report.render import convert, mathml
from linclf.studies.reference import ARMS, ReferenceStudy

EXPLORE = ["report", "--data", "synthetic:40", "--only", "explore", "-p"]
DASK = ["report", "--data", "synthetic:20", "--backend", "dask"]


def test_a_page_a_notebook_and_the_results(report):
    assert {path.name for path in report.glob("*.html")} == {page_file(name) for name in USUAL} | {build.SINGLE}
    results = json.loads((report / "results.json").read_text())
    assert [(run["arm"], run["setting"], run["seed"]) for run in results["runs"]] == [
        (arm, setting, seed) for arm in ARMS for setting in (1, 2, 3, 4) for seed in (0, 1)
    ]
    for run in results["runs"]:
        for name in ("loss", "cost", "accuracy"):
            assert len(run[f"train_{name}"]) == len(run[f"validation_{name}"]) == run["epochs"] + 1
    sizes = {run["arm"]: (run["n_train"], run["n_validation"]) for run in results["runs"]}
    assert (sizes["base"], sizes["full"]) == ((250, 250), (1000, 250))
    assert results["exact"]["E1"]["relative_error"] < 1e-6
    assert results["exact"]["E2"]["loss_at_zero"] == 9


def test_claims_stand_beside_the_results_and_exact_ones_on_the_pages(report, capsys):
    assert main(["verify", str(report)]) == 0
    claims = json.loads((report / "claims.json").read_text())
    pages = {name: (report / page_file(name)).read_text() for name in USUAL}
    exact = {"E1": "reproduced", "E2": "reproduced"}  # two epochs are not the printed forty, which refutes nothing
    records = [*claims["claims"], *claims["checks"], *claims["judgements"]]
    assert {claim["id"]: claim["verdict"] for claim in records if claim["verdict"]} == exact
    assert claims["checks"][3]["missing"] == "not as printed: 2 epochs"
    for claim in records:
        places = sum(f'id="claim-{claim["id"]}"' in page for page in pages.values())
        assert places == (2 if claim["id"] in exact else 0)
        assert claim["id"] in pages["summary"]
    assert "a verdict on them needs CIFAR-10" in pages["summary"]
    assert "own code, 2 of 2 checks hold (2 of 4 do not apply here)" in pages["summary"]
    assert {name for name, page in pages.items() if 'class="verdict' in page} == {"0_baseline", "2_svm", "summary"}


@pytest.mark.parametrize("name", USUAL)
def test_every_page_says_what_it_was_made_from_in_words(report, name):
    page = (report / page_file(name)).read_text()
    assert ("not on CIFAR-10" in page, "Left out:" in page) == (True, False)
    article = BeautifulSoup(page, "html.parser").article
    items = {item.get_text() for item in article.select("dt")}
    assert {"data", "content SHA-256", "seeds", "versions", "BLAS", "processor", "numeric type", "commit"} <= items
    for folded in article.select("details, .provenance"):
        folded.decompose()
    assert re.findall(r"\b[a-z]+_\w+|\barms?\b|\bshuffle\b|rising\(", article.get_text(" ")) == []


def test_the_command_on_a_page_makes_it_again_from_stored_runs_and_fresh_trains(report, tmp_path, monkeypatch, capsys):
    """And --open shows it."""
    opened, again = [], shutil.copytree(report, tmp_path / "again")
    monkeypatch.setattr("webbrowser.open", opened.append)
    before = without_times((report / "2_svm.html").read_text())
    (command,) = re.findall(r"<dt>command</dt><dd>linclf (.*?)</dd>", before)
    words = shlex.split(html_module.unescape(command).replace(str(report), str(again)))
    assert main([*words, "--open"]) == 0
    said = capsys.readouterr()
    assert "[1/1] 2_svm" in said.out
    assert re.search(r"networks: 0 trained, \d+ reused", said.out)
    assert "no browser was found here: open " in said.err  # append gives None
    assert opened == [(again / "2_svm.html").as_uri()]
    assert without_times((again / "2_svm.html").read_text()).replace(str(again), str(report)) == before
    assert main([*words, "--fresh"]) == 0
    assert re.search(r"networks: \d+ trained, 0 reused", capsys.readouterr().out)


def test_the_first_page_opens_with_a_picture_and_every_figure_of_the_reference_has_its_counterpart(report):
    article = BeautifulSoup((report / "index.html").read_text(), "html.parser").article
    figure = article.find(["figure", "h2"])
    assert figure["id"] == "figure-S1"
    assert figure.img["alt"] == Image.open(report / build.PICTURE).text["Description"]
    assert figure.img["alt"].startswith("Test accuracy: setting 1 from ")  # on the surrogate nothing is counted
    pages = "".join((report / page_file(name)).read_text() for name in USUAL)
    assert [number for number in range(1, 21) if f'id="figure-{number}"' not in pages] == []


def test_section_3_is_made_where_it_is_asked_for_and_linked_where_it_is(report, tmp_path):
    assert not any(CEILING in path.read_text() for path in report.glob("*.html"))
    words = ["report", "--data", "synthetic:20", "--epochs", "1", "--only", "summary", "--ceiling"]
    assert main([*words, "--out", str(tmp_path)]) == 0
    assert f'<a href="{CEILING}.html">' in (tmp_path / page_file("summary")).read_text()
    page = (tmp_path / f"{CEILING}.html").read_text()
    assert "not on CIFAR-10" in page
    assert not re.search("highest reported|that others report", page)
    document = json.loads((tmp_path / "ceiling.json").read_text())
    assert document["images"] == {"train": 90, "validation": 10, "final": 80, "test": 20}
    assert "18 gains and 5 accuracies" in verify(tmp_path)


def test_a_failed_notebook_leaves_its_copy_and_the_others_still_run_and_a_full_disk_is_one_line(
    tmp_path, monkeypatch, capsys
):
    def diverge(study, *arms):  # which is a notebook's failure too, not the report's
        raise DivergenceError("on purpose")

    def full(path, text):
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(ReferenceStudy, "run", diverge)
    chosen, out = {}, tmp_path / "out"
    for name, source in (("0_baseline", "print('so far')\nraise ValueError('on purpose')"), ("2_svm", "print('fine')")):
        path = write_notebook(tmp_path / f"{name}.ipynb", 'data: str = "auto"\nout_dir: str = ""', source)
        chosen[name] = build.read_notebook(path)
    monkeypatch.setattr(build, "notebooks", lambda: chosen)
    words = ["report", "--data", "synthetic:250", "--epochs", "1", "--out", str(out)]
    assert main(words) == 1
    assert "failed: ValueError: on purpose" in capsys.readouterr().out
    again = convert(nbformat.read(out / "0_baseline.failed.ipynb", as_version=4), "0_baseline.failed")
    assert BeautifulSoup(again, "html.parser").select("[aria-current]")[0].get_text() == "Baseline"
    page = (out / "0_baseline.html").read_text()
    assert all(words in page for words in ('href="0_baseline.failed.ipynb"', "so far", "on purpose"))
    assert "fine" in (out / "2_svm.html").read_text()
    monkeypatch.setattr(build, "write_text", full)
    assert main([*words, "--only", "2_svm"]) == 1
    assert capsys.readouterr().err == f"linclf: {out / '2_svm.html'}: No space left on device\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "required: command"),
        (["reprot"], "invalid choice: 'reprot'"),
        (["report", "--seeds", "0"], "seeds must be a whole number, 1 or more, not 0"),
        (["report", "--seeds", "1000000000"], "seeds must be at most 10,000"),
        (["report", "--seeds", "x"], "invalid int value: 'x'"),
        (["report", "--seeds", "9" * 5000], "invalid int value: '999"),
        (["report", "--data", "\udcff"], "expected words of the command in UTF-8"),
        (["report", "--data", "a\nb"], "a\\nb: no such file or folder"),
        (["report", "--data", "x" * 300], "no such file or folder"),
        (["report", "--data", "synthetic:20", "--out", "/dev/null/x"], "expected a folder to write to, but found"),
        (["report", "report"], "unrecognized arguments: report"),
        ([*DASK, "--scheduler", "tcp://127.0.0.1:9"], "no scheduler answers at tcp://127.0.0.1:9"),
        (DASK, "needs --scheduler ADDRESS"),
        (["report", "--data", "synthetic:20", "--scheduler", "tcp://127.0.0.1:9"], "needs --backend dask"),
        (["report", "--backend", "dusk"], "invalid choice: 'dusk'"),
        (["predict", "a.npz", "a.png", "--top", "1.5"], "invalid int value: '1.5'"),
        (["verify", "nowhere"], "nowhere: no such file or folder"),
        (["report", "--only", "2_swm"], "unknown notebook '2_swm': did you mean '2_svm'?"),
        (["report", "-p", "lr_decai=0.5"], "unknown parameter 'lr_decai': did you mean 'lr_decay'?"),
        (["report", "-p", "lr_decay=fast"], "parameter 'lr_decay' must be of type float, not 'fast'"),
        (["report", "--data", "synthetic:20", "--ceiling", "-p", "n_validation=0"], "n_validation must be a whole"),
        (["report", "--data", "synthetic:20", "-p", "lr_decay=2"], "lr_decay must be a number above 0 and at most 1"),
        ([*EXPLORE, "l2=-1"], "l2 must be a finite number, 0 or more, not -1"),
        ([*EXPLORE, "loss=hinge"], "unknown loss 'hinge'"),
        ([*EXPLORE, "n_train=-1"], "n_train must be a whole number, 0 or more, not -1"),
    ],
)
def test_wrong_usage_is_one_line_and_status_2(words, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    refuses(words, message, capsys)
    assert list(tmp_path.iterdir()) == []


MORE = "1_1_all_data", "0_baseline"


def at_the_first_kernel(out, act, *more):
    """The standard error and status of a report; ``act`` is given the report and its first kernel.

    One notebook's kernel is started by itself, those of ``more`` are copies of another process.
    """
    words = ["report", "--data", "synthetic:40", "--epochs", "1", "--only", "2_svm", *more, "--out", str(out)]
    report = subprocess.Popen([sys.executable, "-m", "linclf", *words], stderr=subprocess.PIPE, text=True)
    parent, kernels = psutil.Process(report.pid), []
    if hasattr(parent, "cpu_affinity"):  # with more cores than pages no kernel is a copy
        parent.cpu_affinity(parent.cpu_affinity()[:2])
    while not kernels:
        time.sleep(0.05)
        with suppress(psutil.NoSuchProcess):  # a child that asks the system something, and has ended
            started = [child for child in parent.children() if "kernel.py" in str(child.as_dict(["cmdline"]))]
            kernels = [kernel for process in started for kernel in process.children()] if more else started
            family = [*started, *kernels]
    act(report, kernels[0])
    said = report.communicate(timeout=60)[1]
    # Where the first process of a container forgets none, a process whose parent has ended stays a zombie.
    alive = {each.pid for each in psutil.process_iter(["status"]) if each.info["status"] != psutil.STATUS_ZOMBIE}
    return said, report.returncode, [each for each in family if each.is_running() and each.pid in alive]


@pytest.mark.parametrize("more", [(), MORE])
def test_ctrl_c_during_notebooks_is_one_line_and_leaves_no_kernel(tmp_path, more):
    said = at_the_first_kernel(tmp_path, lambda report, kernel: report.send_signal(signal.SIGINT), *more)
    assert said == ("linclf: interrupted\n", 130, [])
    assert {path.name for path in tmp_path.iterdir()} - {".lock"} == {"runs"}  # some versions of filelock keep theirs


@pytest.mark.parametrize(
    ("more", "killed", "failed"),
    [
        ((), lambda kernel: kernel, {1}),
        (MORE, lambda kernel: kernel, {1}),
        (MORE, lambda kernel: kernel.parent(), {0, 1, 2}),  # those that come after start by themselves
    ],
)
def test_a_killed_kernel_or_what_kernels_are_copies_of_fails_its_pages_only(tmp_path, more, killed, failed):
    errors, status, alive = at_the_first_kernel(tmp_path, lambda report, kernel: killed(kernel).kill(), *more)
    n_failed = len([*tmp_path.glob("*.failed.ipynb")])
    assert (errors, status, alive) == ("", min(n_failed, 1), [])
    assert n_failed in failed
    assert {path.stem for path in tmp_path.glob("*.html")} == {"2_svm", *more}
    assert (tmp_path / "results.json").exists()


def test_no_home_folder_is_one_line_and_status_2(monkeypatch, capsys):
    monkeypatch.setattr("os.path.expanduser", lambda path: path)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("LINCLF_DATA", raising=False)
    for word in ("report", "info", "fetch"):
        refuses([word], "expected a home folder", capsys)


def test_formulas_become_mathml_and_code_stays():
    assert "<math" in mathml("a $x^2$ b")
    for text in ("$$x$$", "\\begin{align} a &= b \\\\ c &= d \\end{align}"):
        assert 'display="block"' in mathml(text)
    assert "&amp;" not in mathml("$$\\begin{aligned} a &= b \\\\ c &= d \\end{aligned}$$")
    for text in ("`$x$` and \\$5", "\\` and \\$x\\$ \\`"):
        assert mathml(text) == text


@pytest.mark.parametrize(
    "formula",
    ["$$a_1_2$$", "$x^$", r"$\left( a$", "$a^b^c$", "$$\n\n$$", r"$*a*_b_^$", r"$\frac{1$", "$x}$", r"$\own{x}$"],
)
def test_a_formula_that_cannot_be_read_stands_as_its_tex_with_a_note(formula):
    page = convert(nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(f"# A\n\nb {formula} c")]), "mine")
    text = " ".join(BeautifulSoup(page, "html.parser").article.get_text().split())
    assert f"b {' '.join(formula.split())} (a formula that could not be read) c" in text


def test_what_a_readers_own_cells_show_is_on_the_page_or_said_to_be_left_out(tmp_path, monkeypatch):
    Image.new("RGB", (2, 2)).save(picture := io.BytesIO(), format="png")
    png = base64.b64encode(picture.getvalue()).decode()
    (tmp_path / "beside.png").write_bytes(picture.getvalue())
    data = [
        ({"image/png": png, "text/plain": "<Figure>"}, 'alt="a &lt; b"'),
        ({"image/jpeg": png}, f'src="data:image/jpeg;base64,{png}"'),
        ({"image/svg+xml": "<svg><script/></svg>"}, 'src="data:image/svg+xml;base64,'),
        ({"text/latex": "$x$ <b> $y^$"}, "&lt;b&gt;"),
        ({"text/plain": "\x1b[31mred\x1b[0m\x1b]0;title\x07 <1> "}, "red &lt;1&gt;"),
        ({"text/html": "<script>alert(1)</script>"}, "Left out: what stands here runs or loads something"),
        ({"text/html": "<img src=http://example.org/a.png>"}, "Left out: what"),
        ({"application/javascript": "alert(1)", "text/plain": "<Javascript>"}, "&lt;Javascript&gt;"),
        ({"application/pdf": "x"}, "Left out: an output of a type that no page shows (application/pdf)"),
        ({"application/vnd.jupyter.widget-view+json": {}, "text/plain": "IntSlider()"}, "IntSlider()"),
    ]
    alt = {"image/png": {"alt": "a < b"}}
    outputs = [nbformat.v4.new_output("display_data", bundle, metadata=alt) for bundle, _ in data]
    for name, text in (("stdout", " 1 %\r100 %\n"), ("stderr", "UserWarning: mind\n")):
        outputs.append(nbformat.v4.new_output("stream", name=name, text=text))
    cells = [
        nbformat.v4.new_markdown_cell("# Mine\n\n![beside](beside.png)"),
        nbformat.v4.new_markdown_cell("![elsewhere](https://example.org/a.png)"),
        nbformat.v4.new_code_cell("1", outputs=outputs, execution_count=1),
        nbformat.v4.new_raw_cell("raw <cell>"),
    ]
    monkeypatch.chdir(tmp_path)
    page = convert(nbformat.v4.new_notebook(cells=cells), "mine")
    wanted = [said for _, said in data]
    wanted += [f'src="data:image/png;base64,{png}"', "100 %\n", "UserWarning: mind", "raw &lt;cell&gt;"]
    assert [said for said in wanted if said not in page] == []
    assert page.count("Left out: what") == 5
    assert not {"\x1b", "\r"} & {*page}


def test_a_cell_that_fails_and_shows_no_error_is_a_failure(tmp_path):
    quiet = "get_ipython().showtraceback = lambda *given, **more: None\n1 / 0"
    done = execute(write_notebook(tmp_path / "quiet.ipynb", "", quiet, "print()"), {}, tmp_path / "executed.ipynb")
    assert done.failure == "a cell failed and showed no error"
    assert done.notebook.cells[-1].execution_count is None


def test_two_headings_with_dollar_signs_are_two_sections_and_a_notebook_brings_no_font():
    cells = [nbformat.v4.new_markdown_cell(f"{level} Up to $$ {word}") for level, word in (("#", "a"), ("##", "b"))]
    cells.append(nbformat.v4.new_markdown_cell("## Up to $$ c"))
    page = convert(nbformat.v4.new_notebook(cells=cells, metadata={"linclf": {"font": "</style><b>"}}), "mine")
    sections = BeautifulSoup(page, "html.parser").select("nav.toc li")
    assert [section.get_text() for section in sections] == ["Up to $$ b", "Up to $$ c"]
    assert "</style><b>" not in page


# Notebook parameters are checked before a kernel starts, and reach it as what they are.

KNOWN = {"epochs": "int", "lr_decay": "float", "data": "str", "quick": "bool"}


def parsed(*assignments, types=KNOWN):
    """The values, or the error."""
    try:
        return build.parse(assignments, {"one": build.Notebook(Path("one.ipynb"), types)})
    except ConfigError as error:
        return str(error)


def test_every_notebook_has_one_parameters_cell_of_annotated_literals():
    for known in build.notebooks().values():
        cells = nbformat.read(known.path, as_version=4).cells
        (cell,) = (cell for cell in cells if "parameters" in cell.metadata.get("tags", []))
        values = {line.target.id: ast.literal_eval(line.value) for line in ast.parse(cell.source).body}
        assert {name: type(value).__name__ for name, value in values.items()} == known.types


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("zzz=3", "unknown parameter 'zzz': choose among data, epochs, lr_decay, quick"),
        ("epochs=3.5", "parameter 'epochs' must be of type int, not '3.5'"),
        ("epochs=__import__('os').getcwd()", "parameter 'epochs' must be of type int"),
        ("quick=1", "parameter 'quick' must be of type bool, not '1'"),
        ("epochs", "expected NAME=VALUE"),
    ],
)
def test_unknown_and_mistyped_parameters_are_refused(assignment, message):
    given = {"epochs": 3, "lr_decay": 1, "data": "3", "quick": True}
    assert parsed(*(f"{name}={value}" for name, value in given.items())) == given
    assert message in parsed(assignment)


HOSTILE = (
    '"; import os; os._exit(3); "',
    "'; import os; os._exit(3); '",
    '"""\nimport os; os._exit(3)\n"""',
    "'''\nimport os; os._exit(3)\n#",
    "\\",
    '\\"',
    r"\n \x41 \u0041 \N{DIGIT ONE}",
    "a\nb\r\nc\td",
    "{} {0} {__class__} %s %(x)s $x ${x} `x` $(x)",
    "line\u2028paragraph\u2029next\x85tab\x0bfeed\x0cgroup\x1c",
    "\x00\x1b[2J\x7f\u200b\ufeff",
    "λ = 0.1, 漢字, 😀",
    "# comment",
    "!exit 3",
    "%system exit 3",
    "",
)


def test_text_reaches_a_notebook_as_it_is_and_runs_nothing(tmp_path):
    names = [f"text_{i}" for i in range(len(HOSTILE))]
    shows = f"import json; print(json.dumps([{', '.join(names)}]))"
    path = write_notebook(tmp_path / "one.ipynb", "\n".join(f'{name}: str = ""' for name in names), shows)
    given = [f"{name}={text}" for name, text in zip(names, HOSTILE, strict=True)]
    execution = execute(path, parsed(*given, types=build.read_notebook(path).types), tmp_path / "executed.ipynb")
    assert execution.failure is None
    (output,) = execution.notebook.cells[-1].outputs
    assert json.loads(output.text) == list(HOSTILE)


@given(text=st.text())
def test_any_text_is_a_text_or_refused_elsewhere(text):
    assert parsed(f"it={text}", types={"it": "str"}) == {"it": text}
    for type_, kinds in (("int", int), ("float", (int, float)), ("bool", bool)):
        found = parsed(f"it={text}", types={"it": type_})
        refused = isinstance(found, str) and found.startswith(f"parameter 'it' must be of type {type_}, not ")
        assert refused or isinstance(found["it"], kinds)


@pytest.mark.parametrize("text", ["9" * 5000, "1e999", "nan", "\x00", "\udc80"])
def test_odd_numbers_are_refused_in_one_line(text):
    error = parsed(f"epochs={text}")
    assert isinstance(error, str)
    assert error.isprintable()
    assert len(error) < 3000

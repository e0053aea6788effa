"""Reports where people run them: other temporary folders, kernels, settings and modules than a developer's own."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import matplotlib as mpl
import pytest
from helpers import ROOT, TINY, without_times
from jupyter_client.kernelspec import KernelSpec

from linclf.cli import main
from linclf.errors import ConfigError
from linclf.report import execute
from linclf.report.build import notebooks
from linclf.report.pages import USUAL, reading_order
from linclf.report.views import html, plots, provenance
from linclf.studies import study
from linclf.studies.reference import ReferenceStudy

pytestmark = pytest.mark.slow

REPORT = ("report", "--data", "synthetic:40", "--epochs", "1", "--only", "summary", "--out")


def test_a_report_made_again_from_nothing_in_hostile_surroundings_is_the_same(report, tmp_path, monkeypatch):
    """All at once: a long TMPDIR, a site's kernel, a matplotlibrc, modules in the folder, a startup file."""
    hostile = tmp_path / "hostile"
    long = tmp_path / "/".join(["0123456789"] * 12)
    kernels = tmp_path / "jupyter" / "kernels" / "python3"
    here = tmp_path / "here"
    for folder in (long, kernels, here):
        folder.mkdir(parents=True)
    site = '{"argv": ["/nowhere/python", "-f", "{connection_file}"], "display_name": "site", "language": "python"}'
    (kernels / "kernel.json").write_text(site)
    (here / "matplotlibrc").write_bytes(b"text.usetex: True\nlines.linewidth: 9\nfont.family: \xff\n")
    for name in ("random", "json", "code", "linclf", "IPython", "numpy"):
        (here / f"{name}.py").write_text("raise SystemExit('the wrong module')\n")
    (here / "startup.py").write_text("raise SystemExit('not to be run')\n")
    monkeypatch.setenv("TMPDIR", str(long))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    monkeypatch.setenv("PYTHONSTARTUP", str(here / "startup.py"))
    monkeypatch.setenv("MPLBACKEND", "nowhere")
    command = [sys.executable, "-P", "-m", "linclf", "report", *TINY, "--out", hostile, "--single-file"]
    done = subprocess.run([*map(str, command)], cwd=here, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert list(long.iterdir()) == []
    assert re.search(r"networks: \d+ trained, 0 reused", done.stdout)
    assert re.findall(rf"\[\d/{len(USUAL)}\] (\w+)", done.stdout) == reading_order(USUAL)
    assert done.stdout.splitlines()[-1].startswith(f"report: {hostile / 'index.html'} (to open it: file:///")

    def pages(out):
        return {path.name: without_times(path.read_text()).replace(str(out), "") for path in out.glob("*.html")}

    def numbers(out):
        results, claims = (json.loads((out / name).read_text()) for name in ("results.json", "claims.json"))
        for run in results["runs"]:
            del run["seconds"]
        del results["timings"], results["command"]
        return results, [claim for claim in claims["claims"] if claim["id"] != "1.3c"]

    assert numbers(hostile) == numbers(report)
    first, again = pages(report), pages(hostile)
    assert first.keys() == again.keys()
    for name, page in again.items():
        assert page == first[name], name


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("import sys; sys.exit(3)", "Kernel died before replying"),
        ("import time; time.sleep(60)", "the kernel did not answer within 1 s; LINCLF_KERNEL_TIMEOUT=SECONDS waits"),
        (None, "No such file or directory"),
    ],
)
def test_a_kernel_that_does_not_start_is_a_line(tmp_path, monkeypatch, program, said):
    argv = [sys.executable, "-c", program] if program else ["/nowhere/python"]
    spec = KernelSpec(argv=[*argv, "{connection_file}"], display_name="none", language="python")
    monkeypatch.setattr(execute._ThisPython, "kernel_spec", spec)
    monkeypatch.setenv(execute.PATIENCE, "1")
    done = execute.execute(notebooks()["2_svm"].path, {"data": "synthetic:40"}, tmp_path / "2_svm.ipynb")
    assert said in done.failure
    assert "\n" not in done.failure


def test_a_kernel_that_cannot_be_reached_does_not_hold_up_the_command(tmp_path):
    """In a process of its own, which has to end."""
    code = "import sys\nfrom linclf.cli import main\nfrom linclf.report import execute\n"
    code += "execute._folder_for_sockets = lambda at: at.with_name('y' * 120)\n"
    code += "sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", code, *REPORT, tmp_path / "out"]
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "failed: ZMQError: File name too long" in done.stdout


@pytest.mark.parametrize("given", ["0", "-1", "soon", "nan", "inf"])
def test_how_long_to_wait_is_checked_before_anything_runs(tmp_path, monkeypatch, capsys, given):
    monkeypatch.setenv(execute.PATIENCE, given)
    assert main([*REPORT, str(tmp_path / "out")]) == 2
    said = f"linclf: LINCLF_KERNEL_TIMEOUT must be a number of seconds above 0, not '{given}'\n"
    assert capsys.readouterr().err == said
    assert list(tmp_path.iterdir()) == []


def test_figures_are_drawn_under_our_own_settings():
    def drawn():
        axes = plots.confusion([0, 0, 1], [0, 1, 1], ["cat", "dog"], ax=plots.new_axes())
        return html.figure(axes.figure, number=1, caption="c", alt="a", data={"x": [1]}).markup

    wanted = drawn()
    with mpl.rc_context({"text.usetex": True, "axes.facecolor": "red", "font.size": 30, "xtick.direction": "in"}):
        assert drawn() == wanted
        assert mpl.rcParams["text.usetex"]  # the user's are back
    with mpl.style.context("dark_background"):
        assert drawn() == wanted


def test_auto_is_the_checkout_and_the_page_says_so(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    auto = ReferenceStudy("synthetic:40", "auto")
    assert auto.out_dir == ROOT / "reports" / "latest"
    note, made_again = provenance.data_note(auto).markup, provenance.provenance(auto, "2_svm").text
    assert f"Finished runs are kept in {Path('reports', 'latest', 'runs')}, in linclf&#39;s source tree." in note
    assert str(ROOT) not in note + made_again  # pages are handed on
    assert "linclf report --data synthetic:40 --only 2_svm" in made_again
    assert "kept in" not in provenance.data_note(ReferenceStudy("synthetic:40", tmp_path)).markup


@pytest.mark.parametrize("checkout", [True, False])
def test_auto_is_the_cache_folder_where_nothing_can_be_written(tmp_path, monkeypatch, checkout):
    first = tmp_path / ("checkout" if checkout else "current")
    first.mkdir()
    monkeypatch.chdir(first)
    monkeypatch.setattr(study, "source_tree", lambda: first if checkout else None)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert study.default_report_folder()[0] == first / "reports" / "latest"

    read_only = [first]
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) not in read_only)
    made = ReferenceStudy("synthetic:40", "auto")
    assert made.out_dir == tmp_path / "cache" / "linclf" / "reports" / "latest"
    assert made.kept.startswith(f"{first / 'reports' / 'latest'} cannot be written to: finished runs are kept in ")

    read_only.append(tmp_path)
    with pytest.raises(ConfigError, match="name another as out_dir"):
        ReferenceStudy("synthetic:40", "auto")

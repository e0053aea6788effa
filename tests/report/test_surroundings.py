"""Reports where people run them: other temporary folders, kernels, settings and modules than a developer's own."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import matplotlib as mpl
import pytest
from helpers import ROOT, TINY, linclf, refuses, without_rights, without_times
from jupyter_client.kernelspec import KernelSpec

from linclf.errors import ConfigError
from linclf.report import execute
from linclf.report.build import notebooks
from linclf.report.pages import USUAL, reading_order
from linclf.report.views import html, plots, provenance
from linclf.studies import study
from linclf.studies.reference import ReferenceStudy

pytestmark = pytest.mark.slow

REPORT = ("report", "--data", "synthetic:40", "--epochs", "1", "--only", "summary", "--out")


WRONG, CONFIG = "raise SystemExit('not to be run')\n", "c.InteractiveShellApp.exec_lines = ['raise SystemExit(1)']\n"
FILES = {
    "kernels/python3/kernel.json": '{"argv": ["/no", "{connection_file}"], "display_name": "no", "language": "python"}',
    "here/matplotlibrc": "text.usetex: True\nlines.linewidth: 9\nfont.size: 30\nsavefig.dpi: 7\n",
    "home/.config/matplotlib/matplotlibrc": "font.family: \xff\n",
    "home/.local/share/jupyter/nbconvert/templates/linclf/index.html.j2": "{{ nothing.here }}",
    "home/.ipython/profile_default/startup/00.py": WRONG,
    **{f"home/.ipython/profile_default/{name}_config.py": CONFIG for name in ("ipython", "ipython_kernel")},
    "home/.jupyter/jupyter_nbconvert_config.py": "c.HTMLExporter.exclude_input = True\n",
    **{f"here/{name}.py": WRONG for name in ("startup", "random", "json", "code", "linclf", "IPython", "numpy")},
}
"""What may lie in a home, in a current folder and in a site's folder of kernels, and no report may heed."""
ENVIRON = {
    "MPLBACKEND": "nowhere", "COLUMNS": "20", "TERM": "dumb", "FORCE_COLOR": "1", "TZ": "No/Where",
    "SOURCE_DATE_EPOCH": "x", "OMP_NUM_THREADS": "0", "PYTHONWARNINGS": "error", "PYTHONOPTIMIZE": "2",
    "LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii",
}  # fmt: skip
GIT_AND_PYTHON = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "PYTHONUSERBASE", "PYTHONPYCACHEPREFIX")
OWN_FOLDERS = ("MPLCONFIGDIR", "MATPLOTLIBRC", "IPYTHONDIR")
OWN_FOLDERS += ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR")


def test_a_report_made_again_from_nothing_in_hostile_surroundings_is_the_same(report, tmp_path):
    """All at once: a long TMPDIR of odd signs, files as above, others' variables, no UTF-8, umask 077."""
    hostile, long = tmp_path / "hostile", tmp_path / "a 'b' \"$(c) {0}{} $HOME/" / "/".join(["0123456789"] * 30)
    long.mkdir(parents=True)
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="latin-1")
    environ = os.environ | ENVIRON | dict.fromkeys(GIT_AND_PYTHON, "/proc/nowhere")
    environ |= {"HOME": str(tmp_path / "home"), "TMPDIR": str(long), "JUPYTER_PATH": str(tmp_path)}
    environ |= {"PYTHONSTARTUP": str(tmp_path / "here" / "startup.py")}
    command = [sys.executable, "-P", "-m", "linclf", "report", *TINY, "--out", str(hostile), "--single-file"]
    told = {"capture_output": True, "text": True, "stdin": subprocess.DEVNULL}
    done = subprocess.run(command, cwd=tmp_path / "here", env=environ, umask=0o077, **told)
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
    assert pages(hostile) == pages(report)


@pytest.mark.parametrize("there", [False, True], ids=["missing", "read-only"])
def test_a_report_needs_no_home_no_temporary_folder_and_no_right_but_to_its_own(report, tmp_path, there):
    home, tmp, here, out = (tmp_path / name for name in ("home", "tmp", "here", "out"))
    for place in (home, tmp, here):
        place.mkdir()
        place.chmod(0o555)
    environ = os.environ | dict.fromkeys(OWN_FOLDERS, "/proc/nowhere") | {"HOME": str(home), "TMPDIR": str(tmp)}
    if not there:
        tmp.rmdir()
        del environ["HOME"]
    words = ["report", *TINY, "--only", "2_svm", "--out", out]
    done = linclf(*words, under=without_rights(), cwd=here, env=environ)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    made, wanted = (re.findall('src="data:image.*?"', (at / "2_svm.html").read_text()) for at in (out, report))
    assert made == wanted


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
    command = [sys.executable, "-c", code, *REPORT, str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, "failed: ZMQError: File name too long" in done.stdout) == (1, True)


@pytest.mark.parametrize("given", ["0", "-1", "soon", "nan", "inf"])
def test_how_long_to_wait_is_checked_before_anything_runs(tmp_path, monkeypatch, capsys, given):
    monkeypatch.setenv(execute.PATIENCE, given)
    said = f"linclf: LINCLF_KERNEL_TIMEOUT must be a number of seconds above 0, not '{given}'\n"
    refuses([*REPORT, tmp_path / "out"], said, capsys)
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

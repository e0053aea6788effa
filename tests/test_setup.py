"""What a newcomer meets first: dependencies, imports, README."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import yaml

import linclf
from linclf.report.show import REFERENCE_SVM, percent
from linclf.results import Results

ARMS_SHOWN = ("base", "full", "decay", "shuffle", "svm")
ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_environment_yml_installs_what_pyproject_names():
    """conda brings Python; the packages come from pyproject.toml itself, so the two cannot drift apart."""
    text = (ROOT / "environment.yml").read_text(encoding="utf-8")
    (python,) = re.findall(r"- python(>=[\d.]+)", text)
    assert python == PROJECT["requires-python"]
    (extras,) = re.findall(r"--editable \.\[([\w,]+)\]", text)
    apart = {"report", "bench"}  # notebooks includes the first; the second is heavy, and for comparison only
    assert set(extras.split(",")) == set(PROJECT["optional-dependencies"]) - apart
    listed = re.findall(r"^ *- ([a-z][\w-]*)", text, re.M)
    assert set(listed) == {"conda-forge", "python", "pip"}, "a package named here would stand in two places"


def test_importing_the_library_loads_numpy_and_nothing_heavier():
    code = "import sys, linclf; print(*{name.partition('.')[0] for name in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "numpy" in loaded
    assert not {"matplotlib", "papermill", "nbconvert", "pooch", "scipy", "sklearn", "IPython"} & set(loaded)


def test_numpy_is_the_only_dependency():
    assert [re.split(r"[<>=]", name)[0] for name in PROJECT["dependencies"]] == ["numpy"]


def test_all_names_exist_and_are_strings():
    assert all(isinstance(name, str) and hasattr(linclf, name) for name in linclf.__all__)
    assert list(linclf.__all__) == sorted(linclf.__all__)


def test_the_readme_is_true(monkeypatch, capsys):
    """Its examples run, its commands exist, and every file that its map names is there."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    monkeypatch.setenv("LINCLF_DATA", "synthetic:100")
    printed = []
    for example in re.findall(r"```python\n(.*?)```", text, re.S):
        exec(compile(example, "README.md", "exec"), {})
        printed.append([line.split()[0] for line in capsys.readouterr().out.splitlines()])
    assert printed == [["0", "0.1", "1"], ["0.0001", "0.001", "0.01"], ["{'softmaxclassifier__alpha':"]]
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"^make (\w+)", text, re.M):
        assert f"\n{target}:" in makefile
    rows = re.findall(r"^\| (`.*?) \|", text, re.M)
    assert len(rows) > 8
    for row in rows:
        first, *others = re.findall(r"`([\w./-]+)`", row)
        folder = (ROOT / first).parent
        assert all((folder / name).exists() for name in (Path(first).name, *others)), row


def test_the_readmes_results_are_the_committed_reports():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    results = Results.load(ROOT / "reports" / "cifar-10" / "results.json")
    rows = re.findall(r"^\| (\d): [^|]*\|(.*)\|$", text, re.M)
    assert [row[0] for row in rows] == ["1", "2", "3", "4"]
    for setting, row in rows:
        cells = [cell.strip() for cell in row.split("|")]
        shown = [percent(results.values(arm, int(setting), "test_accuracy")) for arm in ARMS_SHOWN]
        assert cells == [*shown, f"{REFERENCE_SVM[int(setting)]}"]


def test_it_can_be_cited():
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert cited["version"] == PROJECT["version"]
    assert PROJECT["version"] in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_wheel_and_sdist_install_cleanly(tmp_path):
    """Built, checked, and the wheel used from an environment that holds nothing else, in a folder of its own."""

    def run(*command):
        done = subprocess.run([*map(str, command)], cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run(sys.executable, "-m", "build", "--outdir", tmp_path / "dist", ROOT)
    (wheel,), (sdist,) = tmp_path.glob("dist/*.whl"), tmp_path.glob("dist/*.tar.gz")
    assert run(sys.executable, "-m", "twine", "check", "--strict", wheel, sdist).count("PASSED") == 2
    run(sys.executable, "-m", "venv", "clean")
    python = tmp_path / "clean" / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    run(python, "-m", "pip", "install", "--quiet", wheel)
    assert "synthetic stand-in" in run(python, "-m", "linclf", "info")
    inside = {path.name for path in (tmp_path / "clean").rglob("site-packages/linclf/**/*")}
    assert {"py.typed", "ledger.json", "summary.ipynb", "page.css"} <= inside
    template = tmp_path / "clean" / "share" / "jupyter" / "nbconvert" / "templates" / "linclf" / "conf.json"
    assert template.exists()

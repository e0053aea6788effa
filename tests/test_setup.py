"""What a newcomer meets first: dependencies, imports, README."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import linclf

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_environment_yml_installs_what_pyproject_names():
    """conda brings Python; the packages come from pyproject.toml itself, so the two cannot drift apart."""
    text = (ROOT / "environment.yml").read_text(encoding="utf-8")
    (python,) = re.findall(r"- python(>=[\d.]+)", text)
    assert python == PROJECT["requires-python"]
    (extras,) = re.findall(r"--editable \.\[([\w,]+)\]", text)
    assert set(extras.split(",")) == set(PROJECT["optional-dependencies"]) - {
        "report",
        "bench",
    }  # notebooks includes report
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
    assert printed == [["0", "0.1", "1"], ["{'softmaxclassifier__alpha':"]]
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"^make (\w+)", text, re.M):
        assert f"\n{target}:" in makefile
    rows = re.findall(r"^\| (`.*?) \|", text, re.M)
    assert len(rows) > 8
    for row in rows:
        first, *others = re.findall(r"`([\w./-]+)`", row)
        folder = (ROOT / first).parent
        assert all((folder / name).exists() for name in (Path(first).name, *others)), row

"""What a newcomer meets first: dependencies, the package."""

import os
import shutil
import subprocess
import sys
import tomllib

import pytest
from helpers import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_the_library_needs_numpy_and_threadpoolctl():
    assert [name.partition(">=")[0] for name in PROJECT["dependencies"]] == ["numpy", "threadpoolctl"]
    for name in ("CITATION.cff", "CHANGELOG.md"):
        assert PROJECT["version"] in (ROOT / name).read_text(encoding="utf-8")


def test_make_notebooks_opens_copies_and_leaves_a_students_work(tmp_path):
    """And hands ARGS to JupyterLab, for which a command stands here that writes down what it is given."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / "pyproject.toml").touch()
    for folder in ("notebooks", ".venv/bin"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / ".venv" / "notebooks.stamp").touch()
    (jupyter := tmp_path / ".venv" / "bin" / "jupyter").write_text('#!/bin/sh\necho "$@"\n')
    jupyter.chmod(0o755)
    (tmp_path / "notebooks" / "learn.ipynb").write_text("[a page](../reports/a.html)")
    copy = tmp_path / "reports" / "notebooks" / "learn.ipynb"
    for text in ("[a page](../a.html)", "mine"):
        done = subprocess.run(["make", "notebooks", "ARGS=--no-browser"], cwd=tmp_path, capture_output=True, text=True)
        assert (
            "lab --ServerApp.root_dir=reports --LabApp.default_url=/lab/tree/notebooks --no-browser" in done.stdout
        ), done.stderr
        assert copy.read_text() == text
        copy.write_text("mine")
    assert "reports/notebooks/" in (ROOT / ".gitignore").read_text(encoding="utf-8").split()


@pytest.mark.slow
def test_a_wheel_makes_the_report_in_an_empty_folder(tmp_path):
    """Built, checked, and installed by ``uv tool install``, which gives it an environment that holds nothing else."""
    empty, places = tmp_path / "empty", {f"UV_TOOL_{name}": str(tmp_path / name) for name in ("DIR", "BIN_DIR")}
    env = os.environ | places | {"LINCLF_DATA": "synthetic:100", "PYTHONPATH": ""}
    empty.mkdir()

    def run(*command):
        done = subprocess.run([*map(str, command)], cwd=empty, env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run(sys.executable, "-m", "build", "--installer", "uv", "--outdir", tmp_path / "dist", ROOT)
    (wheel,), (sdist,) = tmp_path.glob("dist/*.whl"), tmp_path.glob("dist/*.tar.gz")
    assert run(sys.executable, "-m", "twine", "check", "--strict", wheel, sdist).count("PASSED") == 2
    uv = [sys.executable, "-m", "uv", "tool", "install", "--quiet", "--python", sys.executable]
    run(*uv, f"linclf[report] @ {wheel.as_uri()}")
    command = shutil.which("linclf", path=tmp_path / "BIN_DIR")
    assert "Gaussian surrogate of CIFAR-10" in run(command, "info")
    inside = {path.name for path in (tmp_path / "DIR").rglob("site-packages/linclf/**/*")}
    assert {"py.typed", "ledger.json", "summary.ipynb", "page.css"} <= inside
    run(command, "report", "--epochs", "1", "--only", "summary")
    page = (empty / "reports" / "latest" / "index.html").read_text(encoding="utf-8")
    assert "Gaussian surrogate of CIFAR-10" in page
    assert "<nav" in page  # nbconvert's own templates have none

"""What a newcomer meets first: dependencies, hooks, the package."""

import json
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


@pytest.mark.slow
def test_the_hooks_mend_what_is_committed_and_leave_our_notebooks_alone(tmp_path, monkeypatch):
    """pre-commit for real, in a repository of its own: with the tools of this environment, as `make lint`."""
    monkeypatch.setenv("PRE_COMMIT_HOME", str(tmp_path / "cache"))
    root = tmp_path / "repository"

    def hooks():
        subprocess.run(["git", "add", "."], cwd=root, check=True)
        command = [sys.executable, "-m", "pre_commit", "run", "--all-files"]
        return subprocess.run(command, cwd=root, capture_output=True, text=True)

    for name in ("notebooks", "linclf"):  # ruff sorts imports by what is a package here
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns(".*", "__pycache__"))
    for name in (".pre-commit-config.yaml", "pyproject.toml"):
        shutil.copy(ROOT / name, root)
    (root / ".venv").symlink_to(sys.prefix)
    notebooks = {path: path.read_bytes() for path in root.glob("notebooks/*.ipynb")}
    subprocess.run(["git", "init", "--quiet"], cwd=root, check=True)
    clean = hooks()
    assert clean.returncode == 0, clean.stdout + clean.stderr

    for path, content in notebooks.items():
        notebook = json.loads(content)
        (*_, cell) = (cell for cell in notebook["cells"] if cell["cell_type"] == "code")
        cell |= {"execution_count": 3, "outputs": [{"output_type": "stream", "name": "stdout", "text": ["41.2 %"]}]}
        path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    (root / "module.py").write_text('"""A module."""\nimport sys, os\nprint( os.name,sys.path )\n')
    mended = hooks()
    assert (mended.returncode, mended.stdout.count("Failed")) == (1, 3), mended.stdout
    assert (root / "module.py").read_text() == '"""A module."""\n\nimport os\nimport sys\n\nprint(os.name, sys.path)\n'
    assert hooks().returncode == 0
    assert notebooks == {path: path.read_bytes() for path in notebooks}


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

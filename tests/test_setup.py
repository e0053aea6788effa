"""What a newcomer meets first: dependencies, the package."""

import os
import shutil
import subprocess
import sys

import pytest
from helpers import ROOT


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

"""Fixtures that several test files share."""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from command import TINY, linclf
from hypothesis import settings

settings.register_profile("linclf", deadline=None)  # how long an example takes says how busy the machine is
settings.load_profile("linclf")

os.environ["SCIPY_ARRAY_API"] = "1"  # read when SciPy is imported: without it scikit-learn skips checks

# A shell that runs the tests in the background has Ctrl-C ignored, and what they start would ignore it too.
signal.signal(signal.SIGINT, signal.default_int_handler)

MAKE = Path(__file__).parent.parent.parent / "shared" / "data" / "make-cifar10"


@pytest.fixture(scope="session")
def cifar10() -> Path:
    """Real CIFAR-10: $LINCLF_DATA, else built once, outside the repository, from the copy beside it."""
    if os.environ.get("LINCLF_DATA"):
        return Path(os.environ["LINCLF_DATA"])
    if not MAKE.exists():
        pytest.skip("real CIFAR-10 is not here: set LINCLF_DATA to its folder")
    folder = Path(tempfile.gettempdir()) / "linclf-test-cifar10"
    subprocess.run([sys.executable, MAKE, folder], check=True, capture_output=True)
    return folder


@pytest.fixture(scope="session")
def report(tmp_path_factory) -> Path:
    """The whole report on tiny data, from the command."""
    out = tmp_path_factory.mktemp("report")
    done = linclf("report", *TINY, "--out", out, "--single-file")
    assert done.returncode == 0, done.stdout + done.stderr
    return out

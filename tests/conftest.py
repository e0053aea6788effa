"""Fixtures that several test files share."""

import os
import shutil
import signal
from pathlib import Path

import pytest
from filelock import FileLock
from helpers import TINY, linclf, missing, visiting
from hypothesis import settings

settings.register_profile("linclf", deadline=None)  # how long an example takes says how busy the machine is
settings.load_profile("linclf")

os.environ["SCIPY_ARRAY_API"] = "1"  # read when SciPy is imported: without it scikit-learn skips checks

# A shell that runs the tests in the background has Ctrl-C ignored, and what they start would ignore it too.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(tryfirst=True)  # before -m selects
def pytest_collection_modifyitems(items):
    """Files without slow tests come first; what needs the report, which is slow to make, is slow."""
    for item in items:
        if "report" in item.fixturenames:
            item.add_marker("slow")
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path in slow)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """File by file, whatever ``--dist`` says: fixtures of a module are made once."""
    from xdist.scheduler import LoadFileScheduling

    config.option.loadscopereorder = False  # in the order of the items
    return LoadFileScheduling(config, log)


@pytest.fixture(scope="session")
def cifar10() -> Path:
    """Real CIFAR-10, in the folder that $LINCLF_TEST_CIFAR10 names."""
    if not os.environ.get("LINCLF_TEST_CIFAR10"):
        pytest.skip("real CIFAR-10 is not here: set LINCLF_TEST_CIFAR10 to its folder")
    return Path(os.environ["LINCLF_TEST_CIFAR10"])


@pytest.fixture(scope="session")
def report(tmp_path_factory) -> Path:
    """The whole report on tiny data, from the command; made once for all processes, so that none may change it."""
    place = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        place = place.parent
    out, done = place / "report", place / "report.done"
    with FileLock(place / "report.lock"):
        if not done.exists():
            made = linclf("report", *TINY, "--out", out, "--single-file")
            assert made.returncode == 0, made.stdout + made.stderr
            done.touch()
    return out


@pytest.fixture(scope="session")
def browser():
    """The system's Chromium, through Playwright."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        missing("no Chromium here: apt-get install chromium")
    api = pytest.importorskip("playwright.sync_api")
    with api.sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])


@pytest.fixture
def visit(browser):
    with visiting(browser) as open_page:
        yield open_page

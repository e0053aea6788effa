"""Fixtures that several test files share."""

import os
import signal
from pathlib import Path

import pytest
from filelock import FileLock
from helpers import NO_CHROMIUM, TINY, chromium, linclf, missing, visiting
from hypothesis import settings

from linclf.claims import bootstrap

settings.register_profile("linclf", deadline=None)  # how long an example takes says how busy the machine is
settings.load_profile("linclf")

os.environ["SCIPY_ARRAY_API"] = "1"  # read when SciPy is imported: without it scikit-learn skips checks

# A shell that runs the tests in the background has Ctrl-C ignored, and what they start would ignore it too.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(tryfirst=True)  # before -m selects
def pytest_collection_modifyitems(items):
    """Fast tests come first, then slow ones by the file, then single slow ones, which even out what is left to do.

    Tests of a file that share fixtures of it run one after the other in one process.
    """
    files = {item.path: 'scope="module"' in item.path.read_text(encoding="utf-8") for item in items}
    for item in items:
        if "report" in item.fixturenames:  # which is slow to make
            item.add_marker("slow")
        if files[item.path]:
            item.add_marker(pytest.mark.xdist_group(str(item.path)))
    slow = {item.path if files[item.path] else item for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: 1 if item.path in slow else 2 if item in slow else 0)


@pytest.fixture(autouse=True)
def _coverage_of_this_process_alone(monkeypatch):
    """Processes that fixtures of modules and of the session start are measured; those of single tests run faster."""
    monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)


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
            made = linclf("report", *TINY, "--out", out, "--single-file", *(["--pdf"] if chromium() else []))
            assert made.returncode == 0, made.stdout + made.stderr
            done.touch()
    return out


@pytest.fixture(scope="session")
def browser():
    """The system's Chromium, through Playwright."""
    if not chromium():
        missing(NO_CHROMIUM)
    api = pytest.importorskip("playwright.sync_api")
    with api.sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])


@pytest.fixture(scope="module")
def few_resamples():
    """A tenth of them gives the same verdicts in a tenth of the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bootstrap, "IMAGE_RESAMPLES", bootstrap.IMAGE_RESAMPLES // 10)
        bootstrap.image_counts.cache_clear()
        yield
    bootstrap.image_counts.cache_clear()


@pytest.fixture
def visit(browser):
    with visiting(browser) as open_page:
        yield open_page

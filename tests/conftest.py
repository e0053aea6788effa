"""Fixtures that several test files share."""

import os
import re
import shutil
import signal
from pathlib import Path

import pytest
from helpers import TINY, linclf, missing
from hypothesis import settings

settings.register_profile("linclf", deadline=None)  # how long an example takes says how busy the machine is
settings.load_profile("linclf")

os.environ["SCIPY_ARRAY_API"] = "1"  # read when SciPy is imported: without it scikit-learn skips checks

# A shell that runs the tests in the background has Ctrl-C ignored, and what they start would ignore it too.
signal.signal(signal.SIGINT, signal.default_int_handler)


def together(nodeid):
    """What one process runs as a whole: a file, or all tests on the fixture ``report``, which is slow to make."""
    return "report" if ON_THE_REPORT.search(nodeid) else nodeid.partition("::")[0]


ON_THE_REPORT = re.compile(r"test_build\.py|test_pages\.py(?!.*\[.*committed/)|linclf predict reports")


def pytest_collection_modifyitems(items):
    """Files without slow tests come first, then those on the report, then the other slow ones."""
    slow = {together(item.nodeid) for item in items if item.get_closest_marker("slow")}
    order = {name: 1 if name == "report" else 2 for name in slow}
    items.sort(key=lambda item: order.get(together(item.nodeid), 0))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Whatever ``--dist`` says: groups of pytest-xdist's own are one test each from pytest 9.2 on."""
    from xdist.scheduler import LoadScopeScheduling

    class Together(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            return together(nodeid)

    config.option.loadscopereorder = False  # in the order of the items
    return Together(config, log)


@pytest.fixture(scope="session")
def cifar10() -> Path:
    """Real CIFAR-10, in the folder that $LINCLF_TEST_CIFAR10 names."""
    if not os.environ.get("LINCLF_TEST_CIFAR10"):
        pytest.skip("real CIFAR-10 is not here: set LINCLF_TEST_CIFAR10 to its folder")
    return Path(os.environ["LINCLF_TEST_CIFAR10"])


@pytest.fixture(scope="session")
def report(tmp_path_factory) -> Path:
    """The whole report on tiny data, from the command."""
    out = tmp_path_factory.mktemp("report")
    done = linclf("report", *TINY, "--out", out, "--single-file")
    assert done.returncode == 0, done.stdout + done.stderr
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
    """Open a file in a context of its own; what the page asked for and complained about is in ``page.trouble``."""
    contexts = []

    def open_page(path, width=1280, scheme="light", script=True, height=900):
        context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme, java_script_enabled=script, offline=True
        )
        contexts.append(context)
        page = context.new_page()
        page.trouble = []

        def asked(request):
            if not request.url.startswith("data:") and request.url != path.as_uri():
                page.trouble.append(f"asked for {request.url}")

        page.on("request", asked)
        page.on("requestfailed", lambda request: page.trouble.append(f"failed: {request.url[:80]}"))
        page.on("console", lambda message: page.trouble.append(message.text))
        page.on("pageerror", lambda error: page.trouble.append(str(error)))
        page.on("dialog", lambda dialog: (page.trouble.append("a dialog"), dialog.dismiss()))
        page.goto(path.as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()

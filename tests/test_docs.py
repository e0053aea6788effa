"""The documentation: built as `make docs` builds it, published as the workflow does, opened under a sub-path."""

import inspect
import json
import os
import re
import shlex
import subprocess
import sys
import threading
import tomllib
from contextlib import suppress
from functools import cache, partial
from html import unescape
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

import pytest
import yaml
from bs4 import BeautifulSoup
from helpers import AXE, ROOT, commands, examples, missing, spans

import linclf
from linclf.cli import parser
from linclf.report.build import notebooks, parse

pytestmark = pytest.mark.slow

PAGES = sorted(path.stem for path in (ROOT / "docs").glob("*.*") if path.suffix in (".md", ".rst"))
TEXTS = {path.name: path.read_text(encoding="utf-8") for path in sorted((ROOT / "docs").glob("*.md"))}
NOTEBOOKS = notebooks()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
ON_GITHUB = {  # what the workflow finds set
    "GITHUB_REPOSITORY": "Someone/linclf",
    "GITHUB_SERVER_URL": "https://github.com",
    "GITHUB_REF_NAME": "main",
    "GITHUB_SHA": 40 * "a",
}
TINY = {"LEARN_DATA": "synthetic:100"}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The site that the workflow uploads, in the sub-path that GitHub gives it."""
    pytest.importorskip("sphinx")
    folder = tmp_path_factory.mktemp("pages") / "linclf"
    dry_run = subprocess.run(["make", "--dry-run", "docs"], cwd=ROOT, capture_output=True, text=True)
    (words,) = re.findall(r"-m (sphinx .*) build/doctrees docs site$", dry_run.stdout, re.M)
    command = [sys.executable, "-m", *words.split(), folder.with_name("doctrees"), "docs", folder]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | ON_GITHUB | TINY, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def address(site):
    quiet = type("Quiet", (SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(quiet, directory=site.parent))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/linclf/"
    server.shutdown()
    server.server_close()


@cache
def anchors(path):
    return {unescape(found) for found in re.findall(r'\bid="([^"]+)"', path.read_text(encoding="utf-8"))}


@pytest.mark.parametrize("name", PAGES)
def test_links_and_anchors_lead_somewhere_and_nothing_is_loaded_from_elsewhere(site, name):
    path = site / f"{name}.html"
    page = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
    loaded = [tag.get("src") or tag.get("href") for tag in page.select("[src], link[href]:not([rel=canonical])")]
    assert loaded
    assert not [url for url in loaded if urlsplit(url).scheme not in ("", "data") or urlsplit(url).netloc]
    for url in [*loaded, *(link["href"] for link in page.select("a[href]"))]:
        parts = urlsplit(url)
        if parts.scheme:
            continue
        target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
        assert target.is_file(), url
        assert not parts.fragment or unquote(parts.fragment) in anchors(target), url


@pytest.mark.parametrize("name", PAGES)
def test_a_page_opens_under_a_sub_path_and_axe_finds_nothing_serious(browser, address, name):
    if not AXE.exists():
        missing("axe-core is not here: npm install --prefix tests")
    page, trouble = browser.new_page(), []
    page.on("request", lambda asked: asked.url.startswith((address, "data:")) or trouble.append(asked.url))
    page.on("requestfailed", lambda asked: trouble.append(f"failed: {asked.url}"))
    page.on("console", lambda message: trouble.append(message.text))
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.goto(f"{address}{name}.html")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    for width, scheme in ((1280, "light"), (390, "dark")):
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)
        assert page.evaluate("document.documentElement.scrollWidth") == width
        found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
        serious = [each for each in found if each["impact"] in ("serious", "critical")]
        assert [f"{each['id']}: {each['nodes'][0]['html'][:200]}" for each in serious] == []
    heights = page.evaluate("[...document.querySelectorAll('math')].map(math => math.getBoundingClientRect().height)")
    assert all(height > 0 for height in heights)
    assert trouble == []
    page.close()


@pytest.mark.parametrize("name", [name for name, text in TEXTS.items() if examples(text, "python")])
def test_its_examples_run(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LINCLF_DATA", "synthetic:100")
    for example in examples(TEXTS[name], "python"):
        exec(compile(example, name, "exec"), {})


@pytest.mark.parametrize("command", sorted({command for text in TEXTS.values() for command in commands(text)}))
def test_its_commands_are_commands(command):
    """Parsed, not run: README's are run."""
    words = shlex.split(command)
    while re.fullmatch(r"[A-Z_]+=\S+", words[0]):
        del words[0]
    program, *rest = words
    if program == "linclf":
        with suppress(SystemExit if rest[-1] == "--help" else ()):
            parser().parse_args(rest)
    elif program == "make":
        subprocess.run(["make", "--dry-run", *rest], cwd=ROOT, check=True, capture_output=True)
    elif program == "papermill":
        parse([rest[i + 1] + "=" + rest[i + 2] for i, word in enumerate(rest) if word == "-p"], NOTEBOOKS)
        assert (ROOT / rest[0]).is_file()
    elif program == "pip":
        extras = [name for found in re.findall(r"(?:linclf|\.)\[([\w,]+)\]", command) for name in found.split(",")]
        assert set(extras) <= set(PROJECT["optional-dependencies"])
    else:
        assert program in ("apt-get", "conda", "dask", "jupyter", "shtab")


def test_its_options_are_options():
    (subcommands,) = (action for action in parser()._actions if hasattr(action.choices, "values"))
    known = {word for command in subcommands.choices.values() for word in command._option_string_actions}
    named = {span.split()[0] for text in TEXTS.values() for span in spans(text) if span[:2] == "--"}
    assert named - known == {"--no-input", "--SlidesExporter.reveal_scroll=True"}  # nbconvert's


def test_every_extra_is_explained():
    rows = re.findall(r"^\| (`.*?`) \| ", TEXTS["install.md"], re.M)
    assert {*PROJECT["optional-dependencies"]} <= {*spans(" ".join(rows))}


def test_every_parameter_of_a_notebook_is_explained():
    rows = re.findall(r"^\| (`.*?`) \|", TEXTS["notebooks.md"], re.M)
    assert {*spans(" ".join(rows))} == {name for notebook in NOTEBOOKS.values() for name in notebook.types}


def test_every_public_name_and_method_is_listed(site):
    names = {name for name in dir(linclf) if not name.startswith("_")} - {"plot"}
    methods = {f"{name}.{key}" for name in names for key in dir(getattr(linclf, name)) if is_ours(name, key)}
    plots = {f"plot.{name}" for name in linclf.plot.__all__}
    assert {f"linclf.{name}" for name in names | methods | plots} <= anchors(site / "api.html")


def is_ours(name, key):
    """Whether a class has a public method or property of that name which linclf defines."""
    found = inspect.getattr_static(getattr(linclf, name), key)
    found = getattr(found, "__func__", getattr(found, "fget", found))
    return not key.startswith("_") and str(getattr(found, "__module__", "")).startswith("linclf.")


def test_copies_of_notebooks_say_how_to_install_and_the_page_how_to_open_them(site):
    page = (site / "notebooks.html").read_text(encoding="utf-8")
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        install, original = (json.loads(file.read_text("utf-8")) for file in (site / "notebooks" / path.name, path))
        added = [cell for cell in install["cells"] if cell not in original["cells"]]
        assert [cell["cell_type"] for cell in added] == ["markdown", "code"]
        assert "https://someone.github.io/linclf/" in "".join(added[0]["source"])
        assert "".join(added[1]["source"]).endswith(f'@ git+https://github.com/Someone/linclf@{40 * "a"}"')
        for url in (
            f"https://mybinder.org/v2/gh/Someone/linclf/main?labpath=notebooks%2F{path.name}",
            f"https://colab.research.google.com/github/Someone/linclf/blob/gh-pages/notebooks/{path.name}",
        ):
            assert f'href="{url}"' in page


def test_elsewhere_than_on_github_no_address_is_invented(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "docs")
    import generate

    for name in ON_GITHUB:
        monkeypatch.delenv(name, raising=False)
    assert generate.published() == {}
    assert "https://" not in generate.notebooks()


def test_the_workflow_builds_and_publishes(site, tmp_path):
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "pages.yml").read_text(encoding="utf-8"))
    jobs = workflow["jobs"].values()
    run = [(job["permissions"], [step["run"] for step in job["steps"] if "run" in step]) for job in jobs]
    # What installs packages may only read; what may write installs nothing.
    assert run == [({"contents": "read"}, ["make docs"]), ({"contents": "write"}, [".ci/publish site"])]

    def git(*words):
        return subprocess.run(["git", *words], cwd=tmp_path, capture_output=True, text=True, check=True).stdout

    (tmp_path / "own.txt").touch()
    git("init", "--quiet", "--bare", "origin")
    git("init", "--quiet")
    git("remote", "add", "origin", "origin")
    before = git("status", "--porcelain")
    for _ in range(2):  # the second replaces the first
        subprocess.run([ROOT / ".ci" / "publish", site], cwd=tmp_path, env=os.environ | ON_GITHUB, check=True)
    assert git("status", "--porcelain") == before
    assert git("-C", "origin", "log", "--format=%s", "gh-pages") == f"The site of {40 * 'a'}\n"
    files = set(git("-C", "origin", "ls-tree", "-r", "--name-only", "gh-pages").split())
    assert {".nojekyll", "index.html", "reports/cifar-10/index.html", "notebooks/summary.ipynb"} <= files
    assert files == {path.relative_to(site).as_posix() for path in site.rglob("*") if path.is_file()}

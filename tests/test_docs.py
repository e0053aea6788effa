"""The documentation: built as on GitHub, opened without a server; its examples, commands and options are right."""

import os
import re
import shlex
import subprocess
import sys
from functools import cache
from html import unescape
from urllib.parse import unquote, urlsplit

import pytest
from bs4 import BeautifulSoup
from helpers import ROOT, commands, examples, serious_violations, visiting

import linclf
from linclf.cli import parser
from linclf.report.build import notebooks, parse

pytestmark = pytest.mark.slow

PAGES = sorted(path.stem for path in (ROOT / "docs").glob("*.*") if path.suffix in (".md", ".rst"))
TEXTS = {path.name: path.read_text(encoding="utf-8") for path in sorted((ROOT / "docs").glob("*.md"))}
NOTEBOOKS = notebooks()
ON_GITHUB = {
    "GITHUB_REPOSITORY": "Someone/linclf",
    "GITHUB_SERVER_URL": "https://github.com",
    "GITHUB_REF_NAME": "main",
    "GITHUB_SHA": 40 * "a",
    "LEARN_DATA": "synthetic:100",
}
"""Copies of notebooks that say how to install them are made there only."""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    pytest.importorskip("sphinx")
    folder = tmp_path_factory.mktemp("pages") / "linclf"
    command = [sys.executable, "-m", "sphinx", "--fail-on-warning", "--quiet", "docs", folder]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | ON_GITHUB, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder


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
    for url in [*loaded, *(link["href"] for link in page.select("a[href]:not([href^='#train&'])"))]:
        parts = urlsplit(url)
        target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
        assert parts.scheme or target.is_file(), url
        assert parts.scheme or not parts.fragment or unquote(parts.fragment) in anchors(target), url


@pytest.mark.parametrize("name", PAGES)
def test_a_page_opens_without_a_server_and_axe_finds_nothing_serious(browser, site, name):
    with visiting(browser) as visit:
        page = visit(site / f"{name}.html", within=site)
        heights = "[...document.querySelectorAll('math')].map(math => math.getBoundingClientRect().height)"
        assert all(height > 0 for height in page.evaluate(heights))
        assert page.trouble == []  # axe then asks for style sheets, which it may not from a file
        for width, scheme in ((1280, "light"), (390, "dark")):
            page.set_viewport_size({"width": width, "height": 900})
            page.emulate_media(color_scheme=scheme)
            assert page.evaluate("document.documentElement.scrollWidth") == width
            assert serious_violations(page) == []


@pytest.mark.parametrize("name", [name for name, text in TEXTS.items() if examples(text, "python")])
def test_its_examples_run(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LINCLF_DATA", "synthetic:100")
    for example in examples(TEXTS[name], "python"):
        exec(compile(example, name, "exec"), {})


def test_examples_have_the_types_that_they_need(tmp_path):
    """By mypy --strict, with what pyproject.toml says of packages without types."""
    for i, example in enumerate(example for text in TEXTS.values() for example in examples(text, "python")):
        (tmp_path / f"example_{i}.py").write_text(example, encoding="utf-8")
    command = [sys.executable, "-m", "mypy", "--strict", *tmp_path.iterdir()]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("command", sorted({command for text in TEXTS.values() for command in commands(text)}))
def test_its_commands_are_commands(command):
    """Parsed, not run: README's are run."""
    program, *rest = [word for word in shlex.split(command) if not re.fullmatch(r"[A-Z_]+=\S+", word)]
    if program == "papermill":
        parse([rest[i + 1] + "=" + rest[i + 2] for i, word in enumerate(rest) if word == "-p"], NOTEBOOKS)
        assert (ROOT / rest[0]).is_file()
    elif program == "linclf" and "--help" not in rest and len(rest) > 1:  # a sentence names a command, too
        parser().parse_args(rest)
    elif program == "linclf":
        with pytest.raises(SystemExit, match=r"^0$"):
            parser().parse_args([rest[0], "--help"])


def test_every_public_name_is_listed(site):
    names = {name for name in dir(linclf) if not name.startswith("_")} - {"plot"}
    plots = {f"plot.{name}" for name in linclf.plot.__all__}
    assert {f"linclf.{name}" for name in names | plots} <= anchors(site / "api.html")

"""Executed notebooks as HTML pages, each of which is one self-contained file; and all pages joined in one."""

import base64
import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from html import escape, unescape
from pathlib import Path
from typing import Any

from nbconvert import HTMLExporter
from nbconvert.exporters import MarkdownExporter
from nbconvert.preprocessors import Preprocessor
from nbformat import NotebookNode
from traitlets import default
from traitlets.config import Config

from linclf.errors import ConfigError
from linclf.system.progress import MARK

from .pages import PAGES, USUAL, page_file, reading_order
from .views.html import IN_JUPYTER, PAPER, markdown

_TEMPLATES = Path(__file__).parent / "templates"
YOURS = "Your data"
"""The words of a heading in whose place a page names the data."""
# A display formula, an inline one, or code, which is left alone.
_FORMULA = re.compile(r"(?P<code>```.*?```|`[^`]*`)|\$\$(?P<display>.+?)\$\$|(?<!\\)\$(?P<inline>[^$\n]+?)\$", re.S)

# What no line may end in the middle of: "λ = 0.1", "± 0.2", "to 0.3)", "40 %"; not in code or within a tag.
_TIES = re.compile(
    r"<(script|style|pre|code)\b.*?</\1>|<[^>]*>|`[^`]*`"
    r"|(?P<tie>(?<=[λημ]) = (?=\d)|(?<=\d:) (?=[λη])|(?<=±) (?=\d)|(?<=\bto) (?=[+−]?[\d.]+\))|(?<=\d) (?=%))",
    re.S,
)
_FUNCTION = re.compile(r"(<mi>\w{2,}</mi>)(?=<m)(?!<mo[^>]*>[(|])")
_SIGN = re.compile(r"(<mo>&#x0003D;</mo>|</munderover>)<mo>(?=&#x02212;)")


def convert(notebook: NotebookNode, name: str) -> str:
    """Convert an executed notebook to its page, as HTML."""
    exporter = HTMLExporter(template_name="linclf", extra_template_basedirs=[str(_TEMPLATES)])
    # Ours first: what an earlier installation left where Jupyter looks may be older than this code.
    exporter.template_paths = [str(_TEMPLATES / "linclf"), str(_TEMPLATES), *exporter.template_paths]
    return exporter.from_notebook_node(notebook, resources={"metadata": {"name": name}})[0]


def join(pages: Mapping[str, str], first: str) -> str:
    """Join pages, given as name -> HTML in reading order, in one; links between them become links within it.

    ``first`` is the name of the one that is ``index.html``.
    """
    from bs4 import BeautifulSoup

    files = {page_file(name, first): name for name in pages}

    def within(name: str, href: str) -> str:
        """The target, in the joined page, of a link from the page ``name``."""
        file, sign, anchor = href.partition("#")
        target = files.get(file) if file else name
        return f"#{target}{sign and '.'}{anchor}" if target else href

    parsed = {name: BeautifulSoup(page, "html.parser") for name, page in pages.items()}
    articles = {name: page.select("article")[0] for name, page in parsed.items()}
    for name, article in articles.items():
        for element in article.select("[id]"):
            element["id"] = f"{name}.{element['id']}"
        for link in parsed[name].select("article a[href], header a[href]"):
            link["href"] = within(name, str(link["href"]))
        for link in article.select(".onward"):
            link.decompose()
        article["id"] = name
    whole = next(iter(parsed.values()))
    for link in whole.select("header [aria-current]"):
        del link["aria-current"]
    for kind, place in (("style.formulas", "head"), ("style.player", "head"), ("script.player", "body")):
        for element in [found for page in parsed.values() for found in page.select(kind)][:1]:
            whole.select(place)[0].append(element)
    main = whole.select("main")[0]
    main.extend(articles.values())
    main.insert(0, BeautifulSoup(_contents(articles), "html.parser"))
    return str(whole)


def _contents(articles: Mapping[str, Any]) -> str:
    """A table of contents, shown on paper only: pages and their sections, each a link to its heading."""
    pages = []
    for name, article in articles.items():
        links = [
            f'<a href="#{escape(heading.get("id", name))}">{escape(_title(heading))}</a>'
            for heading in article.select("h1, h2")
        ]
        listed = "".join(f"<li>{link}</li>" for link in links[1:])
        pages.append(f"<li>{links[0]}<ul>{listed}</ul></li>")
    title = escape(_title(next(iter(articles.values())).select("h1")[0]))
    return f'<nav class="contents" aria-label="Contents"><p>{title}</p><ol>{"".join(pages)}</ol></nav>'


def _title(heading: Any) -> str:
    """A heading's text without its anchor's sign."""
    return str(heading.get_text()).removesuffix("¶").strip()


class PagePreprocessor(Preprocessor):
    """Prepares what Jinja cannot: title, navigation, formulas as MathML, and cells without their progress lines."""

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> tuple[NotebookNode, dict[str, Any]]:
        """nbconvert calls this once per notebook, through the template's conf.json."""
        # papermill's copy may be called anything; it says which notebook it was made from.
        name = Path(nb.metadata.get("papermill", {}).get("input_path") or resources["metadata"]["name"]).stem
        heading = re.search(
            r"^# (.+)", "\n".join(cell.source for cell in nb.cells if cell.cell_type == "markdown"), re.M
        )
        about = {"pages": USUAL, "first": "summary", "data": YOURS} | nb.metadata.get("linclf", {})
        made, first = reading_order(about["pages"], about["first"]), about["first"]
        onward = made[made.index(name) + 1 :][:1] if name in made else []
        resources["linclf"] = {
            "title": heading[1].replace(YOURS, escape(about["data"]), 1) if heading else name,
            "pages": [(page_file(page, first), PAGES[page].title, page == name) for page in made],
            "onward": [(page_file(page, first), PAGES[page].title) for page in onward],
            "sections": [],
            "failed": about.get("failed"),
        }
        _gather_code(nb.cells)
        for cell in without_progress(nb).cells:
            if cell.cell_type == "markdown":
                cell.source = cell.source.replace(f"# {YOURS}", f"# {markdown(about['data'])}", 1)
                resources["linclf"]["sections"] += re.findall(r"^## (.+)", cell.source, re.M)
                cell.source = tied(mathml(cell.source))
            for data in (output.get("data", {}) for output in cell.get("outputs", [])):
                if "text/html" in data:
                    data["text/html"] = tied(data["text/html"].removesuffix(IN_JUPYTER))
                if "text/markdown" in data:
                    resources["linclf"]["sections"] += re.findall(r"^## (.+)", data["text/markdown"], re.M)
                    data["text/markdown"] = tied(mathml(data["text/markdown"]))
        shown = [cell.source for cell in nb.cells] + [str(output.get("data")) for output in outputs(nb)]
        resources["linclf"]["plays"] = any('class="play"' in text for text in shown)
        if any("<math" in text for text in shown):
            font = (_TEMPLATES / "linclf" / "formulas.woff2").read_bytes()
            resources["linclf"]["font"] = base64.b64encode(font).decode()
        return nb, resources


def _gather_code(cells: Sequence[NotebookNode]) -> None:
    """Give each section's last cell the section's code, which the page folds into one line there."""
    own: list[NotebookNode] = []
    for cell, after in zip(cells, [*cells[1:], None], strict=True):
        own += [cell] if cell.cell_type == "code" and "show" not in cell.metadata.get("tags", []) else []
        if after is None or (after.cell_type == "markdown" and re.search(r"^## ", after.source, re.M)):
            given = any("parameters" in each.metadata.get("tags", []) for each in own)
            cell.metadata["linclf_fold"] = "Parameters and code" if given else "Code"
            cell.metadata["linclf_code"], own = [each.source for each in own], []


def outputs(nb: NotebookNode) -> list[NotebookNode]:
    """All outputs of all cells."""
    return [output for cell in nb.cells for output in cell.get("outputs", [])]


def without_progress(nb: NotebookNode) -> NotebookNode:
    """The notebook without the lines of progress, and without stderr.

    Progress is for whoever waits; on a page it would differ from run to run.
    """
    for cell in nb.cells:
        if "outputs" in cell:
            cell.outputs = [
                output for output in cell.outputs if output.get("metadata") != MARK and output.get("name") != "stderr"
            ]
    return nb


def tied(markup: str) -> str:
    """HTML or Markdown whose numbers stay on one line with their signs and units."""
    return _TIES.sub(lambda match: match[0].replace(" ", "\xa0") if match["tie"] else match[0], markup)


def mathml(text: str) -> str:
    """Markdown with its formulas turned into MathML, which browsers show without a script."""
    from latex2mathml.converter import convert as to_mathml

    def formula(match: re.Match[str]) -> str:
        if match["code"]:
            return match["code"]
        markup = to_mathml(match["display"] or match["inline"], display="block" if match["display"] else "inline")
        # A function's name stands apart from what follows, unless that is in brackets; no browser does it by itself.
        markup = _FUNCTION.sub(r'\1<mspace width="0.167em"/>', markup)
        # A minus that begins the side of an equation, or the terms of a sum, is a sign and no difference.
        markup = _SIGN.sub(r'\1<mo form="prefix">', markup)
        # Where a page is narrower than a formula, it scrolls: the keyboard must reach it.
        return markup.replace('display="block"', 'display="block" tabindex="0"', 1)

    return _FORMULA.sub(formula, text)


class LinclfMarkdownExporter(MarkdownExporter):
    """Text, tables and pictures, each picture a file; code only where a page shows it, too."""

    export_from_notebook = "Markdown with pictures"

    @property
    def default_config(self) -> Config:
        """What nbconvert prefers where an output has several types; options of the command come before it."""
        kinds = ["image/png", "image/jpeg", "image/svg+xml", "text/markdown", "text/html", "text/latex", "text/plain"]
        config = super().default_config
        config.merge(Config(NbConvertBase={"display_data_priority": kinds}))
        return config

    @default("raw_template")
    def _raw_template(self) -> str:
        return """
{%- extends 'markdown/index.md.j2' -%}
{%- block input -%}
{%- if 'show' in cell.metadata.get('tags', []) -%}
{{ super() }}
{%- endif -%}
{%- endblock input -%}
{%- block data_png -%}
{%- set described = output.metadata.get('image/png', {}).get('alt') or 'picture' %}
![{{ described | literal }}]({{ output.metadata.filenames['image/png'] | path2url }})
{% endblock -%}
"""

    def from_notebook_node(self, nb: Any, resources: Any = None, **kw: Any) -> Any:
        """Without the lines of progress, which differ from run to run, and without more than one blank line."""
        self.environment.filters["literal"] = markdown
        text, resources = super().from_notebook_node(without_progress(nb), resources, **kw)
        return re.sub(r"\n{3,}", "\n\n", text).lstrip(), resources


_NAMES = (
    *("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge"),
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
)


def browser() -> str:
    """Where Chromium, or what is made from it, is found; ConfigError if it is not."""
    if found := next(filter(None, map(shutil.which, _NAMES)), None):
        return found
    raise ConfigError(
        "expected Chromium or Chrome, which prints the PDF, found neither: install one, or leave out --pdf"
    )


def print_pdf(page: str, scratch: Path) -> bytes:
    """The PDF of a page that :func:`.render.join` made, with bookmarks, and sheet numbers in its table of contents.

    The browser keeps its own files in the folder ``scratch``.
    """
    page = re.sub(r"(data:image/svg\+xml;base64,)([\w+/=]+)", _on_white, page)
    # No browser numbers a table of contents: it is printed twice, and the first print says where everything stands.
    return _printed(_numbered(page, _printed(page, scratch)), scratch)


def _on_white(link: re.Match[str]) -> str:
    """The link to a figure, whose ground is as white as the sheet; a page's own is a shade darker."""
    return link[1] + base64.b64encode(base64.b64decode(link[2]).replace(PAPER.encode(), b"#ffffff")).decode()


def _printed(page: str, scratch: Path) -> bytes:
    source, made = scratch / "page.html", scratch / "page.pdf"
    source.write_text(page, encoding="utf-8")
    made.unlink(missing_ok=True)
    options = ["--headless", "--disable-gpu", f"--user-data-dir={scratch / 'browser'}", "--no-first-run"]
    options += ["--no-pdf-header-footer", "--generate-pdf-document-outline", f"--print-to-pdf={made}"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        options.append("--no-sandbox")  # Chromium starts for root without its sandbox only
    try:
        done = subprocess.run([browser(), *options, source.as_uri()], capture_output=True, text=True, timeout=300)
        return made.read_bytes()
    except subprocess.TimeoutExpired:
        raise ConfigError("the browser did not print the PDF within 300 s") from None
    except FileNotFoundError:
        said = done.stderr.strip().splitlines()[-1:] or [f"status {done.returncode}"]
        raise ConfigError(f"the browser printed no PDF: {said[0]}") from None


def _numbered(page: str, printed: bytes) -> str:
    """The page with the sheet of each target in its table of contents, as far as ``printed`` tells."""
    sheets = {number: i for i, number in enumerate(re.findall(rb"(\d+) 0 obj\n<</Type /Page\n", printed), start=1)}
    found = {
        re.sub(rb"#([0-9A-F]{2})", lambda code: bytes([int(code[1], 16)]), name).decode(errors="replace"): sheets[sheet]
        for name, sheet in re.findall(rb"/(\S+) \[(\d+) 0 R /XYZ", printed)
        if sheet in sheets
    }

    def link(match: re.Match[str]) -> str:
        return f'<a data-page="{found.get(unescape(match[1]), "")}" href="#{match[1]}">'

    before, contents, after = re.split('(<nav [^>]*class="contents".*?</nav>)', page, maxsplit=1, flags=re.S)
    return before + re.sub(r'<a href="#([^"]+)">', link, contents) + after

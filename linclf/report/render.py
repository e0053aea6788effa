"""Executed notebooks as HTML pages, each of which is one self-contained file; and all pages joined in one."""

import base64
import re
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from nbconvert import HTMLExporter
from nbconvert.preprocessors import Preprocessor
from nbformat import NotebookNode

from linclf.system.progress import MARK

from .pages import PAGES, USUAL, page_file, reading_order
from .views.bundles import IN_JUPYTER, markdown

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

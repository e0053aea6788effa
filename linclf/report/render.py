"""Executed notebooks as HTML pages, each of which is one self-contained file; and all pages joined in one."""

import re
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from nbconvert import HTMLExporter
from nbconvert.preprocessors import Preprocessor
from nbformat import NotebookNode

from .pages import PAGES, USUAL, page_file, reading_order
from .views.bundles import markdown

_TEMPLATES = Path(__file__).parent / "templates"
YOURS = "Your data"
"""The words of a heading in whose place a page names the data."""
# A display formula, an inline one, or code, which is left alone.
_FORMULA = re.compile(r"(?P<code>```.*?```|`[^`]*`)|\$\$(?P<display>.+?)\$\$|(?<!\\)\$(?P<inline>[^$\n]+?)\$", re.S)


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
    whole.select("main")[0].extend(articles.values())
    return str(whole)


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
        for cell in nb.cells:
            if cell.cell_type == "markdown":
                cell.source = cell.source.replace(f"# {YOURS}", f"# {markdown(about['data'])}", 1)
                resources["linclf"]["sections"] += re.findall(r"^## (.+)", cell.source, re.M)
                cell.source = mathml(cell.source)
            # Progress is for whoever waits; on a page it would differ from run to run.
            if cell.cell_type == "code":
                cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
            for output in cell.get("outputs", []):
                if "text/markdown" in output.get("data", {}):
                    headings = re.findall(r"^## (.+)", output.data["text/markdown"], re.M)
                    resources["linclf"]["sections"] += headings if "text/html" not in output.data else []
                    output.data["text/markdown"] = mathml(output.data["text/markdown"])
        return nb, resources


def mathml(text: str) -> str:
    """Markdown with its formulas turned into MathML, which browsers show without a script."""
    from latex2mathml.converter import convert as to_mathml

    def formula(match: re.Match[str]) -> str:
        if match["code"]:
            return match["code"]
        markup = to_mathml(match["display"] or match["inline"], display="block" if match["display"] else "inline")
        # Where a page is narrower than a formula, it scrolls: the keyboard must reach it.
        return markup.replace('display="block"', 'display="block" tabindex="0"', 1)

    return _FORMULA.sub(formula, text)

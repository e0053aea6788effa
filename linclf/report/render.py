"""Executed notebooks as HTML pages, each of which is one self-contained file; all pages in one, and that on paper."""

import base64
import hashlib
import io
import mimetypes
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import nbconvert
from jupyter_core.paths import jupyter_path
from markupsafe import Markup, escape
from nbformat import NotebookNode
from traitlets import Unicode, default
from traitlets.config import Config

from linclf.errors import ConfigError
from linclf.system.progress import MARK

from .pages import PAGES, USUAL, page_file, reading_order
from .views.html import IN_JUPYTER, PAPER, TEMPLATES, data_link, element, markdown, visible, without_formulas

YOURS = "Your data"
"""The words of a heading in whose place a page names the data."""
SCRIPTS = {
    name: "\n".join((TEMPLATES / file).read_text(encoding="utf-8") for file in files)
    for name, files in {
        "page": ("page.js", "curves.js"),
        "player": ("pixels.js", "photo.js", "play.js", "trainer.js", "train.js"),
        "slides": ("slides.js",),
    }.items()
}
"""The scripts of every page, of the page for any setting, and of slides."""
_HASHES = " ".join(
    f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'" for script in SCRIPTS.values()
)
POLICY = (
    f"default-src 'none'; script-src {_HASHES}; worker-src blob:; img-src data: blob:; font-src data:; "
    "style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
)
"""The Content-Security-Policy of a page: only its own scripts run, and nothing is loaded."""
_NO_SCRIPTS = """<meta http-equiv="Content-Security-Policy" content="script-src 'none'; worker-src 'none'">"""
_BROWSERS = (
    *("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge"),
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
)
# A formula on lines of its own, one within a line, or code, which is left alone.
_FORMULA = re.compile(
    r"(?P<code>```.*?```|(?<!\\)`[^`]*`)|(?<!\\)\$\$(?P<display>.+?)(?<!\\)\$\$"
    r"|(?P<environment>\\begin\{(?P<kind>[a-z]+\*?)\}.*?\\end\{(?P=kind)\})"
    r"|(?<!\\)\$(?P<inline>[^$\n]+?)(?<!\\)\$",
    re.S,
)
_FUNCTION = re.compile(r"(<mi>\w{2,}</mi>)(?=<m)(?!<mo[^>]*>[(|])")
_SIGN = re.compile(r"(<mo>&#x0003D;</mo>|</munderover>)<mo>(?=&#x02212;)")
# No line breaks within "λ = 0.1", "± 0.2", "to 0.3)" and "40 %"; code and tags are left alone.
_TIES = re.compile(
    r"<(script|style|pre|code)\b.*?</\1>|<[^>]*>|(?<!\\)`[^`]*`"
    r"|(?P<tie>(?<=[λημ]) = (?=\d)|(?<=\d:) (?=[λη])|(?<=±) (?=\d)|(?<=\bto) (?=[+−]?[\d.]+\))|(?<=\d) (?=%))",
    re.S,
)
_SLIDES = ".slides.html"
_WIDGET = "application/vnd.jupyter.widget-view+json"
# Elements that would run a script, show a frame or load something, which no page does.
_LOADS = re.compile(
    r"<(script(?! type=.application/json)|iframe|object|embed|link)\b|<[a-z][^<>]*\ssrc=[\"']?(?!data:)[^\"'>\s]", re.I
)
_LOADS_MARKDOWN = re.compile(rf"{_LOADS.pattern}|!\[[^\]]*\]\((?!data:|attachment:)", re.I)
_LEFT_OUT = """

<p class="callout warning" role="note">Left out: what stands here runs or loads something (a script, a frame, a picture
from elsewhere), which no page of a report does.</p>
"""
_ESCAPES = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)?|[PX^_][^\x1b]*(\x1b\\)?|[ -/]*[0-~])")


def convert(notebook: NotebookNode, name: str) -> str:
    """Convert an executed notebook to its page, as HTML."""
    return nbconvert.export(LinclfPageExporter, notebook, resources={"metadata": {"name": name}})[0]


@cache
def template_folders() -> list[str]:
    """Our templates' folder, and nbconvert's: beside or above that package, where Jupyter itself may not look.

    Raises:
        ConfigError: nbconvert's are nowhere.
    """
    above = [str(parent / "share" / "jupyter") for parent in Path(nbconvert.__file__).parents]
    for folder in (Path(root, "nbconvert", "templates") for root in [*jupyter_path(), *above]):
        if (folder / "base").is_dir():
            return [str(TEMPLATES.parent), str(folder)]
    raise ConfigError("nbconvert's own templates are missing from this installation: install nbconvert again")


class _WithOurTemplates(nbconvert.TemplateExporter):
    """Finds our templates and nbconvert's, wherever they are."""

    @default("template_paths")
    def _ours_first(self) -> list[str]:
        """Those in Jupyter's folders come last: they may be of an earlier installation."""
        self.extra_template_basedirs = template_folders()
        return [str(TEMPLATES.with_name(self.template_name)), *template_folders(), *self._template_paths()]


class LinclfPageExporter(_WithOurTemplates, nbconvert.HTMLExporter):
    """A page of the report."""

    template_name = Unicode("linclf").tag(config=True, affects_template=True)


class LinclfSlidesExporter(LinclfPageExporter):
    """The page with a slide for each section, in one file that needs no network."""

    export_from_notebook = "Slides in one file"
    template_file = Unicode("index.html.j2").tag(config=True, affects_template=True)

    @default("file_extension")
    def _file_extension_default(self) -> str:
        return _SLIDES


class PagePreprocessor(nbconvert.preprocessors.Preprocessor):
    """Prepares what Jinja cannot: title, navigation, formulas as MathML, and cells without their progress lines.

    nbconvert finds it through the template's conf.json.
    """

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> tuple[NotebookNode, dict[str, Any]]:
        """Called by nbconvert, once per notebook."""
        about = {"pages": USUAL, "first": "summary", "data": YOURS, "links": {}} | nb.metadata.get("linclf", {})
        # papermill's copy may be called anything; it says which notebook it was made from.
        name = Path(nb.metadata.get("papermill", {}).get("input_path") or resources["metadata"]["name"]).stem
        first = about["first"]
        names = reading_order(set(about["pages"]) & PAGES.keys(), first)
        links = [(page_file(page, first), PAGES[page].title, page == name) for page in names]
        texts, markups = [], []
        _fold_code(nb)
        for cell in without_progress(nb).cells:
            if cell.cell_type == "markdown":
                cell.source = cell.source.replace(f"# {YOURS}", f"# {markdown(about['data'])}", 1)
                texts.append(cell.source)
                source = _with_pictures(cell.source, resources["metadata"].get("path", ""))
                cell.source = tied(mathml(source)) + _LEFT_OUT * bool(_LOADS_MARKDOWN.search(source))
                markups.append(cell.source)
            for output in cell.get("outputs", []):
                texts.append(output.get("data", {}).get("text/markdown", ""))
                _prepare(output)
                markups += (text for kind, text in output.get("data", {}).items() if kind in _MARKUP)
        headings = _headings("\n".join(texts))
        markup = "\n".join(markups)
        resources["linclf"] = about | {
            "title": next((title for level, _, title in headings if level == "h1"), name),
            "pages": links,
            "onward": links[names.index(name) + 1 :][:1] if name in names else [],
            "sections": [(anchor, title) for level, anchor, title in headings if level == "h2"],
            "plays": 'class="play' in markup,
            "slides": resources.get("output_extension") == _SLIDES,
            "policy": POLICY,
            "scripts": SCRIPTS,
            "font": base64.b64encode((TEMPLATES / "formulas.woff2").read_bytes() * ("<math" in markup)).decode(),
        }
        return nb, resources


_MARKUP: dict[str, Callable[[str], str]] = {
    "text/html": lambda markup: tied(markup.removesuffix(IN_JUPYTER)),
    "text/markdown": lambda text: tied(mathml(text)),
    "text/latex": lambda latex: _with_formulas(latex),
}
_SHOWN = _MARKUP | {
    "image/svg+xml": lambda svg: base64.b64encode(svg.encode()).decode(),
    "image/png": str,
    "image/jpeg": str,
    "text/plain": lambda text: as_shown(text),
}
"""Types of output that the template shows, and what prepares each for it."""


def _prepare(output: NotebookNode) -> None:
    """Keep the types of an output that the template shows, or say what is left out; remove terminal codes."""
    if "text" in output:
        output.text = as_shown(output.text)
    if "traceback" in output:
        output.traceback = [as_shown(line) for line in output.traceback]
    if "data" not in output:
        return
    data = {kind: prepared(output.data[kind]) for kind, prepared in _SHOWN.items() if kind in output.data}
    if not data:
        kinds = as_shown(", ".join(sorted(output.data))) or "no type"
        data["text/plain"] = f"Left out: an output of a type that no page shows ({kinds})."
    runs = "application/javascript" in output.data or (_WIDGET in output.data and "text/html" not in data)
    if runs or _LOADS.search(data.get("text/html", "")):
        plain = Markup('<pre class="stream" tabindex="0">{}</pre>').format(data.get("text/plain", ""))
        data["text/html"] = f"{data.get('text/html', plain)}{_LEFT_OUT}"
    output.data = NotebookNode(data)


def _with_formulas(latex: str) -> str:
    """LaTeX as HTML: its formulas as MathML, the rest as it is written."""
    parts, end = [], 0
    for match in _FORMULA.finditer(latex):
        parts += [escape(latex[end : match.start()]), escape(match[0]) if match["code"] else _mathml(match)]
        end = match.end()
    return "".join([*parts, escape(latex[end:])])


def _with_pictures(source: str, folder: str) -> str:
    """Markdown with the pictures embedded that lie in files beside the notebook, in ``folder``."""

    def embed(match: re.Match[str]) -> str:
        file, kind = Path(folder, unquote(match[2])), mimetypes.guess_type(match[2])[0] or ""
        shown = kind.startswith("image/") and file.is_file()
        return f"![{match[1]}]({data_link(kind, file.read_bytes())})" if shown else match[0]

    return re.sub(r"!\[([^\]]*)\]\((?!\w+:)([^)\s]+)\)", embed, source)


def as_shown(text: str) -> str:
    r"""Text that was written to a terminal: without colours, and of a line that was written again the last time.

    >>> as_shown("1 %\r50 %\r\x1b[32m100 %\x1b[0m\nb")
    '100 %\nb'
    """
    lines = _ESCAPES.sub("", text).split("\n")
    return visible("\n".join(line.rstrip("\r").rpartition("\r")[2] for line in lines))


def _headings(text: str) -> list[tuple[str, str, str]]:
    """Level, anchor and title of each heading of Markdown, down to the second level, as its page has them."""
    from bs4 import BeautifulSoup

    lines = re.findall("^##? .+", re.sub("```.*?```", "", text, flags=re.S), re.M)
    parsed = BeautifulSoup(nbconvert.filters.markdown2html("\n".join(map(mathml, lines))), "html.parser")
    return [(heading.name, str(heading.get("id", "")), _title(heading)) for heading in parsed.select("h1, h2")]


def _fold_code(nb: NotebookNode) -> None:
    """Collect each section's code in its last cell, where the page shows it folded into one line."""
    code: list[NotebookNode] = []
    for i, cell in enumerate(nb.cells, start=1):
        if cell.cell_type == "code" and "show" not in cell.metadata.get("tags", []):
            code.append(cell)
        after = nb.cells[i] if i < len(nb.cells) else None
        if after is None or (after.cell_type == "markdown" and re.search(r"^## ", after.source, re.M)):
            parameters = any("parameters" in folded.metadata.get("tags", []) for folded in code)
            cell.metadata["linclf_fold"] = "Parameters and code" if parameters else "Code"
            cell.metadata["linclf_code"], code = [folded.source for folded in code], []


def outputs(nb: NotebookNode) -> list[NotebookNode]:
    """All outputs of all cells."""
    return [output for cell in nb.cells for output in cell.get("outputs", [])]


def without_progress(nb: NotebookNode) -> NotebookNode:
    """The notebook without the lines of progress, which are for whoever waits, and differ from run to run.

    Nor has it the first cell's link to its page, from a notebook's own folder: here is its page.
    """
    for cell in nb.cells[:1]:
        cell.source = re.sub(r"\n\n\[[^]]*\]\(\.\./reports/.*\Z", "", cell.source)
    for cell in nb.cells:
        if "outputs" in cell:
            cell.outputs = [output for output in cell.outputs if output.get("metadata") != MARK]
    return nb


def tied(markup: str) -> str:
    """HTML or Markdown whose numbers stay on one line with their signs and units."""
    return _TIES.sub(lambda match: match[0].replace(" ", "\xa0") if match["tie"] else match[0], markup)


def mathml(text: str) -> str:
    """Markdown with its formulas turned into MathML, which browsers show without a script."""
    return _FORMULA.sub(_mathml, text)


def _mathml(match: re.Match[str]) -> str:
    """A formula as MathML; one that cannot be read stands as it is, with a note."""
    from latex2mathml.converter import convert as to_mathml

    if match["code"]:
        return match[0]
    formula = match["display"] or match["environment"] or match["inline"]
    formula = formula.replace(r"{aligned}", r"{align*}")  # which is the one that the converter knows
    try:
        markup = to_mathml(formula, display="inline" if match["inline"] else "block")
        braces = re.sub(r"\\.", "", formula)
        if braces.count("{") != braces.count("}") or "<mi>\\" in markup:  # unbalanced, or a command that is not known
            raise ValueError(formula)
    except Exception:  # whatever TeX that it does not know makes it raise
        # Signs by their numbers mean nothing to Markdown.
        signs = "".join(sign if sign.isalnum() else f"&#{ord(sign)};" for sign in " ".join(match[0].split()))
        return f"<code>{signs}</code> <small>(a formula that could not be read)</small>"
    # A function's name stands apart from what follows, unless that is in brackets; no browser does it by itself.
    markup = _FUNCTION.sub(r'\1<mspace width="0.167em"/>', markup)
    # A minus that begins the side of an equation, or the terms of a sum, is a sign and no difference.
    markup = _SIGN.sub(r'\1<mo form="prefix">', markup).replace("<mi>&</mi>", "<mi>&amp;</mi>")
    # Where a page is narrower than a formula, it scrolls: the keyboard must reach it.
    return markup.replace('display="block"', 'display="block" tabindex="0"', 1)


def join(pages: Mapping[str, str], first: str) -> str:
    """Join pages, given as name -> HTML in reading order, in one; links between them become links within it.

    ``first`` is the name of the one that is ``index.html``.
    """
    from bs4 import BeautifulSoup

    files = {page_file(name, first): name for name in pages}
    parsed = {name: BeautifulSoup(page, "html.parser") for name, page in pages.items()}
    articles = {name: page.select("article")[0] for name, page in parsed.items()}
    for name, article in articles.items():
        for tag in article.select("[id]"):
            tag["id"] = f"{name}.{tag['id']}"
        for link in parsed[name].select("article a[href], header a[href]"):
            file, sign, anchor = str(link["href"]).partition("#")
            if target := files.get(file) if file else name:
                link["href"] = f"#{target}{sign and '.'}{anchor}"
        for link in article.select(".onward"):
            link.decompose()
        article["id"] = name
    whole = next(iter(parsed.values()))
    for link in whole.select("header [aria-current]"):
        del link["aria-current"]
    for kind, place in (("style.formulas", "head"), ("style.player", "head"), ("script.player", "body")):
        for tag in [tag for page in parsed.values() for tag in page.select(kind)][:1]:
            whole.select(place)[0].append(tag)
    headings = {name: article.select("h1, h2") for name, article in articles.items()}
    contents = [[(each.get("id", name), _title(each)) for each in found] for name, found in headings.items()]
    main = whole.select("main")[0]
    main.extend(articles.values())
    main.insert(0, BeautifulSoup(element("contents", contents), "html.parser"))
    return str(whole)


def _title(heading: Any) -> str:
    """A heading's text without its anchor's sign."""
    return str(heading.get_text()).removesuffix("¶").strip()


def browser() -> str:
    """The path of Chromium or a browser based on it; ConfigError if there is none."""
    if path := next(filter(None, map(shutil.which, _BROWSERS)), None):
        return path
    raise ConfigError(
        "expected Chromium or Chrome, which prints the PDF, found neither: install one, or leave out --pdf"
    )


def print_pdf(page: str, places: Sequence[Callable[[], AbstractContextManager[Path]]]) -> bytes:
    """The PDF of a page that :func:`join` made, with bookmarks; nothing of the page runs, and it loads nothing.

    ``places`` make folders for the browser's files; the first counts in which it leaves a PDF, since some browsers see
    another temporary folder than this program, and not all of the home folder.
    """
    page = re.sub(r"<script\b.*?</script>", "", page, flags=re.S).replace("<head>", f"<head>{_NO_SCRIPTS}", 1)
    page = re.sub(r"(data:image/svg\+xml;base64,)([\w+/=]+)", _on_white, page)
    options = ["--headless", "--disable-gpu", "--no-first-run", "--no-pdf-header-footer"]
    root = hasattr(os, "geteuid") and os.geteuid() == 0  # for whom Chromium starts without its sandbox only
    options += ["--generate-pdf-document-outline"] + ["--no-sandbox"] * root
    reason = ""
    for place in places:
        try:
            with place() as folder:
                source, pdf = folder / "page.html", folder / "page.pdf"
                source.write_text(page, encoding="utf-8")
                files = [f"--user-data-dir={folder / 'browser'}", f"--print-to-pdf={pdf}", source.as_uri()]
                done = subprocess.run([browser(), *options, *files], capture_output=True, timeout=300)
                if pdf.exists():
                    return pdf.read_bytes()
                said = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
                reason = said[0] if said else f"status {done.returncode}"
        except subprocess.TimeoutExpired:
            raise ConfigError("the browser did not print the PDF within 300 s") from None
        except OSError as error:
            reason = str(error)
    raise ConfigError(f"the browser printed no PDF, perhaps since it may not see the folder of --out: {reason}")


def _on_white(link: re.Match[str]) -> str:
    """The link to a figure, whose ground is as white as the sheet; a page's own is a shade darker."""
    return link[1] + base64.b64encode(base64.b64decode(link[2]).replace(PAPER.encode(), b"#ffffff")).decode()


class LinclfMarkdownExporter(_WithOurTemplates, nbconvert.MarkdownExporter):
    """Text, tables and pictures, each picture a file; code only where a page shows it, too."""

    export_from_notebook = "Markdown with pictures"
    template_name = Unicode("linclf-markdown").tag(config=True, affects_template=True)

    @property
    def default_config(self) -> Config:
        """The order of preference among an output's types; options of the command override it."""
        kinds = ["image/png", "image/jpeg", "image/svg+xml", "text/markdown", "text/html", "text/latex", "text/plain"]
        config = super().default_config
        config.merge(Config(NbConvertBase={"display_data_priority": kinds}))
        return config

    def from_notebook_node(self, nb: Any, resources: Any = None, **kw: Any) -> Any:
        """Without the lines of progress, which differ from run to run, and without more than one blank line."""
        self.environment.filters["literal"] = markdown
        text, resources = super().from_notebook_node(without_progress(nb), resources, **kw)
        return re.sub(r"\n{3,}", "\n\n", text).lstrip(), resources


def to_markdown(notebook: NotebookNode, name: str, files: Mapping[str, str]) -> tuple[str, dict[str, bytes]]:
    """An executed notebook as GitHub shows it: Markdown, and its pictures by their names, as PNG of 60 kB at most.

    ``files`` are those that take the place of pages, by the page's: links lead there.
    """
    where = {"unique_key": name, "output_files_dir": "pictures"}
    text, resources = nbconvert.export(LinclfMarkdownExporter, notebook, resources=where)
    for page, file in files.items():
        text = re.sub(rf"\]\({re.escape(page)}(#[^)]*)?\)", f"]({file})", text)
    return without_formulas(text), {file: _small(picture) for file, picture in resources["outputs"].items()}


def _small(picture: bytes, most: int = 60_000) -> bytes:
    """A picture as PNG with 128 colours, with fewer pixels where it has more bytes than ``most``."""
    from PIL import Image

    image = Image.open(io.BytesIO(picture)).convert("RGB")
    while True:
        file = io.BytesIO()
        image.quantize(128).save(file, format="png", optimize=True)
        if file.tell() <= most:
            return file.getvalue()
        image = image.resize((image.width * 4 // 5, image.height * 4 // 5))

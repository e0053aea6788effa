"""Sphinx's settings: ``make docs`` builds ``site/`` from this folder, without a network."""

import re
import sys
import tomllib
from pathlib import Path

from docutils import nodes

HERE = Path(__file__).parent
ROOT = HERE.parent
sys.path[:0] = [str(HERE), str(ROOT)]  # generate.py, and the package that stands beside this folder

import generate  # noqa: E402

from linclf.report.render import mathml  # noqa: E402

project, author = "linclf", "The linclf developers"
version = release = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.githubpages"]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}

smartquotes_action = "D"  # dashes; what is quoted may be code
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
myst_links_external_new_tab = False

autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True  # a dataclass's attributes once, as its docstring has them
napoleon_use_rtype = False
add_module_names = False
# Types in signatures are of Python, NumPy or private; what our own text refers to must be there.
nitpicky = True
nitpick_ignore_regex = [("py:(class|obj|exc|meth|func|data)", r"(?!linclf\.).*|linclf\.\w+\.[\w.]+")]

html_theme = "furo"
html_title = f"linclf {release}"
html_static_path = ["static", *(f"../linclf/report/templates/linclf/{name}" for name in ("formulas.woff2", "OFL.txt"))]
html_css_files = ["site.css"]
html_copy_source = False
html_show_copyright = False
html_favicon = "static/icon.svg"
html_baseurl = generate.published().get("site", "")
html_math_renderer = "mathml"
html_theme_options = {"top_of_page_buttons": []}

_UPWARDS = {
    "../benchmarks/README.md": "benchmark.md",
    "../CHANGELOG.md": "changelog.md",
    "../CONTRIBUTING.md": "contributing.md",
}
"""Links that lead out of this folder, and the page that stands for each in the site."""


def _formula(sign):
    """A visitor that writes a formula as the report's pages do: as MathML, which takes no script."""

    def visit(translator, node):
        translator.body.append(mathml(f"{sign}{node.astext().strip()}{sign}"))
        raise nodes.SkipNode

    return visit, None


def _read(app, docname, source):
    """Parts that are made from the code; and links, which lead to the repository's files on GitHub, here to copies."""
    text = re.sub(r"<!-- made: ([\w ]+) -->", lambda match: generate.PARTS[match[1]](), source[0])
    for target, page in _UPWARDS.items():
        text = text.replace(f"]({target}", f"]({page}")
    source[0] = re.sub(r"(?<!!)\[([^\]]+)\]\(\.\./((?:reports|notebooks)/[^)]+)\)", r'<a href="\2">\1</a>', text)


def _escape(app, what, name, obj, options, lines):
    """Docstrings are text: ``coef_`` is no link in them, |x| no substitution, "low, high: ..." about two things."""
    for i, line in enumerate(lines):
        names = re.match(r"( +)(\w+(?:, \w+)+)(?=: )", line)
        if names:
            line = names[1] + names[2].replace(" ", "") + line[names.end() :]
        lines[i] = re.sub(r"(?<![`\w])(\w+)_(?!\w|`)", r"\1\\_", line).replace("|", "\\|")


def _finish(app, error):
    """What the theme leaves out for those who use a keyboard or a screen reader; and the files of the repository."""
    if error:
        return
    for path in Path(app.outdir).glob("*.html"):
        page = path.read_text(encoding="utf-8")
        page = page.replace('class="caption" role="heading">', 'class="caption" role="heading" aria-level="2">')
        page = re.sub(r"<(pre|div class=\"table-wrapper[^\"]*\")>", r'<\1 tabindex="0">', page)
        page = page.replace(">Variables<", ">Attributes<")
        page = re.sub(r"<strong>\w+(,\w+)+</strong>", lambda match: match[0].replace(",", ", "), page)
        path.write_text(page, encoding="utf-8")
    generate.copy_files(Path(app.outdir))


def setup(app):
    """Our own: formulas, pages made from the code, and the files that the site takes over as they are."""
    app.add_html_math_renderer("mathml", _formula("$"), _formula("$$"))
    app.connect("source-read", _read)
    app.connect("autodoc-process-docstring", _escape, priority=400)  # before napoleon
    app.connect("build-finished", _finish)

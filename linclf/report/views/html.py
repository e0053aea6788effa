"""Outputs of notebooks: figures, tables and text in every MIME type that some viewer asks for.

Pages and JupyterLab take HTML, other viewers a PNG or Markdown (which pandoc turns into LaTeX), a terminal plain text.
Text from data is escaped here, for each type.
"""

import base64
import csv
import io
import itertools
import json
import re
import textwrap
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
from markupsafe import Markup
from PIL import Image, PngImagePlugin

from linclf.errors import printable, spreadsheet_cell

Bundle = tuple[dict[str, str], dict[str, Any]]
Draw = Callable[[], Any]  # a figure of Matplotlib's

INK, PAPER = "#1c2126", "#fdfdfc"
TRAIN, VALIDATION, BESIDE = "#0072b2", "#d55e00", "#767676"
"""Okabe and Ito's colours, which colour-blind readers can tell apart; line styles differ too."""
DARK = {INK: "#e4e6e3", PAPER: "#15181b", TRAIN: "#3f9fdc", VALIDATION: "#ec7a2d", BESIDE: "#969696"}
"""The colours of the page's dark scheme; ink and paper are those of ``page.css``."""
DPI = 200  # of a PNG; a figure counts its pixels as 100 an inch
WIDTH = 7 * DPI  # that viewers and paper have for a picture: in a wider one, which they shrink, letters are larger
with_png = True  # whether figures become PNG too; the report's kernels do without, since pages show none

TEMPLATES = Path(__file__).parents[1] / "templates" / "linclf"
IN_JUPYTER = f"<style>{(TEMPLATES / 'jupyter.css').read_text(encoding='utf-8')}</style>"
"""Jupyter aligns cells to the right, shades every second row, blurs pixels and leaves bars green; its slides shrink
pictures in a table and draw lines between them. A page has ``page.css`` instead."""

# An SVG within a page knows the page's colour scheme: its colours follow, but for those within heat maps and pictures.
_FOLLOWS = "".join(
    f'[style*="{what}: {colour}"]{{{what}:{dark}!important}}'
    for colour, dark in DARK.items()
    for what in ("fill", "stroke")
)
_STYLE = f"<style>@media screen and (prefers-color-scheme:dark){{{_FOLLOWS}}}</style>"
_LINES = (TEMPLATES / "elements.html.j2").read_text(encoding="utf-8").splitlines()
_ELEMENTS: Any = jinja2.Environment(autoescape=True).from_string("".join(map(str.strip, _LINES))).module
_DOWNLOADS = {"csv": ("text/csv", "Numbers (CSV)"), "npy": ("application/octet-stream", "Weights, to ±127 (NumPy)")}
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
# LaTeX has these in its mathematics and not in its text font.
_TEX = {"λ": r"\lambda", "η": r"\eta", "μ": r"\mu", "±": r"\pm", "≤": r"\leq", "≥": r"\geq", "→": r"\rightarrow"}
_TEX |= {"✓": r"\checkmark", "✗": r"\times"}
# Code and formulas, which are left alone, or such a sign; a letter takes what it equals into the formula.
_SIGNS = re.compile(
    r"(?<!\\)`[^`]*`|(?<!\\)\$[^$]*\$|(?P<sign>[λημ±≤≥→✓✗])(?P<rest>(?: = \d+(?:\.\d+)?(?!\.?\d|e[-\d]))?)"
)


@dataclass(frozen=True)
class Output:
    """Markup that a notebook shows, and the same as plain text and in other MIME types; Markdown needs no markup.

    ``widgets``: those of ipywidgets that JupyterLab shows in its place, if any.
    """

    markup: str
    text: str = ""
    others: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    widgets: Any = None

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Bundle:
        shown = {"text/html": visible(self.markup) + IN_JUPYTER * ("<table" in self.markup)} if self.markup else {}
        return {**shown, "text/plain": repr(self), **self.others}, dict(self.metadata)

    def __html__(self) -> str:
        return self.markup

    def __repr__(self) -> str:
        return visible(self.text or plain(self.markup))


def element(name: str, *values: Any) -> Markup:
    """A macro of ``elements.html.j2`` with these values, which are escaped where they are no markup."""
    return Markup(getattr(_ELEMENTS, name)(*values))


def visible(text: str) -> str:
    """Text in which what a terminal, or the order of letters, would obey is written out."""
    return _CONTROLS.sub(lambda match: printable(match[0]), text)


def markdown(text: str) -> str:
    r"""Text as Markdown that shows it as it is: no emphasis, no formula, no list, no link.

    >>> print(markdown("a_b | <c>"), markdown("- $5, see https://example.org"))
    a\_b \| \<c\> \- \$5, see https\://example.org
    """
    text = re.sub(r"[`*_{}\[\]<>|$#~^@&\\]", r"\\\g<0>", visible(text.replace("\n", " ")))
    # A backslash by its number: nbconvert would take two of them, before a bracket, for a formula.
    text = text.replace("\\\\", "&#92;")
    text = re.sub(r"^(\d*)([-+=.)])(?=[\s=-]|$)", r"\1\\\2", text)
    return re.sub(r":(?=//)|(?<=www)\.", r"\\\g<0>", text)


def _with_formulas(text: str) -> str:
    """Markdown whose Greek letters and signs are formulas, which LaTeX needs and every viewer shows."""
    return _SIGNS.sub(lambda match: f"${_TEX[match['sign']]}{match['rest']}$" if match["sign"] else match[0], text)


def without_formulas(text: str) -> str:
    """Markdown whose formulas of one letter or sign are that sign again: GitHub shows none before a digit.

    >>> without_formulas(_with_formulas("within ±3 at λ = 0.1"))
    'within ±3 at λ = 0.1'
    """
    signs = {tex: sign for sign, tex in _TEX.items()}
    formula = rf"\$({'|'.join(map(re.escape, signs))})( = [\d.]+)?\$"
    return re.sub(formula, lambda match: signs[match[1]] + (match[2] or ""), text)


def plain(markup: str) -> str:
    """Our own markup as text: no pictures, no links on new lines, small print in brackets, a semicolon between blocks.

    >>> plain('<div><svg><path d=""/></svg> a &lt; b<br><small>e</small></div><div>c<br><a href="#d">d</a></div>')
    'a < b (e); c'
    """
    text = re.sub(r"<svg.*?</svg>|<br><a .*?</a>", "", markup, flags=re.S)
    text = re.sub(r"<br><small>(.*?)</small>", r" (\1)", text, flags=re.S)
    text = re.sub(r"</div>\s*<div>|<br>", "; ", text)
    return " ".join(Markup(text).striptags().split())


def timed(text: str) -> Output:
    """Text that differs from run to run (a duration, a date), marked so that two reports can be compared without it."""
    return Output(Markup("<time>{}</time>").format(text), text)


def prose(text: str) -> Output:
    """Markdown text, formulas between dollar signs included; the minus of a power of ten lets no line break."""
    text = re.sub(r"(?<=\de)-(?=\d)", "−", text)
    return _output("", text, visible(text))


def callout(text: str, kind: str = "note", more: str = "") -> Output:
    """A boxed sentence: a "note" or a "warning"; ``more`` is folded behind it."""
    word = "Note:" if kind == "note" else "Mind:"
    said = f"{text} {more}".strip()
    return _output(element("callout", kind, word, text, more), f"{word} {said}", f"> **{word}** {markdown(said)}")


def _output(markup: str, text: str, in_markdown: str) -> Output:
    return Output(markup, text, {"text/markdown": _with_formulas(in_markdown)})


def table(
    columns: Sequence[str], rows: Sequence[Sequence[str | Output]], *, caption: str, attributes: str = ""
) -> Output:
    """A table that scrolls where it is wider than the page: as a region, it can be reached with the keyboard.

    The page's script lets its headers sort it. With the attribute ``class="words"`` cells are folded.
    """
    markup = element("table", columns, rows, caption, Markup(attributes))
    return _table(markup, columns, [list(map(str, row)) for row in rows], caption)


def claims(rows: Mapping[str, Sequence[str]], *, caption: str) -> Output:
    """Claims as a table, one row per claim, by its name; its cells are markup."""
    columns = ("claim", "where", "the reference says", "found here", "verdict")
    markup = element("claims", columns, [(name, *cells) for name, cells in rows.items()], caption)
    return _table(markup, columns, [[name, *map(plain, cells)] for name, cells in rows.items()], caption)


def _table(markup: str, columns: Sequence[str], rows: Sequence[Sequence[str]], caption: str) -> Output:
    return _output(markup, plain_table(columns, rows, caption), markdown_table(columns, rows, caption))


def markdown_table(columns: Sequence[str], rows: Sequence[Sequence[str]], caption: str) -> str:
    """A table of plain text in Markdown; of one that is wider than a sheet, pandoc reads widths off the dashes."""
    dashes = ["-" * min(max(3, *map(len, column)), 40) for column in zip(columns, *rows, strict=True)]
    lines = [list(map(markdown, columns)), dashes, *(map(markdown, row) for row in rows)]
    return "\n".join([f"{markdown(caption)}\n", *(f"| {' | '.join(line)} |" for line in lines)])


def plain_table(columns: Sequence[str], rows: Sequence[Sequence[str]], caption: str, widest: int = 40) -> str:
    """A table as lines of text, long cells folded.

    >>> print(plain_table(["a", "b"], [["1", "two words"]], "Title.", widest=5))
    Title.
    a  b
    -  -----
    1  two
       words
    """
    cells = [[textwrap.wrap(cell, widest) or [""] for cell in row] for row in (columns, *rows)]
    widths = [max(len(line) for cell in column for line in cell) for column in zip(*cells, strict=True)]
    cells.insert(1, [["-" * width] for width in widths])
    lines = [line for row in cells for line in itertools.zip_longest(*row, fillvalue="")]
    texts = ("  ".join(part.ljust(width) for part, width in zip(line, widths, strict=True)) for line in lines)
    return "\n".join([caption, *(text.rstrip() for text in texts)])


def provenance(items: Mapping[str, str | Output]) -> Output:
    """A list of names and values for the page's end."""
    texts = {name: str(value) for name, value in items.items()}
    return _output(
        element("provenance", items),
        "\n".join(f"{name}: {text}" for name, text in texts.items()),
        "\n".join(f"- **{markdown(name)}:** {markdown(text)}" for name, text in texts.items()),
    )


def verdict(word: str | None, *, check: bool = False) -> str:
    """A verdict as markup, in the words of a claim or of a check: a sign too, so that colour is not all that tells."""
    if word is None:
        return Markup("not&nbsp;checked" if check else "no&nbsp;verdict")
    signs = {"reproduced": ("✓", "holds"), "refuted": ("✗", "does\xa0not\xa0hold"), "inconclusive": ("?", "unclear")}
    sign, answer = signs[word]
    return Markup('<span class="verdict {}">{}&nbsp;{}</span>').format(word, sign, answer if check else word)


def counts(numbers: Mapping[str, str], of: str) -> Output:
    """How many claims got each verdict, large, as a list."""
    items = [(n, verdict(word)) for word, n in numbers.items()]
    said = f"{', '.join(f'{n} {word}' for word, n in numbers.items())} {of}"
    return _output(element("large", items, "", of), said, f"**{markdown(said)}**")


def large(numbers: Mapping[str, str], of: str) -> Output:
    """A few numbers, by what they stand for, large, under a line that says ``of`` what they are."""
    items = [(n, name) for name, n in numbers.items()]
    said = f"{of}: {', '.join(f'{n} in {name}' for name, n in numbers.items())}."
    return _output(element("large", items, of), said, f"**{markdown(said)}**")


def against_region(value: float, low: float, high: float, region: tuple[float, float], text: str) -> Markup:
    """A number's interval drawn against its region (min, max), as inline SVG; where that is infinite, to the edge.

    ``text`` says the same in words, for whoever does not see it.
    """
    marks = [number for number in (value, low, high, *region) if np.isfinite(number)]
    margin = 0.25 * (max(marks) - min(marks)) or 1
    edges = min(marks) - margin, max(marks) + margin
    return element("forest", text, *np.interp([*region, low, high, value], edges, (0, 160)).round(1))


def figure(fig: Any, *, number: int | str, caption: str, data: Mapping[str, Sequence[Any]], alt: str = "") -> Output:
    """A numbered figure as SVG and PNG, with its caption, alt text (by default the same) and numbers to download."""
    alt = alt or caption
    source = data_link("image/svg+xml", svg(fig, salt=str(number)))
    image = element("curve", source, alt, axes_places(fig.axes[0], data["epoch"]) if "epoch" in data else "")
    return figure_box(number, image, caption, lambda: fig, alt, "csv", csv_bytes(data))


def figure_box(
    number: int | str, content: Markup, caption: str, draw: Draw, alt: str, ending: str, numbers: bytes
) -> Output:
    """A figure with its caption and a link that downloads its numbers; "10 and 11" is one under two numbers.

    ``content`` is its markup, ``draw`` makes a figure of Matplotlib's that shows the same; ``ending``: "csv" or "npy".
    """
    names = str(number).split(" and ")
    title = f"Figure{'s' * (len(names) > 1)} {number}"
    kind, what = _DOWNLOADS[ending]
    box = element("figure", title, names, content, caption, numbers and data_link(kind, numbers), ending, what)
    return Output(box, f"{title}. {caption}", *png(draw, alt, title, caption))


def csv_bytes(columns: Mapping[str, Sequence[Any]]) -> bytes:
    """Columns of one length as CSV, under their names; no text in it is a formula to a spreadsheet."""
    text = io.StringIO()
    rows = [columns, *zip(*columns.values(), strict=True)]
    csv.writer(text).writerows(map(spreadsheet_cell, row) for row in rows)
    return text.getvalue().encode()


def data_link(kind: str, content: bytes) -> str:
    """A link that holds the content itself, of a MIME type."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


@contextmanager
def own_settings(salt: str | None = None) -> Iterator[None]:
    """Matplotlib's defaults and ours while drawing or saving, also as a decorator; the user's are back afterwards.

    With a ``salt`` for the ids within an SVG, the same figure gives the same bytes.
    """
    from matplotlib import style

    # Text stays text, in the reader's own font, and on a phone's screen, 390 pixels wide, of at least 9 pixels.
    ours: dict[str, Any] = {"svg.hashsalt": salt, "svg.fonttype": "none", "font.family": "sans-serif"}
    ours |= {"font.size": 10.5, "legend.fontsize": "medium"}
    ours["text.parse_math"] = False  # what comes from data is text, whatever dollar signs it holds
    # With a background a figure is legible on any page.
    grounds = ("figure.facecolor", "axes.facecolor")
    inks = ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color")
    ours |= dict.fromkeys(grounds, PAPER) | dict.fromkeys(inks, INK)
    with style.context(["default", ours]), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")  # an SVG's text is drawn in the reader's own font
        yield


def svg(fig: Any, salt: str) -> bytes:
    """A figure as SVG: text stays text, and ink and ground follow the page's colour scheme.

    The same figure gives the same bytes: no date, and ids from a fixed salt. Coordinates keep a tenth of a point,
    a fifth of a pixel at twice the size, and lines have no letter for each point: a page has half as much to load.
    """
    picture = io.StringIO()
    with own_settings(salt=salt):
        fig.savefig(picture, format="svg", metadata={"Date": None, "Creator": None})
    text = picture.getvalue().replace("<defs>", f"<defs>{_STYLE}", 1)
    text = re.sub(r"[^\x20-\ud7ff\ue000-\U0010ffff\n\t]", "\ufffd", text)  # signs that no XML may hold
    text = re.sub(r' [dxy]="[^"]*"', lambda place: re.sub(r"(\.\d)\d+", r"\1", place[0]), text)
    return re.sub(r' d="[MLz\d\s.-]*"', lambda line: line[0].replace(" \nL ", " ").replace(".0 ", " "), text).encode()


def axes_places(ax: Any, epochs: Sequence[int]) -> str:
    """Where axes are in a picture, 0..1 from its top left, for the script that reads values off it, as JSON.

    x is where the first and the last epoch are, y where the limits of the values are.
    """
    box, (start, stop), limits = ax.get_position(), ax.get_xlim(), ax.get_ylim()
    x = [round(box.x0 + box.width * (epoch - start) / (stop - start), 4) for epoch in (epochs[0], epochs[-1])]
    y = [round(1 - box.y0, 4), round(1 - box.y1, 4)]
    return json.dumps({"x": x, "y": y, "limits": limits, "log": ax.get_yscale() == "log"})


@own_settings()
def png(draw: Draw, alt: str, title: str, caption: str) -> Bundle:
    """A figure as PNG with two pixels for each that it is wide, and its metadata: width, height, title and alt text.

    Its title and caption stand beneath: viewers that show the picture show no text of the same bundle.
    """
    from matplotlib.figure import Figure

    if not with_png:
        return {}, {}
    above = _drawn(draw())
    wide = max(1, above.width / WIDTH)
    lines = textwrap.wrap(f"{title}. {caption}", int(above.width / wide) // 15)
    strip = Figure(figsize=(above.width / DPI, wide * (0.19 * len(lines) + 0.1)))
    strip.text(0.01, 0.99, "\n".join(lines), va="top", linespacing=1.25, fontsize=10.5 * wide)
    below = _drawn(strip)
    height = above.height + below.height
    # A sheet of LaTeX has room for a picture that is 1.5 times as high as wide.
    whole = Image.new("RGB", (max(above.width, height * 2 // 3) // 2 * 2, height // 2 * 2), PAPER)
    whole.paste(above, (0, 0))
    whole.paste(below, (0, above.height))
    described = PngImagePlugin.PngInfo()
    described.add_text("Description", alt)
    whole.save(content := io.BytesIO(), format="png", pnginfo=described)
    size = {"width": whole.width // 2, "height": whole.height // 2, "alt": f"{title}. {alt}"}
    return {"image/png": base64.b64encode(content.getvalue()).decode()}, {"image/png": size}


def _drawn(fig: Any) -> Image.Image:
    fig.savefig(pixels := io.BytesIO(), format="rgba", dpi=DPI)
    width, height = (int(side * DPI) for side in fig.get_size_inches())
    return Image.frombytes("RGBA", (width, height), pixels.getvalue()).convert("RGB")

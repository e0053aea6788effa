"""A thing to show in every MIME type that some viewer asks for.

Pages and JupyterLab take HTML, LaTeX and Markdown pictures and their own markup, a terminal plain text. Everything
that comes from data is escaped here, in each type's own way.
"""

import base64
import io
import re
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from html import unescape
from itertools import zip_longest
from typing import Any

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from .settings import DARK, PAPER, own_settings

Bundle = tuple[dict[str, str], dict[str, Any]]
Draw = Callable[[], Any]  # a figure of Matplotlib's

_LATEX = {
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
    **{"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "\xa0": "~", "§": r"\S{}"},
    **{"<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", "…": r"\ldots{}", "−": "$-$", "×": r"$\times$"},
    **{"±": r"$\pm$", "≤": r"$\leq$", "≥": r"$\geq$", "λ": r"$\lambda$", "η": r"$\eta$", "μ": r"$\mu$"},
    **{"✓": r"$\checkmark$", "✗": r"$\times$", "→": r"$\rightarrow$"},
}
# Code and formulas, which are left alone, or a letter, with what it equals.
_GREEK = re.compile(r"`[^`]*`|\$[^$]*\$|[λημ](?: = \d+(?:\.\d+)?(?!\.?\d|e[-\d]))?|±")
with_png = True  # whether figures become PNG too; the report's kernels do without, since pages show none
DPI = 200  # of a PNG; a figure counts its pixels as 100 an inch
WIDTH = 7 * DPI  # that viewers and paper have for a picture: in a wider one, which they shrink, letters are larger
# An SVG within a page knows the page's colour scheme: its colours follow, but for those within heat maps and pictures.
_FOLLOWS = "".join(
    f'[style*="{what}: {colour}"]{{{what}:{dark}!important}}'
    for colour, dark in DARK.items()
    for what in ("fill", "stroke")
)
_STYLE = f"<style>@media screen and (prefers-color-scheme:dark){{{_FOLLOWS}}}</style>"

IN_JUPYTER = (
    "<style>:is(.wide,.play) :is(caption,th,td){text-align:left!important}"
    ":is(.templates,.pictures) tr{background:none!important}"
    ":is(.templates,.pictures) td,.pictures [scope=col]{text-align:center!important}"
    ":is(.templates,.pictures) :is(td,th){border:0!important;padding:.2em!important}"
    ":is(.templates,.pictures) td{max-width:8em!important}"
    ".pixels{image-rendering:pixelated;display:inline!important;max-width:none!important}"
    ".panel{display:inline-block;vertical-align:top;width:12em}"
    ".play meter::-webkit-meter-optimum-value{background:#0072b2}"
    ".play .negative::-webkit-meter-optimum-value{background:#d55e00}</style>"
)
"""Jupyter aligns cells to the right, shades every second row, blurs pixels and leaves bars green; its slides shrink
pictures in a table and draw lines between them. A page has ``page.css`` instead."""


@dataclass(frozen=True)
class Html:
    """Markup that a notebook shows, and the same as plain text and in other MIME types."""

    markup: str
    text: str = ""
    others: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Bundle:
        shown = self.markup + IN_JUPYTER * ("<table" in self.markup)
        return {"text/html": shown, "text/plain": repr(self), **self.others}, dict(self.metadata)

    def __repr__(self) -> str:
        return self.text or plain(self.markup)


@dataclass(frozen=True)
class Prose:
    """Markdown text with computed numbers that a notebook shows."""

    text: str

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Bundle:
        # LaTeX's text font has no Greek letters, its mathematics has.
        return {"text/markdown": _GREEK.sub(_as_formula, self.text), "text/plain": self.text}, {}

    def __repr__(self) -> str:
        return self.text


def _as_formula(match: re.Match[str]) -> str:
    sign, rest = match[0][0], match[0][1:]
    return match[0] if sign in "`$" else f"{_LATEX[sign][:-1]}{rest}$"


def markdown(text: str) -> str:
    r"""Text as Markdown that shows it as it is.

    >>> print(markdown("a_b | <c>"))
    a\_b \| \<c\>
    """
    return re.sub(r"([\\`*_{}\[\]<>|$#~])", r"\\\1", text)


def latex(text: str) -> str:
    r"""Text as LaTeX that shows it as it is.

    >>> print(latex("5 % ± λ"))
    5 \% $\pm$ $\lambda$
    """
    return "".join(_LATEX.get(sign, sign) for sign in text).replace("--", "-{}-")


def plain(markup: str) -> str:
    """Our own markup as text: no pictures, a semicolon between blocks.

    >>> plain('<div><svg><path d=""/></svg> a &lt; b</div><div>c</div>')
    'a < b; c'
    """
    text = re.sub(r"</div>\s*<div>|<br>", "; ", re.sub(r"<svg.*?</svg>", "", markup, flags=re.S))
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", "", text))).strip()


def table(columns: Sequence[str], rows: Sequence[Sequence[str]], caption: str) -> dict[str, str]:
    """A table of plain text in Markdown and LaTeX."""
    lines = [columns, ["---"] * len(columns), *([markdown(cell) for cell in row] for row in rows)]
    listed = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return {"text/markdown": f"{markdown(caption)}\n\n{listed}", "text/latex": _latex_table(columns, rows, caption)}


def _latex_table(columns: Sequence[str], rows: Sequence[Sequence[str]], caption: str) -> str:
    """A table that may be longer than a page; columns that together are wider than one share it by their text."""
    widths = [min(max(map(len, column)), 40) for column in zip(columns, *rows, strict=True)]
    form = "l" * len(widths)
    if sum(widths) > 75:
        room = rf"\linewidth-{2 * len(widths)}\tabcolsep"
        shares = [width / sum(widths) for width in widths]
        form = "".join(rf">{{\raggedright\arraybackslash}}p{{({room})*\real{{{share:.3f}}}}}" for share in shares)
    # No sheet ends within a short table.
    short = len(rows) < 20 and sum(len(cell) for row in rows for cell in row) < 2000
    end = r" \\*" if short else r" \\"
    head, *body = (" & ".join(map(latex, row)) + end for row in (columns, *rows))
    title = rf"\multicolumn{{{len(columns)}}}{{p{{0.95\linewidth}}}}{{{latex(caption)}}} \\"
    lines = [
        rf"\begin{{longtable}}{{{form}}}",
        title,
        r"\toprule",
        head,
        r"\midrule",
        r"\endhead",
        *body,
        r"\bottomrule",
    ]
    return "\n".join([r"\begingroup\footnotesize", *lines, r"\end{longtable}", r"\endgroup"])


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
    lines = [line for row in cells for line in zip_longest(*row, fillvalue="")]
    texts = ("  ".join(part.ljust(width) for part, width in zip(line, widths, strict=True)) for line in lines)
    return "\n".join([caption, *(text.rstrip() for text in texts)])


def svg(fig: Any, salt: str) -> bytes:
    """A figure as SVG: text stays text, and ink and ground follow the page's colour scheme.

    The same figure gives the same bytes: no date, and ids from a fixed salt. Coordinates keep a tenth of a point,
    a fifth of a pixel at twice the size, and a page has a third less to load.
    """
    picture = io.StringIO()
    with own_settings(salt=salt):
        fig.savefig(picture, format="svg", metadata={"Date": None, "Creator": None})
    text = picture.getvalue().replace("<defs>", f"<defs>{_STYLE}", 1)
    return re.sub(r' [dxy]="[^"]*"', lambda place: re.sub(r"(\.\d)\d+", r"\1", place[0]), text).encode()


def epoch_places(ax: Any, epochs: Sequence[int]) -> str:
    """Where in a picture's width, 0..1, the first and the last epoch are, for the script that reads values off it."""
    box, (start, stop) = ax.get_position(), ax.get_xlim()
    return " ".join(f"{box.x0 + box.width * (epoch - start) / (stop - start):.4f}" for epoch in (epochs[0], epochs[-1]))


@own_settings()
def png(draw: Draw, alt: str, caption: str) -> Bundle:
    """A figure as PNG with two pixels for each that it is wide, and its metadata: width, height and alt text.

    Its caption stands beneath: viewers that show the picture show no text of the same bundle.
    """
    from matplotlib.figure import Figure

    if not with_png:
        return {}, {}
    above = _drawn(draw())
    wide = max(1, above.width / WIDTH)
    lines = textwrap.wrap(caption, int(above.width / wide) // 15)
    strip = Figure(figsize=(above.width / DPI, wide * (0.19 * len(lines) + 0.1)))
    strip.text(0.01, 0.99, "\n".join(lines), va="top", linespacing=1.25, fontsize=10.5 * wide, parse_math=False)
    below = _drawn(strip)
    height = above.height + below.height
    # A sheet of LaTeX has room for a picture that is 1.5 times as high as wide.
    whole = Image.new("RGB", (max(above.width, height * 2 // 3) // 2 * 2, height // 2 * 2), PAPER)
    whole.paste(above, (0, 0))
    whole.paste(below, (0, above.height))
    described = PngInfo()
    described.add_text("Description", alt)
    whole.save(content := io.BytesIO(), format="png", pnginfo=described)
    size = {"width": whole.width // 2, "height": whole.height // 2, "alt": alt}
    return {"image/png": base64.b64encode(content.getvalue()).decode()}, {"image/png": size}


def _drawn(fig: Any) -> Image.Image:
    fig.savefig(pixels := io.BytesIO(), format="rgba", dpi=DPI)
    width, height = (int(side * DPI) for side in fig.get_size_inches())
    return Image.frombytes("RGBA", (width, height), pixels.getvalue()).convert("RGB")

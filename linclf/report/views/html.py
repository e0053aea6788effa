"""A thing to show in every MIME type that some viewer asks for.

Pages and JupyterLab take HTML, LaTeX and Markdown pictures and their own markup, a terminal plain text. Everything
that comes from data is escaped here, in each type's own way.
"""

import base64
import csv
import io
import math
import re
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import escape, unescape
from itertools import zip_longest
from typing import Any

from PIL import Image
from PIL.PngImagePlugin import PngInfo

Bundle = tuple[dict[str, str], dict[str, Any]]
Draw = Callable[[], Any]  # a figure of Matplotlib's

INK, PAPER = "#1c2126", "#fdfdfc"
TRAIN, VALIDATION, BESIDE = "#0072b2", "#d55e00", "#767676"
"""Okabe and Ito's colours, which colour-blind readers can tell apart; line styles differ too."""
DARK = {INK: "#e4e6e3", PAPER: "#15181b", TRAIN: "#3f9fdc", VALIDATION: "#ec7a2d", BESIDE: "#969696"}
"""What stands for a colour in the page's dark scheme; ink and paper are those of ``page.css``."""


@contextmanager
def own_settings(salt: str | None = None) -> Iterator[None]:
    """Matplotlib's defaults and ours while drawing or saving, also as a decorator; the user's are back afterwards.

    From ``salt`` the ids within an SVG are made, where the same figure shall give the same bytes.
    """
    from matplotlib import style

    # Text stays text, in the reader's own font, and on a phone's screen, 390 pixels wide, of at least 9 pixels.
    ours: dict[str, Any] = {"svg.hashsalt": salt, "svg.fonttype": "none", "font.family": "sans-serif"}
    ours |= {"font.size": 10.5, "legend.fontsize": "medium"}
    # A ground of its own keeps a figure legible wherever it stands.
    grounds = ("figure.facecolor", "axes.facecolor")
    inks = ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color")
    ours |= dict.fromkeys(grounds, PAPER) | dict.fromkeys(inks, INK)
    with style.context(["default", ours]):
        yield


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
class Output:
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


def markdown_table(columns: Sequence[str], rows: Sequence[Sequence[str]], caption: str) -> dict[str, str]:
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


def timed(text: str) -> Output:
    """Text that differs from run to run (a duration, a date), marked so that two reports can be compared without it."""
    return Output(f"<time>{escape(text)}</time>", text)


def prose(text: str) -> Prose:
    """Markdown text, formulas between dollar signs included."""
    return Prose(text)


def callout(text: str, kind: str = "note", more: str = "") -> Output:
    """A boxed sentence: a "note" or a "warning"; ``more`` is folded behind it."""
    word = "Note: " if kind == "note" else "Mind: "
    folded = f"<details><summary>More</summary>{escape(more)}</details>" if more else ""
    markup = f"<strong>{word}</strong>{escape(text)}{folded}"
    said = f"{text} {more}".strip()
    boxed = rf"\begin{{quote}}\textbf{{{word}}}{latex(said)}\end{{quote}}"
    others = {"text/markdown": f"> **{word.strip()}** {markdown(said)}", "text/latex": boxed}
    return Output(f'<div class="callout {escape(kind)}" role="note">{markup}</div>', word + said, others)


def figure(fig: Any, *, number: int | str, caption: str, data: Mapping[str, Sequence[Any]], alt: str = "") -> Output:
    """A numbered figure as SVG and PNG, with its caption, alt text (by default the same) and numbers to download."""
    alt = alt or caption
    source = data_link("image/svg+xml", svg(fig, salt=str(number)))
    span = f' data-epochs="{epoch_places(fig.axes[0], data["epoch"])}"' if "epoch" in data else ""
    image = f'<img class="curve" src="{source}" alt="{escape(alt)}"{span}>'
    return figure_box(number, image, caption, lambda: fig, alt, "csv", csv_bytes(data))


_DOWNLOADS = {"csv": ("text/csv", "Numbers (CSV)"), "npy": ("application/octet-stream", "Weights, to ±127 (NumPy)")}


def figure_box(
    number: int | str, content: str, caption: str, draw: Draw, alt: str, ending: str = "", numbers: bytes = b""
) -> Output:
    """A figure with its caption and a link that downloads its numbers; "10 and 11" is one under two numbers.

    ``content`` is its markup, ``draw`` makes a figure of Matplotlib's that shows the same; ``ending``: "csv" or "npy".
    """
    first, *others = escape(str(number)).split(" and ")
    name, title = f"figure-{first}", f"Figure{'s' * bool(others)} {number}"
    anchors = "".join(f'<span id="figure-{other}"></span>' for other in others)
    kind, what = _DOWNLOADS.get(ending, ("", ""))
    source = data_link(kind, numbers)
    link = f' <a class="numbers" download="{name}.{ending}" href="{source}">{what}</a>' if numbers else ""
    return Output(
        f'<figure id="{name}">{anchors}{content}<figcaption><a class="anchor" href="#{name}"><b>{escape(title)}.'
        f"</b></a> {escape(caption)}{link}</figcaption></figure>",
        f"{title}. {caption}",
        *png(draw, alt, f"{title}. {caption}"),
    )


def csv_bytes(columns: Mapping[str, Sequence[Any]]) -> bytes:
    """Columns of one length as CSV, under their names."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    for row in zip(*columns.values(), strict=True):
        writer.writerow([f"{value:.6g}" if isinstance(value, float) else value for value in row])
    return text.getvalue().encode()


def table(columns: Sequence[str], rows: Sequence[Sequence[str | Output]], *, caption: str) -> Output:
    """A table; the page's script lets its headers sort it."""
    body = "".join("<tr>" + "".join(f"<td>{_markup(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    texts = [[cell.text if isinstance(cell, Output) else cell for cell in row] for row in rows]
    return _scrolling("<table>", columns, body, caption, texts)


def _scrolling(start: str, columns: Sequence[str], body: str, caption: str, texts: Sequence[Sequence[str]]) -> Output:
    """A table that scrolls where it is wider than the page: as a region, it can be reached with the keyboard.

    ``texts`` are the rows of ``body`` as plain text, for viewers that show no HTML.
    """
    head = "".join(f'<th scope="col">{escape(column)}</th>' for column in columns)
    return Output(
        f'<div class="wide" tabindex="0" role="region" aria-label="{escape(caption)}">{start}<caption>{escape(caption)}'
        f"</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>",
        plain_table(columns, texts, caption),
        markdown_table(columns, texts, caption),
    )


def verdict(word: str | None) -> str:
    """A verdict as markup: a sign and a word, so that colour is not all that tells them apart."""
    signs = {"reproduced": "✓", "refuted": "✗", "inconclusive": "?"}
    return f'<span class="verdict {word}">{signs[word]}&nbsp;{word}</span>' if word else "no&nbsp;verdict"


def counts(numbers: Mapping[str, str], of: str) -> Output:
    """How many claims got each verdict, large, as a list."""
    said = f"{', '.join(f'{n} {word}' for word, n in numbers.items())} {of}"
    return _large([(n, verdict(word)) for word, n in numbers.items()], f' aria-label="{escape(of)}"', "", said)


def large(numbers: Mapping[str, str], of: str) -> Output:
    """A few numbers, by what they stand for, large, under a line that says ``of`` what they are."""
    said = f"{of}: {', '.join(f'{n} in {name}' for name, n in numbers.items())}."
    return _large([(n, escape(name)) for name, n in numbers.items()], "", f"<p>{escape(of)}:</p>", said)


def _large(items: Sequence[tuple[str, str]], attributes: str, before: str, said: str) -> Output:
    listed = "".join(f'<li><b class="count">{escape(number)}</b> {what}</li>' for number, what in items)
    others = {"text/markdown": f"**{markdown(said)}**", "text/latex": rf"\textbf{{{latex(said)}}}"}
    return Output(f'{before}<ul class="counts"{attributes}>{listed}</ul>', said, others)


def against_region(value: float, low: float, high: float, region: tuple[float, float], text: str) -> str:
    """A number's interval drawn against its region (min, max), as inline SVG; where that is infinite, to the edge.

    ``text`` says the same in words, for whoever does not see it.
    """
    marks = [number for number in (value, low, high, *region) if math.isfinite(number)]
    margin = 0.25 * (max(marks) - min(marks)) or 1
    start, stop = min(marks) - margin, max(marks) + margin

    def x(number: float) -> str:
        return f"{160 * (min(max(number, start), stop) - start) / (stop - start):.1f}"

    width = f"{float(x(region[1])) - float(x(region[0])):.1f}"
    return (
        f'<svg class="forest" width="160" height="16" viewBox="0 0 160 16" role="img" aria-label="{escape(text)}">'
        f'<rect class="region" x="{x(region[0])}" width="{width}" height="16" fill="#0072b2" fill-opacity="0.22"/>'
        f'<path d="M{x(low)} 8H{x(high)}" stroke="currentColor" stroke-width="2"/>'
        f'<circle cx="{x(value)}" cy="8" r="3.5" fill="currentColor"/></svg>'
    )


def claims(rows: Sequence[Mapping[str, str]], *, caption: str) -> Output:
    """Claims as a table, one row per claim; ``found`` and ``verdict`` are markup, the others text.

    ``where`` says where in the reference, ``here`` what ``link`` leads to.
    """
    body = "".join(
        f'<tr id="claim-{escape(row["id"])}"><th scope="row">{escape(row["id"])}</th>'
        f'<td>{escape(row["where"])}<br><a href="{escape(row["link"])}">{escape(row["here"])}</a></td>'
        f'<td class="text">{escape(row["says"])}<br><small>{escape(row["statistic"])}</small></td>'
        f'<td class="found">{row["found"]}</td><td>{row["verdict"]}</td></tr>'
        for row in rows
    )
    columns = ("claim", "where", "the reference says", "found here", "verdict")
    texts = [
        [
            row["id"],
            row["where"],
            f"{row['says']} ({row['statistic']})",
            *map(plain, (row["found"], row["verdict"])),
        ]
        for row in rows
    ]
    return _scrolling('<table class="claims">', columns, body, caption, texts)


def provenance(items: Mapping[str, str | Output]) -> Output:
    """A list of names and values for the page's end."""
    rows = "".join(f"<dt>{escape(name)}</dt><dd>{_markup(value)}</dd>" for name, value in items.items())
    texts = {name: value.text if isinstance(value, Output) else value for name, value in items.items()}
    listed = "\n".join(f"- **{markdown(name)}:** {markdown(text)}" for name, text in texts.items())
    said = "\n".join(f"{name}: {text}" for name, text in texts.items())
    described = "".join(rf"\item[{latex(name)}] {latex(text)} " for name, text in texts.items())
    others = {"text/markdown": listed, "text/latex": rf"\begin{{description}}{described}\end{{description}}"}
    return Output(f'<dl class="provenance">{rows}</dl>', said, others)


def _markup(value: str | Output) -> str:
    return value.markup if isinstance(value, Output) else escape(value)


def data_link(kind: str, content: bytes) -> str:
    """A link that holds the content itself, of a MIME type."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"

"""The pieces of a page: figures, tables, boxes, as HTML that also reads well in JupyterLab, and in other MIME types.

Everything that comes from data is escaped here. What matters for reading stands in elements, not in style attributes,
which sanitisers drop.
"""

import base64
import csv
import io
import math
from collections.abc import Mapping, Sequence
from functools import partial
from html import escape
from typing import Any

import numpy as np

from . import bundles
from .bundles import Draw
from .bundles import Html as Html
from .bundles import Prose as Prose
from .mosaic import mosaic


def timed(text: str) -> Html:
    """Text that differs from run to run (a duration, a date), marked so that two reports can be compared without it."""
    return Html(f"<time>{escape(text)}</time>", text)


def prose(text: str) -> Prose:
    """Markdown text, formulas between dollar signs included."""
    return Prose(text)


def callout(text: str, kind: str = "note", more: str = "") -> Html:
    """A boxed sentence: a "note" or a "warning"; ``more`` is folded behind it."""
    word = "Note: " if kind == "note" else "Mind: "
    folded = f"<details><summary>More</summary>{escape(more)}</details>" if more else ""
    markup = f"<strong>{word}</strong>{escape(text)}{folded}"
    said = f"{text} {more}".strip()
    boxed = rf"\begin{{quote}}\textbf{{{word}}}{bundles.latex(said)}\end{{quote}}"
    others = {"text/markdown": f"> **{word.strip()}** {bundles.markdown(said)}", "text/latex": boxed}
    return Html(f'<div class="callout {escape(kind)}" role="note">{markup}</div>', word + said, others)


def figure(fig: Any, *, number: int | str, caption: str, data: Mapping[str, Sequence[Any]], alt: str = "") -> Html:
    """A numbered figure as SVG and PNG, with its caption, alt text (by default the same) and numbers to download."""
    alt = alt or caption
    source = data_link("image/svg+xml", bundles.svg(fig, salt=str(number)))
    span = f' data-epochs="{bundles.epoch_places(fig.axes[0], data["epoch"])}"' if "epoch" in data else ""
    image = f'<img class="curve" src="{source}" alt="{escape(alt)}"{span}>'
    return numbered(number, image, caption, lambda: fig, alt, "csv", csv_bytes(data))


def templates(
    images: np.ndarray, names: Sequence[str], *, number: int | str, caption: str, alt: str, weights: np.ndarray
) -> Html:
    """One picture per class, (C, h, w, 3) or grey (C, h, w) in 0..1, as crisp pixels with the class's name beneath.

    ``weights``, the array behind the pictures, is there to download, as whole numbers whose largest is 127: as fine as
    the pictures, but on one scale for all classes.
    """
    from PIL import Image

    cells = []
    for pixels, name in zip(images, names, strict=True):
        picture = io.BytesIO()
        Image.fromarray(np.rint(255 * pixels).astype(np.uint8)).save(picture, format="png")
        source = data_link("image/png", picture.getvalue())
        cells.append((source, f"Weights of the class {name}", name))
    array = io.BytesIO()
    np.save(array, np.rint(weights * (127 / (np.abs(weights).max() or 1))).astype(np.int8))
    return numbered(number, _grid(cells, alt), caption, partial(mosaic, images, names), alt, "npy", array.getvalue())


_DOWNLOADS = {"csv": ("text/csv", "Numbers (CSV)"), "npy": ("application/octet-stream", "Weights, to ±127 (NumPy)")}
LARGEST_PICTURE = 64
"""Pixels a side that a picture of a gallery keeps."""


def gallery(pictures: np.ndarray, names: Sequence[str], *, number: int | str, caption: str, alt: str) -> Html:
    """Pictures, (n, h, w, 1 or 3) uint8, each with what is said of it beneath, as a numbered figure."""
    from PIL import Image

    pictures = pictures[..., 0] if pictures.shape[3] == 1 else pictures
    cells = []
    for pixels, name in zip(pictures, names, strict=True):
        image, file = Image.fromarray(pixels), io.BytesIO()
        image.thumbnail((LARGEST_PICTURE, LARGEST_PICTURE))
        kind = "png" if max(pixels.shape[:2]) <= LARGEST_PICTURE // 2 else "jpeg"
        image.save(file, format=kind)
        cells.append((data_link(f"image/{kind}", file.getvalue()), f"A picture: {name}", name))
    return numbered(number, _grid(cells, alt), caption, partial(mosaic, pictures / 255, names), alt)


def _grid(cells: Sequence[tuple[str, str, str]], alt: str) -> str:
    """Small pictures, given as link, alt text and name; in a table names stay beneath them without a style sheet."""
    texts = [
        f'<td><img class="pixels" width="96" src="{source}" alt="{escape(what)}"><br><span>{escape(name)}</span></td>'
        for source, what, name in cells
    ]
    rows = "".join(f"<tr>{''.join(texts[i : i + 5])}</tr>" for i in range(0, len(texts), 5))
    grid = f'<table class="templates" role="presentation">{rows}</table>'
    return f'<div role="group" aria-label="{escape(alt)}">{grid}</div>'


def numbered(
    number: int | str, content: str, caption: str, draw: Draw, alt: str, ending: str = "", numbers: bytes = b""
) -> Html:
    """A figure with its caption and a link that downloads its numbers; "10 and 11" is one under two numbers.

    ``content`` is its markup, ``draw`` makes a figure of Matplotlib's that shows the same; ``ending``: "csv" or "npy".
    """
    first, *others = escape(str(number)).split(" and ")
    name, title = f"figure-{first}", f"Figure{'s' * bool(others)} {number}"
    anchors = "".join(f'<span id="figure-{other}"></span>' for other in others)
    kind, what = _DOWNLOADS.get(ending, ("", ""))
    source = data_link(kind, numbers)
    link = f' <a class="numbers" download="{name}.{ending}" href="{source}">{what}</a>' if numbers else ""
    return Html(
        f'<figure id="{name}">{anchors}{content}<figcaption><a class="anchor" href="#{name}"><b>{escape(title)}.'
        f"</b></a> {escape(caption)}{link}</figcaption></figure>",
        f"{title}. {caption}",
        *bundles.png(draw, alt, f"{title}. {caption}"),
    )


def csv_bytes(columns: Mapping[str, Sequence[Any]]) -> bytes:
    """Columns of one length as CSV, under their names."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    for row in zip(*columns.values(), strict=True):
        writer.writerow([f"{value:.6g}" if isinstance(value, float) else value for value in row])
    return text.getvalue().encode()


def table(columns: Sequence[str], rows: Sequence[Sequence[str | Html]], *, caption: str) -> Html:
    """A table; the page's script lets its headers sort it."""
    body = "".join("<tr>" + "".join(f"<td>{_markup(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    texts = [[cell.text if isinstance(cell, Html) else cell for cell in row] for row in rows]
    return _scrolling("<table>", columns, body, caption, texts)


def _scrolling(start: str, columns: Sequence[str], body: str, caption: str, texts: Sequence[Sequence[str]]) -> Html:
    """A table that scrolls where it is wider than the page: as a region, it can be reached with the keyboard.

    ``texts`` are the rows of ``body`` as plain text, for viewers that show no HTML.
    """
    head = "".join(f'<th scope="col">{escape(column)}</th>' for column in columns)
    return Html(
        f'<div class="wide" tabindex="0" role="region" aria-label="{escape(caption)}">{start}<caption>{escape(caption)}'
        f"</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>",
        bundles.plain_table(columns, texts, caption),
        bundles.table(columns, texts, caption),
    )


def verdict(word: str | None) -> str:
    """A verdict as markup: a sign and a word, so that colour is not all that tells them apart."""
    signs = {"reproduced": "✓", "refuted": "✗", "inconclusive": "?"}
    return f'<span class="verdict {word}">{signs[word]}&nbsp;{word}</span>' if word else "no&nbsp;verdict"


def counts(numbers: Mapping[str, str], of: str) -> Html:
    """How many claims got each verdict, large, as a list."""
    said = f"{', '.join(f'{n} {word}' for word, n in numbers.items())} {of}"
    return _large([(n, verdict(word)) for word, n in numbers.items()], f' aria-label="{escape(of)}"', "", said)


def large(numbers: Mapping[str, str], of: str) -> Html:
    """A few numbers, by what they stand for, large, under a line that says ``of`` what they are."""
    said = f"{of}: {', '.join(f'{n} in {name}' for name, n in numbers.items())}."
    return _large([(n, escape(name)) for name, n in numbers.items()], "", f"<p>{escape(of)}:</p>", said)


def _large(items: Sequence[tuple[str, str]], attributes: str, before: str, said: str) -> Html:
    listed = "".join(f'<li><b class="count">{escape(number)}</b> {what}</li>' for number, what in items)
    others = {"text/markdown": f"**{bundles.markdown(said)}**", "text/latex": rf"\textbf{{{bundles.latex(said)}}}"}
    return Html(f'{before}<ul class="counts"{attributes}>{listed}</ul>', said, others)


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


def claims(rows: Sequence[Mapping[str, str]], *, caption: str) -> Html:
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
            *map(bundles.plain, (row["found"], row["verdict"])),
        ]
        for row in rows
    ]
    return _scrolling('<table class="claims">', columns, body, caption, texts)


def provenance(items: Mapping[str, str | Html]) -> Html:
    """A list of names and values for the page's end."""
    rows = "".join(f"<dt>{escape(name)}</dt><dd>{_markup(value)}</dd>" for name, value in items.items())
    texts = {name: value.text if isinstance(value, Html) else value for name, value in items.items()}
    listed = "\n".join(f"- **{bundles.markdown(name)}:** {bundles.markdown(text)}" for name, text in texts.items())
    said = "\n".join(f"{name}: {text}" for name, text in texts.items())
    described = "".join(rf"\item[{bundles.latex(name)}] {bundles.latex(text)} " for name, text in texts.items())
    others = {"text/markdown": listed, "text/latex": rf"\begin{{description}}{described}\end{{description}}"}
    return Html(f'<dl class="provenance">{rows}</dl>', said, others)


def _markup(value: str | Html) -> str:
    return value.markup if isinstance(value, Html) else escape(value)


def data_link(kind: str, content: bytes) -> str:
    """A link that holds the content itself, of a MIME type."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"

"""Small pictures as one figure of Matplotlib's: what a viewer gets that shows PNG in place of HTML."""

import textwrap
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from .bundles import DPI, WIDTH
from .settings import own_settings


@own_settings()
def mosaic(images: np.ndarray, names: Sequence[str], rows: Mapping[str, int] | None = None) -> Any:
    """Pictures (n, h, w, 3) or (n, h, w) in 0..1 in rows, each with its name beneath, as one figure.

    ``rows`` has the name of each row, which stands to its left, and its number of pictures; by default as many as fit.
    """
    from matplotlib.figure import Figure

    across = min(len(images), 5 if len(images) <= 20 else 10)
    left = 1 if rows else 0
    places = [(i % across, i // across) for i in range(len(images))]
    if rows:
        places = [(left + i, row) for row, length in enumerate(rows.values()) for i in range(length)]
        across = left + max(rows.values())
    down, ratio = 1 + max(row for _, row in places), images.shape[1] / images.shape[2]
    beneath, beside = (
        [textwrap.wrap(name, 14, max_lines=3, placeholder="…") for name in of] for of in (names, rows or ())
    )
    longest = max(len(line) for lines in (*beneath, *beside) for line in lines or [""])
    size = min(10 * max(1, 1.1 * across * DPI / WIDTH), 125 / max(longest, 1))
    height = ratio + (0.14 + max(map(len, beneath)) * size / 63 if any(beneath) else 0)
    fig = Figure(figsize=(1.1 * across, 1.1 * down * height))
    ax = fig.add_axes((0, 0, 1, 1))
    write = partial(ax.text, fontsize=size, linespacing=1.1, parse_math=False)
    for row, lines in enumerate(beside):
        write(0.95, row * height + ratio / 2, "\n".join(lines), ha="right", va="center")
    for (x, row), pixels, lines in zip(places, images, beneath, strict=True):
        y = row * height
        box = (x + 0.04, x + 0.96, y + 0.96 * ratio, y + 0.04)
        ax.imshow(pixels, extent=box, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        write(x + 0.5, y + ratio + 0.03, "\n".join(lines), ha="center", va="top")
    ax.set(xlim=(0, across), ylim=(down * height, 0), aspect="auto")
    ax.axis("off")
    return fig

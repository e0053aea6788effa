"""What figures look like, whatever the user's own matplotlibrc or styles say."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from matplotlib import style
from matplotlib.axes import Axes


@contextmanager
def own_settings(salt: str | None = None) -> Iterator[None]:
    """Matplotlib's defaults and ours while drawing or saving, also as a decorator; the user's are back afterwards.

    Args:
        salt: what ids within an SVG are made from, where the same figure shall give the same bytes.
    """
    # Text stays text, in the reader's own font.
    ours = {"svg.hashsalt": salt, "svg.fonttype": "none", "font.family": "sans-serif"}
    with style.context(["default", ours]):
        yield


def styled(ax: Axes, grid: Literal["both", "x"] = "both") -> Axes:
    """``ax`` with what all line plots share: a light grid, a legend, and no frame at the top and right."""
    ax.grid(axis=grid, alpha=0.25, linewidth=0.6)
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(framealpha=0.7, edgecolor="none", facecolor="white", fontsize="small")
    return ax

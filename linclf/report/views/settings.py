"""What figures look like, whatever the user's own matplotlibrc or styles say."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

# Matplotlib reads the user's settings when it is imported: not before a kernel draws, which is started without them.
if TYPE_CHECKING:
    from matplotlib.axes import Axes

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


def styled(ax: "Axes", grid: Literal["both", "x"] = "both") -> "Axes":
    """``ax`` with what all line plots share: a light grid, a legend, and no frame at the top and right."""
    ax.grid(axis=grid, alpha=0.25, linewidth=0.6)
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(framealpha=0.7, edgecolor="none")
    return ax


def legend_above(ax: "Axes") -> "Axes":
    """The legend over the axes, where it hides no line; of one setting, with a column for each set of images."""
    handles, labels = ax.get_legend_handles_labels()
    order = list(range(len(labels)))
    if labels[-1].startswith("validation"):
        order.sort(key=lambda i: labels[i].startswith("validation"))
    shown = [re.sub(r"^\w+, (?=range of)", "", labels[i]) for i in order]
    ax.legend([handles[i] for i in order], shown, loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False)
    return ax

"""What figures look like, whatever the user's own matplotlibrc or styles say."""

from collections.abc import Iterator
from contextlib import contextmanager

from matplotlib import style


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

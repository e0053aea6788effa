"""Views of plain runs: how they went over the epochs."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.ticker import LogFormatter

from linclf.training.loop import Run

from . import html, plots
from .settings import own_settings


@own_settings()
def history(
    runs: Mapping[str, Sequence[Run]], quantity: str, *, number: int | str, title: str, scale: str = "linear"
) -> Any:
    """Loss, cost or accuracy of runs by name over the epochs, as a numbered figure; the first name's is told in words.

    Runs of one name differ in their seed alone. The scale is "log" where one run's numbers would dwarf the others'.
    """
    many = len(runs) > 1
    axes = plots.history(runs, quantity, ax=plots.new_axes(5.6, 4.8 if many else 3.5))
    if scale == "log":
        axes.set_yscale(scale)
        axes.yaxis.set_major_formatter(LogFormatter())
        axes.yaxis.set_minor_formatter(LogFormatter())
    if many:  # beneath, where so many lines are not hidden by it
        axes.legend(loc="upper center", bbox_to_anchor=(0.45, -0.18), ncols=2, frameon=False)
    columns: dict[str, Sequence[Any]] = {}
    for name, own in runs.items():
        for part in ("training", "validation"):
            mean = _mean(own, part, quantity)
            columns.setdefault("epoch", range(len(mean)))
            columns[f"{part} {quantity}{f', {name}' if name else ''}"] = [f"{value:.6g}" for value in mean]
    name, first = next(iter(runs.items()))
    said = f"{name}: {told(first, quantity)}" if many else told(first, quantity)
    said = said[0].upper() + said[1:]
    return html.figure(
        axes.figure,
        number=number,
        caption=f"{title} {said}",
        alt=f"{2 * len(runs) if many else 'Two'} curves over {len(columns['epoch']) - 1} epochs. {said}",
        data=columns,
    )


def told(runs: Sequence[Run], quantity: str) -> str:
    """How a quantity went on training and validation images, mean over the runs, in a sentence."""
    parts = []
    for part in ("training", "validation"):
        mean = _mean(runs, part, quantity)
        best = int(mean.argmax() if quantity == "accuracy" else mean.argmin())
        word = "highest" if quantity == "accuracy" else "lowest"
        start, end, peak = (number(value, quantity) for value in (mean[0], mean[-1], mean[best]))
        extreme = f", {word} {peak} at epoch {best}" if peak not in (start, end) else ""
        parts.append(f"{part} {quantity} goes from {start} to {end}{extreme}")
    return "; ".join(parts) + "."


def number(value: float, quantity: str) -> str:
    """A loss, cost or accuracy in words."""
    return f"{100 * value:.1f} %" if quantity == "accuracy" else f"{value:#.3g}".rstrip(".")


def _mean(runs: Sequence[Run], part: str, quantity: str) -> np.ndarray:
    """What was measured on the training or validation images, mean over the runs, (epochs + 1,)."""
    return np.mean([getattr(run.history, f"{part.replace('training', 'train')}_{quantity}") for run in runs], axis=0)

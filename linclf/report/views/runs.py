"""Views of plain runs: how they went over the epochs."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from linclf.training.loop import Run

from . import html, plots


def history(
    runs: Mapping[str, Sequence[Run]], quantity: str, *, number: int | str, title: str, scale: str = "linear"
) -> Any:
    """Loss, cost or accuracy of runs by name over the epochs, as a numbered figure; the first name's is told in words.

    Args:
        runs: runs that differ in their seed alone, under each name.
        quantity: "loss", "cost" or "accuracy".
        number: of the figure.
        title: what it shows, as a sentence.
        scale: "log" where one run's numbers would dwarf the others'.
    """
    axes = plots.history(runs, quantity, ax=plots.new_axes(5.6, 3.3 if len(runs) == 1 else 4.2))
    axes.set_yscale(scale)
    columns: dict[str, Sequence[float]] = {}
    for name, own in runs.items():
        for run in own:
            for part in ("training", "validation"):
                series = _series(run, part, quantity)
                columns.setdefault("epoch", range(len(series)))
                seed = f", seed {run.config.seed}" if len(own) > 1 else ""
                columns[f"{part} {quantity}{f', {name}' if name else ''}{seed}"] = series.tolist()
    first, many = next(iter(runs.values())), len(runs) > 1
    said = told(first, quantity)
    name = f"{next(iter(runs))}: " if many else ""
    return html.figure(
        axes.figure,
        number=number,
        caption=f"{title} {name}{said}",
        alt=f"{2 * len(runs) if many else 'Two'} curves over {len(columns['epoch']) - 1} epochs. {name}{said}",
        data=columns,
    )


def told(runs: Sequence[Run], quantity: str) -> str:
    """How a quantity went on training and validation images, mean over the runs, in a sentence."""
    parts = []
    for part in ("training", "validation"):
        mean = np.mean([_series(run, part, quantity) for run in runs], axis=0)
        best = int(mean.argmax() if quantity == "accuracy" else mean.argmin())
        word = "highest" if quantity == "accuracy" else "lowest"
        start, end, peak = (number(value, quantity) for value in (mean[0], mean[-1], mean[best]))
        extreme = f", {word} {peak} at epoch {best}" if peak not in (start, end) else ""
        parts.append(f"{part} {quantity} goes from {start} to {end}{extreme}")
    text = "; ".join(parts) + "."
    return text[0].upper() + text[1:]


def number(value: float, quantity: str) -> str:
    """A loss, cost or accuracy in words."""
    return f"{100 * value:.1f} %" if quantity == "accuracy" else f"{value:.3g}"


def _series(run: Run, part: str, quantity: str) -> np.ndarray:
    """What was measured on the training or validation images, (epochs + 1,)."""
    return getattr(run.history, f"{part.replace('training', 'train')}_{quantity}")

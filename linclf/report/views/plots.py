"""The report's figures. Each function draws on an Axes (or makes one) and returns it; none knows about pages.

Colours are Okabe and Ito's, which colour-blind readers can tell apart; line styles differ too.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from linclf.studies.reference.design import ARMS
from linclf.studies.results import Results

from .settings import own_settings

TRAIN, VALIDATION, BESIDE = "#0072b2", "#d55e00", "#767676"
MOST_NAMED_CLASSES = 20
_SETS = (("train", "training", TRAIN, "-"), ("validation", "validation", VALIDATION, (0, (4, 1.5))))


@own_settings()
def new_axes(width: float = 5.6, height: float = 3.3) -> Axes:
    """An Axes in a figure of its own, in inches, that belongs to no window."""
    return Figure(figsize=(width, height), layout="constrained").add_subplot()


def _styled(ax: Axes, grid: Literal["both", "x"] = "both") -> Axes:
    """``ax`` with what all line plots share: a light grid, a legend, and no frame at the top and right."""
    ax.grid(axis=grid, alpha=0.25, linewidth=0.6)
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(framealpha=0.7, edgecolor="none", facecolor="white", fontsize="small")
    return ax


@own_settings()
def curves(
    results: Results,
    arm: str,
    setting: int,
    quantity: str = "loss",
    *,
    beside: str | None = None,
    limits: tuple[float, float] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Loss, cost or accuracy of training and validation images over the epochs: mean over seeds, band = their range.

    Args:
        results: what a report measured.
        arm: which networks, such as "base".
        setting: number of their setting, 1 to 4.
        quantity: "loss", "cost" or "accuracy".
        beside: another arm, drawn thin and grey for comparison, over its own epochs.
        limits: min and max of the vertical axis.
        ax: where to draw; a new figure's by default.

    >>> from tempfile import TemporaryDirectory
    >>> from linclf.studies.reference.study import Study
    >>> with TemporaryDirectory() as folder:
    ...     results = Study("synthetic:50", folder, epochs=1, progress=False).run("base")
    >>> [line.get_label() for line in curves(results, "base", 1).lines]
    ['training', 'validation']
    """
    ax = ax or new_axes()
    for prefix, label, _, style in _SETS:
        if beside is not None:
            mean = results.curves(beside, setting, f"{prefix}_{quantity}").mean(axis=0)
            ax.plot(mean, color=BESIDE, linestyle=style, linewidth=0.9, label=f"{label}, {ARMS[beside].title}")
    for prefix, label, colour, style in _SETS:
        values = results.curves(arm, setting, f"{prefix}_{quantity}")
        ax.plot(values.mean(axis=0), color=colour, linestyle=style, linewidth=1.6, label=label)
        if len(values) > 1:
            epochs = np.arange(values.shape[1])
            band = f"{label}, range of {len(values)} seeds"
            ax.fill_between(epochs, values.min(axis=0), values.max(axis=0), color=colour, alpha=0.2, lw=0, label=band)
    ax.set(xlabel="epoch", ylabel=quantity, xlim=(0, None), ylim=limits)
    return _styled(ax)


def curve_numbers(results: Results, arm: str, setting: int, quantity: str = "loss") -> dict[str, Sequence[float]]:
    """The numbers behind :func:`curves`: one column for the epoch, and one per seed and set of images."""
    columns: dict[str, Sequence[float]] = {}
    for prefix, label, *_ in _SETS:
        values = results.curves(arm, setting, f"{prefix}_{quantity}")
        columns.setdefault("epoch", list(range(values.shape[1])))
        for record, series in zip(results.runs(arm, setting), values, strict=True):
            columns[f"{label} {quantity}, seed {record['seed']}"] = series.tolist()
    return columns


def common_limits(
    results: Results, panels: Sequence[tuple[str, int]], quantity: str = "loss", first_epoch: int = 0
) -> tuple[float, float]:
    """Min and max over several (arm, setting) panels, with a margin, so that they can share an axis."""
    values = np.concatenate(
        [
            results.curves(arm, setting, f"{prefix}_{quantity}")[:, first_epoch:].ravel()
            for arm, setting in panels
            for prefix, *_ in _SETS
        ]
    )
    margin = 0.04 * (values.max() - values.min()) or 0.01
    return float(values.min() - margin), float(values.max() + margin)


@own_settings()
def confusion(matrix: np.ndarray, names: Sequence[str], ax: Axes | None = None) -> Axes:
    """Confusion matrix (C, C) as a heat map of percent of each true class (row).

    Beyond 20 classes their names and the cells' numbers would not be legible: classes are then counted from 0.

    >>> axes = confusion(np.array([[3, 1], [0, 4]]), ["cat", "dog"])
    >>> [text.get_text() for text in axes.texts]
    ['75', '25', '0', '100']
    """
    ax = ax or new_axes(6.4, 5.4)
    percent = 100 * matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    ax.imshow(percent, cmap="cividis", vmin=0, vmax=max(percent.max(), 1))
    ax.set(xlabel="predicted class", ylabel="true class")
    if len(names) > MOST_NAMED_CLASSES:
        ax.locator_params(integer=True)
        return ax
    for (row, column), value in np.ndenumerate(percent):
        shade = "black" if value > 0.6 * percent.max() else "white"
        ax.text(column, row, f"{value:.0f}", ha="center", va="center", fontsize=8, color=shade)
    labels = [name if len(name) <= 20 else f"{name[:19]}…" for name in names]
    # parse_math: a class name is text, whatever dollar signs it holds.
    ax.set_xticks(range(len(names)), labels, rotation=40, ha="right", rotation_mode="anchor", parse_math=False)
    ax.set_yticks(range(len(names)), labels, parse_math=False)
    return ax


@own_settings()
def heat_map(values: np.ndarray, rows: Sequence[str], columns: Sequence[str], ax: Axes | None = None) -> Axes:
    """Numbers (rows, columns) as a heat map, each written into its cell; the caller names the axes."""
    ax = ax or new_axes(5.6, 0.8 + 0.42 * len(rows))
    ax.imshow(values, cmap="cividis", aspect="auto")
    middle = (np.nanmin(values) + np.nanmax(values)) / 2
    for (row, column), value in np.ndenumerate(values):
        if np.isnan(value):  # an empty cell
            continue
        ax.text(column, row, f"{value:.1f}", ha="center", va="center", fontsize=8, color="wk"[int(value > middle)])
    ax.set_xticks(range(len(columns)), columns)
    ax.set_yticks(range(len(rows)), rows)
    return ax


@own_settings()
def intervals(
    names: Sequence[str], series: Sequence[tuple[str, Sequence[tuple[float, float, float]]]], ax: Axes | None = None
) -> Axes:
    """Values with their intervals, one row per name; each series is (label, [(value, low, high) per name])."""
    ax = ax or new_axes(6.4, 1.2 + 0.36 * len(names))
    for i, (label, numbers) in enumerate(series):
        value, low, high = np.array(numbers).T
        at = np.arange(len(names)) + 0.12 * (2 * i - len(series) + 1)
        colour, marker = ((TRAIN, "o"), (VALIDATION, "s"))[i % 2]
        ax.errorbar(value, at, xerr=[value - low, high - value], fmt=marker, ms=5, lw=1.4, color=colour, label=label)
    ax.axvline(0, color=BESIDE, lw=0.8)
    ax.set_yticks(range(len(names)), names)
    ax.invert_yaxis()
    return _styled(ax, grid="x")


@own_settings()
def learning_curve(
    sizes: Sequence[int], values: np.ndarray, trend: tuple[np.ndarray, np.ndarray], ax: Axes | None = None
) -> Axes:
    """Percent (sizes, seeds) against the number of training images, and a fitted trend (numbers, percent)."""
    ax = ax or new_axes()
    for column in values.T:
        ax.plot(sizes, column, "o", ms=3.5, color=TRAIN, alpha=0.5)
    ax.plot(sizes, values.mean(axis=1), "-", color=TRAIN, lw=1.6, label="mean over seeds, and each seed")
    ax.plot(*trend, color=VALIDATION, lw=1.2, linestyle=(0, (4, 1.5)), label="fitted trend")
    ax.set(xscale="log", xlabel="training images", ylabel="test accuracy, %")
    return _styled(ax)


@own_settings()
def histogram(shares: Sequence[tuple[str, np.ndarray]], bins: np.ndarray, ax: Axes | None = None) -> Axes:
    """Percent of images per bin, as steps; each entry of ``shares`` is (label, shares (bins,))."""
    ax = ax or new_axes()
    for (label, values), colour, style in zip(shares, (TRAIN, VALIDATION), ("-", (0, (4, 1.5))), strict=False):
        ax.stairs(100 * values, bins, color=colour, linestyle=style, linewidth=1.6, label=label)
    ax.set(xlabel="probability given to the true class", ylabel="images, %", xlim=(bins[0], bins[-1]))
    return _styled(ax)


def template_images(W: np.ndarray, image_shape: tuple[int, ...]) -> np.ndarray:
    """Each class's weights as a picture, each stretched to 0..1.

    In colour, (C, h, w, 3), where there are three channels; else grey, (C, h, c·w), with the channels side by side.

    >>> template_images(np.array([[-1.0, 0.0, 1.0, 3.0]]), (2, 2, 1))
    array([[[0.  , 0.25],
            [0.5 , 1.  ]]])
    """
    templates = W.reshape(-1, *image_shape).astype(np.float64)
    axes = tuple(range(1, templates.ndim))
    low, high = templates.min(axis=axes, keepdims=True), templates.max(axis=axes, keepdims=True)
    stretched = (templates - low) / np.where(high > low, high - low, 1)
    if image_shape[2] == 3:
        return stretched
    return stretched.transpose(0, 1, 3, 2).reshape(len(stretched), image_shape[0], -1)

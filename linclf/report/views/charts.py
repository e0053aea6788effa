"""Charts of what a study found: heat maps, intervals, learning curves, histograms, each on an Axes of its own."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from linclf.studies.intervals import Interval

from .plots import COLOURS, new_axes
from .settings import BESIDE, TRAIN, VALIDATION, own_settings, styled


@own_settings()
def heat_map(values: np.ndarray, rows: Sequence[str], columns: Sequence[str]) -> Axes:
    """Numbers (rows, columns) as a heat map, each written into its cell but for NaN; the caller names the axes."""
    ax, low, high = new_axes(5.6, 0.8 + 0.42 * len(rows)), np.nanmin(values), np.nanmax(values)
    image = ax.imshow(values, cmap="cividis", aspect="auto")
    image.set_clim(min(low, high - 1), high)  # where all are alike, not beyond them
    ax.figure.colorbar(image, ax=ax)
    for (row, column), value in np.ndenumerate(values):
        if np.isnan(value):
            continue
        ax.text(column, row, f"{value:.1f}", ha="center", va="center", color="wk"[int(value > (low + high) / 2)])
    crowded = max(map(len, columns)) * len(columns) > 45  # as level text, neighbours would touch
    ax.set_xticks(range(len(columns)), columns)
    if crowded:
        for label in ax.get_xticklabels():
            label.set(rotation=35, ha="right", rotation_mode="anchor")
    ax.set_yticks(range(len(rows)), rows)
    return ax


@own_settings()
def intervals(names: Sequence[str], series: Sequence[tuple[str, Sequence[tuple[float, float, float]]]]) -> Axes:
    """Values with their intervals, one row per name; each series is (label, [(value, low, high) per name])."""
    ax = new_axes(5.8, 1.2 + 0.18 * len(names) * min(len(series), 4))
    for i, (label, numbers) in enumerate(series):
        value, low, high = np.array(numbers).T
        at = heights(len(names), len(series), i)
        colour, marker = COLOURS[i % len(COLOURS)], "os^vP"[i % 5]
        ax.errorbar(value, at, xerr=[value - low, high - value], fmt=marker, ms=5, lw=1.4, color=colour, label=label)
    ax.set_yticks(range(len(names)), names)
    ax.invert_yaxis()
    return styled(ax, grid="x")


@own_settings()
def legend_below(ax: Axes) -> None:
    """The legend in two columns under the axes, where it hides nothing."""
    ax.figure.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=2, frameon=False)
    ax.legend().remove()


def heights(names: int, series: int, i: int) -> np.ndarray:
    """Where the series i of :func:`intervals` stands in each row."""
    return np.arange(names) + min(0.24, 0.8 / series) * (i - (series - 1) / 2)


@own_settings()
def learning_curve(sizes: Sequence[int], values: np.ndarray, trend: tuple[np.ndarray, np.ndarray] | None) -> Axes:
    """Percent (sizes, seeds) against the number of training images, and a trend (numbers, percent) if there is one."""
    ax = new_axes()
    for column in values.T:
        ax.plot(sizes, column, "o", ms=3.5, color=TRAIN, alpha=0.5)
    ax.plot(sizes, values.mean(axis=1), "-", color=TRAIN, lw=1.6, label="mean over seeds, and each seed")
    if trend is not None:
        ax.plot(*trend, color=VALIDATION, lw=1.2, linestyle=(0, (4, 1.5)), label="fitted trend")
    ax.set(xscale="log", xlabel="training images", ylabel="test accuracy, %")
    ax.set_xticks(sizes, [f"{size:,}" for size in sizes])
    ax.minorticks_off()
    return styled(ax)


@own_settings()
def histogram(shares: Sequence[tuple[str, np.ndarray]], bins: np.ndarray) -> Axes:
    """Percent of images per bin, as steps; each entry of ``shares`` is (label, shares (bins,))."""
    ax = new_axes()
    for (label, values), colour, style in zip(shares, (TRAIN, VALIDATION), ("-", (0, (4, 1.5))), strict=False):
        ax.stairs(100 * values, bins, color=colour, linestyle=style, linewidth=1.6, label=label)
    ax.set(xlabel="probability given to the true class", ylabel="images, %", xlim=(bins[0], bins[-1]))
    return styled(ax)


@own_settings()
def reliability(probability: np.ndarray, shares: Sequence[Interval]) -> Axes:
    """Share of answers that are right against their mean probability, with intervals; the diagonal is as it says."""
    ax = new_axes(4.4, 4.0)
    value, low, high = 100 * np.array(shares).T
    ax.plot([0, 100], [0, 100], color=BESIDE, linewidth=0.9, label="as often as it says")
    error = [value - low, high - value]
    ax.errorbar(100 * probability, value, yerr=error, fmt="o", ms=5, lw=1.4, color=TRAIN, label="test data")
    ax.set(xlabel="probability of the answer, %", ylabel="answers that are right, %", xlim=(0, 103), ylim=(-3, 103))
    return styled(ax)


@own_settings()
def accuracy_by_size(points: Mapping[int, Sequence[float]], last: Interval, what: str) -> Axes:
    """What each network reaches, 0..1, by the number that it trained on; the largest number has an interval."""
    ax = new_axes()
    for size, values in points.items():
        ax.plot([size] * len(values), 100 * np.array(values), "o", ms=3.5, color=TRAIN, alpha=0.5)
    means = [100 * np.mean(values) for values in points.values()]
    ax.plot(list(points), means, "-", color=TRAIN, lw=1.6, label="mean, and each network")
    bar = [[100 * (last.value - last.low)], [100 * (last.high - last.value)]]
    ax.errorbar([max(points)], [100 * last.value], yerr=bar, color=VALIDATION, lw=1.4, label="95 % interval")
    ax.set(xscale="log", xlabel="number to train on", ylabel=f"test {what}, %")
    ax.set_xticks(list(points), [f"{size:,}" for size in points])
    ax.minorticks_off()
    legend_below(styled(ax))
    return ax

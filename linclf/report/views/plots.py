"""``linclf.plot``: pictures of plain runs, models and arrays. The report draws its figures with the same functions.

Functions that draw on one Axes take it as ``ax`` and return it; without it they make a figure of pyplot's, which
JupyterLab and ``pyplot.show()`` show.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from linclf.errors import ConfigError, DataError
from linclf.studies import metrics
from linclf.training import Config, History, Linear, Run

from .html import BESIDE, INK, TRAIN, VALIDATION, own_settings

__all__ = ["confusion", "history", "images", "templates"]

COLOURS = (TRAIN, VALIDATION, "#009e73", "#cc79a7", INK, "#e69f00", "#56b4e9")  # dark pages: the last is like the first
MOST_NAMED_CLASSES = 20
_SETS = (("train", "training", TRAIN, "-"), ("validation", "validation", VALIDATION, (0, (4, 1.5))))


@own_settings()
def history(
    runs: Run | History | Iterable[Run] | Mapping[str, Sequence[Run]],
    quantity: str = "loss",
    *,
    beside: Mapping[str, Sequence[Run | History]] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Loss, cost or accuracy over the epochs, on the sets of images that were measured.

    Of runs that differ in their seed alone the first is drawn in full, the others lightly behind it.

    Args:
        runs: what ``linclf.train`` and ``linclf.sweep`` return, one run, its history, or runs by name. Without names,
            lines are called after the fields of Config in which they differ.
        quantity: "loss", "cost" or "accuracy".
        beside: other runs by name, drawn thin and grey for comparison, above the lines that they may coincide with.
        ax: where to draw.

    Raises:
        ConfigError: runs that were not measured, or another quantity.

    >>> import linclf
    >>> X, y = np.array([[-1.0], [1.0]]), np.array([0, 1])
    >>> configs = [linclf.Config(learning_rate=1.0, l2=l2, epochs=3) for l2 in (0.0, 0.1)]
    >>> axes = history(linclf.train(configs, (X, y), progress=False), ax=new_axes())
    >>> [text.get_text() for text in axes.get_legend().texts]
    ['l2 = 0.0', 'l2 = 0.1']
    """
    if quantity not in ("loss", "cost", "accuracy"):
        raise ConfigError(f"quantity must be loss, cost or accuracy, not {quantity!r}")
    drawn: Mapping[str, Sequence[Run | History]] = {"": [runs]} if isinstance(runs, History) else _by_name(runs)
    groups, beside = (
        {f" {name}" if name.startswith("_") else name: group for name, group in named.items()}  # else left out
        for named in (drawn, beside or {})
    )
    series = [(title, _series(group, quantity)) for title, group in groups.items()]
    ax = ax or _shown(5.6, 3.3).add_subplot()
    for title, others in beside.items():
        for label, values, _, style in _series(others, quantity):
            _seeds(ax, values, color=BESIDE, linestyle=style, linewidth=0.9, zorder=3, label=f"{label}, {title}")
    if len(groups) > 1 and any(len(sets) > 1 for _, sets in series):  # which line is which, once for all groups
        for _, label, _, style in _SETS:
            ax.plot([], [], color=BESIDE, linestyle=style, linewidth=1.6, label=label)
        if len(groups) == 3:  # so that the legend has all the names, which are long, in its second column
            ax.plot([], [], " ", label=" ")
    for i, (title, sets) in enumerate(series):
        for j, (label, values, colour, style) in enumerate(sets):
            if len(groups) > 1:
                label, colour = "" if j else title, COLOURS[i % len(COLOURS)]
            _seeds(ax, values, color=colour, linestyle=style, linewidth=1.6, label=label or None)
    ax.set(xlabel="epoch", ylabel=quantity)
    ax.locator_params(axis="x", integer=True)
    ax.set_xlim(0, max(1, ax.get_xlim()[1]), auto=None)  # axes that share this one may go farther
    entries = [*zip(*styled(ax).get_legend_handles_labels(), strict=True)]
    if entries[-1][1].startswith("validation"):  # of one setting, a column for each set of images
        entries.sort(key=lambda entry: entry[1].startswith("validation"))
    ax.legend(*zip(*entries, strict=True), loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False)
    return ax


def _seeds(ax: Axes, values: np.ndarray, **line: Any) -> None:
    """The first of some curves (runs, epochs + 1) in full, the others lightly behind it."""
    epochs = np.arange(values.shape[1])
    others = [np.column_stack([epochs, series]) for series in values[1:]]
    behind = {name: line[name] for name in ("color", "linestyle")}
    ax.add_collection(LineCollection(others, linewidths=0.6, alpha=0.25, zorder=1, **behind))
    marker = "o" if np.isfinite(values[0]).sum() == 1 else ""  # what diverged in its first epoch is no line
    ax.plot(epochs, values[0], marker=marker, **line)


def _by_name(runs: Run | Iterable[Run] | Mapping[str, Sequence[Run]]) -> Mapping[str, Sequence[Run]]:
    """Runs under the fields of Config in which they differ, but for the seed; runs that have names keep them."""
    if isinstance(runs, Mapping):
        return runs
    runs = [runs] if isinstance(runs, Run) else list(runs)
    names = [field.name for field in fields(Config) if len({getattr(run.config, field.name) for run in runs}) > 1]
    groups: dict[str, list[Run]] = {}
    for run in runs:
        title = ", ".join(f"{name} = {getattr(run.config, name)}" for name in names if name != "seed")
        groups.setdefault(title, []).append(run)
    return groups


def _series(runs: Sequence[Run | History], quantity: str) -> list[tuple[str, np.ndarray, str, Any]]:
    """Label, values (runs, epochs + 1), colour and style of each set of images that was measured."""
    histories = [run if isinstance(run, History) else run.history for run in runs]
    if not histories or None in histories:
        raise ConfigError("expected runs that were measured, found none or some trained with evaluate=False")
    return [
        (label, values, colour, style)
        for key, label, colour, style in _SETS
        for values in [np.array([getattr(history, f"{key}_{quantity}") for history in histories])]
        if not np.isnan(values).all()
    ]


@own_settings()
def templates(
    model: Linear, image_shape: tuple[int, ...] | None = None, class_names: Sequence[str] | None = None
) -> Figure:
    """Each class's weights as a picture, stretched to the full range of colours; two channels stand side by side.

    Args:
        model: what was trained.
        image_shape: (h, w, c) of its images, h·w·c inputs; by default square ones, in colour where their number allows.
        class_names: C titles.

    Raises:
        DataError: an image_shape of another number of inputs, or none, and they make no square.

    >>> figure = templates(Linear(np.eye(4), np.zeros(4)), (2, 2, 1), ["a", "b", "c", "d"])
    >>> len(figure.axes), figure.axes[3].get_title()
    (4, 'd')
    """
    if image_shape is None:
        d = model.W.shape[1]
        squares = [(side, side, c) for c in (3, 1) for side in [math.isqrt(d // c)] if side * side * c == d]
        if not squares:
            raise DataError(
                f"expected square images, in colour or grey; {d:,} inputs are none: give image_shape (h, w, c)"
            )
        image_shape = squares[0]
    return images(template_images(model.W, image_shape), class_names)


@own_settings()
def images(images: np.ndarray, titles: Sequence[str] | None = None, *, columns: int = 10) -> Figure:
    """Images in rows, as crisp pixels, each with its title.

    Args:
        images: (n, h, w, c) with 1, 3 or 4 channels, or grey (n, h, w): whole numbers 0..255, or others, 0..1.
        titles: one for each.
        columns: images a row.

    >>> len(images(np.zeros((3, 8, 8, 3), np.uint8), columns=2).axes)
    3
    """
    pixels = np.asarray(images)
    if pixels.ndim not in (3, 4) or (pixels.ndim == 4 and pixels.shape[3] not in (1, 3, 4)) or not len(pixels):
        raise DataError(f"expected images (n, h, w, c) of 1, 3 or 4 channels, or (n, h, w), found {pixels.shape}")
    pixels = pixels[..., 0] if pixels.shape[3:] == (1,) else pixels
    titles = [""] * len(pixels) if titles is None else titles
    columns = min(columns, len(pixels))
    rows = -(-len(pixels) // columns)
    figure = _shown(0.95 * columns, (1.2 if any(titles) else 1.0) * rows * pixels.shape[1] / pixels.shape[2])
    for i, (picture, title) in enumerate(zip(pixels, titles, strict=True), start=1):
        ax = figure.add_subplot(rows, columns, i)
        whole = np.issubdtype(picture.dtype, np.integer)
        ax.imshow(picture, cmap="gray", vmin=0, vmax=255 if whole else 1, interpolation="none")
        ax.set_title(title, fontsize="small")
        ax.axis("off")
    return figure


@own_settings()
def confusion(
    labels: np.ndarray, predictions: np.ndarray, class_names: Sequence[str] | None = None, *, ax: Axes | None = None
) -> Axes:
    """Confusion matrix as a heat map: of each true class (row) the percent that were given each class (column).

    Beyond 20 classes their names and the cells' numbers would not be legible: classes are then counted from 0.

    Args:
        labels: true classes (n,), 0..C-1.
        predictions: (n,), as ``model.predict`` gives them.
        class_names: C names; by default numbers.
        ax: where to draw.

    >>> axes = confusion([0, 0, 0, 0, 1, 1, 1, 1], [0, 0, 0, 1, 1, 1, 1, 1], ["cat", "dog"], ax=new_axes())
    >>> [text.get_text() for text in axes.texts]
    ['75', '25', '0', '100']
    """
    true, given = np.asarray(labels, np.int64), np.asarray(predictions, np.int64)
    highest = int(max(true.max(initial=0), given.max(initial=0)))
    names = list(map(str, range(highest + 1))) if class_names is None else class_names
    if true.shape != given.shape or true.ndim != 1 or highest >= len(names):
        raise DataError(
            f"expected labels and predictions (n,) of {len(names)} classes, found {true.shape} and {given.shape} of "
            f"classes to {highest}"
        )
    matrix = metrics.confusion_matrix(given, true, len(names))
    ax = ax or _shown(5.8, 4.9).add_subplot()
    percent = 100 * matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    image = ax.imshow(percent, cmap="cividis", vmin=0, vmax=max(percent.max(), 1))
    ax.figure.colorbar(image, ax=ax, label="% of the true class", shrink=0.7)
    ax.set(xlabel="predicted class", ylabel="true class")
    if len(names) > MOST_NAMED_CLASSES:
        ax.locator_params(integer=True)
        return ax
    _write_cells(ax, percent, digits=0, bright=0.6 * percent.max())
    short = [name if len(name) <= 20 else f"{name[:19]}…" for name in names]
    # parse_math: a class name is text, whatever dollar signs it holds.
    ax.set_xticks(range(len(names)), short, rotation=40, ha="right", rotation_mode="anchor", parse_math=False)
    ax.set_yticks(range(len(names)), short, parse_math=False)
    return ax


def _write_cells(ax: Axes, values: np.ndarray, *, digits: int, bright: float) -> None:
    """Write numbers into the cells of a heat map, but for NaN: in black on those above ``bright``, else in white."""
    for (row, column), value in np.ndenumerate(values):
        if not np.isnan(value):
            ax.text(column, row, f"{value:.{digits}f}", ha="center", va="center", color="wk"[int(value > bright)])


def _shown(width: float, height: float) -> Figure:
    """A figure, in inches, that JupyterLab shows below the cell that made it, and a script in a window."""
    from matplotlib import pyplot  # slow to import, and the report needs no windows

    return pyplot.figure(figsize=(width, height), layout="constrained")


@own_settings()
def new_axes(width: float = 5.6, height: float = 3.3) -> Axes:
    """An Axes in a figure of its own, in inches, that belongs to no window."""
    return Figure(figsize=(width, height), layout="constrained").add_subplot()


def template_images(W: np.ndarray, image_shape: tuple[int, ...]) -> np.ndarray:
    """Each class's weights as a picture, each stretched to 0..1.

    In colour, (C, h, w, 3), where there are three channels; else grey, (C, h, c·w), with the channels side by side.

    >>> template_images(np.array([[-1.0, 0.0, 1.0, 3.0]]), (2, 2, 1))
    array([[[0.  , 0.25],
            [0.5 , 1.  ]]])
    """
    if len(image_shape) != 3 or W.shape[1] != np.prod(image_shape):
        raise DataError(f"expected an image_shape (h, w, c) of {W.shape[1]:,} inputs, found {image_shape}")
    stack = W.reshape(-1, *image_shape).astype(np.float64)
    axes = tuple(range(1, stack.ndim))
    low, high = stack.min(axis=axes, keepdims=True), stack.max(axis=axes, keepdims=True)
    stretched = (stack - low) / np.where(high > low, high - low, 1)
    if image_shape[2] == 3:
        return stretched
    return stretched.transpose(0, 1, 3, 2).reshape(len(stretched), image_shape[0], -1)


@own_settings()
def heat_map(values: np.ndarray, rows: Sequence[str], columns: Sequence[str]) -> Axes:
    """Numbers (rows, columns) as a heat map, each written into its cell but for NaN; the caller names the axes."""
    ax, low, high = new_axes(5.6, 0.8 + 0.42 * len(rows)), np.nanmin(values), np.nanmax(values)
    image = ax.imshow(values, cmap="cividis", aspect="auto")
    image.set_clim(min(low, high - 1), high)  # where all are alike, not beyond them
    ax.figure.colorbar(image, ax=ax)
    _write_cells(ax, values, digits=1, bright=(low + high) / 2)
    crowded = max(map(len, columns)) * len(columns) > 45  # as level text, neighbours would touch
    turned: dict[str, Any] = {"rotation": 35, "ha": "right", "rotation_mode": "anchor"} if crowded else {}
    ax.set_xticks(range(len(columns)), columns, **turned)
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


def interval_columns(series: Sequence[tuple[str, Sequence[tuple[float, float, float]]]]) -> dict[str, Sequence[Any]]:
    """The numbers of :func:`intervals` as columns of a file."""
    parts = ("mean", "low", "high")
    return {f"{label} ({parts[i]})": [each[i] for each in numbers] for label, numbers in series for i in range(3)}


@own_settings()
def legend_below(ax: Axes) -> None:
    """The legend in two columns under the axes, where it hides nothing."""
    ax.figure.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=2, frameon=False)
    ax.legend().remove()


def heights(names: int, series: int, i: int) -> np.ndarray:
    """Where the series i of :func:`intervals` stands in each row."""
    return np.arange(names) + min(0.24, 0.8 / series) * (i - (series - 1) / 2)


@own_settings()
def by_size(
    points: Mapping[int, Sequence[float]],
    *,
    trend: tuple[np.ndarray, np.ndarray] | None = None,
    last: metrics.Interval | None = None,
) -> Axes:
    """Values of several networks at each size, on a logarithmic axis, with their mean; the caller names the axes.

    A trend (sizes, values) is a dashed line, ``last`` an interval at the largest size.
    """
    ax = new_axes()
    for size, values in points.items():
        ax.plot([size] * len(values), values, "o", ms=3.5, color=TRAIN, alpha=0.5)
    means = [np.mean(values) for values in points.values()]
    ax.plot(list(points), means, "-", color=TRAIN, lw=1.6, label="mean, and each network")
    if trend is not None:
        ax.plot(*trend, color=VALIDATION, lw=1.2, linestyle=(0, (4, 1.5)), label="fitted trend")
    if last is not None:
        bar = [[last.value - last.low], [last.high - last.value]]
        ax.errorbar([max(points)], [last.value], yerr=bar, color=VALIDATION, lw=1.4, label="95 % interval")
    ax.set_xscale("log")
    ax.set_xticks(list(points), [f"{size:,}" for size in points])
    ax.minorticks_off()
    return styled(ax)


def styled(ax: Axes, grid: Literal["both", "x"] = "both") -> Axes:
    """``ax`` with what all line plots share: a light grid, a legend, and no frame at the top and right."""
    ax.grid(axis=grid, alpha=0.25, linewidth=0.6)
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(framealpha=0.7, edgecolor="none")
    return ax

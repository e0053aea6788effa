"""Pictures in rows and columns, as crisp pixels, and what every page shows of a network: its weights and answers."""

import io
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from markupsafe import Markup
from matplotlib.figure import Figure
from PIL import Image

from linclf.data.dataset import Dataset
from linclf.studies import metrics
from linclf.training import Linear, Run, get_loss

from . import html, plots

ACROSS, MOST_CLASSES, MOST_TEMPLATES, MOST_ROWS, MOST_COEFFICIENTS = 6, 10, 60, 100, 10
"""Images in a row, and classes of which a strip, a figure of weights and a table show something."""
LARGEST_PICTURE = 64  # pixels a side that a picture keeps


def _as_fine_as_pictures(W: np.ndarray) -> np.ndarray:
    """Weights (n, h, w, c), of more pixels than a picture keeps the means over squares of them."""
    side = -(-max(W.shape[1:3]) // LARGEST_PICTURE)
    rows, columns = (np.arange(0, size, side) for size in W.shape[1:3])

    def sums(X: np.ndarray) -> np.ndarray:
        return np.add.reduceat(np.add.reduceat(X, rows, axis=1), columns, axis=2)

    return sums(W) / sums(np.ones((1, *W.shape[1:])))


def gallery(
    pixels: np.ndarray,
    texts: Sequence[str],
    alts: str | Sequence[str] = "A picture:",
    *,
    number: int | str,
    caption: str,
    alt: str = "",
    rows: Mapping[str, int] | None = None,
    columns: Sequence[str] = (),
    photos: bool = True,
    weights: np.ndarray | None = None,
    data: Mapping[str, Sequence[Any]] | None = None,
) -> html.Output:
    """Pictures, (n, h, w, 3) or grey (n, h, w) in 0..1, over their texts, as a numbered figure.

    ``alts`` are what they show in a phrase, or what such a phrase begins with before the text. ``rows`` are the names
    and lengths of the rows, by default rows of five without a name; names of ``columns`` stand above, and no text then.
    Large photos become JPEG. There is to download: ``data``, or ``weights``, the array behind the pictures, as whole
    numbers whose largest is 127; they are as fine as the pictures, but on one scale for all classes.
    """
    kind = "jpeg" if photos and weights is None and max(pixels.shape[1:3]) > LARGEST_PICTURE // 2 else "png"
    alts = [f"{alts} {text}" for text in texts] if isinstance(alts, str) else alts
    shown = (image(each, of, width=60 if rows else 96, kind=kind) for each, of in zip(pixels, alts, strict=True))
    cells = zip(shown, [""] * len(texts) if columns else texts, strict=True)
    by_row = {name: [next(cells) for _ in range(n)] for name, n in (rows or {}).items()}
    markup = html.element("pictures", by_row, columns) if rows else html.element("gallery", cells, alt)
    array = io.BytesIO()
    if weights is not None:
        weights = _as_fine_as_pictures(weights)
        np.save(array, np.rint(weights * (127 / (np.abs(weights).max() or 1))).astype(np.int8))
    ending, numbers = ("csv", html.csv_bytes(data)) if data else ("npy", array.getvalue())
    draw = partial(mosaic, pixels, texts, rows)
    return html.figure_box(number, markup, caption, draw, alt or caption, ending, numbers)


def image(pixels: np.ndarray, alt: str, *, mark: str = "", width: int = 60, kind: str = "png") -> Markup:
    """Pixels (h, w, 3) or grey (h, w) in 0..1 as an element; by its mark the script of ``play`` finds it."""
    file, picture = io.BytesIO(), Image.fromarray(np.rint(255 * pixels).astype(np.uint8))
    picture.thumbnail((LARGEST_PICTURE, LARGEST_PICTURE))
    picture.save(file, format=kind, optimize=True)
    return html.element("image", html.data_link(f"image/{kind}", file.getvalue()), alt, width, mark)


@html.own_settings()
def mosaic(images: np.ndarray, names: Sequence[str], rows: Mapping[str, int] | None = None) -> Figure:
    """Pictures (n, h, w, 3) or (n, h, w) in 0..1 in rows, each with its name beneath, as one figure.

    ``rows`` has the name of each row, which stands to its left, and its number of pictures; by default as many as fit.
    """
    fit = min(len(images), 5 if len(images) <= 20 else 10)
    left, lengths = (1, [*rows.values()]) if rows else (0, [fit] * -(-len(images) // fit))
    places = [(left + i, row) for row, length in enumerate(lengths) for i in range(length)][: len(images)]
    across, down, ratio = left + max(lengths), len(lengths), images.shape[1] / images.shape[2]
    beneath, beside = (
        [textwrap.wrap(name, 14, max_lines=3, placeholder="…") for name in of] for of in (names, rows or ())
    )
    longest = max(len(line) for lines in (*beneath, *beside) for line in lines or [""])
    size = min(10 * max(1, 1.1 * across * html.DPI / html.WIDTH), 125 / max(longest, 1))
    height = ratio + (0.14 + max(map(len, beneath)) * size / 63 if any(beneath) else 0)
    fig = Figure(figsize=(1.1 * across, 1.1 * down * height))
    ax = fig.add_axes((0, 0, 1, 1))
    write = partial(ax.text, fontsize=size, linespacing=1.1)
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


def can_be_shown(images: np.ndarray) -> bool:
    """Whether the inputs of a data set are images of one or three channels, and not feature vectors, say."""
    return images.ndim == 4 and images.shape[3] in (1, 3)


def nothing_to_show(images: np.ndarray) -> html.Output:
    """The note in place of pictures."""
    return html.callout(f"No pictures: they need images of 1 or 3 channels, and an input here is {images.shape[1:]}.")


def as_pictures(images: np.ndarray, like: np.ndarray | None = None) -> np.ndarray:
    """Images that can be shown, in 0..1, (n, h, w, 3) or grey (n, h, w).

    Of others than uint8, or where the images ``like`` them are all dark, the range of those becomes 0..1.
    """
    low, high = 0.0, 255.0
    if like is not None and (images.dtype != np.uint8 or like[:1000].max() <= 127):
        low, high = np.quantile(like[:1000], [0.01, 0.99]).astype(np.float64)
    pixels = np.clip((images.astype(np.float64) - low) / (high - low or 1), 0, 1)
    return pixels[..., 0] if pixels.shape[3] == 1 else pixels


def samples(data: Dataset, *, number: int | str) -> html.Output:
    """The first training images of each class, as a numbered figure; of the first classes where there are many."""
    if not can_be_shown(data.test_images):
        return nothing_to_show(data.test_images)
    names, labels = data.class_names[:MOST_ROWS], np.concatenate(data.train_labels)
    each = max(1, min(ACROSS, MOST_TEMPLATES // len(data.class_names)))
    first = [np.flatnonzero(labels == k)[:each] for k in range(len(names))]
    batches = [(batch, i) for batch, held in enumerate(data.train_labels) for i in range(len(held))]
    images = np.stack([data.train_images[batch][i] for batch, i in (batches[i] for i in np.concatenate(first))])
    pixels = as_pictures(images, data.test_images)
    of = "each class" if len(names) == len(data.class_names) else f"the first {len(names)} classes"
    caption = f"Pictures of {of}, as the network gets them: the first {each} to train on."
    shown = [name for name, row in zip(names, first, strict=True) for _ in row]
    if each == 1:  # a row for each would be long
        return gallery(pixels, shown, number=number, caption=caption, alt=of)
    alts = [f"A training image of the class {name}" for name in shown]
    rows = dict(zip(names, map(len, first), strict=True))
    sizes = np.bincount(labels, minlength=len(data.class_names))[: len(names)].tolist()
    numbers = {"class": names, "training images": sizes}
    return gallery(pixels, [""] * len(pixels), alts, number=number, caption=caption, rows=rows, data=numbers)


def weights(data: Dataset, model: Linear, name: str, *, number: int | str) -> html.Output:
    """The weights of each class as pictures, of the first classes where there are many, as a numbered figure.

    Feature vectors get a table of the largest coefficients, images of more than four channels a sentence.
    """
    shape, names = data.test_images.shape[1:], data.class_names[:MOST_TEMPLATES]
    title = f"Weights after training, {name}."
    if len(names) < len(data.class_names):
        title += f" Shown are the first {len(names)} of {len(data.class_names):,} classes."
    W = model.W[: len(names)]
    share = metrics.low_frequency_share(W, shape)
    if share is None:
        features = data.feature_names or [f"input {i}" for i in range(W.shape[1])]
        largest = np.argsort(-np.abs(W), axis=1, kind="stable")[:, :MOST_COEFFICIENTS]
        lines = [
            [name, ", ".join(f"{features[i]} {signed(row[i])}" for i in order)]
            for name, row, order in zip(names, W, largest, strict=True)
        ]
        caption = f"{title} The inputs are standardised: a coefficient is what a standard deviation adds to the score."
        return html.table(["class", "largest coefficients"], lines, caption=caption)
    if shape[2] > 4:
        return html.callout(f"No pictures: an image has {shape[2]} channels. ({title})")
    if shape[2] not in (1, 3):
        title += f" The {shape[2]} channels stand side by side."
    one = (np.arange(W.shape[1]) < shape[2])[None].astype(float)  # one pixel alone, whose spectrum is flat
    flat = metrics.low_frequency_share(one, shape) or 0.0
    return gallery(
        plots.template_images(W, shape),
        names,
        "Weights of the class",
        number=number,
        caption=f"{title} Their low-frequency share, the part of their spectral energy at "
        f"{metrics.LOW_FREQUENCY:g} cycles per image or below, is {percent0(share)}; "
        f"that of white noise would be {percent0(flat)}.",
        alt=f"One picture per class, with a low-frequency share of {percent0(share)}.",
        weights=W.reshape(-1, *shape),
    )


def strip(models: Mapping[str, Linear], data: Dataset, *, number: int | str, caption: str) -> html.Output:
    """A row of templates for each model under its name ("epoch 5", say), each template stretched on its own."""
    if not can_be_shown(data.test_images):
        return nothing_to_show(data.test_images)
    shape, names = data.test_images.shape[1:], data.class_names[:MOST_CLASSES]
    if len(names) < len(data.class_names):
        caption += f" Shown are the first {len(names)} of {len(data.class_names):,} classes."
    shown = {title: model.W[: len(names)] for title, model in models.items()}
    pixels = np.concatenate([plots.template_images(W, shape) for W in shown.values()])
    alts = [f"Template of the class {name}, {title}" for title in shown for name in names]
    norms = {f"norm, {title}": np.linalg.norm(W, axis=1).tolist() for title, W in shown.items()}
    texts, rows, numbers = [*names] * len(shown), dict.fromkeys(shown, len(names)), {"class": names, **norms}
    return gallery(
        pixels, texts, alts, number=number, caption=caption, rows=rows, columns=names, photos=False, data=numbers
    )


def strip_epochs(epochs: int, stops: Iterable[int] = (0, 1, 2, 5, 10, 20, 40)) -> list[int]:
    """The epochs that a strip shows: the stops before the last one, and the last.

    >>> strip_epochs(7)
    [0, 1, 2, 5, 7]
    """
    return [*(stop for stop in stops if stop < epochs), epochs]


def surest(
    run: Run,
    images: np.ndarray,
    X: np.ndarray,
    y: np.ndarray,
    names: Sequence[str],
    *,
    number: int | str,
    what: str = "validation",
) -> html.Output:
    """The images that a network is most sure of, among those it gets right and among those it gets wrong."""
    if not can_be_shown(images):
        return nothing_to_show(images)
    S, link = run.model.scores(X), get_loss(run.config.loss).link
    given, (sure, words) = S.argmax(axis=0), sureness(run.config.loss, S)
    order = np.argsort(-sure, kind="stable")
    right, wrong = (order[(given == y)[order] == is_right][:ACROSS] for is_right in (True, False))
    shown = np.concatenate([right, wrong])
    true, said = ([names[k] for k in labels[shown]] for labels in (y, given))
    told = [*zip(true, said, [words[i] for i in shown], strict=True)]
    how_sure = "its probability" if link else "how far its score is ahead"
    caption = (
        f"Of {len(y):,} {what} images {100 * metrics.accuracy(given, y):.2f} % are right, seed {run.config.seed}. "
        "Above, those that it is surest of and gets right; below, those that it is surest of and gets wrong, with the "
        f"class that it gives and {how_sure}."
    )
    texts = [f"{said}, {how}" + f": it is {true}" * (true != said) for true, said, how in told]
    alts = [f"{what.capitalize()} image of the class {true}, given the class {said}, {how}" for true, said, how in told]
    rows = {name: len(places) for name, places in (("right", right), ("wrong", wrong)) if len(places)}
    data = {"image": shown.tolist(), "true class": true, "given class": said}
    data["probability" if link else "lead"] = sure[shown].tolist()
    pixels = as_pictures(images[shown], images)
    return gallery(pixels, texts, alts, number=number, caption=caption, rows=rows, data=data)


def sureness(loss: str, S: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """How sure a network is of its answers, by its scores (C, n), and the same in words.

    By the probability of the answer, or, where the loss has none, by how far the highest score is ahead of the second.
    """
    sure = get_loss(loss).sureness(S)
    if get_loss(loss).link:
        return sure, [f"{100 * p:.0f} %" if p <= 0.99 else "over 99 %" for p in sure]
    return sure, [f"{lead:.2g} ahead" for lead in sure]


def confusion(data: Dataset, predictions: np.ndarray, name: str, *, number: int | str) -> html.Output:
    """The confusion matrix of predictions (networks, n_test) on the test images, all counted, as a numbered figure."""
    names, labels = data.class_names, data.test_labels
    true, given = np.tile(labels, len(predictions)), predictions.ravel().astype(np.int64)
    matrix = metrics.confusion_matrix(given, true, len(names))
    share = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    right = np.where(matrix.any(axis=1), np.diag(share), np.nan)  # of classes without test images nothing is known
    best, worst = np.nanargmax(right), np.nanargmin(right)
    off = share - np.diag(np.diag(share))
    mistaken, taken = np.unravel_index(off.argmax(), off.shape)
    seen = (
        f"Recognised best is {names[best]} ({percent0(share[best, best])}), worst {names[worst]} "
        f"({percent0(share[worst, worst])}); "
        f"the most frequent mistake is {names[mistaken]} taken for {names[taken]} ({percent0(off[mistaken, taken])})."
    )
    if not off.any():
        seen = "There is no mistake."
    title = f"Test {kind(data)} by true and predicted class, {name}."
    if len(predictions) > 1:
        title += f" The networks of {len(predictions)} seeds are counted together."
    if len(names) > plots.MOST_NAMED_CLASSES:
        title += " Classes are numbered from 0; the CSV file names those of each pair."
    return html.figure(
        plots.confusion(true, given, names, ax=plots.new_axes(5.8, 4.9)).figure,
        number=number,
        caption=f"{title} Each row adds up to 100 %, but for rounding. {seen}",
        alt=f"{title} {seen}",
        data=_confusion_columns(matrix, names),
    )


def _confusion_columns(matrix: np.ndarray, names: Sequence[str]) -> dict[str, Sequence[Any]]:
    """A confusion matrix as columns of a file: of many classes, a line for each pair that occurs."""
    if len(names) <= plots.MOST_NAMED_CLASSES:
        return {"true class": names} | {f"predicted {name}": matrix[:, i].tolist() for i, name in enumerate(names)}
    true, given, number = zip(*metrics.confusion_pairs(matrix), strict=True)
    named = {"true class": [names[i] for i in true], "predicted class": [names[i] for i in given]}
    return {"true": true, "predicted": given, **named, "images": number}


def class_scores(data: Dataset, predictions: np.ndarray) -> html.Output:
    """Precision, recall, F1 and support of each class for predictions (networks, n_test), as a table."""
    names, labels = data.class_names, data.test_labels
    confusion = np.mean([metrics.confusion_matrix(given, labels, len(names)) for given in predictions], axis=0)
    scores, given = metrics.class_scores(confusion), confusion.sum(axis=0)
    right, groups = (predictions == labels).mean(axis=0), data.test_groups

    def told(share: float, n: float, rows: np.ndarray) -> str:
        size = metrics.effective_sample_size(right[rows], None if groups is None else groups[rows])
        return with_interval(metrics.of_share(share, n * size / rows.sum()), "")

    rows = [
        [
            name,
            f"{support:.0f}",
            with_interval(scores.f1[k], "") if support + given[k] else "",
            told(scores.precision[k], given[k], (predictions == k).any(axis=0)) if given[k] else "none predicted",
            told(scores.recall[k], support, labels == k) if support else "none to test",
        ]
        for k, (name, support) in enumerate(zip(names[:MOST_ROWS], scores.support, strict=False))
    ]
    caption = "Recall: the share of a class that is given it. Precision: the share of what is given a class that is of "
    caption += "it. F1: their harmonic mean. Support: how many there are to test. "
    caption += f"Mean of {len(predictions)} networks; in brackets" if len(predictions) > 1 else "In brackets"
    caption += ": 95 % intervals over the test images."
    if len(names) > MOST_ROWS:
        caption += f" The first {MOST_ROWS} of {len(names):,} classes."
    return html.table(["class", "support", "F1, %", "precision, %", "recall, %"], rows, caption=caption)


def kept(data: Dataset, which: str) -> html.Output:
    """A note on the report's ``model.npz``: which network it is, and how to use it."""
    images, load = data.test_images, 'linclf.Classifier.load("model.npz")'
    if images.dtype == np.uint8 and images.shape[3:] in ((1,), (3,)):
        use = f'`linclf predict model.npz photo.jpg`, or `{load}.predict("photo.jpg")` in Python'
    else:
        use = f"`{load}.predict(X)` in Python, with X of shape {('n', *images.shape[1:])}".replace("'", "")
    if data.feature_names:
        use = f"`linclf predict model.npz table.csv`, with columns of the same names, or {use}, or a DataFrame"
    return html.prose(
        f"`linclf report` writes `model.npz` beside its pages: {which}, with all that it takes to use it: {use}. That "
        "needs linclf and, for picture files, Pillow; not the data."
    )


def kind(data: Dataset, n: int | None = None) -> str:
    """The word "images" or "rows", with their number if it is given."""
    word = "image" if data.test_images.ndim == 4 else "row"
    return f"{word}s" if n is None else f"{n:,} {word}{'' if n == 1 else 's'}"


def percent0(share: float) -> str:
    """A share in percent without decimals."""
    return f"{100 * share:.0f} %"


def with_interval(share: metrics.Interval | float, unit: str = " %") -> str:
    """A share in percent, with its interval where it has one."""
    if not isinstance(share, metrics.Interval):
        return f"{100 * share:.1f}{unit}"
    return f"{100 * share.value:.1f}{unit} ({100 * share.low:.1f} to {100 * share.high:.1f})".replace("-", "−")


def signed(value: float) -> str:
    """A number of either sign, to two decimals.

    >>> signed(-0.256), signed(-0.001)
    ('−0.26', '0.00')
    """
    text = f"{value:.2f}"
    return "0.00" if float(text) == 0 else text.replace("-", "−")

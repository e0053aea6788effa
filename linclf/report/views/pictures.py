"""Pictures in rows and columns, as crisp pixels: images, templates, evidence."""

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from html import escape
from typing import Any

import numpy as np

from linclf.data.dataset import Dataset
from linclf.studies import metrics
from linclf.studies.metrics import accuracy
from linclf.training.model import Linear, softmax

from . import html, plots
from .html import mosaic
from .plots import template_images

ACROSS, MOST_CLASSES = 6, 10
"""Images in a row of those shown, and classes whose templates are."""


@dataclass(frozen=True)
class Picture:
    """Pixels (h, w, 3) or grey (h, w) in 0..1, what they show in a phrase, and what stands beneath."""

    pixels: np.ndarray
    alt: str
    text: str = ""


def grid(
    rows: Mapping[str, Sequence[Picture]],
    *,
    columns: Sequence[str] = (),
    number: int | str,
    caption: str,
    data: Mapping[str, Sequence[Any]],
) -> Any:
    """Rows of pictures, as a numbered figure with numbers to download."""
    pixels = np.stack([each.pixels for own in rows.values() for each in own])
    beneath = [each.text or "".join(columns[i : i + 1]) for own in rows.values() for i, each in enumerate(own)]
    draw = partial(mosaic, pixels, beneath, {name: len(own) for name, own in rows.items()})
    numbers = html.csv_bytes(data)
    return html.figure_box(number, table(rows, columns), caption, draw, caption, "csv", numbers)


def table(rows: Mapping[str, Sequence[Picture]], columns: Sequence[str] = ()) -> str:
    """Rows of pictures under their names, as an element."""
    head = "".join(f'<th scope="col"><span>{escape(name)}</span></th>' for name in columns)
    body = f"<tr><td></td>{head}</tr>" if columns else ""
    for name, own in rows.items():
        body += f'<tr><th scope="row">{escape(name)}</th>{"".join(map(_cell, own))}</tr>'
    return f'<table class="pictures">{body}</table>'


def _cell(picture: Picture) -> str:
    text = f"<br><span>{escape(picture.text)}</span>" if picture.text else ""
    return f"<td>{image(picture.pixels, picture.alt)}{text}</td>"


def image(pixels: np.ndarray, alt: str, mark: str = "") -> str:
    """Pixels (h, w, 3) or grey (h, w) in 0..1 as an element; a mark is what the script of ``play`` finds it by."""
    found_by = f' data-play="{mark}"' if mark else ""
    source = html.data_link("image/png", png(pixels))
    return f'<img class="pixels" width="60"{found_by} src="{source}" alt="{escape(alt)}">'


def png(pixels: np.ndarray) -> bytes:
    """Pixels in 0..1 as a PNG, one dot each unless they are many."""
    from PIL import Image

    file, image = io.BytesIO(), Image.fromarray(np.rint(255 * pixels).astype(np.uint8))
    image.thumbnail((html.LARGEST_PICTURE, html.LARGEST_PICTURE))
    image.save(file, format="png", optimize=True)
    return file.getvalue()


def can_be_shown(images: np.ndarray) -> bool:
    """Whether the inputs of a data set are images of one or three channels, and not feature vectors, say."""
    return images.ndim == 4 and images.shape[3] in (1, 3)


def nothing_to_show(images: np.ndarray) -> Any:
    """What stands in place of pictures."""
    return html.callout(f"No pictures: they need images of 1 or 3 channels, and an input here is {images.shape[1:]}.")


def as_pictures(images: np.ndarray) -> np.ndarray:
    """Images that can be shown, in 0..1, (n, h, w, 3) or grey (n, h, w)."""
    pixels = images / 255 if images.dtype == np.uint8 else np.clip(images, 0, 1)
    return pixels[..., 0] if pixels.shape[3] == 1 else pixels


def templates(models: Mapping[str, Linear], data: Dataset, *, number: int | str, caption: str) -> Any:
    """A row of templates for each model under its name ("epoch 5", say), each template stretched on its own."""
    if not can_be_shown(data.test_images):
        return nothing_to_show(data.test_images)
    shape, names = data.test_images.shape[1:], data.class_names[:MOST_CLASSES]
    if len(names) < len(data.class_names):
        caption += f" Shown are the first {len(names)} of {len(data.class_names):,} classes."
    drawn = {row: template_images(model.W[: len(names)], shape) for row, model in models.items()}
    rows = {
        row: [Picture(pixels, f"Template of the class {name}, {row}") for pixels, name in zip(own, names, strict=True)]
        for row, own in drawn.items()
    }
    sizes = {f"norm, {row}": np.linalg.norm(model.W[: len(names)], axis=1).tolist() for row, model in models.items()}
    return grid(rows, columns=names, number=number, caption=caption, data={"class": names, **sizes})


def surest(
    model: Linear,
    images: np.ndarray,
    X: np.ndarray,
    y: np.ndarray,
    names: Sequence[str],
    *,
    number: int | str,
    what: str = "validation",
) -> Any:
    """The images that a network is most sure of, among those it gets right and among those it gets wrong."""
    if not can_be_shown(images):
        return nothing_to_show(images)
    S = model.scores(X)
    given, p = S.argmax(axis=0), softmax(S).max(axis=0)
    rows, chosen = {}, []
    for word, right in (("right", True), ("wrong", False)):
        found = np.flatnonzero((given == y) == right)
        found = found[np.argsort(-p[found], kind="stable")][:ACROSS]
        chosen += found.tolist()
        if len(found):
            rows[word] = [_judged(images[i], names[y[i]], names[given[i]], p[i], what) for i in found]
    share = accuracy(given, y)
    caption = (
        f"Of {len(y):,} {what} images {100 * share:.2f} % are right. Above, those that it is surest of and gets "
        "right; below, those that it is surest of and gets wrong, with the class that it gives and its probability."
    )
    data = {
        "image": chosen,
        "true class": [names[y[i]] for i in chosen],
        "given class": [names[given[i]] for i in chosen],
        "probability": [float(p[i]) for i in chosen],
    }
    return grid(rows, number=number, caption=caption, data=data)


def _judged(image: np.ndarray, true: str, given: str, p: float, what: str) -> Picture:
    """One image, with what the network says of it."""
    alt = f"{what.capitalize()} image of the class {true}, given the class {given} with {100 * p:.0f} %"
    text = f"{given}, {100 * p:.0f} %" if true == given else f"{given}, {100 * p:.0f} %: it is {true}"
    return Picture(as_pictures(image[None])[0], alt, text)


def strip_epochs(epochs: int, stops: Iterable[int] = (0, 1, 2, 5, 10, 20, 40)) -> list[int]:
    """The epochs that a strip shows: the stops before the last one, and the last.

    >>> strip_epochs(7)
    [0, 1, 2, 5, 7]
    """
    return [*(stop for stop in stops if stop < epochs), epochs]


def weights(data: Dataset, model: Linear, title: str, *, number: int | str) -> Any:
    """The weights of each class as pictures, as a numbered figure.

    Feature vectors, and images of more than four channels, get a sentence in place of pictures.
    """
    shape = data.test_images.shape[1:]
    share = metrics.low_frequency_share(model.W, shape)
    if share is None:
        return html.callout(f"No pictures: the inputs are feature vectors. ({title})")
    if shape[2] > 4:
        return html.callout(f"No pictures: an image has {shape[2]} channels. ({title})")
    if shape[2] not in (1, 3):
        title += f" The {shape[2]} channels stand side by side."
    look = ": mostly noise" if share < 0.25 else ": shapes under noise" if share < 0.6 else ": smooth shapes"
    if min(shape[:2]) < 16:  # noise, too, has much of its energy there
        look = ", which says little of images this small"
    return html.templates(
        plots.template_images(model.W, shape),
        data.class_names,
        number=number,
        caption=f"{title} Their low-frequency share, the part of their spectral energy at "
        f"{metrics.LOW_FREQUENCY:g} cycles per image or below, is {percent0(share)}{look}.",
        alt=f"One picture per class{look}.",
        weights=model.W.reshape(-1, *shape),
    )


def confusion(data: Dataset, predictions: np.ndarray, title: str, *, number: int | str) -> Any:
    """The confusion matrix of predictions (networks, n_test) on the test images, all counted, as a numbered figure."""
    names, labels = data.class_names, data.test_labels
    true, given = np.tile(labels, len(predictions)), predictions.ravel().astype(np.int64)
    matrix = metrics.confusion_matrix(given, true, len(names))
    share = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    right = np.where(matrix.any(axis=1), np.diag(share), np.nan)  # of classes without test images nothing is known
    best, worst = np.nanargmax(right), np.nanargmin(right)
    off = share - np.diag(np.diag(share))
    mistaken, taken = np.unravel_index(off.argmax(), off.shape)
    found = (
        f"Recognised best is {names[best]} ({percent0(share[best, best])}), worst {names[worst]} "
        f"({percent0(share[worst, worst])}); "
        f"the most frequent mistake is {names[mistaken]} taken for {names[taken]} ({percent0(off[mistaken, taken])})."
    )
    if not off.any():
        found = "There is no mistake."
    if len(predictions) > 1:
        title += f" The networks of {len(predictions)} seeds are counted together."
    if len(names) > plots.MOST_NAMED_CLASSES:
        title += " Classes are numbered from 0, in the order of the CSV file's columns."
    return html.figure(
        plots.confusion(true, given, names, ax=plots.new_axes(5.8, 4.9)).figure,
        number=number,
        caption=f"{title} Each row adds up to 100 %. {found}",
        alt=f"{title} {found}",
        data={"true class": list(names)} | {f"predicted {name}": matrix[:, i].tolist() for i, name in enumerate(names)},
    )


def kept(data: Dataset, which: str) -> Any:
    """What the report's ``model.npz`` is, and how to use it."""
    images, load = data.test_images, 'linclf.Classifier.load("model.npz")'
    if images.dtype == np.uint8 and images.shape[3:] in ((1,), (3,)):
        use = f'`linclf predict model.npz photo.jpg`, or `{load}.predict("photo.jpg")` in Python'
    else:
        use = f"`{load}.predict(X)` in Python, with X of shape {('n', *images.shape[1:])}".replace("'", "")
    if data.feature_names:
        use += ", or a DataFrame with columns of the same names"
    return html.prose(
        f"`linclf report` writes `model.npz` beside its pages: {which}, with all that it takes to use it: {use}. That "
        "needs linclf and, for picture files, Pillow; not the data."
    )


def percent0(share: float) -> str:
    """A share in percent without decimals."""
    return f"{100 * share:.0f} %"

"""Views of trained networks: their weights as pictures, and their confusion matrix."""

from typing import Any

import numpy as np

from linclf.data.dataset import Dataset
from linclf.studies import metrics
from linclf.training.model import Linear

from . import html, plots


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
        f"{metrics.LOW_FREQUENCY:g} cycles per image or below, is {whole(share)}{look}.",
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
        f"Recognised best is {names[best]} ({whole(share[best, best])}), worst {names[worst]} "
        f"({whole(share[worst, worst])}); "
        f"the most frequent mistake is {names[mistaken]} taken for {names[taken]} ({whole(off[mistaken, taken])})."
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


def whole(share: float) -> str:
    """A share in percent without decimals."""
    return f"{100 * share:.0f} %"

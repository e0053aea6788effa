"""What the page for learners shows: each function returns one figure, table or sentence."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from linclf.data.dataset import Dataset
from linclf.studies.metrics import accuracy, low_frequency_share
from linclf.training.losses import cross_entropy, multiclass_hinge
from linclf.training.model import Linear

from . import html
from .pictures import Picture, as_pictures, can_be_shown, grid, nothing_to_show, templates

EACH = 8
"""Images shown of each class, and images in each row of the surest ones."""


def classes(data: Dataset, *, number: int | str) -> Any:
    """The first training images of each class."""
    if not can_be_shown(data.train_images[0]):
        return nothing_to_show(data.train_images[0])
    pixels, labels = as_pictures(data.train_images[0]), data.train_labels[0]
    rows = {
        name: [Picture(pixels[i], f"A training image of the class {name}") for i in np.flatnonzero(labels == k)[:EACH]]
        for k, name in enumerate(data.class_names)
    }
    counts = np.bincount(labels, minlength=len(rows))
    return grid(
        rows,
        number=number,
        caption=f"The first training images of each of the {len(rows)} classes, of {len(labels):,} in all.",
        data={"class": data.class_names, "training images": counts.tolist()},
    )


def scores(names: Sequence[str], label: int, s: np.ndarray, p: np.ndarray, *, caption: str) -> Any:
    """The scores and probabilities of one image, the true class marked."""
    rows = [
        [f"{name} (true)" if k == label else name, _signed(s[k]), f"{100 * p[k]:.1f}"] for k, name in enumerate(names)
    ]
    return html.table(["class", "score", "probability, %"], rows, caption=caption)


def two_losses(names: Sequence[str], label: int, s: np.ndarray, gradients: Sequence[np.ndarray]) -> Any:
    """The scores of one image, and the gradients of cross-entropy and hinge with respect to them."""
    margins = s - s[label] + 1
    rows = [
        [f"{name} (true)", _signed(s[k]), "", *(_signed(g[k]) for g in gradients)]
        if k == label
        else [name, _signed(s[k]), _signed(margins[k]), *(_signed(g[k]) for g in gradients)]
        for k, name in enumerate(names)
    ]
    columns = ["class", "score", "score − true score + 1", "cross-entropy's gradient", "hinge's gradient"]
    S, y = s[:, None], np.array([label])
    caption = f"One validation image under two losses: its cross-entropy is {cross_entropy(S, y)[0]:.2f}, its hinge "
    return html.table(columns, rows, caption=f"{caption}{multiclass_hinge(S, y)[0]:.2f}.")


def surest(
    model: Linear, images: np.ndarray, X: np.ndarray, y: np.ndarray, names: Sequence[str], *, number: int | str
) -> Any:
    """The images that a network is most sure of, among those it gets right and among those it gets wrong."""
    if not can_be_shown(images):
        return nothing_to_show(images)
    S = model.scores(X)
    given, p = S.argmax(axis=0), 1 / np.exp(S - S.max(axis=0)).sum(axis=0)
    rows, chosen = {}, []
    for word, right in (("right", True), ("wrong", False)):
        found = np.flatnonzero((given == y) == right)
        found = found[np.argsort(-p[found], kind="stable")][:EACH]
        chosen += found.tolist()
        if len(found):
            rows[word] = [_judged(images[i], names[y[i]], names[given[i]], p[i]) for i in found]
    share = accuracy(given, y)
    caption = (
        f"Of {len(y):,} validation images {100 * share:.1f} % are right. Above, those that it is surest of and gets "
        "right; below, those that it is surest of and gets wrong, with the class that it gives and its probability."
    )
    data = {
        "image": chosen,
        "true class": [names[y[i]] for i in chosen],
        "given class": [names[given[i]] for i in chosen],
        "probability": [float(p[i]) for i in chosen],
    }
    return grid(rows, number=number, caption=caption, data=data)


def _judged(image: np.ndarray, true: str, given: str, p: float) -> Picture:
    """One image, with what the network says of it."""
    alt = f"Validation image of the class {true}, given the class {given} with {100 * p:.0f} %"
    text = f"{given}, {100 * p:.0f} %" if true == given else f"{given}, {100 * p:.0f} %: it is {true}"
    return Picture(as_pictures(image[None])[0], alt, text)


def penalties(models: Mapping[float, Linear], data: Dataset, *, number: int | str) -> Any:
    """The templates at several λ, and how smooth they are."""
    shares = {l2: low_frequency_share(model.W, data.test_images.shape[1:]) or 0.0 for l2, model in models.items()}
    said = ", ".join(f"{100 * share:.0f} % at λ = {l2:g}" for l2, share in shares.items())
    return templates(
        {f"λ = {l2:g}": model for l2, model in models.items()},
        data,
        number=number,
        caption=f"Templates after training with more and more penalty. The share of their energy in coarse shapes (at "
        f"most four waves across the image) is {said}.",
    )


def _signed(value: float) -> str:
    """A number of either sign, to two decimals, zero without any."""
    return f"{value:.2f}".replace("-", "−") if round(value, 2) else "0"

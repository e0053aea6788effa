"""A classifier to play with, in the page and without a server: what ``play.js`` finds and moves.

All of it can be seen without the script, as it is for the first image.
"""

import base64
import json
import zlib
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
from markupsafe import Markup

from linclf.data.dataset import Dataset
from linclf.data.inputs import Standardizer
from linclf.data.surrogate import surrogate_of
from linclf.studies.exploration import Explored
from linclf.studies.reference import SETTINGS
from linclf.training.config import Config
from linclf.training.losses import LOSSES, get_loss
from linclf.training.model import Linear

from . import explore, html, plots
from .pictures import LARGEST_PICTURE, as_pictures, can_be_shown, image, nothing_to_show, signed

TEMPLATES = Path(__file__).parents[1] / "templates" / "linclf"
IMAGES = 16
MOST_BYTES = 900_000
"""Test images to choose among, and what they and all networks may take in the page."""
MOST_SURROGATE, MOST_TEMPLATES, DRAWN = 350_000, 100, (2000, 1000)
"""Bytes that the surrogate may take, classes whose templates are shown, images that train and validate in the page."""


def networks(explored: Explored) -> dict[str, tuple[Config, dict[int, Linear]]]:
    """The first network of the chosen setting and of the reference's four, by the setting's name and the epoch."""
    first, reference = explored.runs[0], {i: explored.reference.trained("base", i)[0] for i in SETTINGS}
    settings = {explore.YOURS: (first.config, explored.checkpoints)}
    for i, run in reference.items():
        settings[f"setting {i}"] = run.config, {**explored.earlier[i], run.config.epochs: run.model}
    return {f"{name}: {explore.name_of(config)}": (config, models) for name, (config, models) in settings.items()}


def play(explored: Explored, strip: Any) -> html.Output:
    """The test images, the networks and the controls; ``strip`` is the figure of templates that stands below them."""
    data, settings = explored.dataset, networks(explored)
    images, labels = data.test_images[:IMAGES], data.test_labels[:IMAGES]
    if not can_be_shown(images):
        return nothing_to_show(images)
    standardize, loss = Standardizer.fit(data.train_images[0]), get_loss(explored.runs[0].config.loss)
    kept = _json(explored, standardize, labels, settings)
    if images.dtype != np.uint8 or max(images.shape[1:3]) > LARGEST_PICTURE or len(kept) > MOST_BYTES:
        return html.callout("The networks or images are too large to be put into the page: nothing to play with here.")
    whole, units, b = stored(explored.runs[0].model)
    W = whole * units[:, None]
    x = standardize(images[:1], np.float64)[0]
    s, names = W @ x + b, data.class_names
    p, top = loss.probabilities(s) if loss.link else None, int(s.argmax())
    parts, (second, first) = W[top] * x, np.sort(s)[-2:]
    sure = f"with {100 * p.max():.0f} %" if p is not None else f"{first - second:.2f} ahead"
    shown = {
        "truth": f"Test image 1 shows: {names[labels[0]]}.",
        "answer": f"It says {names[top]}, {sure}: a loss of {loss.value(s[:, None], labels[:1])[0]:.2f}.",
        "total": f"The score of {names[top]} is {signed(s[top])}: {parts[parts > 0].sum():.2f} speaks for it, "
        f"{-parts[parts < 0].sum():.2f} against it, and its bias adds {signed(b[top])}.",
    }
    thumbnails = [
        Markup(image(pixels, f"Test image {i} of the class {names[k]}"))
        for i, (pixels, k) in enumerate(zip(as_pictures(images), labels, strict=True), 1)
    ]
    shares = s / (np.abs(s).max() or 1)
    columns = names, s, 50 + 50 * np.minimum(shares, 0), 50 * np.abs(shares), map(signed, s)
    markup = _render(
        "play.html.j2",
        **shown,
        data=Markup(kept),
        images=thumbnails,
        settings=settings,
        names=names,
        top=top,
        panels=_panels(images[:1], names[labels[0]], names[top], W[top], parts),
        scores=zip(*columns, [None] * len(s) if p is None else p, strict=True),
        epochs=list(explored.checkpoints),
        strip=Markup(strip.markup),
    )
    # Viewers that show no HTML have the strip's picture.
    return html.Output(markup, f"{shown['truth']} {shown['answer']}", strip.others, strip.metadata)


def training(data: Dataset) -> html.Output:
    """A panel in which a network trains in the page, on images that are drawn there from the data's surrogate."""
    if not can_be_shown(data.test_images) or data.test_images.dtype != np.uint8:
        return html.callout("These are no images of whole-number pixels: nothing can be drawn to train on in the page.")
    surrogate = surrogate_of(data)
    parts = surrogate.mean, surrogate.offsets, surrogate.factors, surrogate.deviations
    numbers = np.concatenate([part.ravel() for part in parts]).astype("<f4").view("<u4")
    halves = ((numbers + 0x8000) >> 16).astype("<u2").view(np.uint8)  # the upper half of each, rounded: 8 bits are kept
    packed = zlib.compress(halves.reshape(-1, 2).T.tobytes(), 9)  # low bytes, then high ones: they are more alike
    if 4 / 3 * len(packed) > MOST_SURROGATE or len(data.class_names) > MOST_TEMPLATES:
        return html.callout("The images or classes are too large to be drawn in the page: nothing trains here.")
    about = (
        f"A linear classifier trains here, on {DRAWN[0]:,} images drawn here from the means and covariances of "
        f"{surrogate.name}'s classes, and is tested on {DRAWN[1]:,} others. No image of {surrogate.name} is among them."
    )
    given = {
        "names": surrogate.class_names,
        "shape": surrogate.image_shape,
        "counts": surrogate.counts.tolist(),
        "chosen": surrogate.coefficients.tolist(),
        "packed": base64.b64encode(packed).decode(),
        "losses": {name: loss.link for name, loss in LOSSES.items()},
        "train": DRAWN[0],
        "validation": DRAWN[1],
    }
    words = {name: loss.words for name, loss in LOSSES.items()}
    script = Markup(_as_json(given))
    markup = _render("train.html.j2", data=script, about=about, losses=words, settings=SETTINGS)
    return html.Output(markup, f"{about} It does so on the page of a report.")


def _render(name: str, **what: Any) -> str:
    text = (TEMPLATES / name).read_text(encoding="utf-8")
    return jinja2.Environment(autoescape=True, trim_blocks=True).from_string(text).render(**what)


def _as_json(values: dict[str, Any]) -> str:
    return json.dumps(values).replace("<", "\\u003c")


def _panels(images: np.ndarray, true: str, given: str, w: np.ndarray, parts: np.ndarray) -> list[tuple[str, str]]:
    """The image, the template of the class that it is given, and the evidence that adds up to its score, as markup."""
    evidence = parts.reshape(images.shape[1:]).sum(axis=2)
    share = evidence[..., None] / (np.abs(evidence).max() or 1)
    colour = np.where(share > 0, np.array([0, 114, 178]), np.array([213, 94, 0])) / 255
    (template,), says = plots.template_images(w[None], images.shape[1:]), f"Evidence for and against the class {given}"
    panels = (
        ("image", as_pictures(images)[0], f"Test image 1 of the class {true}", "The picture"),
        ("template", template, f"Template of the class {given}", "The template w"),
        ("evidence", 1 + np.abs(share) * (colour - 1), f"{says}, pixel by pixel",
         "The evidence w ∘ x: blue speaks for the class, orange against it"),
    )  # fmt: skip
    return [(Markup(image(pixels, alt, mark=mark, width=128)), text) for mark, pixels, alt, text in panels]


def stored(model: Linear) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weights as the page holds them: whole numbers of -127..127 (C, d), what one is worth (C,), and biases (C,)."""
    W = model.W.astype(np.float64)
    units = np.abs(W).max(axis=1) / 127
    return np.rint(W / np.where(units, units, 1)[:, None]).astype(np.int8), units, model.b.astype(np.float64)


def _json(
    explored: Explored,
    standardize: Standardizer,
    labels: np.ndarray,
    settings: dict[str, tuple[Config, dict[int, Linear]]],
) -> str:
    weights: list[dict[str, Any]] = []  # once where settings share them, as before training

    def place(model: Linear) -> int:
        whole, units, b = stored(model)
        numbers = {"whole": _base64(whole), "units": units.tolist(), "b": b.tolist()}
        if numbers not in weights:
            weights.append(numbers)
        return weights.index(numbers)

    data = {
        "names": explored.dataset.class_names,
        "shape": explored.dataset.test_images.shape[1:],
        "labels": labels.tolist(),
        "pixels": _base64(explored.dataset.test_images[:IMAGES]),
        "mean": _base64(standardize.mean.astype("<f4")),
        "std": _base64(standardize.std.astype("<f4")),
        "networks": [
            {
                "loss": config.loss,
                "link": get_loss(config.loss).link,
                "drawn": explored.dataset.provenance.synthetic,
                "epochs": list(models),
                "at": [place(model) for model in models.values()],
            }
            for config, models in settings.values()
        ],
        "weights": weights,
    }
    return _as_json(data)


def _base64(array: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()

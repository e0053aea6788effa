"""A classifier to play with, in the page and without a server: what ``play.js`` finds and moves.

All of it can be seen without the script, as it is for the first image.
"""

import base64
import json
from html import escape
from typing import Any

import numpy as np

from linclf.data.inputs import Standardizer
from linclf.studies.exploration import Explored
from linclf.studies.reference import SETTINGS
from linclf.training.loop import Run
from linclf.training.losses import get_loss

from . import html
from .explore import YOURS, name_of
from .pictures import LARGEST_PICTURE, as_pictures, can_be_shown, image, nothing_to_show, signed
from .plots import template_images

IMAGES = 20
MOST_BYTES = 900_000
"""Test images to choose among, and what they and all networks may take in the page."""


def networks(explored: Explored) -> dict[str, Run]:
    """The networks in the page by name: the first of the chosen setting, and of the reference's with either loss."""
    runs = {f"{YOURS}: {name_of(explored.runs[0].config)}": explored.runs[0]}
    for arm in ("base", "svm"):
        for i in SETTINGS:
            run = explored.reference.trained(arm, i)[0]
            runs[f"setting {i}: {name_of(run.config)}"] = run
    return runs


def play(explored: Explored, strip: Any) -> Any:
    """The test images, the networks and the controls; ``strip`` is the figure of templates that its slider moves in."""
    data, runs = explored.dataset, networks(explored)
    images, labels = data.test_images[:IMAGES], data.test_labels[:IMAGES]
    if not can_be_shown(images):
        return nothing_to_show(images)
    size = 4 / 3 * (2 * explored.runs[0].model.W.size * len(runs) + images.nbytes)
    if images.dtype != np.uint8 or max(images.shape[1:3]) > LARGEST_PICTURE or size > MOST_BYTES:
        return html.callout("The networks or images are too large to be put into the page: nothing to play with here.")
    standardize = Standardizer.fit(data.train_images[0])
    W, b = half(explored.runs[0])
    x = standardize(images[:1], np.float64)[0]
    s = W @ x + b
    loss, names, truth = get_loss(explored.runs[0].config.loss), data.class_names, data.class_names[labels[0]]
    p = loss.probabilities(s) if loss.link else None
    second, first = np.sort(s)[-2:]
    sure = f"with {100 * p.max():.0f} %" if p is not None else f"{first - second:.2f} ahead"
    said = f"It says {names[s.argmax()]}, {sure}."
    markup = (
        f'<section class="play" aria-label="A classifier to play with">'
        f'<script type="application/json" data-play="data">{_json(explored, standardize, labels, runs)}</script>'
        f'<div data-play="images">{_images(images, labels, names)}</div>{_controls(list(runs), s, names)}'
        f'<p><span data-play="truth">Test image 1 shows: {escape(truth)}.</span> '
        f'<b data-play="answer" aria-live="polite">{escape(said)}</b></p>'
        f'<div class="panels">{_panels(images[:1], truth, W * x, W, b, names)}{_scores(s, p, names)}</div>'
        f"{_epochs(explored, strip)}</section>"
    )
    # Viewers that show no HTML have the strip's picture.
    return html.Output(markup, f"Test image 1 shows: {truth}. {said}", strip.others, strip.metadata)


def half(run: Run) -> tuple[np.ndarray, np.ndarray]:
    """Weights as the page holds them, at half precision, and biases; both in float64 to compute with."""
    return run.model.W.astype(np.float16).astype(np.float64), run.model.b.astype(np.float32).astype(np.float64)


def _json(explored: Explored, standardize: Standardizer, labels: np.ndarray, runs: dict[str, Run]) -> str:
    data = {
        "names": explored.dataset.class_names,
        "shape": explored.dataset.test_images.shape[1:],
        "labels": labels.tolist(),
        "pixels": _base64(explored.dataset.test_images[:IMAGES]),
        "mean": _base64(standardize.mean.astype("<f4")),
        "std": _base64(standardize.std.astype("<f4")),
        "networks": [
            {
                "name": name,
                "link": get_loss(run.config.loss).link,
                "weights": _base64(run.model.W.astype("<f2")),
                "b": run.model.b.astype(np.float64).tolist(),
            }
            for name, run in runs.items()
        ],
    }
    return json.dumps(data).replace("<", "\\u003c")


def _base64(array: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()


def _images(images: np.ndarray, labels: np.ndarray, names: Any) -> str:
    pairs = zip(as_pictures(images), labels, strict=True)
    return "".join(image(pixels, f"Test image {i} of the class {names[k]}") for i, (pixels, k) in enumerate(pairs, 1))


def _controls(settings: list[str], s: np.ndarray, names: Any) -> str:
    """Hidden until the script runs."""

    def options(words: Any, chosen: int) -> str:
        return "".join(
            f'<option value="{i}"{" selected" * (i == chosen)}>{escape(word)}</option>' for i, word in enumerate(words)
        )

    return (
        '<div data-play="controls" hidden>'
        f'<label>Setting <select data-play="setting">{options(settings, 0)}</select></label> '
        f'<label>Class to look at <select data-play="class">{options(names, int(s.argmax()))}</select></label> '
        '<label>Your own picture <input type="file" accept="image/*" data-play="file"></label></div>'
    )


def _panels(images: np.ndarray, true: str, parts: np.ndarray, W: np.ndarray, b: np.ndarray, names: Any) -> str:
    """The image, the template of the class that it is given, and the evidence that adds up to its score."""
    s, shape = parts.sum(axis=1) + b, images.shape[1:]
    k = int(s.argmax())
    evidence = parts[k].reshape(shape).sum(axis=2)
    share = evidence[..., None] / (np.abs(evidence).max() or 1)
    colour = np.where(share > 0, np.array([0, 114, 178]), np.array([213, 94, 0])) / 255
    (template,) = template_images(W[k : k + 1], shape)
    shown = (
        ("image", as_pictures(images)[0], f"Test image 1 of the class {true}", "The picture"),
        ("template", template, f"Template of the class {names[k]}", "The template w"),
        ("evidence", 1 + np.abs(share) * (colour - 1), f"Evidence for and against the class {names[k]}, pixel by pixel",
         "The evidence w ∘ x: blue speaks for the class, orange against it"),
    )  # fmt: skip
    total = (
        f"The score of {names[k]} is {signed(s[k])}: {np.maximum(parts[k], 0).sum():.2f} speaks for it, "
        f"{np.maximum(-parts[k], 0).sum():.2f} against it, and its bias adds {signed(b[k])}."
    )
    cells = "".join(
        f'<div class="panel">{image(pixels, alt, mark=mark)}<br><span>{escape(text)}</span></div>'
        for mark, pixels, alt, text in shown
    )
    return f'{cells}<p data-play="sum" class="panel">{escape(total)}</p>'


def _scores(s: np.ndarray, p: np.ndarray | None, names: Any) -> str:
    """The score of each class, and its probability where the loss has any."""

    def bar(value: float, text: str, negative: bool) -> str:
        mark = ' class="negative"' if negative else ""
        return (
            f'<td><meter{mark} aria-hidden="true" min="0" max="1" value="{value:.3f}"></meter><span>{text}</span></td>'
        )

    # In the body, so that the page does not offer to sort the rows, which the script counts.
    rows = '<tr><th scope="col">class</th><th scope="col">score</th><th scope="col">probability, %</th></tr>'
    for k, name in enumerate(names):
        mark = ' class="chosen"' if k == s.argmax() else ""
        rows += (
            f'<tr{mark}><th scope="row">{escape(name)}</th>{bar(abs(s[k]) / np.abs(s).max(), signed(s[k]), s[k] < 0)}'
        )
        rows += f"{bar(0, '–', False) if p is None else bar(p[k], f'{100 * p[k]:.1f}', False)}</tr>"
    return f'<table data-play="scores"><tbody>{rows}</tbody></table>'


def _epochs(explored: Explored, strip: Any) -> str:
    """The slider over the epochs, which moves through the rows of the figure beneath."""
    *_, last = explored.checkpoints
    slider = (
        f'<input type="range" data-play="epoch" min="0" max="{len(explored.checkpoints) - 1}" '
        f'value="{len(explored.checkpoints) - 1}" aria-valuetext="epoch {last}">'
    )
    return (
        f'<div data-play="epochs" hidden><label>Templates of the setting tried here, '
        f'<b data-play="epoch-name" aria-live="polite">epoch {last}</b> {slider}</label>'
        f'<div data-play="epoch-templates"></div></div><div data-play="strip">{strip.markup}</div>'
    )

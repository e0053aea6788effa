"""A classifier to play with, in the page and without a server: what ``play.js`` finds and moves.

All of it can be seen without the script, as it is for the first image.
"""

import base64
import json
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
from markupsafe import Markup

from linclf.data.inputs import Standardizer
from linclf.studies.exploration import Explored
from linclf.studies.reference import SETTINGS
from linclf.training.loop import Run
from linclf.training.losses import get_loss

from . import explore, html, plots
from .pictures import LARGEST_PICTURE, as_pictures, can_be_shown, image, nothing_to_show, signed

TEMPLATE = Path(__file__).parents[1] / "templates" / "linclf" / "play.html.j2"
IMAGES = 20
MOST_BYTES = 900_000
"""Test images to choose among, and what they and all networks may take in the page."""


def networks(explored: Explored) -> dict[str, Run]:
    """The networks in the page by name: the first of the chosen setting, and of the reference's with either loss."""
    runs = {f"{explore.YOURS}: {explore.name_of(explored.runs[0].config)}": explored.runs[0]}
    for arm in ("base", "svm"):
        for i in SETTINGS:
            run = explored.reference.trained(arm, i)[0]
            runs[f"setting {i}: {explore.name_of(run.config)}"] = run
    return runs


def play(explored: Explored, strip: Any) -> html.Output:
    """The test images, the networks and the controls; ``strip`` is the figure of templates that its slider moves in."""
    data, runs = explored.dataset, networks(explored)
    images, labels = data.test_images[:IMAGES], data.test_labels[:IMAGES]
    if not can_be_shown(images):
        return nothing_to_show(images)
    size = 4 / 3 * (2 * explored.runs[0].model.W.size * len(runs) + images.nbytes)
    if images.dtype != np.uint8 or max(images.shape[1:3]) > LARGEST_PICTURE or size > MOST_BYTES:
        return html.callout("The networks or images are too large to be put into the page: nothing to play with here.")
    standardize, loss = Standardizer.fit(data.train_images[0]), get_loss(explored.runs[0].config.loss)
    W, b = half(explored.runs[0])
    x = standardize(images[:1], np.float64)[0]
    s, names = W @ x + b, data.class_names
    p, top = loss.probabilities(s) if loss.link else None, int(s.argmax())
    parts, (second, first) = W[top] * x, np.sort(s)[-2:]
    sure = f"with {100 * p.max():.0f} %" if p is not None else f"{first - second:.2f} ahead"
    shown = {
        "truth": f"Test image 1 shows: {names[labels[0]]}.",
        "answer": f"It says {names[top]}, {sure}.",
        "total": f"The score of {names[top]} is {signed(s[top])}: {parts[parts > 0].sum():.2f} speaks for it, "
        f"{-parts[parts < 0].sum():.2f} against it, and its bias adds {signed(b[top])}.",
    }
    thumbnails = [
        Markup(image(pixels, f"Test image {i} of the class {names[k]}"))
        for i, (pixels, k) in enumerate(zip(as_pictures(images), labels, strict=True), 1)
    ]
    lengths = np.abs(s) / (np.abs(s).max() or 1)
    template = jinja2.Environment(autoescape=True, trim_blocks=True).from_string(TEMPLATE.read_text(encoding="utf-8"))
    markup = template.render(
        **shown,
        data=Markup(_json(explored, standardize, labels, runs)),
        images=thumbnails,
        settings=runs,
        names=names,
        top=top,
        panels=_panels(images[:1], names[labels[0]], names[top], W[top], parts),
        scores=zip(names, s, lengths, map(signed, s), [None] * len(s) if p is None else p, strict=True),
        epochs=list(explored.checkpoints),
        strip=Markup(strip.markup),
    )
    # Viewers that show no HTML have the strip's picture.
    return html.Output(markup, f"{shown['truth']} {shown['answer']}", strip.others, strip.metadata)


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
    return [(Markup(image(pixels, alt, mark=mark)), text) for mark, pixels, alt, text in panels]


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

"""What the page for any setting shows: each function returns one figure, table or sentence.

In the page, without a server, a network trains, and a classifier can be played with: see ``train.js`` and ``play.js``.
All of it can be seen without the script, as it is for the first image.
"""

import base64
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import jinja2
import numpy as np
from markupsafe import Markup

from linclf.claims.bootstrap import paired_difference
from linclf.data.dataset import Dataset
from linclf.data.inputs import Standardizer
from linclf.data.surrogate import surrogate_of
from linclf.studies import metrics
from linclf.studies.exploration import LARGEST, Exploration, Explored
from linclf.studies.reference import SETTINGS
from linclf.training import LOSSES, Config, Linear, Run, get_loss

from . import html, plots, reference
from .pictures import LARGEST_PICTURE, as_pictures, can_be_shown, image, nothing_to_show, signed

IMAGES = 16
MOST_BYTES = 900_000
"""Test images to choose among, and what they and all networks may take in the page."""
MOST_SURROGATE, MOST_TEMPLATES, DRAWN = 350_000, 100, (2000, 1000)
"""Bytes that the surrogate may take, classes whose templates are shown, images that train and validate in the page."""
YOURS = "yours"
Networks = dict[str, tuple[Config, dict[int, Linear]]]
"""What can be played with, by the name of its setting: the setting, and a network by the epoch after which it is."""
_NAMED = ("loss", "l2", "learning_rate", "lr_decay_every", "epochs", "seed")
"""Fields of Config that a page names whatever they are, or with another."""
_OPTIONS = {
    "lr_decay": "a learning rate multiplied by {} after every {every}",
    "batch_size": "mini-batches of {}",
    "shuffle": "images shuffled at each epoch",
}
"""The words for other options; without them, a page gives name and value."""


def exact(value: object) -> str:
    """A number in as few digits as tell it.

    >>> exact(1.0), exact(0.00001), exact(0.12345678)
    ('1', '1e-05', '0.12345678')
    """
    short = f"{value:g}" if isinstance(value, float) else str(value)
    return short if not isinstance(value, float) or float(short) == value else repr(value)


def name_of(config: Config) -> str:
    """A setting by its loss, λ and η, and by every option that is not as by default."""
    said = [get_loss(config.loss).words, f"λ = {exact(config.l2)}", f"η = {exact(config.learning_rate)}"]
    every = f"{config.lr_decay_every} epochs" if config.lr_decay_every > 1 else "epoch"
    for option in fields(config):
        value = getattr(config, option.name)
        if option.name == "augment" and value is not None:
            said += ["images mirrored at random"] * value.flip
            said += [f"images moved by up to {value.shift} pixels"] * (value.shift > 0)
        elif option.name not in _NAMED and value != option.default:
            words = _OPTIONS.get(option.name, f"{option.name.replace('_', ' ')} {{}}")
            said.append(words.format(exact(value), every=every))
    return ", ".join(said)


def setting(exploration: Exploration) -> html.Output:
    """The setting in a sentence."""
    plan, n_train = exploration.plan, len(exploration.cut.train)
    config = plan.config(0, exploration.data.test_images.shape[1:])
    most = ", all there are" if plan.n_train > n_train else ""
    return html.prose(
        f"Tried here: **{name_of(config)}**, in {plan.epochs:,} epochs on {n_train:,} training images{most}, "
        f"mini-batches of {plan.batch_size:,}; seed{'s' * (plan.seeds > 1)} {plan.seeds_in_words}. Beside it stand the "
        "reference's four settings of λ and η, trained on the same images with the cross-entropy."
    )


def accuracies(explored: Explored) -> html.Output:
    """Accuracy of the chosen setting and of the reference's, mean over seeds."""
    rows = [_accuracies(YOURS, explored.runs, _tested(explored))]
    for i in SETTINGS:
        tested = explored.reference.curves("base", i, "test_accuracy")
        rows.append(_accuracies(reference.row_name(i), explored.reference.trained("base", i), tested))
    columns = ["setting", "training, %", "validation, %", "test, %"]
    of = reference.of_seeds([run.config.seed for run in explored.runs])
    return html.table(columns, rows, caption=f"Accuracy after the last epoch, {of}, beside the reference's settings.")


def _accuracies(name: str, trained: Sequence[Run], tested: np.ndarray) -> list[str]:
    measured = [[getattr(run.history, f"{part}_accuracy") for run in trained] for part in ("train", "validation")]
    ends = [[values[np.isfinite(values)][-1] for values in of_runs] for of_runs in measured]  # before training diverged
    return [name, *(reference.mean_and_spread(np.array(shares)) for shares in (*ends, tested))]


def predictions(explored: Explored) -> np.ndarray:
    """Classes that each network of the chosen setting gives the test images, (networks, n)."""
    return np.stack([run.model.predict(explored.split().test[0]) for run in explored.runs])


def _tested(explored: Explored) -> np.ndarray:
    return np.array([metrics.accuracy(given, explored.dataset.test_labels) for given in predictions(explored)])


def curves(explored: Explored, quantity: str, *, number: int | str) -> html.Output:
    """A quantity over the epochs, beside the reference's settings with the first seed, as a numbered figure."""
    chosen: dict[str, Sequence[Run]] = {YOURS: explored.runs}
    first = explored.runs[0].config
    theirs = {i: explored.reference.trained("base", i)[:1] for i in SETTINGS}
    large: dict[str, Sequence[Run]] = {reference.setting_name(1): theirs.pop(1)}
    small: dict[str, Sequence[Run]] = {reference.setting_name(i): runs for i, runs in theirs.items()}
    if quantity != "accuracy" and first.loss != "cross_entropy":
        panels = [chosen]  # another loss's numbers are no better or worse
    elif quantity == "accuracy" or _highest(chosen, quantity) <= 2 * _highest(small, quantity):
        panels = [chosen | small, large]
    elif _highest(chosen, quantity) <= 2 * _highest(large, quantity):
        panels = [chosen | large, small]
    else:
        panels = [chosen, large, small]
    title = f"{quantity.capitalize()} over the epochs, the reference's settings with seed {first.seed}."
    return reference.history(panels[0], quantity, number=number, title=title, below=panels[1:])


def _highest(runs: Mapping[str, Sequence[Run]], quantity: str) -> float:
    """The greatest value of a quantity on validation images."""
    histories = [run.history for group in runs.values() for run in group]
    return float(np.nanmax([getattr(history, f"validation_{quantity}") for history in histories]))


def finding(explored: Explored) -> html.Output:
    """The result in sentences, with its numbers."""
    if explored.broke:
        text = f"{explored.broke[0].upper()}{explored.broke[1:]}."
        return html.callout(
            text + " The curves show it up to there, and what follows is the network of the last epoch before it whose "
            f"weights are at most {LARGEST:,.0f}.",
            kind="warning",
        )
    split, names = explored.split(), ("train_accuracy", "validation_accuracy", "validation_loss")
    train, validation, loss = (np.mean([getattr(run.history, name) for run in explored.runs], axis=0) for name in names)
    best = reference.best_setting(explored.reference, "base")
    X, y = split.validation[:2]
    yours, theirs = (
        100.0 * np.stack([run.model.predict(X) == y for run in runs])
        for runs in (explored.runs, explored.reference.trained("base", best))
    )
    said = [
        f"**{yours.mean():.2f} %** of {len(y):,} validation images are right at the end, "
        f"{reference.of_seeds([run.config.seed for run in explored.runs], 'mean')}: "
        f"{reference.points(paired_difference(yours, theirs))} points against {reference.setting_name(best)}, on these "
        f"images the best of the reference's four ({theirs.mean():.2f} %). "
        f"On the test images it is {100 * _tested(explored).mean():.2f} %.",
        _gap(metrics.of_share(train[-1], len(split.train[1])), metrics.of_share(validation[-1], len(y))),
        _turn(loss, explored.runs[0].config),
    ]
    return html.prose(" ".join(said))


def _gap(seen: metrics.Interval, unseen: metrics.Interval) -> str:
    """A sentence on the gap between training and validation accuracy."""
    gap, low, high = (100 * number for number in metrics.of_independent(seen, unseen))
    said = f"Of the images that it has seen it gets {reference.points((gap, low, high))} points more right"
    if low > 10:
        return f"{said}: much of what it learned is theirs alone."
    return f"{said}{', which chance explains' if low <= 0 <= high else ''}."


def _turn(loss: np.ndarray, config: Config) -> str:
    """Where the validation loss turned, and what to do about it."""
    lowest, start = int(loss.argmin()), f"{loss[0]:.3g}"
    if 2 * config.learning_rate * config.l2 >= 1:
        return "The penalty is too large for this learning rate: each step overshoots 0, less of either would help."
    if np.abs(loss / loss[0] - 1).max() < 0.01:
        return f"The validation loss stays within 1 % of where it began, {start}: a larger η or more epochs may help."
    if loss[-1] > 1.005 * loss[lowest]:
        return (
            f"The validation loss is lowest at epoch {lowest}, {loss[lowest]:.3g}, and ends at {loss[-1]:.3g}: fewer "
            "epochs, a smaller learning rate or more penalty may help."
        )
    if loss[-1] < 0.995 * loss[len(loss) // 2]:
        return f"The validation loss still falls at the end, {loss[-1]:.3g}: more epochs or a larger η may help."
    return f"The validation loss changes by less than 0.5 % in the second half of the epochs, to {loss[-1]:.3g}."


def networks(explored: Explored) -> Networks:
    """The first network of the chosen setting and of the reference's four, by the setting's name and the epoch."""
    first, reference = explored.runs[0], {i: explored.reference.trained("base", i)[0] for i in SETTINGS}
    settings = {YOURS: (first.config, explored.checkpoints)}
    for i, run in reference.items():
        settings[f"setting {i}"] = run.config, {**explored.earlier[i], run.config.epochs: run.model}
    return {f"{name}: {name_of(config)}": (config, models) for name, (config, models) in settings.items()}


def play(explored: Explored, strip: Any) -> html.Output:
    """The test images, the networks and the controls; ``strip`` is the figure of templates that stands below them."""
    data, settings = explored.dataset, networks(explored)
    images, labels = data.test_images[:IMAGES], data.test_labels[:IMAGES]
    if not can_be_shown(images):
        return nothing_to_show(images)
    standardize, loss = Standardizer.fit(data.train_images[0]), get_loss(explored.runs[0].config.loss)
    kept = _json(explored, standardize, settings)
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
    said = (f"Test image {i} of the class {names[k]}" for i, k in enumerate(labels, 1))
    shares = s / (np.abs(s).max() or 1)
    columns = names, s, 50 + 50 * np.minimum(shares, 0), 50 * np.abs(shares), map(signed, s)
    markup = _render(
        "play.html.j2",
        **shown,
        data=kept,
        images=list(map(image, as_pictures(images), said)),
        settings=settings,
        names=names,
        top=top,
        panels=_panels(images[:1], names[labels[0]], names[top], W[top], parts),
        scores=zip(*columns, [None] * len(s) if p is None else p, strict=True),
        epochs=list(explored.checkpoints),
        strip=strip,
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
    markup = _render("train.html.j2", data=_as_json(given), about=about, losses=words, settings=SETTINGS)
    return html.Output(markup, f"{about} It does so on the page of a report.")


def _render(name: str, **what: Any) -> str:
    text = (html.TEMPLATES / name).read_text(encoding="utf-8")
    return jinja2.Environment(autoescape=True, trim_blocks=True).from_string(text).render(**what)


def _as_json(values: dict[str, Any]) -> Markup:
    return Markup(json.dumps(values).replace("<", "\\u003c"))


def _panels(images: np.ndarray, true: str, given: str, w: np.ndarray, parts: np.ndarray) -> list[tuple[Markup, str]]:
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
    return [(image(pixels, alt, mark=mark, width=128), text) for mark, pixels, alt, text in panels]


def stored(model: Linear) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weights as the page holds them: whole numbers of -127..127 (C, d), what one is worth (C,), and biases (C,)."""
    W = model.W.astype(np.float64)
    units = np.abs(W).max(axis=1) / 127
    return np.rint(W / np.where(units, units, 1)[:, None]).astype(np.int8), units, model.b.astype(np.float64)


def _json(explored: Explored, standardize: Standardizer, settings: Networks) -> Markup:
    weights: list[dict[str, Any]] = []  # once where settings share them, as before training

    def place(model: Linear) -> int:
        whole, units, b = stored(model)
        numbers = {"whole": _base64(whole), "units": units.tolist(), "b": b.tolist()}
        if numbers not in weights:
            weights.append(numbers)
        return weights.index(numbers)

    data, networks = explored.dataset, []
    for config, models in settings.values():
        about = {"loss": config.loss, "link": get_loss(config.loss).link, "drawn": data.provenance.synthetic}
        networks.append({**about, "epochs": list(models), "at": list(map(place, models.values()))})
    return _as_json(
        {
            "names": data.class_names,
            "shape": data.test_images.shape[1:],
            "labels": data.test_labels[:IMAGES].tolist(),
            "pixels": _base64(data.test_images[:IMAGES]),
            "mean": _base64(standardize.mean.astype("<f4")),
            "std": _base64(standardize.std.astype("<f4")),
            "networks": networks,
            "weights": weights,
        }
    )


def _base64(array: np.ndarray) -> str:
    return base64.b64encode(array.tobytes()).decode()

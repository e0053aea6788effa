"""What the page for any setting shows: each function returns one figure, table or sentence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from linclf.errors import LinclfError
from linclf.studies import metrics
from linclf.studies.exploration import Exploration, Explored, Plan
from linclf.studies.reference import SETTINGS
from linclf.studies.study import Split
from linclf.training.config import Config
from linclf.training.loop import Run
from linclf.training.losses import LOSSES
from linclf.training.model import Linear

from . import pictures, pieces, plots, reference
from .ceiling import LOSS_WORDS
from .pictures import percent0
from .plots import template_images
from .reference import best_setting, history, mean_and_spread, row_name, setting_name
from .settings import own_settings

YOURS = "yours"


def setting(exploration: Exploration) -> Any:
    """What is tried, in a sentence."""
    plan, n_train = exploration.plan, len(exploration.split.train[1])
    percent0 = ", all there are" if plan.n_train > n_train else ""
    more = [
        f"a learning rate multiplied by {plan.lr_decay:g} after each epoch" * (plan.lr_decay != 1),
        f"momentum {plan.momentum:g}" * (plan.momentum > 0),
        "images shuffled at each epoch" * plan.shuffle,
        "images mirrored at random" * plan.flip,
        f"images moved by up to {plan.shift} pixels" * (plan.shift > 0),
    ]
    return pieces.prose(
        f"Tried here: **{LOSS_WORDS[plan.loss]}, λ = {plan.l2:g}, η = {plan.learning_rate:g}**, mini-batches of "
        f"{plan.batch_size:,}, {plan.epochs:,} epochs on {n_train:,} training images{percent0}"
        + "".join(f", {text}" for text in more if text)
        + f"; seed{'s' * (plan.seeds > 1)} {plan.seeds_in_words}. Beside it stand the reference's four settings of λ "
        "and η, trained on the same images with the cross-entropy."
    )


def headline(explored: Explored) -> Any:
    """Accuracy of the chosen setting and of the reference's, mean over seeds."""
    tested = np.array([metrics.accuracy(given, explored.dataset.test_labels) for given in predictions(explored)])
    rows = [_accuracies(YOURS, explored.runs, tested)] + [
        _accuracies(
            row_name(i), explored.reference.trained("base", i), explored.reference.curves("base", i, "test_accuracy")
        )
        for i in SETTINGS
    ]
    columns = ["setting", "training, %", "validation, %", "test, %"]
    return pieces.table(columns, rows, caption="Accuracy after the last epoch, beside the reference's settings.")


def _accuracies(name: str, trained: Sequence[Run], tested: np.ndarray) -> list[str]:
    ends = [[getattr(run.history, f"{part}_accuracy")[-1] for run in trained] for part in ("train", "validation")]
    return [name, *(mean_and_spread(np.array(shares)) for shares in (*ends, tested))]


def curves(explored: Explored, quantity: str, *, number: int | str) -> Any:
    """A quantity over the epochs, beside the reference's settings, as a numbered figure."""
    named = {YOURS: explored.runs} | {setting_name(i): explored.reference.trained("base", i) for i in SETTINGS}
    scale = "linear" if quantity == "accuracy" else "log"
    if explored.runs[0].config.loss != "cross_entropy" and quantity != "accuracy":
        named = {YOURS: explored.runs}  # another loss's numbers are no better or worse
    return reference.history(
        named, quantity, number=number, title=f"{quantity.capitalize()} over the epochs.", scale=scale
    )


def finding(explored: Explored) -> Any:
    """What came of it, in sentences with its numbers."""
    series = {name: np.mean([getattr(run.history, name) for run in explored.runs], axis=0) for name in _SERIES}
    train, validation = (100 * series[f"{part}_accuracy"][-1] for part in ("train", "validation"))
    best = best_setting(explored.reference, "base")
    theirs = 100 * explored.reference.curves("base", best, "validation_accuracy")[:, -1].mean()
    test = 100 * np.mean([metrics.accuracy(given, explored.dataset.test_labels) for given in predictions(explored)])
    # As the two numbers are shown: NumPy's round is another than the one that shows them.
    points = float(f"{validation:.2f}") - float(f"{theirs:.2f}")
    word = "more than" if points > 0 else "fewer than" if points < 0 else "exactly like"
    said = [
        f"**{validation:.2f} %** of the validation images are right at the end: "
        + (f"{abs(points):.2f} points " if points else "")
        + f"{word} {setting_name(best)}, the best of the reference's four here ({theirs:.2f} %). On the test images "
        f"it is {test:.2f} %.",
        _gap(train - validation),
        _turn(series["validation_loss"], explored.runs[0].config),
    ]
    return pieces.prose(" ".join(said))


_SERIES = ("train_accuracy", "validation_accuracy", "validation_loss")


def _gap(points: float) -> str:
    """What the distance of training and validation accuracy, in points, says."""
    if points > 10:
        return (
            f"It gets {points:.0f} points more of the training images right: much of what it learned is theirs alone."
        )
    if points > 3:
        return f"It gets {points:.0f} points more of the training images right than of those that it has not seen."
    return f"It does about as well on images that it has not seen ({points:+.1f} points on those that it has).".replace(
        "-", "−"
    )


def _turn(loss: np.ndarray, config: Config) -> str:
    """Where the validation loss turned, and what to do about it."""
    lowest, start = int(loss.argmin()), f"{loss[0]:.3g}"
    if 2 * config.learning_rate * config.l2 >= 1:
        return "The penalty is too large for this learning rate: each step overshoots 0, less of either would help."
    if np.abs(loss / loss[0] - 1).max() < 0.01:
        return f"The validation loss hardly moves from where it began, {start}: a larger η or more epochs may help."
    if loss[-1] > 1.005 * loss[lowest]:
        return (
            f"The validation loss is lowest at epoch {lowest}, {loss[lowest]:.3g}, and ends at {loss[-1]:.3g}: fewer "
            "epochs, a smaller learning rate or more penalty would help."
        )
    if loss[-1] < 0.995 * loss[len(loss) // 2]:
        return f"The validation loss still falls at the end, {loss[-1]:.3g}: more epochs or a larger η may help."
    return f"The validation loss hardly changes any more at the end, {loss[-1]:.3g}."


def predictions(explored: Explored) -> np.ndarray:
    """Classes that each network of the chosen setting gives the test images, (networks, n)."""
    return np.stack([run.model.predict(explored.split.test[0]) for run in explored.runs])


def strip(explored: Explored, *, number: int | str) -> Any:
    """The templates after some of the epochs."""
    models = {f"epoch {epoch}": model for epoch, model in explored.checkpoints.items()}
    return pictures.templates(models, explored.dataset, number=number, caption="Templates after some of the epochs.")


def classes(explored: Explored) -> Any:
    """Precision, recall and F1 of each class on the test images, all networks counted."""
    names, labels, given = explored.dataset.class_names, explored.dataset.test_labels, predictions(explored)
    true = np.tile(labels, len(given))
    found = metrics.class_scores(metrics.confusion_matrix(given.ravel(), true, len(names)))
    rows = [
        [name, *(f"{100 * share[k]:.1f}" for share in (found.precision, found.recall, found.f1)), f"{n:,}"]
        for k, (name, n) in enumerate(zip(names, np.bincount(labels, minlength=len(names)), strict=True))
    ]
    best, worst = found.f1.argmax(), found.f1.argmin()
    caption = (
        "Precision is the share of a class's predictions that are right, recall the share of its images found, and "
        f"F1 their harmonic mean. F1 is highest for {names[best]}, {percent0(found.f1[best])}, and lowest for "
        f"{names[worst]}, {percent0(found.f1[worst])}."
    )
    return pieces.table(["class", "precision, %", "recall, %", "F1, %", "test images"], rows, caption=caption)


def confusion(explored: Explored, *, number: int | str) -> Any:
    """The confusion matrix on the test images."""
    title = "Test images by true and predicted class, in the setting tried here."
    return pictures.confusion(explored.dataset, predictions(explored), title, number=number)


def surest(explored: Explored, *, number: int | str) -> Any:
    """The test images that the first network is surest of, right and wrong."""
    images, names = explored.dataset.test_images, explored.dataset.class_names
    return pictures.surest(explored.runs[0].model, images, *explored.split.test, names, number=number, what="test")


def name_of(config: Config) -> str:
    """A setting by its loss, λ and η."""
    return f"{LOSS_WORDS[config.loss]}, λ = {config.l2:g}, η = {config.learning_rate:g}"


EPOCHS = 10
VALIDATING = 2_500
"""Validation images that are measured, the first ones: with all, a change took a second and more."""
RATES = (1e-5, 3e-5, 1e-4, 3e-4, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3)
PENALTIES = (0.0, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
SIZES = (10, 20, 50, 100, 200, 500, 1000)


@dataclass(frozen=True)
class Moving:
    """Widgets, and what stands in their place where none are shown."""

    widgets: Any
    still: pieces.Output

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> pieces.Bundle:
        data, metadata = self.still._repr_mimebundle_()
        return {**data, **self.widgets._repr_mimebundle_()}, metadata


def sliders(exploration: Exploration, *, number: int | str) -> Any:
    """Sliders for a setting, and one over the epochs that turns the templates; a still figure without ipywidgets."""
    plan = replace(exploration.plan, epochs=min(EPOCHS, exploration.plan.epochs), seeds=1)
    runs, _, _ = exploration.train(plan)
    title = f"Accuracy over {plan.epochs} epochs, {name_of(runs[0].config)}, seed {plan.first_seed}."
    still = history({"": runs}, "accuracy", number=number, title=title)
    try:
        import ipywidgets
    except ImportError:
        return still
    return Moving(_widgets(ipywidgets, exploration, plan), still)


def _widgets(w: Any, exploration: Exploration, plan: Plan) -> Any:
    wide = {"style": {"description_width": "8em"}, "layout": {"width": "28em"}, "continuous_update": False}
    controls = {
        "learning_rate": w.SelectionSlider(description="learning rate η", **_among(RATES, plan.learning_rate), **wide),
        "l2": w.SelectionSlider(description="penalty λ", **_among(PENALTIES, plan.l2), **wide),
        "loss": w.Dropdown(description="loss", options=list(LOSSES), value=plan.loss, style=wide["style"]),
        "lr_decay": w.FloatSlider(description="decay of η", min=0.5, max=1.0, step=0.05, value=plan.lr_decay, **wide),
        "batch_size": w.SelectionSlider(description="batch size", **_among(SIZES, plan.batch_size), **wide),
        "epochs": w.IntSlider(description="epochs", min=1, max=max(40, plan.epochs), value=plan.epochs, **wide),
    }
    for name in ("learning_rate", "l2", "batch_size"):
        controls[name].add_class("only-these")
    # What is typed over the number of such a slider would be shown, and not used.
    only_these = w.HTML("<style>.only-these .widget-readout { pointer-events: none }</style>")
    epoch = w.IntSlider(description="epoch shown", min=0, max=plan.epochs, value=plan.epochs, style=wide["style"])
    said, curves, templates = w.HTML(), w.HTML(), w.HTML()
    kept: dict[int, Linear] = {}

    def turn(_: Any = None) -> None:
        templates.value = _templates(exploration, kept[epoch.value]) if epoch.value in kept else ""

    def train(_: Any = None) -> None:
        try:
            new = replace(plan, **{name: control.value for name, control in controls.items()})
            (run,), checkpoints, seconds = exploration.train(new, range(new.epochs + 1), VALIDATING)
        except LinclfError as error:  # such as a learning rate that is too large
            said.value, curves.value, templates.value = f"<b>{escape(str(error))}</b>", "", ""
            kept.clear()
            return
        kept.clear()
        kept.update(checkpoints)
        said.value = escape(_cost(run, seconds, exploration.split))
        source = pieces.data_link("image/svg+xml", pieces.svg(_drawn(run), salt="sliders"))
        curves.value = f'<img src="{source}" alt="Loss and accuracy over {new.epochs} epochs">'
        epoch.max = epoch.value = new.epochs
        turn()

    train()
    for control in controls.values():
        control.observe(train, "value")
    epoch.observe(turn, "value")
    return w.VBox([only_these, *controls.values(), said, curves, epoch, templates])


def _among(values: tuple[float, ...], chosen: float) -> Mapping[str, Any]:
    """Options of a slider, with the chosen value among them."""
    return {"options": [(f"{value:g}", value) for value in sorted({*values, chosen})], "value": chosen}


def _cost(run: Run, seconds: float, split: Split) -> str:
    """What a training took and came to."""
    n, validating = len(split.train[1]), min(VALIDATING, len(split.validation[1]))
    assert run.history is not None
    train, validation = (100 * series[-1] for series in (run.history.train_accuracy, run.history.validation_accuracy))
    return (
        f"{name_of(run.config)}: {run.config.epochs} epochs on {n:,} images took {seconds:.2f} s: {train:.1f} % of "
        f"them are right, and {validation:.1f} % of {validating:,} validation images."
    )


@own_settings()
def _drawn(run: Run) -> Figure:
    """Loss and accuracy side by side."""
    figure = Figure(figsize=(8.2, 3.1))
    figure.subplots_adjust(left=0.12, right=0.98, bottom=0.16, top=0.88, wspace=0.35)  # to fit them takes time
    for place, quantity in enumerate(("loss", "accuracy"), start=1):
        plots.history(run, quantity, ax=figure.add_subplot(1, 2, place))
    return figure


def _templates(exploration: Exploration, model: Linear) -> str:
    """The templates of the first classes in a row, each with its name."""
    data = exploration.workspace.data
    if not pictures.can_be_shown(data.test_images):
        return "No pictures: the inputs are no images of 1 or 3 channels."
    names = data.class_names[: pictures.MOST_CLASSES]
    drawn = template_images(model.W[: len(names)], data.test_images.shape[1:])
    row = [pictures.Picture(pixels, f"Template of the class {k}", k) for pixels, k in zip(drawn, names, strict=True)]
    return f'<div style="line-height: 1.3">{pictures.table({"": row})}</div>{pieces.IN_JUPYTER}'

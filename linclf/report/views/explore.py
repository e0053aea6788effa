"""What the page for any setting shows: each function returns one figure, table or sentence."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from linclf.studies import metrics
from linclf.studies.exploration import Exploration, Explored
from linclf.studies.reference import SETTINGS
from linclf.training.config import Config
from linclf.training.loop import Run

from . import html, pictures, reference
from .ceiling import LOSS_WORDS
from .pictures import percent0
from .reference import best_setting, mean_and_spread, row_name, setting_name

YOURS = "yours"


def setting(exploration: Exploration) -> Any:
    """What is tried, in a sentence."""
    plan, n_train = exploration.plan, len(exploration.split().train[1])
    percent0 = ", all there are" if plan.n_train > n_train else ""
    more = [
        f"a learning rate multiplied by {plan.lr_decay:g} after each epoch" * (plan.lr_decay != 1),
        f"momentum {plan.momentum:g}" * (plan.momentum > 0),
        "images shuffled at each epoch" * plan.shuffle,
        "images mirrored at random" * plan.flip,
        f"images moved by up to {plan.shift} pixels" * (plan.shift > 0),
    ]
    return html.prose(
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
    return html.table(columns, rows, caption="Accuracy after the last epoch, beside the reference's settings.")


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
    return html.prose(" ".join(said))


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
    return np.stack([run.model.predict(explored.split().test[0]) for run in explored.runs])


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
    return html.table(["class", "precision, %", "recall, %", "F1, %", "test images"], rows, caption=caption)


def confusion(explored: Explored, *, number: int | str) -> Any:
    """The confusion matrix on the test images."""
    title = "Test images by true and predicted class, in the setting tried here."
    return pictures.confusion(explored.dataset, predictions(explored), title, number=number)


def surest(explored: Explored, *, number: int | str) -> Any:
    """The test images that the first network is surest of, right and wrong."""
    images, names = explored.dataset.test_images, explored.dataset.class_names
    return pictures.surest(explored.runs[0].model, images, *explored.split().test, names, number=number, what="test")


def name_of(config: Config) -> str:
    """A setting by its loss, λ and η."""
    return f"{LOSS_WORDS[config.loss]}, λ = {config.l2:g}, η = {config.learning_rate:g}"

"""Views of the reference's experiment: each function returns one figure, table or number of a page."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from linclf.studies.reference.design import ARMS, KEPT, SETTINGS
from linclf.studies.results import Results

from . import html, networks, plots
from .provenance import is_the_references
from .runs import number as digits

REFERENCE_SVM = {1: 28.92, 2: 34.98, 3: 35.81, 4: 36.03}
"""Test accuracies in percent that the reference prints in its section 2."""


def setting_name(setting: int) -> str:
    """The setting with its λ and η, for captions and tables."""
    l2, learning_rate = SETTINGS[setting]
    return f"setting {setting} (λ = {l2:g}, η = {learning_rate:g})"


def row_name(setting: int) -> str:
    """What a table calls a setting."""
    l2, learning_rate = SETTINGS[setting]
    return f"{setting}: λ = {l2:g}, η = {learning_rate:g}"


def curves(
    results: Results,
    arm: str,
    setting: int,
    quantity: str = "loss",
    *,
    number: int | str,
    beside: str | None = None,
    limits: tuple[float, float] | None = None,
) -> Any:
    """Loss or cost over the epochs, as a numbered figure whose caption says what to see.

    A number such as "10 and 11" is for both where they are one curve: without a penalty.
    """
    others = {ARMS[beside].title: results.trained(beside, setting)} if beside is not None else None
    axes = plots.history(results.trained(arm, setting), quantity, beside=others, ax=plots.new_axes(5.6, 3.7))
    axes.set_ylim(limits)
    title = f"{quantity.capitalize()} over the epochs, {ARMS[arm].title}, {setting_name(setting)}."
    if " and " in str(number):
        title = title.replace(quantity.capitalize(), "Loss and cost, one curve without a penalty,")
        axes.set_ylabel("loss = cost")
    train, validation = (results.curves(arm, setting, f"{name}_{quantity}") for name in ("train", "validation"))
    ends = "; ".join(
        f"{name} {quantity} from {mean[0]:.3g} to {mean[-1]:.3g}, lowest {mean.min():.3g} at epoch {mean.argmin()}"
        for name, mean in (("training", train.mean(axis=0)), ("validation", validation.mean(axis=0)))
    )
    return html.figure(
        axes.figure,
        number=number,
        caption=f"{title} {_seen(train, validation, quantity)}",
        alt=f"Two curves over {train.shape[1] - 1} epochs: {ends}.",
        data=_curve_numbers(results, arm, setting, quantity),
    )


def _curve_numbers(results: Results, arm: str, setting: int, quantity: str) -> dict[str, Sequence[float]]:
    """The numbers behind the curves: a column for the epoch, and one per seed and set of images."""
    columns: dict[str, Sequence[float]] = {}
    for prefix, label in (("train", "training"), ("validation", "validation")):
        values = results.curves(arm, setting, f"{prefix}_{quantity}")
        columns.setdefault("epoch", list(range(values.shape[1])))
        for record, series in zip(results.runs(arm, setting), values, strict=True):
            columns[f"{label} {quantity}, seed {record['seed']}"] = series.tolist()
    return columns


def _seen(train: np.ndarray, validation: np.ndarray, quantity: str) -> str:
    """What to see in curves (seeds, epochs + 1): whether training jumps or falls, and where validation turns."""
    epochs = train.shape[1] - 1
    trained, mean = train.mean(axis=0), validation.mean(axis=0)  # the lines that are drawn
    rises, jumps = ((np.diff(trained) > share * trained[:-1]).sum() for share in (0, 0.01))
    start, highest, end = (digits(value, quantity) for value in (trained[0], trained.max(), trained[-1]))
    if jumps > epochs / 5:
        first = f"Training {quantity} jumps: it goes up by more than 1 % in {jumps} of {epochs} epochs"
    else:
        over = f"up to {highest}, then " * (highest not in (start, end))
        first = f"Training {quantity} goes from {start} {over}to {end}"
        first += f", up in {rises} of {epochs} epochs" if rises else ", never up"
    lowest, end = int(mean.argmin()), digits(mean[-1], quantity)
    if mean[-1] > 1.005 * mean[lowest]:
        when = "before training" if lowest == 0 else f"at epoch {lowest}"
        second = f"validation {quantity} is lowest {when}, {digits(mean[lowest], quantity)}, and ends at {end}"
    elif mean.max() > 1.005 * mean[0]:
        second = f"validation {quantity} goes up to {digits(mean.max(), quantity)}, and ends at about its lowest, {end}"
    else:
        second = f"validation {quantity} stays at about its lowest value to the end, {end}"
    return f"{first}; {second}."


def templates(results: Results, arm: str, setting: int, *, number: int | str) -> Any:
    """The weights of each class as pictures (of the first seed's network), as a numbered figure."""
    title = f"Weights after training, {ARMS[arm].title}, {setting_name(setting)}, seed {results.seeds[0]}."
    return networks.weights(results.dataset, results.models(arm, setting)[0], title, number=number)


def confusion(results: Results, arm: str, setting: int, *, number: int | str) -> Any:
    """The confusion matrix on the test images, over all seeds, as a numbered figure."""
    title = f"Test images by true and predicted class, {ARMS[arm].title}, {setting_name(setting)}."
    return networks.confusion(results.dataset, results.predictions(arm, setting), title, number=number)


def accuracies(results: Results, arms: Sequence[str], images: str = "test") -> Any:
    """Accuracy after the last epoch on the "test", "validation" or "train" images: a row per setting, a column per arm.

    Where that is too wide, with more arms than settings, the table lies the other way. On CIFAR-10 the test accuracies
    of the SVM stand beside what the reference prints.
    """
    across = len(arms) > len(SETTINGS)
    columns = [["training" if across else "setting", *map(row_name, SETTINGS)]]
    for arm in arms:
        values = (results.curves(arm, i, f"{images}_accuracy").reshape(len(results.seeds), -1) for i in SETTINGS)
        columns.append([ARMS[arm].title, *(percent(each[:, -1]) for each in values)])
    if images == "test" and "svm" in arms and is_the_references(results.data["name"]):
        columns.append(["SVM, reference", *(f"{REFERENCE_SVM[i]:.2f}" for i in SETTINGS)])
    head, *rows = columns if across else map(list, zip(*columns, strict=True))
    word, n = images.replace("train", "training"), len(results.seeds)
    seeds = f"mean ± standard deviation of {n} seeds" if n > 1 else f"seed {results.seeds[0]}"
    return html.table(head, rows, caption=f"Accuracy on {word} images after the last epoch, %, {seeds}.")


def headline(results: Results, arm: str, beside: str | None = None) -> Any:
    """Test accuracy in each setting, large; ``beside`` is another arm to compare with."""

    def accuracy(arm: str, setting: int) -> str:
        return f"{100 * results.curves(arm, setting, 'test_accuracy').mean():.2f} %"

    names = {i: f"setting {i}" + (f" ({ARMS[beside].title} {accuracy(beside, i)})" if beside else "") for i in SETTINGS}
    return html.large({names[i]: accuracy(arm, i) for i in SETTINGS}, f"Test accuracy, {ARMS[arm].title}")


def best_setting(results: Results, arm: str) -> int:
    """The setting with the highest mean validation accuracy at the end: no choice is made on test images."""
    return max(SETTINGS, key=lambda i: results.curves(arm, i, "validation_accuracy")[:, -1].mean())


def difference(results: Results, arm: str, other: str, setting: int) -> str:
    """Mean difference of test accuracy between two arms, paired by seed, in percentage points."""
    points = 100 * (results.curves(arm, setting, "test_accuracy") - results.curves(other, setting, "test_accuracy"))
    return f"{points.mean():+.2f} points".replace("-", "−")


def differences(results: Results, arm: str, other: str) -> str:
    """:func:`difference` in each setting, as the end of a sentence."""
    return ", ".join(f"{difference(results, arm, other, setting)} in setting {setting}" for setting in SETTINGS)


def kept(results: Results) -> Any:
    """What the report's ``model.npz`` is, and how to use it."""
    arm, setting = KEPT
    accuracy = percent(results.curves(arm, setting, "validation_accuracy")[:1, -1])
    which = f"{ARMS[arm].title} in {setting_name(setting)}, seed {results.seeds[0]}"
    return networks.kept(results.dataset, f"the network trained on {which} (validation accuracy {accuracy} %)")


def draws_table(results: Results, arm: str, setting: int) -> Any:
    """The share of random draws of test images whose loss is below the training loss, a row per size that there is."""
    rows = []
    runs = results.runs(arm, setting)
    for size in runs[0]["test_draws_below"]:
        shares = [run["test_draws_below"][size] for run in runs]
        known = [share for share in shares if share is not None]
        if known:  # not where there are fewer test images than that
            rows.append([f"{int(size):,}", f"{np.mean(known):.3f}"])
    caption = "Share of 200 random draws of test images whose mean loss is below the training loss, to ± 0.07."
    return html.table(["images per draw", "share below"], rows, caption=caption) if rows else None


def below(results: Results, arm: str, setting: int) -> Any:
    """Whether the validation loss ends below the training loss, in a sentence."""
    train, validation = (results.curves(arm, setting, f"{name}_loss")[:, -1].mean() for name in ("train", "validation"))
    answer = "is below" if validation < train else "is not below"
    return html.prose(f"Here the validation loss, {validation:.4f}, **{answer}** the training loss, {train:.4f}.")


def timings_table(results: Results) -> Any:
    """Seconds to train one network in stored order and shuffled, one row per seed."""
    rows: list[list[str | html.Html]] = []
    for pair in results.document["timings"]:
        numbers = (pair["base"], pair["shuffle"], pair["shuffle"] / pair["base"])
        rows.append([str(pair["seed"]), *(html.timed(f"{number:.2f}") for number in numbers)])
    columns = ["seed", "stored order, s", "shuffled, s", "ratio"]
    return html.table(columns, rows, caption="Training time of one network, setting 2, without evaluation.")


def percent(values: np.ndarray) -> str:
    """Mean of shares over seeds ± their standard deviation, in percent."""
    spread = f" ± {100 * values.std(ddof=1):.2f}" if len(values) > 1 else ""
    return f"{100 * values.mean():.2f}{spread}"

"""What a report on data of one's own shows of the data and the search: a figure, table or sentence each."""

from collections.abc import Callable
from typing import Any

import numpy as np

from linclf.data.dataset import Dataset
from linclf.studies.intervals import Interval
from linclf.studies.your_data.design import PENALTIES, is_imbalanced
from linclf.studies.your_data.results import YourDataResults
from linclf.studies.your_data.study import YourDataStudy

from . import html
from .bundles import markdown
from .ceiling import LOSS_WORDS, search_map
from .pictures import can_be_shown, nothing_to_show
from .provenance import how_it_ran

MOST_ROWS = 100
"""Classes that a table lists."""
MOST_SAMPLES, SAMPLES_A_CLASS = 60, 6
ENOUGH_TO_TEST, MOST_NAMED = 5, 10
"""Images that a class needs for its recall to be told at all, and classes that a sentence names."""


def rows(data: Dataset, n: int | None = None) -> str:
    """What the data are made of, with their number."""
    kind = "image" if data.test_images.ndim == 4 else "row"
    return f"{kind}s" if n is None else f"{n:,} {kind}{'' if n == 1 else 's'}"


def percent(found: Interval | float, unit: str = " %") -> str:
    """A share in percent, with its interval where it has one."""
    if not isinstance(found, Interval):
        return f"{100 * found:.1f}{unit}"
    return f"{100 * found.value:.1f}{unit} ({100 * found.low:.1f} to {100 * found.high:.1f})".replace("-", "−")


def headline(results: YourDataResults) -> Any:
    """The result in a few sentences."""
    data, (largest, always) = results.dataset, results.baseline
    n, sizes = rows(data, len(data.test_labels)), data.counts()["training"]
    alike = int((sizes == sizes.max()).sum())
    which = ", the largest class," if alike == 1 else ", one of the largest," if alike < len(sizes) else ""
    text = (
        f"**{percent(results.accuracy)}** of the {n} held out as a test are given their class by one linear layer (in "
        f"brackets, here and below, the 95 % interval). Always saying {markdown(data.class_names[largest])}{which} is "
        f"right for {percent(always.mean())}."
    )
    if results.accuracy.is_wide:
        text += f" So few as {n} cannot tell it any closer."
    if is_imbalanced(data):
        text += (
            f" The classes are imbalanced: counted alike, on average {percent(results.balanced_accuracy)} of a class "
            "are recognised."
        )
    if results.copied.any():
        text += f" **Mind:** {copies(results)}"
    return html.prose(text)


def copies(results: YourDataResults) -> str:
    """How much of the test is a copy of what the network was trained on, in sentences; only where some is."""
    data, without = results.dataset, results.accuracy_without_copies
    left = f"Without them accuracy is {percent(without)}." if without else "Without them nothing is left to test on."
    return f"{_copies(data, results.copied, 'for testing', 'train or validate')} {left}"


def _copies(data: Dataset, copied: np.ndarray, purpose: str, others: str) -> str:
    near = "" if data.test_images.ndim == 2 else ", or what looks like them,"
    return (
        f"Copies of {rows(data)} that {others}{near} make up {copied.sum():,} of the {rows(data, len(copied))} "
        f"{purpose}; a network may remember those."
    )


def about(study: YourDataStudy) -> Any:
    """Where the data come from, how many there are, and how they were split."""
    return html.callout(" ".join([study.workspace.data.provenance.describe(), *how_it_ran(study.workspace)]))


def split(results: YourDataResults) -> Any:
    """Which images train, which validate and which test, in a sentence."""
    data, n_validation = results.dataset, len(results.choosing.validation)
    source = "the last training batch" if data.validation_labels is None else "those that the data brought"
    text = (
        f"λ, η and the loss are chosen on {rows(data, n_validation)}, {source}, after training on "
        f"{len(results.choosing.train):,}; the final network trains on all {len(results.final.train):,}, and the "
        f"{len(data.test_labels):,} for testing are looked at once, at the end."
    )
    if results.copied_validation.any():
        text += f" **Mind:** {_copies(data, results.copied_validation, 'for validation', 'train')}"
    return html.prose(text)


def counts(data: Dataset) -> Any:
    """Number of images of each class, in each part and in total, as a table."""
    parts = data.counts()
    total = np.sum(list(parts.values()), axis=0)
    columns = ["class", *parts, "total", "share, %"]
    numbers = np.column_stack([*parts.values(), total])
    lines = [
        [name, *(f"{n:,}" for n in own), f"{100 * own[-1] / total.sum():.1f}"]
        for name, own in zip(data.class_names[:MOST_ROWS], numbers, strict=False)
    ]
    if len(data.class_names) > MOST_ROWS:
        rest = numbers[MOST_ROWS:].sum(axis=0)
        lines.append([f"{len(data.class_names) - MOST_ROWS} more", *(f"{n:,}" for n in rest), ""])
    lines.append(["all", *(f"{n:,}" for n in numbers.sum(axis=0)), "100.0"])
    return html.table(columns, lines, caption=f"Number of {rows(data)} of each class.")


def balance(data: Dataset) -> Any:
    """Whether the classes are of about one size; a warning where they are not."""
    names, total = data.class_names, np.sum(list(data.counts().values()), axis=0)
    most, fewest = int(total.argmax()), int(total.argmin())
    few = few_to_test(data)
    if is_imbalanced(data):
        said = (
            f"The classes are imbalanced: {rows(data, total[most])} are {names[most]} "
            f"({percent(total[most] / total.sum())}), and {total[fewest]:,} {names[fewest]}. Accuracy alone says "
            "little here; look at balanced accuracy and at the recall of each class."
        )
    else:
        size = f"{total[fewest]:,} to {total[most]:,}" if total[most] > total[fewest] else f"{total[most]:,}"
        said = f"The classes are of about one size: {size} {rows(data)} each."
    return html.callout(f"{said} {few}".strip(), kind="warning" if few or is_imbalanced(data) else "note")


def few_to_test(data: Dataset, show: Callable[[str], str] = str) -> str:
    """Which classes have too few images for testing, in a sentence; none if all have enough."""
    tested = data.counts()["test"]
    few = np.flatnonzero(tested < ENOUGH_TO_TEST)
    if not len(few):
        return ""
    named = ", ".join(f"{show(data.class_names[i])} ({tested[i] or 'none'})" for i in few[:MOST_NAMED])
    rest = f" and {len(few) - MOST_NAMED:,} more" if len(few) > MOST_NAMED else ""
    return (
        f"Fewer than {ENOUGH_TO_TEST} {rows(data)} are there to test {named}{rest}: too few to tell how well they are "
        "recognised."
    )


def smallest_tested(data: Dataset) -> int:
    """The class with the fewest images for testing, of those that have any."""
    tested = data.counts()["test"]
    return int(np.where(tested > 0, tested, tested.max() + 1).argmin())


def samples(data: Dataset, *, number: int | str) -> Any:
    """Pictures of each class, the first ones of the training images, as a numbered figure."""
    labels = np.concatenate(data.train_labels)
    each = max(1, min(SAMPLES_A_CLASS, MOST_SAMPLES // len(data.class_names)))
    shown = [np.flatnonzero(labels == i)[:each] for i in range(min(len(data.class_names), MOST_ROWS))]
    picked = np.concatenate(shown)
    if not can_be_shown(data.test_images):
        return nothing_to_show(data.test_images)
    images = np.concatenate(data.train_images)[picked]
    names = [data.class_names[i] for i in labels[picked]]
    of = "each class" if len(shown) == len(data.class_names) else f"the first {len(shown)} classes"
    return html.gallery(
        pixels(data, images),
        names,
        number=number,
        caption=f"Pictures of {of}, as the network gets them: the first {each} to train on.",
        alt=f"Pictures of {of}.",
    )


def pixels(data: Dataset, images: np.ndarray) -> np.ndarray:
    """Images as uint8; of others than uint8, or where all is dark, the range of the test images becomes 0..255."""
    few = data.test_images[:1000]
    if images.dtype == np.uint8 and few.max() > 127:
        return images
    low, high = np.quantile(few, [0.01, 0.99]).astype(np.float64)
    scaled = (images.astype(np.float64) - low) / (high - low or 1)
    return np.rint(255 * np.clip(scaled, 0, 1)).astype(np.uint8)


def heat_map(results: YourDataResults, loss: str, *, number: int | str) -> Any:
    """Validation accuracy over (λ, η) of a loss, as a numbered figure."""
    own = {
        (run.record["l2"], run.record["learning_rate"]): 100 * run.record["validation_accuracy"]
        for run in results.search
        if run.record["loss"] == loss
    }
    penalties, rates = (sorted({key[i] for key in own}) for i in (0, 1))
    values = np.array([[own.get((l2, rate), np.nan) for rate in rates] for l2 in penalties])
    empty = " Where a cell is empty, η and λ together would make training jump." if np.isnan(values).any() else ""
    return search_map(values, penalties, rates, loss, f"The best is {np.nanmax(values):.1f} %.{empty}", number=number)


def search(results: YourDataResults) -> Any:
    """How much was searched, and what was chosen, in words."""
    size, chosen, data = results.size, results.chosen, results.dataset
    whole = size.n_train == len(results.choosing.train)
    images = rows(data, size.n_train) if whole else f"the first {rows(data, size.n_train)}"
    text = (
        f"{len(size.choices)} configurations were trained on {images} for {size.epochs} epochs each. The highest "
        f"validation accuracy, {percent(results.validation_accuracy)}, has {LOSS_WORDS[chosen.loss]} with "
        f"η = {chosen.learning_rate:g} and λ = {chosen.l2:g}."
    )
    if chosen.l2 == max(PENALTIES):
        text += " That is the largest λ of the search: the network does best where it may say little."
    return html.prose(text)

"""What a report on data of one's own shows of the data and the search: a figure, table or sentence each."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from linclf.data.dataset import Dataset
from linclf.studies import metrics
from linclf.studies.metrics import Interval, of_share
from linclf.studies.store import StoredRun
from linclf.studies.your_data import PENALTIES, YourDataResults, YourDataStudy, is_imbalanced, mean_recall
from linclf.training.model import Linear, softmax

from . import html, pictures, plots
from .ceiling import LOSS_WORDS, search_map
from .html import markdown
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


def with_interval(found: Interval | float, unit: str = " %") -> str:
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
        f"**{with_interval(results.accuracy)}** of the {n} held out as a test are given their class by one linear "
        "layer (in brackets, here and below, the 95 % interval). Always saying "
        f"{markdown(data.class_names[largest])}{which} is right for {with_interval(always.mean())}."
    )
    if results.accuracy.is_wide:
        text += f" So few as {n} cannot tell it any closer."
    if is_imbalanced(data):
        text += (
            f" The classes are imbalanced: counted alike, on average "
            f"{with_interval(results.balanced_accuracy)} of a class are recognised."
        )
    if results.copied.any():
        text += f" **Mind:** {copies(results)}"
    return html.prose(text)


def copies(results: YourDataResults) -> str:
    """How much of the test is a copy of what the network was trained on, in sentences; only where some is."""
    data, without = results.dataset, results.accuracy_without_copies
    left = (
        f"Without them accuracy is {with_interval(without)}." if without else "Without them nothing is left to test on."
    )
    return f"{_copies(data, results.copied, 'for testing', 'train or validate')} {left}"


def _copies(data: Dataset, copied: np.ndarray, purpose: str, others: str) -> str:
    near = "" if data.test_images.ndim == 2 else ", or what looks like them,"
    return (
        f"Copies of {rows(data)} that {others}{near} make up {copied.sum():,} of the {rows(data, len(copied))} "
        f"{purpose}; a network may remember those."
    )


def about(study: YourDataStudy) -> Any:
    """Where the data come from, how many there are, and how they were split."""
    return html.callout(" ".join([study.data.provenance.describe(), *how_it_ran(study)]))


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
            f"({with_interval(total[most] / total.sum())}), and {total[fewest]:,} {names[fewest]}. Accuracy alone says "
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
        f"{len(size.candidates)} configurations were trained on {images} for {size.epochs} epochs each. The highest "
        f"validation accuracy, {with_interval(results.validation_accuracy)}, has {LOSS_WORDS[chosen.loss]} with "
        f"η = {chosen.learning_rate:g} and λ = {chosen.l2:g}."
    )
    if chosen.l2 == max(PENALTIES):
        text += " That is the largest λ of the search: the network does best where it may say little."
    return html.prose(text)


def accuracies(results: YourDataResults) -> Any:
    """Accuracy, balanced accuracy and the baseline's, as a table."""
    (largest, always), n_test, without = results.baseline, len(results.right), results.accuracy_without_copies
    names, n_classes = results.dataset.class_names, int((results.confusion.sum(axis=1) > 0).sum())
    lines = [
        ["accuracy", with_interval(results.accuracy, "")],
        ["balanced accuracy", with_interval(results.balanced_accuracy, "")],
        *([["accuracy without copies", with_interval(without, "")]] if results.copied.any() and without else []),
        [f"always {names[largest]}", with_interval(of_share(float(always.mean()), n_test), "")],
        ["always it, balanced", with_interval(float(always.any()) / n_classes, "")],
        [f"on the training {rows(results.dataset)}", with_interval(results.training_accuracy, "")],
    ]
    seeds = f", mean of {results.plan.seeds} seeds" if results.plan.seeds > 1 else ""
    caption = f"On {rows(results.dataset, n_test)} for testing{seeds}; 95 % intervals over them. "
    caption += "Balanced accuracy is the mean recall of the classes"
    caption += f" that have any to test, {n_classes:,} of {len(names):,}." if n_classes < len(names) else "."
    return html.table(["measure", "%"], lines, caption=caption)


def classes(results: YourDataResults) -> Any:
    """Precision, recall, F1 and support of each class, as a table."""
    scores, given = metrics.class_scores(results.confusion), results.confusion.sum(axis=0)
    lines = []
    for i, name in enumerate(results.dataset.class_names[:MOST_ROWS]):
        support = scores.support[i]
        lines.append(
            [
                name,
                f"{support:.0f}",
                with_interval(scores.f1[i], "") if support + given[i] else "",
                with_interval(of_share(scores.precision[i], given[i]), "") if given[i] else "none predicted",
                with_interval(of_share(scores.recall[i], support), "") if support else "none to test",
            ]
        )
    caption = "Recall: the share of a class that is given it. Precision: the share of what is given a class that is of "
    caption += "it. F1: their harmonic mean. Support: how many there are to test."
    if len(results.dataset.class_names) > MOST_ROWS:
        caption += f" The first {MOST_ROWS} classes; your_data.json has all."
    return html.table(["class", "support", "F1, %", "precision, %", "recall, %"], lines, caption=caption)


def weighted(results: YourDataResults) -> Any:
    """The same network, trained so that all classes count alike, as a table; None where classes are of one size."""
    if not results.balanced:
        return None
    data, lines = results.dataset, []
    smallest = smallest_tested(data)
    for title, runs in (("as they are", results.finals), ("every class alike", results.balanced)):
        matrix = results.confusion_of(runs)
        accuracy = of_share(float(results.share_right(runs).mean()), len(results.right))
        support = matrix[smallest].sum()
        recall = of_share(float(matrix[smallest, smallest] / support), float(support))
        lines.append([title, *(with_interval(found, "") for found in (mean_recall(matrix), accuracy, recall))])
    caption = (
        "Trained with the classes as they are, and with weights so that every class counts alike "
        '(class_weight="balanced"), everything else being the same.'
    )
    columns = ["training", "balanced accuracy, %", "accuracy, %", f"recall of {data.class_names[smallest]}, %"]
    return html.table(columns, lines, caption=caption)


LITTLE, WELL_LEARNED = 0.02, 0.95
"""A gain that is called little, and an accuracy on training images that leaves little to say."""


def learning_curve(results: YourDataResults, *, number: int | str) -> Any:
    """Test accuracy against the number of training images, as a numbered figure, and whether more would help."""
    n = len(results.final.train)
    if not results.curve:
        return html.callout(f"No learning curve: {rows(results.dataset, n)} are too few to train on a part of them.")
    imbalanced = is_imbalanced(results.dataset)
    points = {size: [_accuracy(results, run) for run in runs] for size, runs in results.curve.items()}
    points[n] = [_accuracy(results, run) for run in results.finals]
    what, whole = ("balanced accuracy", results.balanced_accuracy) if imbalanced else ("accuracy", results.accuracy)
    axes = plots.accuracy_by_size(points, whole, what)
    title = f"Test {what} against the number of {rows(results.dataset)} to train on, the same settings throughout."
    width = max(map(len, points.values()))
    data = {"training": list(points)} | {
        f"network {i + 1}, %": [100 * own[i] if i < len(own) else "" for own in points.values()] for i in range(width)
    }
    return html.figure(axes.figure, number=number, caption=f"{title} {more(results)}", data=data)


def _accuracy(results: YourDataResults, run: StoredRun) -> float:
    """Test accuracy of a network, balanced where classes are imbalanced."""
    if is_imbalanced(results.dataset):
        return mean_recall(results.confusion_of([run])).value
    return float(run.record["test_accuracy"])


def more(results: YourDataResults, show: Callable[[str], str] = str) -> str:
    """Whether more images to train on would help, in a sentence with its number; ``show`` turns names into text."""
    gain, data = results.doubling, results.dataset
    if gain is None:
        return ""
    kind, imbalanced = rows(data), is_imbalanced(data)
    says = (
        f"The last doubling brought {with_interval(gain, ' points')}{' of balanced accuracy' if imbalanced else ''}: "
    )
    if has_copies(results):
        return f"{says}with copies in the test, that does not tell whether more {kind} would help."
    if not results.is_like_validation:
        return f"{says}on a test unlike the validation, that does not tell whether more {kind} would help."
    if gain.low > 0:
        return f"{says}more {kind} would help."
    if gain.high < LITTLE:
        return f"{says}more {kind} of the same sort would bring little."
    n, smallest = f"{rows(data, len(results.right))} for testing", smallest_tested(data)
    if imbalanced:
        n += f", {data.counts()['test'][smallest]:,} of them {show(data.class_names[smallest])},"
    return f"{says}{n} are too few to tell whether more would help."


def has_copies(results: YourDataResults) -> bool:
    """Whether so much of the test is copies that no conclusion can be drawn from it."""
    return float(results.copied.mean()) > LITTLE


def limits(results: YourDataResults) -> Any:
    """What limits the network, in plain sentences, each with its number."""
    few = few_to_test(results.dataset, markdown)
    lines = [f"**Few to test.** {few}" if few else "", _imbalance(results), _worst(results)]
    if has_copies(results):
        advice = "Nothing else is concluded from such a test: take the copies out, and make the report again."
        lines = [f"**Copies.** {copies(results)} {advice}"]
    elif results.is_like_validation:
        number = f"**The number of {rows(results.dataset)}.** {more(results, markdown)}" if results.doubling else ""
        lines = [_against_the_baseline(results), _test(results), _bias_or_variance(results), number, *lines]
    else:
        lines = [_against_the_baseline(results), _test(results), _unlike(results), *lines]
    return html.prose("\n".join(f"- {line}" for line in lines if line))


def _unlike(results: YourDataResults) -> str:
    return (
        f"**Unlike parts.** Test accuracy is {with_interval(results.accuracy)}, validation accuracy of the same "
        f"settings {with_interval(results.validation_accuracy)}: the intervals lie apart. The "
        f"{rows(results.dataset)} for testing are not like those for validation, so that nothing is said here of "
        "variance, nor of more to train on."
    )


def _against_the_baseline(results: YourDataResults) -> str:
    gain, largest = results.gain, results.dataset.class_names[results.baseline[0]]
    says = "more than the class sizes explain" if gain.low > 0 else "no difference that these test data can tell"
    return (
        f"**The baseline.** The network is right {with_interval(gain, ' points')} more often than always saying "
        f"{markdown(largest)}: {says}."
    )


def _test(results: YourDataResults) -> str:
    n = rows(results.dataset, len(results.right))
    return f"**The test itself.** {n} tell an accuracy to about ± {100 * results.accuracy.half:.1f} points (95 %)."


def _bias_or_variance(results: YourDataResults) -> str:
    found, seen, kind = results.accuracy, results.training_accuracy, rows(results.dataset)
    if found.value == 1:
        return ""
    said = f"**Bias or variance.** Of those it trained on it gets {with_interval(seen)} right, of the others "
    said += f"{with_interval(found.value)}. "
    if seen > found.high:
        said += f"The gap of {with_interval(seen - found.value, ' points')} is variance: part of what it has learned "
        said += f"is true of its training {kind} alone."
    else:
        said += f"There is no gap that these test data can tell: what it cannot do, it cannot do on its training {kind}"
        said += " either."
    if seen < WELL_LEARNED:
        said += (
            f" The {with_interval(1 - seen)} of them that it gets wrong are bias: more than one linear layer can tell "
        )
        said += "apart with these inputs and this penalty."
    return said


def _imbalance(results: YourDataResults) -> str:
    data = results.dataset
    if not is_imbalanced(data):
        return ""
    total, names = np.sum(list(data.counts().values()), axis=0), [markdown(name) for name in data.class_names]
    most, fewest = int(total.argmax()), int(total.argmin())
    below = results.accuracy.value - results.balanced_accuracy.value
    how = f"{with_interval(below, ' points')} below accuracy" if below > 0 else "no lower than accuracy"
    alike = mean_recall(results.confusion_of(results.balanced))
    return (
        f"**Imbalance.** There are {total[most]:,} {names[most]} and {total[fewest]:,} {names[fewest]}. Balanced "
        f"accuracy is {with_interval(results.balanced_accuracy)}, {how}; trained so that every class counts alike, "
        f"it is {with_interval(alike)}."
    )


def _worst(results: YourDataResults) -> str:
    """The class that is recognised worst, and what it is taken for."""
    scores = metrics.class_scores(results.confusion)
    tested = np.flatnonzero(scores.support)
    worst = tested[scores.recall[tested].argmin()]
    recall = metrics.of_share(float(scores.recall[worst]), float(scores.support[worst]))
    if recall.value == 1:
        return ""
    others, names = results.confusion[worst].copy(), [markdown(name) for name in results.dataset.class_names]
    others[worst] = 0
    return (
        f"**The hardest class** is {names[worst]}: {with_interval(recall)} of {scores.support[worst]:.0f} are "
        f"recognised, and most others are taken for {names[int(others.argmax())]}."
    )


MOST_MISTAKES, MOST_TYPICAL, MOST_TEMPLATES = 12, 20, 60


def probabilities(results: YourDataResults) -> np.ndarray:
    """What softmax makes of the scores of the test images, (C, n_test)."""
    return softmax(results.scores.astype(np.float64))


def reliability(results: YourDataResults, *, number: int | str) -> Any:
    """Predicted probability against how often it is right, as a numbered figure; cross-entropy only."""
    if results.chosen.loss != "cross_entropy":
        return html.callout("The SVM loss was chosen: its scores are no probabilities, so that there is no diagram.")
    P = probabilities(results)
    right = P.argmax(axis=0) == results.dataset.test_labels
    sure = P.max(axis=0)
    found = metrics.reliability(sure, right)
    shares = [of_share(float(share), float(n)) for share, n in zip(found.right, found.number, strict=True)]
    axes = plots.reliability(found.probability, shares)
    gap, all_right = float(sure.mean()), of_share(float(right.mean()), len(right))
    says = f"On average the network gives its answer a probability of {with_interval(gap)}, and is right in "
    says += f"{with_interval(all_right)}: "
    if not all_right.low <= gap <= all_right.high:
        says += "too sure." if gap > all_right.value else "not sure enough."
    elif all_right.is_wide:
        says += f"{rows(results.dataset, len(right))} for testing cannot tell whether it is too sure."
    else:
        says += "no more sure than it may be."
    says += (
        f" The mean distance from the diagonal (expected calibration error) is {with_interval(found.error, ' points')}."
    )
    caption = "How often an answer is right, by the probability that the network gives it; bars are 95 % intervals. "
    data = {
        "probability, mean": found.probability.tolist(),
        **{
            f"right, {name}": list(column)
            for name, column in zip(Interval._fields, zip(*shares, strict=True), strict=True)
        },
        "number": found.number.tolist(),
    }
    return html.figure(axes.figure, number=number, caption=caption + says, data=data)


def mistakes(results: YourDataResults, *, number: int | str) -> Any:
    """The wrong answers that the network is surest of, as a numbered figure, or as a table of rows."""
    sure, words = _sureness(results)
    predicted, labels = results.scores.argmax(axis=0), results.dataset.test_labels
    wrong = np.flatnonzero(predicted != labels)
    wrong = wrong[np.argsort(-sure[wrong], kind="stable")][:MOST_MISTAKES]
    if not len(wrong):
        return html.callout(f"The network makes no mistake on the {rows(results.dataset)} for testing.")
    names = results.dataset.class_names
    said = [f"{names[labels[i]]}, taken for {names[predicted[i]]}, {words[i]}" for i in wrong]
    return _pictures(results, wrong, said, "The mistakes that the network is surest of.", number)


def typical(results: YourDataResults, *, number: int | str) -> Any:
    """Of each class the image that the network is surest of, among those it gets right."""
    sure, words = _sureness(results)
    predicted, labels = results.scores.argmax(axis=0), results.dataset.test_labels
    each = max(1, min(3, MOST_TYPICAL // len(results.dataset.class_names)))
    picked: list[int] = []
    for i in range(len(results.dataset.class_names)):
        own = np.flatnonzero((labels == i) & (predicted == i))
        picked += own[np.argsort(-sure[own], kind="stable")][:each].tolist()
    if not picked:
        return html.callout(f"The network gets none of the {rows(results.dataset)} for testing right.")
    shown = np.array(picked[:MOST_TYPICAL])
    said = [f"{results.dataset.class_names[labels[i]]}, {words[i]}" for i in shown]
    return _pictures(results, shown, said, "The most typical of each class: right, and surest.", number)


def _sureness(results: YourDataResults) -> tuple[np.ndarray, list[str]]:
    """How sure the network is of each test image, and the same in words: a probability, or a lead of scores."""
    if results.chosen.loss == "cross_entropy":
        sure = probabilities(results).max(axis=0)
        return sure, ["over 99 %" if p > 0.99 else f"{100 * p:.0f} %" for p in sure]
    top = np.sort(results.scores, axis=0)[-2:]
    lead = top[1] - top[0]
    return lead, [f"{value:.2g} ahead" for value in lead]


def _pictures(results: YourDataResults, shown: np.ndarray, said: list[str], title: str, number: int | str) -> Any:
    """Test images with what is said of each; of feature vectors, what is said alone."""
    data, sources = results.dataset, results.dataset.test_sources
    if data.test_images.ndim == 2:
        return html.table(
            ["from", "class"],
            [[sources[i] if sources else f"test[{i}]", word] for i, word in zip(shown, said, strict=True)],
            caption=title,
        )
    if not can_be_shown(data.test_images):
        return nothing_to_show(data.test_images)
    if sources:
        said = [f"{word}: {sources[i]}" for i, word in zip(shown, said, strict=True)]
    return html.gallery(pixels(data, data.test_images[shown]), said, number=number, caption=title, alt=title)


def confusion(results: YourDataResults, *, number: int | str) -> Any:
    """The confusion matrix in percent, as a numbered figure."""
    predictions = np.stack([run.predictions for run in results.finals if run.predictions is not None])
    title = f"{rows(results.dataset).capitalize()} for testing by true and predicted class, in percent of the true."
    return pictures.confusion(results.dataset, predictions, title, number=number)


def confusion_counts(results: YourDataResults) -> Any:
    """The confusion matrix in numbers of images, as a table; None for more classes than can be read."""
    names = results.dataset.class_names
    if len(names) > plots.MOST_NAMED_CLASSES:
        return None
    lines = [
        [name, *(f"{n:.4g}" for n in own), f"{own.sum():.0f}"]
        for name, own in zip(names, results.confusion, strict=True)
    ]
    seeds = ", mean over seeds" if results.plan.seeds > 1 else ""
    caption = f"The same in numbers of {rows(results.dataset)}{seeds}: a row for each true class."
    return html.table(["true class", *(f"as {name}" for name in names), "all"], lines, caption=caption)


def weights(results: YourDataResults, *, number: int | str) -> Any:
    """The weights of each class as pictures, of the first classes where there are many, as a numbered figure."""
    data, model, n = results.dataset, results.finals[0].model, MOST_TEMPLATES
    title = "The template of each class: the weights of the network."
    if len(data.class_names) > n:
        title = f"The templates of the first {n} classes: the weights of the network."
        data, model = replace(data, class_names=data.class_names[:n]), Linear(model.W[:n], model.b[:n])
    return pictures.weights(data, model, title, number=number)


def kept(results: YourDataResults) -> Any:
    """What the report's ``model.npz`` is, and how to use it."""
    first = results.finals[0].record
    which = f"this network, of seed {first['seed']} (test accuracy {with_interval(first['test_accuracy'])})"
    if results.balanced:
        own = with_interval(mean_recall(results.confusion_of(results.balanced[:1])).value)
        which += f", and, as `model-balanced.npz`, the one for which every class counts alike (balanced accuracy {own})"
    return pictures.kept(results.dataset, which)

"""What limits the network, on data of one's own: how much more data would bring, and plain sentences."""

from collections.abc import Callable
from typing import Any

import numpy as np

from linclf.studies import intervals, metrics
from linclf.studies.store import StoredRun
from linclf.studies.your_data.design import is_imbalanced
from linclf.studies.your_data.results import YourDataResults, mean_recall

from . import charts, html
from .bundles import markdown
from .your_data import copies, few_to_test, percent, rows, smallest_tested

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
    axes = charts.accuracy_by_size(points, whole, what)
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
    says = f"The last doubling brought {percent(gain, ' points')}{' of balanced accuracy' if imbalanced else ''}: "
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
        f"**Unlike parts.** Test accuracy is {percent(results.accuracy)}, validation accuracy of the same settings "
        f"{percent(results.validation_accuracy)}: the intervals lie apart. The {rows(results.dataset)} for testing are "
        "not like those for validation, so that nothing is said here of variance, nor of more to train on."
    )


def _against_the_baseline(results: YourDataResults) -> str:
    gain, largest = results.gain, results.dataset.class_names[results.baseline[0]]
    says = "more than the class sizes explain" if gain.low > 0 else "no difference that these test data can tell"
    return (
        f"**The baseline.** The network is right {percent(gain, ' points')} more often than always saying "
        f"{markdown(largest)}: {says}."
    )


def _test(results: YourDataResults) -> str:
    n = rows(results.dataset, len(results.right))
    return f"**The test itself.** {n} tell an accuracy to about ± {100 * results.accuracy.half:.1f} points (95 %)."


def _bias_or_variance(results: YourDataResults) -> str:
    found, seen, kind = results.accuracy, results.training_accuracy, rows(results.dataset)
    if found.value == 1:
        return ""
    said = f"**Bias or variance.** Of those it trained on it gets {percent(seen)} right, of the others "
    said += f"{percent(found.value)}. "
    if seen > found.high:
        said += f"The gap of {percent(seen - found.value, ' points')} is variance: part of what it has learned is true "
        said += f"of its training {kind} alone."
    else:
        said += f"There is no gap that these test data can tell: what it cannot do, it cannot do on its training {kind}"
        said += " either."
    if seen < WELL_LEARNED:
        said += f" The {percent(1 - seen)} of them that it gets wrong are bias: more than one linear layer can tell "
        said += "apart with these inputs and this penalty."
    return said


def _imbalance(results: YourDataResults) -> str:
    data = results.dataset
    if not is_imbalanced(data):
        return ""
    total, names = np.sum(list(data.counts().values()), axis=0), [markdown(name) for name in data.class_names]
    most, fewest = int(total.argmax()), int(total.argmin())
    below = results.accuracy.value - results.balanced_accuracy.value
    how = f"{percent(below, ' points')} below accuracy" if below > 0 else "no lower than accuracy"
    alike = mean_recall(results.confusion_of(results.balanced))
    return (
        f"**Imbalance.** There are {total[most]:,} {names[most]} and {total[fewest]:,} {names[fewest]}. Balanced "
        f"accuracy is {percent(results.balanced_accuracy)}, {how}; trained so that every class counts alike, it is "
        f"{percent(alike)}."
    )


def _worst(results: YourDataResults) -> str:
    """The class that is recognised worst, and what it is taken for."""
    scores = metrics.class_scores(results.confusion)
    tested = np.flatnonzero(scores.support)
    worst = tested[scores.recall[tested].argmin()]
    recall = intervals.of_share(float(scores.recall[worst]), float(scores.support[worst]))
    if recall.value == 1:
        return ""
    others, names = results.confusion[worst].copy(), [markdown(name) for name in results.dataset.class_names]
    others[worst] = 0
    return (
        f"**The hardest class** is {names[worst]}: {percent(recall)} of {scores.support[worst]:.0f} are recognised, "
        f"and most others are taken for {names[int(others.argmax())]}."
    )

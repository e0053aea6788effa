"""What the network confuses, on data of one's own, how sure it is, and what it has learned."""

from dataclasses import replace
from typing import Any

import numpy as np

from linclf.studies import metrics
from linclf.studies.intervals import Interval, of_share
from linclf.studies.your_data.results import YourDataResults, mean_recall
from linclf.training.model import Linear, softmax

from . import charts, html, networks, plots
from .pictures import can_be_shown, nothing_to_show
from .your_data import percent, pixels, rows

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
    axes = charts.reliability(found.probability, shares)
    gap, all_right = float(sure.mean()), of_share(float(right.mean()), len(right))
    says = f"On average the network gives its answer a probability of {percent(gap)}, and is right in "
    says += f"{percent(all_right)}: "
    if not all_right.low <= gap <= all_right.high:
        says += "too sure." if gap > all_right.value else "not sure enough."
    elif all_right.is_wide:
        says += f"{rows(results.dataset, len(right))} for testing cannot tell whether it is too sure."
    else:
        says += "no more sure than it may be."
    says += f" The mean distance from the diagonal (expected calibration error) is {percent(found.error, ' points')}."
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
    return networks.confusion(results.dataset, predictions, title, number=number)


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
    return networks.weights(data, model, title, number=number)


def kept(results: YourDataResults) -> Any:
    """What the report's ``model.npz`` is, and how to use it."""
    first = results.finals[0].record
    which = f"this network, of seed {first['seed']} (test accuracy {percent(first['test_accuracy'])})"
    if results.balanced:
        own = percent(mean_recall(results.confusion_of(results.balanced[:1])).value)
        which += f", and, as `model-balanced.npz`, the one for which every class counts alike (balanced accuracy {own})"
    return networks.kept(results.dataset, which)

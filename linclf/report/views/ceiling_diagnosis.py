"""What limits the best network: data, bias and variance, the optimum, what it confuses."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from linclf.claims.bootstrap import interval
from linclf.studies import metrics
from linclf.studies.ceiling.results import CeilingResults, right, validation_accuracy
from linclf.studies.results import tested_predictions
from linclf.studies.splits import first
from linclf.training.losses import cross_entropy, get_loss, sigmoid
from linclf.training.objective import cost_and_gradient

from . import charts, html, networks
from .ceiling import LOSS_WORDS
from .reference import percent


def learning_curve(results: CeilingResults, *, number: int | str) -> Any:
    """Test accuracy against the number of training images, with its trend, as a numbered figure."""
    loss = results.chosen_loss
    runs = {own[0].record["n_train"]: own for name, own in results.finals.items() if name.startswith(f"{loss} ")}
    sizes = sorted(runs)
    columns = [100.0 * (tested_predictions(runs[n]) == results.dataset.test_labels) for n in sizes]
    values = np.stack([column.mean(axis=1) for column in columns])
    found, further = _extrapolated(sizes, columns)
    axes = charts.learning_curve(sizes, values, further)
    caption = f"Test accuracy against the number of training images, {LOSS_WORDS[loss]}. {found}"
    data = {"training images": sizes} | {f"seed {i}, %": values[:, i].tolist() for i in range(values.shape[1])}
    return html.figure(axes.figure, number=number, caption=caption, data=data)


def _extrapolated(
    sizes: Sequence[int], columns: Sequence[np.ndarray]
) -> tuple[str, tuple[np.ndarray, np.ndarray] | None]:
    """What the trend says of more images, in a sentence, and the trend (numbers, percent), as far as it can be trusted.

    ``columns`` are percent (seeds, test images) at each number of training images.
    """
    if len(sizes) < 4:  # three numbers fit three sizes whatever these are
        return "These are too few images for a trend.", None

    def gain(means: np.ndarray) -> np.ndarray:
        trend = saturating_trend(sizes, means)
        return trend(2 * sizes[-1]) - trend(sizes[-1])

    def end(means: np.ndarray) -> np.ndarray:
        return saturating_trend(sizes, means)(np.inf)

    means = np.array([column.mean() for column in columns])
    trend, told = saturating_trend(sizes, means), []
    for text, unit, reduce, most in (
        ("would gain {} from twice the images", "points", gain, 100 - trend(sizes[-1])),
        ("would end at {}", "%", end, 100),
    ):
        value, (low, high) = reduce(means), interval(columns, reduce, images=True)
        if low <= value <= high < most:
            told.append(text.format(f"{value:.1f} {unit} ({low:.1f} to {high:.1f})").replace("-", "−"))
    if not told:
        return "No trend can be trusted beyond these numbers of images.", None
    further, off = np.geomspace(sizes[0], 2 * sizes[-1], 100), np.abs(trend(sizes) - means).max()
    fit = f"The trend a − k / n^p, which misses no mean by more than {off:.1f} points, {' and '.join(told)}"
    return f"{fit} (95 % intervals over seeds and test images).", (further, trend(further))


def saturating_trend(sizes: Sequence[int], means: np.ndarray) -> Callable[[Any], np.ndarray]:
    """a - k n^-p fitted to ``means`` (..., sizes) at the numbers n of images, as a function of n.

    One n where there are several fits, any number where there is one. Least squares over a, k and p = 0.05 .. 2.

    >>> trend = saturating_trend([100, 400, 1600], np.array([30.0, 35.0, 37.5]))
    >>> float(trend(6400).round(2)), float(trend(np.inf).round(2))
    (38.75, 40.0)
    """
    powers = np.linspace(0.05, 2, 196)
    x = -((np.asarray(sizes) / sizes[0]) ** -powers[:, None])  # k in units of the first size, for the sake of digits
    centred = x - x.mean(axis=1, keepdims=True)
    squares = np.square(centred).sum(axis=1)
    slopes = means @ centred.T / squares
    best = (slopes**2 * squares).argmax(axis=-1)  # which power explains most
    k, p = np.take_along_axis(slopes, best[..., None], axis=-1)[..., 0], powers[best]
    a = means.mean(axis=-1) - k * x.mean(axis=1)[best]
    return lambda n: a - k * (np.asarray(n) / sizes[0]) ** -p


def bias_and_variance(results: CeilingResults) -> Any:
    """Accuracy on training, validation and test images of the baseline, of all ingredients, and at the optimum."""
    split = results.split(results.choosing)
    rows = []
    groups = {"baseline": results.ablation["base"], "all ingredients": results.ablation["all"]}
    groups |= {"all but flips and shifts": results.ablation["-augment"], "the optimum of softmax": [results.optimum]}
    for title, runs in groups.items():
        n = results.n_first if title == "baseline" else len(split.train[1])
        sets = [first(split.train, n), split.validation]
        shares = [np.array([right(run.model, images).mean() for run in runs]) for images in sets]
        rows.append([title, f"{n:,}", *map(percent, shares), f"{100 * (shares[0] - shares[1]).mean():.1f}"])
    final = results.split(results.final)
    runs = results.final_runs()
    seen = np.array([right(run.model, final.train).mean() for run in runs])
    tested = np.array([run.record["test_accuracy"] for run in runs])
    gap = f"{100 * (seen - tested).mean():.1f}"
    rows.append(
        ["the chosen networks, on test images", f"{len(final.train[1]):,}", percent(seen), percent(tested), gap]
    )
    columns = ["networks", "images", "training, %", "held out, %", "gap, points"]
    caption = "A low accuracy on the training images themselves speaks for bias, a gap to images held out for variance."
    return html.table(columns, rows, caption=caption)


def optimum(results: CeilingResults) -> str:
    """How close mini-batch descent comes to the convex optimum of the same cost, and what lies there."""
    split, loss = results.split(results.choosing), get_loss("cross_entropy")
    best, l2 = results.optimum.record, results.optimum.record["l2"]
    costs = [cost_and_gradient(run.model, split.train, loss, l2)[0] for run in results.ablation["-augment"]]
    there = right(results.optimum.model, split.validation).mean()
    here = np.mean([validation_accuracy(run) for run in results.ablation["-augment"]])
    reached = "The minimum cost" if best["converged"] else f"The cost after {results.plan.size.iterations} iterations"
    more = "would bring" if there > here else "would cost"
    return (
        f"{reached} of softmax on these images at λ = {l2:g} is {best['cost']:.4f}, by L-BFGS on all of them at once. "
        f"Mini-batch descent with all ingredients but flips and shifts ends at {np.mean(costs):.4f}, "
        f"{np.mean(costs) - best['cost']:.4f} above. Training on to the optimum {more} "
        f"{100 * abs(there - here):.2f} points of validation accuracy ({100 * there:.2f} % there, {100 * here:.2f} % "
        f"here)."
    )


def probabilities(results: CeilingResults, *, number: int | str) -> Any:
    """Histogram of the true class's probability on test images, softmax beside sigmoids, as a numbered figure."""
    X, y = results.split(results.final).test
    bins = np.linspace(0, 1, 21)
    shares, means = {}, {}
    for loss in ("cross_entropy", "binary_cross_entropy"):
        scores = results.final_runs(loss)[0].model.scores(X)
        true = scores[y, np.arange(len(y))]
        p = np.exp(-cross_entropy(scores, y)) if loss == "cross_entropy" else sigmoid(true)
        shares[LOSS_WORDS[loss]], means[loss] = np.histogram(p, bins)[0] / len(y), p.mean()
    axes = charts.histogram(list(shares.items()), bins)
    caption = (
        "Probability that a network gives to the true class of each test image. "
        f"The mean is {means['cross_entropy']:.2f} with softmax and {means['binary_cross_entropy']:.2f} with a "
        f"sigmoid per class, where {1 / len(results.dataset.class_names):.2f} is a guess."
    )
    columns = {"from": bins[:-1].tolist()} | {name: values.tolist() for name, values in shares.items()}
    return html.figure(axes.figure, number=number, caption=caption, data=columns)


def classes(results: CeilingResults, *, number: int | str) -> Any:
    """The confusion matrix of the chosen networks on the test images."""
    title = f"Test images by true and predicted class, the chosen networks ({LOSS_WORDS[results.chosen_loss]})."
    return networks.confusion(results.dataset, tested_predictions(results.final_runs()), title, number=number)


def pairs(results: CeilingResults) -> Any:
    """The five pairs of classes that the chosen networks confuse most, both ways together."""
    names, labels = results.dataset.class_names, results.dataset.test_labels
    predictions = tested_predictions(results.final_runs())
    found = [metrics.confusion_matrix(each, labels, len(names)) for each in predictions]
    share = np.mean(found, axis=0) / np.maximum(found[0].sum(axis=1, keepdims=True), 1)
    both = np.triu(share + share.T, 1)
    rows = []
    for i, j in zip(*np.unravel_index(np.argsort(-both, axis=None)[:5], both.shape), strict=True):
        if both[i, j] > 0:
            rows.append([names[i], names[j], f"{100 * share[i, j]:.1f}", f"{100 * share[j, i]:.1f}"])
    columns = ["one", "other", "one taken for other, %", "other taken for one, %"]
    return html.table(columns, rows, caption="The pairs confused most, in percent of the images of each class.")


def weights(results: CeilingResults, which: str, *, number: int | str) -> Any:
    """The weights of the "best" network, or of the "baseline", as pictures."""
    if which == "best":
        runs, title = results.final_runs(), f"Weights of the chosen network, {LOSS_WORDS[results.chosen_loss]}."
    else:
        runs, title = results.ablation["base"], "Weights of the baseline, the reference's setting 3."
    return networks.weights(results.dataset, runs[0].model, title, number=number)

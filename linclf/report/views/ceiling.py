"""What the page on the ceiling shows: each function returns one figure, table or sentence."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from linclf.claims import ceiling as section_3
from linclf.claims.bootstrap import interval, paired_difference
from linclf.studies import ceiling, metrics
from linclf.studies.results import tested_predictions
from linclf.studies.store import StoredRun
from linclf.training import get_loss
from linclf.training.losses import cost_and_gradient, cross_entropy, sigmoid

from . import html, plots, reference


def headline(results: ceiling.CeilingResults) -> html.Output:
    """Test accuracy with each loss, large."""
    numbers = {}
    for loss in ceiling.SEARCHED:
        tested = np.mean([run.record["test_accuracy"] for run in results.final_runs(loss)])
        numbers[get_loss(loss).words] = f"{100 * tested:.1f} %"
    return html.large(numbers, f"Test accuracy, mean of {results.plan.size.seeds} networks")


def setup(results: ceiling.CeilingResults) -> html.Output:
    """A note on what was trained, and on which images."""
    n_train, n_validation = map(len, results.choosing)
    return html.callout(
        f"Everything is chosen on {n_validation:,} validation images, after training on the first {n_train:,} (the "
        f"baseline: the first {results.n_first:,} of them, standardised with the mean and deviation of all of them). "
        "Only the epoch at which a final network is taken is chosen on other images, which it holds out. Nothing is "
        f"chosen on the test images, which test the final networks, trained on {len(results.final.train):,}, and those "
        "of the learning curve."
    )


def search_map(runs: Sequence[StoredRun], loss: str, *, number: int | str) -> html.Output:
    """Validation accuracy of a search over (λ, η), of one loss, as a numbered figure."""
    points = {}
    for record in (run.record for run in runs if run.record["loss"] == loss):
        accuracy = np.ravel(record["validation_accuracy"])[record.get("epoch", -1)]
        points[record["l2"], record["learning_rate"]] = 100 * float(accuracy)
    penalties, rates = (sorted({point[i] for point in points}) for i in (0, 1))
    values = np.array([[points.get((l2, rate), np.nan) for rate in rates] for l2 in penalties])
    row, column = np.unravel_index(np.nanargmax(values), values.shape)
    names = ([np.format_float_positional(number, trim="-") for number in numbers] for numbers in (penalties, rates))
    axes = plots.heat_map(values, *names)
    axes.set(xlabel="η", ylabel="λ")
    caption = f"Validation accuracy in percent over (λ, η), {get_loss(loss).words}. The best is "
    caption += f"{np.nanmax(values):.1f} % at η = {rates[column]:g} and λ = {penalties[row]:g}"
    alike = int((values == np.nanmax(values)).sum()) - 1
    caption += f", and in {alike} more cells." if alike else "."
    if np.isnan(values).any():
        caption += " Where a cell is empty, η and λ together would make training jump."
    data = {"λ": penalties} | {f"η = {rate:g}": values[:, i].tolist() for i, rate in enumerate(rates)}
    return html.figure(axes.figure, number=number, caption=caption, data=data)


def chosen(results: ceiling.CeilingResults) -> html.Output:
    """A table of the search's choice for each loss."""
    searched = [*results.search, *results.fine_search]
    rows, highest = [], 0.0
    for loss, choice in results.chosen.items():
        tried = [ceiling.validation_accuracy(run) for run in searched if run.record["loss"] == loss]
        highest = max(highest, 100 * max(tried))
        numbers = [f"{choice.learning_rate:g}", f"{choice.l2:g}", str(choice.batch_size), f"{100 * max(tried):.2f}"]
        rows.append([get_loss(loss).words, str(len(tried)), *numbers])
    columns = ["loss", "tried", "η", "λ", "batch size", "validation, %"]
    half = 100 * metrics.of_share(highest / 100, len(results.choosing.validation)).half
    caption = (
        f"Chosen of {len(searched)} configurations of one seed each, on validation images alone. These tell an "
        f"accuracy to ± {half:.1f} points: what is closer to the best than that may be as good."
    )
    return html.table(columns, rows, caption=caption)


Gains = dict[str, tuple[metrics.Interval, metrics.Interval]]
"""By ingredient, what it brings alone and what it is missed by, in points."""


def gains(results: ceiling.CeilingResults) -> Gains:
    """For each ingredient what it brings alone and what it is missed by on the validation images."""
    computed = section_3.gains(results.document()).items()
    pairs = ((name, [metrics.Interval(*gain.values()) for gain in both.values()]) for name, both in computed)
    return {name: (alone, missed) for name, (alone, missed) in pairs}


def ingredients(results: ceiling.CeilingResults, gains: Gains, *, number: int | str) -> html.Output:
    """The gain from each ingredient, alone and among all the others, as a numbered figure."""
    names = list(ceiling.INGREDIENTS.values())
    alone, among = zip(*gains.values(), strict=True)
    series = [("added to the baseline", alone), ("missed when left out", among)]
    axes = plots.intervals(names, series)
    axes.axvline(0, color=html.BESIDE, lw=0.8)
    axes.set(xlabel="points of validation accuracy")
    plots.legend_below(axes)
    title = "What each ingredient brings: added to the baseline alone, and missing from the mix of all."
    each = zip(names, alone, among, strict=True)
    text = "; ".join(f"{name} {a.value:+.1f} alone, {b.value:+.1f} among all" for name, a, b in each)
    caption = (
        f"{title} Mean of {results.plan.size.seeds} seeds, 95 % bootstrap intervals over seeds and images. Of these "
        f"{2 * len(gains)} intervals, one in twenty misses by chance."
    )
    data = {"ingredient": names} | plots.interval_columns(series)
    return html.figure(axes.figure, number=number, caption=caption, alt=f"{title} {text}.", data=data)


def ingredients_table(results: ceiling.CeilingResults, gains: Gains) -> html.Output:
    """The same as a table, with the accuracies themselves."""
    runs = results.ablation
    rows = [["none: the baseline", _percent(runs["base"]), "", _percent(runs["all"]), ""]]
    for name, title in ceiling.INGREDIENTS.items():
        (alone, among), tried = map(reference.points, gains[name]), (_percent(runs[f"{sign}{name}"]) for sign in "+-")
        rows.append([title, next(tried), alone, next(tried), among])
    columns = ["ingredient", "alone, %", "gain, points", "all but it, %", "missed, points"]
    caption = (
        "Validation accuracy, mean ± deviation over seeds; gains, taken before rounding, with 95 % intervals over "
        "seeds and images. First row: none of them, and all. Missed are the points lost when it is left out; where "
        "negative, the mix is better without it."
    )
    return html.table(columns, rows, caption=caption)


def _percent(runs: Sequence[StoredRun]) -> str:
    return reference.mean_and_spread(np.array([ceiling.validation_accuracy(run) for run in runs]))


def _chance(difference: metrics.Interval) -> str:
    return "" if difference.is_clear else ", which chance explains"


def most(gains: Gains) -> str:
    """Which effects, of either sign, are larger than chance explains, alone and in the mix of all, in one sentence."""
    listed, chance = [], 0
    for way in (0, 1):
        clear = {name: both[way].value for name, both in gains.items() if both[way].is_clear}
        chance += len(gains) - len(clear)
        ordered = sorted(clear, key=lambda name: -abs(clear[name]))
        named = [f"{ceiling.INGREDIENTS[name]} ({clear[name]:+.1f} points)" for name in ordered]
        listed.append(" and ".join(filter(None, [", ".join(named[:-1]), *named[-1:]])) or "none")
    text = (
        f"Effects whose interval leaves out 0: added alone: {listed[0]}; missed in the mix when left out: "
        f"{listed[1]}. The other {chance} of {2 * len(gains)} are no larger than chance explains."
    )
    return text.replace("(-", "(−")


def mix(results: ceiling.CeilingResults, gains: Gains) -> str:
    """Which mix was chosen, in a sentence."""
    without = results.chosen_mix.removeprefix("-")
    if without not in ceiling.EVERYTHING:
        return "No ingredient is better left out: the final networks have them all."
    more = "more" if gains[without][1].is_clear else "no more"
    return (
        f"Validation accuracy is highest without {ceiling.INGREDIENTS[without]}, by {more} than chance explains: the "
        "final networks go without."
    )


def ensembles(results: ceiling.CeilingResults) -> html.Output:
    """Ensembles by majority vote and by mean of scores, on validation images, beside their members."""
    X, y = results.split(results.choosing).validation[:2]
    singles, size = results.ensemble_members, ceiling.MEMBERS
    baseline = [singles[i : i + size] for i in range(0, len(singles), size)]
    rows = []
    for title, members in (("baseline", baseline), ("all ingredients", [results.ablation["all"]])):
        alone = np.array([ceiling.validation_accuracy(run) for runs in members for run in runs])
        votes, means = np.array([[metrics.accuracy(given, y) for given in _together(runs, X)] for runs in members]).T
        shares = map(reference.mean_and_spread, (alone, votes, means))
        rows.append([title, f"{len(members)} × {len(members[0])} networks", *shares])
    columns = ["networks", "ensembles", "one network, %", "majority vote, %", "mean of scores, %"]
    return html.table(columns, rows, caption="Validation accuracy of ensembles of networks that differ in their seed.")


def _together(runs: Sequence[StoredRun], X: Any) -> tuple[np.ndarray, np.ndarray]:
    """Classes that networks give the images together, (n,): by majority, and by the highest sum of scores.

    Of classes with as many votes, the one with the highest sum is given.
    """
    scores = np.stack([run.model.scores(X[:]) for run in runs])
    votes = (scores.argmax(axis=1)[:, None] == np.arange(scores.shape[1])[:, None]).sum(axis=0)
    total = scores.sum(axis=0)
    return np.lexsort((total, votes), axis=0)[-1], total.argmax(axis=0)


def final(results: ceiling.CeilingResults) -> html.Output:
    """Test accuracy of the chosen recipe with each loss."""
    rows, numbers = [], section_3.tested(results.document())
    for loss in ceiling.SEARCHED:
        runs = results.final_runs(loss)
        number, tested = numbers[runs[0].record["name"]], np.array([run.record["test_accuracy"] for run in runs])
        word = get_loss(loss).words + (" (chosen)" if loss == results.chosen_loss else "")
        rows.append([word, reference.mean_and_spread(tested), f"{number['low']:.1f} to {number['high']:.1f}"])
    caption = (
        f"Test accuracy of a single network, mean ± deviation of {results.plan.size.seeds} seeds; interval over seeds "
        "and images, wider than it would have to be with so few seeds."
    )
    return html.table(["loss", "test, %", "95 % interval"], rows, caption=caption)


def verdict(results: ceiling.CeilingResults) -> str:
    """What the final accuracies say, in two sentences."""
    columns = {loss: _right(results, results.final_runs(loss)) for loss in ceiling.SEARCHED}
    chosen = columns.pop(results.chosen_loss)
    differences = {get_loss(loss).words: paired_difference(chosen, other) for loss, other in columns.items()}
    apart = [f"{reference.points(by)} points from {words}{_chance(by)}" for words, by in differences.items()]
    return (
        f"The network chosen on validation images, with {get_loss(results.chosen_loss).words}, gets "
        f"{chosen.mean():.2f} % of the test images right. On these images it is {', and '.join(apart)}."
    )


def limits(results: ceiling.CeilingResults) -> html.Output:
    """What limits the chosen networks: the model, the images, the optimiser; a sentence with its numbers for each."""
    gap = section_3.gaps(results.document())[section_3.TESTED]
    training, test = (float(np.mean(gap[part])) for part in ("training", "held_out"))
    missed, apart = 100 - training, training - test
    which = (
        "So most of what they get wrong one linear layer, trained like this, gets wrong on its own images too: bias"
        if missed > apart
        else "So most of what they get wrong they get wrong on new images alone: variance"
    )
    said, _ = _extrapolated(*_by_size(results))
    return html.prose(
        f"- **The model.** The chosen networks get {training:.1f} % of their training images right and {test:.1f} % of "
        f"the test images: they miss {missed:.1f} % of what they have seen, and {apart:.1f} points more of what they "
        f"have not. {which}.\n- **The number of images.** {said}\n- **The optimiser.** {_beyond(results)}"
    )


def learning_curve(results: ceiling.CeilingResults, *, number: int | str) -> html.Output:
    """Test accuracy against the number of training images, with its trend, as a numbered figure."""
    sizes, columns = _by_size(results)
    said, further = _extrapolated(sizes, columns)
    values = np.stack([column.mean(axis=1) for column in columns])
    axes = plots.by_size(dict(zip(sizes, values, strict=True)), trend=further)
    axes.set(xlabel="training images", ylabel="test accuracy, %")
    caption = f"Test accuracy against the number of training images, {get_loss(results.chosen_loss).words}, with the λ "
    caption += f"and η chosen for {len(results.choosing[0]):,}. {said}"
    data = {"training images": sizes} | {f"seed {i}, %": series.tolist() for i, series in enumerate(values.T)}
    return html.figure(axes.figure, number=number, caption=caption, data=data)


def _by_size(results: ceiling.CeilingResults) -> tuple[list[int], list[np.ndarray]]:
    """Numbers of training images, and 100 for each test image that is classified rightly, (seeds, images) each."""
    groups = [runs for name, runs in results.finals.items() if name.startswith(f"{results.chosen_loss} ")]
    groups.sort(key=lambda runs: int(runs[0].record["n_train"]))
    return [runs[0].record["n_train"] for runs in groups], [_right(results, runs) for runs in groups]


def _right(results: ceiling.CeilingResults, runs: Sequence[StoredRun]) -> np.ndarray:
    """100 for each test image that is classified rightly, and 0 for others, (seeds, images)."""
    return 100.0 * (tested_predictions(runs) == results.dataset.test_labels)


def _extrapolated(
    sizes: Sequence[int], columns: Sequence[np.ndarray]
) -> tuple[str, tuple[np.ndarray, np.ndarray] | None]:
    """What the trend says of more images, in a sentence, and the trend (numbers, percent), as far as it can be trusted.

    ``columns`` are percent (seeds, test images) at each number of training images.
    """
    if len(sizes) < 4:  # three numbers fit three sizes whatever these are
        return "These are too few images for a trend.", None

    last, means = sizes[-1], np.array([column.mean() for column in columns])
    trend = saturating_trend(sizes, means)

    def says(text: str, reach: Callable[[Any], Any], digits: int, most: float) -> list[str]:
        low, high = interval(columns, lambda means: reach(saturating_trend(sizes, means)), images=True)
        if not low <= reach(trend) <= high < most:
            return []
        return [text.format(f"{reach(trend):.{digits}f}", f"{low:.1f}", f"{high:.1f}").replace("-", "−")]

    gain = "would gain {} points ({} to {}) from twice the images"
    told = says(gain, lambda fit: fit(2 * last) - fit(last), 2, 100 - float(trend(last)))
    told += says("would end at {} % ({} to {})", lambda fit: fit(np.inf), 1, 100)
    if not told:
        return "No trend can be trusted beyond these numbers of images.", None
    further, off = np.geomspace(sizes[0], 2 * sizes[-1], 100), np.abs(trend(sizes) - means).max()
    most = np.ceil(100 * off) / 100
    fit = f"The trend a − k / n^p, fitted here to within {most:.2f} points of every mean, {' and '.join(told)}"
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


def bias_and_variance(results: ceiling.CeilingResults) -> html.Output:
    """Accuracy on training, validation and test images of the baseline, of all ingredients, and at the optimum."""
    sizes = dict.fromkeys(section_3.COMPARED, len(results.choosing.train))
    sizes |= {"baseline": results.n_first, section_3.TESTED: len(results.final.train)}
    rows = []
    for title, gap in section_3.gaps(results.document()).items():
        training, held_out = (np.array(gap[part]) / 100 for part in ("training", "held_out"))
        shares = map(reference.mean_and_spread, (training, held_out))
        rows.append([title, f"{sizes[title]:,}", *shares, f"{100 * (training - held_out).mean():.1f}"])
    columns = ["networks", "images", "training, %", "held out, %", "gap, points"]
    caption = "A low accuracy on the training images themselves speaks for bias, a gap to images held out for variance."
    return html.table(columns, rows, caption=caption)


def optimum(results: ceiling.CeilingResults) -> str:
    """How close mini-batch descent comes to the convex optimum of the same cost, and what lies there."""
    split, loss = results.split(results.choosing), get_loss("cross_entropy")
    best, l2 = results.optimum.record, results.optimum.record["l2"]
    costs = [cost_and_gradient(run.model, split.train, loss, l2)[0] for run in results.ablation["-augment"]]
    reached = "The minimum cost" if best["converged"] else f"The cost after {results.plan.size.iterations} iterations"
    return (
        f"{reached} of softmax on these images at λ = {l2:g} is {best['cost']:.4f}, by L-BFGS on all of them at once. "
        f"Mini-batch descent with all ingredients but flips and shifts ends at {np.mean(costs):.4f}, "
        f"{np.mean(costs) - best['cost']:.4f} above."
    )


def _beyond(results: ceiling.CeilingResults) -> str:
    """What training on to the optimum brings on validation images, in a sentence."""
    validation = results.split(results.choosing).validation
    here = 100.0 * np.stack([ceiling.right(run.model, validation) for run in results.ablation["-augment"]])
    there = np.broadcast_to(100.0 * ceiling.right(results.optimum.model, validation), here.shape)
    points = paired_difference(there, here)
    return (
        "The same cost at its optimum, without flips and shifts, changes validation accuracy by "
        f"{reference.points(points)} points, from {here.mean():.2f} to {there.mean():.2f} %{_chance(points)}."
    )


@html.own_settings()
def probabilities(results: ceiling.CeilingResults, *, number: int | str) -> html.Output:
    """Histogram of the true class's probability on test images, softmax beside sigmoids, as a numbered figure."""
    X, y = results.split(results.final).test
    bins = np.linspace(0, 1, 21)
    shares, means, seed = {}, {}, results.final_runs()[0].record["seed"]
    for loss in ("cross_entropy", "binary_cross_entropy"):
        scores = results.final_runs(loss)[0].model.scores(X)
        true = scores[y, np.arange(len(y))]
        p = np.exp(-cross_entropy(scores, y)) if loss == "cross_entropy" else sigmoid(true)
        shares[get_loss(loss).words], means[loss] = np.histogram(p, bins)[0] / len(y), p.mean()
    axes = plots.new_axes()
    for (name, values), colour, style in zip(shares.items(), plots.COLOURS, ("-", (0, (4, 1.5))), strict=False):
        axes.stairs(100 * values, bins, color=colour, linestyle=style, linewidth=1.6, label=name)
    axes.set(xlim=(0, 1), xlabel="probability given to the true class", ylabel="images, %")
    caption = (
        f"Probability that a network, seed {seed}, gives to the true class of each test image. "
        f"The mean is {means['cross_entropy']:.2f} with softmax and {means['binary_cross_entropy']:.2f} with a "
        f"sigmoid per class, where {1 / len(results.dataset.class_names):.2f} is a guess."
    )
    columns = {"from": bins[:-1].tolist()} | {name: values.tolist() for name, values in shares.items()}
    return html.figure(plots.styled(axes).figure, number=number, caption=caption, data=columns)


def pairs(results: ceiling.CeilingResults) -> html.Output:
    """The five pairs of classes that the chosen networks confuse most, both ways together."""
    names, labels = results.dataset.class_names, results.dataset.test_labels
    predictions = tested_predictions(results.final_runs())
    matrices = [metrics.confusion_matrix(given, labels, len(names)) for given in predictions]
    share = np.mean(matrices, axis=0) / np.maximum(matrices[0].sum(axis=1, keepdims=True), 1)
    both = np.triu(share + share.T, 1)
    rows = []
    for i, j in zip(*np.unravel_index(np.argsort(-both, axis=None)[:5], both.shape), strict=True):
        if both[i, j] > 0:
            rows.append([names[i], names[j], f"{100 * share[i, j]:.1f}", f"{100 * share[j, i]:.1f}"])
    columns = ["one", "other", "one taken for other, %", "other taken for one, %"]
    return html.table(columns, rows, caption="The pairs confused most, in percent of the images of each class.")

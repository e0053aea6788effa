"""What the page on the ceiling shows: each function returns one figure, table or sentence."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from linclf.claims.bootstrap import interval
from linclf.studies import metrics
from linclf.studies.ceiling.design import EVERYTHING, INGREDIENTS, LOSSES, MEMBERS, grid
from linclf.studies.ceiling.results import CeilingResults, right, validation_accuracy
from linclf.studies.intervals import of_share
from linclf.studies.results import tested_predictions
from linclf.studies.store import StoredRun

from . import charts, html
from .provenance import is_the_references
from .reference import percent
from .settings import BESIDE

HIGHEST_KNOWN = {"cross_entropy": 42.3, "multiclass_hinge": 39.8}
"""Highest test accuracies in percent known for one linear layer on CIFAR-10's pixels; no publication gives them."""
SUSPICIOUS = 43.0
"""Percent above which an accuracy on CIFAR-10's pixels would more likely be a leak."""

LOSS_WORDS = {
    "cross_entropy": "cross-entropy",
    "multiclass_hinge": "SVM loss",
    "binary_cross_entropy": "binary cross-entropy",
}


def headline(results: CeilingResults) -> Any:
    """Test accuracy with each loss, large."""
    numbers = {LOSS_WORDS[loss]: f"{100 * _tested(results, loss):.1f} %" for loss in LOSSES}
    return html.large(numbers, "Test accuracy of one network")


def setup(results: CeilingResults) -> Any:
    """What was trained, on which images, in words."""
    n_train, n_validation = map(len, results.choosing)
    text = (
        f"Everything is chosen on {n_validation:,} validation images, after training on the first {n_train:,}; the "
        f"baseline takes the first {results.n_first:,} of them. The test images are used once, for the networks at the "
        f"end, which train on {len(results.final.train):,}."
    )
    return html.callout(text)


def heat_map(results: CeilingResults, loss: str, *, number: int | str) -> Any:
    """Validation accuracy over the coarse grid of (λ, η) of a loss, as a numbered figure."""
    rates, penalties = grid(loss, results.plan.size)
    runs = [run for run in results.search if run.record["loss"] == loss]
    values = 100 * np.array([validation_accuracy(run) for run in runs]).reshape(len(rates), len(penalties)).T
    row, column = np.unravel_index(values.argmax(), values.shape)
    found = f"The best of the grid is {values.max():.1f} % at η = {rates[column]:g} and λ = {penalties[row]:g}."
    return search_map(values, penalties, rates, loss, found, number=number)


def search_map(
    values: np.ndarray, penalties: Sequence[float], rates: Sequence[float], loss: str, found: str, *, number: int | str
) -> Any:
    """Validation accuracy in percent (λ, η) of a loss, as a numbered figure; ``found`` says what to see."""
    axes = charts.heat_map(values, [f"{l2:g}" for l2 in penalties], [f"{rate:g}" for rate in rates])
    axes.set(xlabel="η", ylabel="λ")
    caption = f"Validation accuracy in percent over (λ, η), {LOSS_WORDS[loss]}. {found}"
    data = {"λ": penalties} | {f"η = {rate:g}": values[:, i].tolist() for i, rate in enumerate(rates)}
    return html.figure(axes.figure, number=number, caption=caption, data=data)


def chosen(results: CeilingResults) -> Any:
    """What the search chose for each loss."""
    searched = [*results.search, *results.fine_search]
    rows = []
    for loss, choice in results.chosen.items():
        own = [validation_accuracy(run) for run in searched if run.record["loss"] == loss]
        numbers = [f"{choice.learning_rate:g}", f"{choice.l2:g}", str(choice.batch_size), f"{100 * max(own):.2f}"]
        rows.append([LOSS_WORDS[loss], str(len(own)), *numbers])
    columns = ["loss", "tried", "η", "λ", "batch size", "validation, %"]
    caption = f"Chosen of {len(searched)} configurations, on validation images alone."
    return html.table(columns, rows, caption=caption)


Gain = tuple[float, float, float]
"""A difference of accuracy in points, and the ends of its 95 % interval over seeds and images."""


def gains(results: CeilingResults) -> dict[str, tuple[Gain, Gain]]:
    """For each ingredient what it brings alone and what it is missed by on the validation images."""
    images = results.split(results.choosing).validation
    points = {
        mix: 100.0 * np.stack([right(run.model, images) for run in runs]) for mix, runs in results.ablation.items()
    }

    def gain(mix: str, without: str) -> Gain:
        columns = [points[mix], points[without]]
        low, high = interval(columns, lambda means: means[..., 0] - means[..., 1], images=True)
        return float((columns[0] - columns[1]).mean()), low, high

    return {name: (gain(f"+{name}", "base"), gain("all", f"-{name}")) for name in INGREDIENTS}


def ingredients(results: CeilingResults, found: dict[str, tuple[Gain, Gain]], *, number: int | str) -> Any:
    """What each ingredient brings, alone and among all the others, as a numbered figure."""
    names = list(INGREDIENTS.values())
    alone, among = zip(*found.values(), strict=True)
    axes = charts.intervals(names, [("added to the baseline", alone), ("missed when left out", among)])
    axes.axvline(0, color=BESIDE, lw=0.8)
    axes.set(xlabel="points of validation accuracy")
    charts.legend_below(axes)
    title = "What each ingredient brings: added to the baseline alone, and missing from the mix of all."
    data = {"ingredient": names} | {
        f"{what} ({part})": [numbers[i] for numbers in column]
        for what, column in (("alone", alone), ("left out", among))
        for i, part in enumerate(("mean", "low", "high"))
    }
    text = "; ".join(
        f"{name} {a[0]:+.1f} alone, {b[0]:+.1f} among all" for name, a, b in zip(names, alone, among, strict=True)
    )
    caption = f"{title} Mean of {results.plan.size.seeds} seeds, 95 % bootstrap intervals over seeds and images."
    return html.figure(axes.figure, number=number, caption=caption, alt=f"{title} {text}.", data=data)


def ingredients_table(results: CeilingResults, found: dict[str, tuple[Gain, Gain]]) -> Any:
    """The same as a table, with the accuracies themselves."""
    runs = results.ablation
    rows = [["none: the baseline", _percent(runs["base"]), "", _percent(runs["all"]), ""]]
    for name, title in INGREDIENTS.items():
        alone, among = found[name]
        rows.append([title, _percent(runs[f"+{name}"]), _points(alone), _percent(runs[f"-{name}"]), _points(among)])
    columns = ["ingredient", "alone, %", "gain, points", "all but it, %", "missed, points"]
    caption = "Validation accuracy, mean ± deviation over seeds; gains with 95 % intervals over seeds and images. "
    caption += "First row: none of them, and all."
    return html.table(columns, rows, caption=caption)


def most(found: dict[str, tuple[Gain, Gain]]) -> str:
    """Which ingredients gave more than chance explains, alone and in the mix of all, in one sentence."""
    listed = []
    for way in (0, 1):
        clear = sorted((name for name in found if found[name][way][1] > 0), key=lambda name: -found[name][way][0])
        named = [f"{INGREDIENTS[name]} ({found[name][way][0]:+.1f} points)" for name in clear]
        listed.append(" and ".join(filter(None, [", ".join(named[:-1]), *named[-1:]])) or "none")
    start = "All gains are more than chance explains: "
    if any(low <= 0 for both in found.values() for _, low, _ in both):
        start = "Not all gains are more than chance explains. Those whose interval leaves out 0 are, "
    return f"{start}added to the baseline, {listed[0]}; left out of the mix, {listed[1]}."


def ensembles(results: CeilingResults) -> Any:
    """Ensembles by majority vote and by mean of scores, on validation images, beside their members."""
    X, y = results.split(results.choosing).validation
    groups = {
        "baseline": [
            results.ensemble_members[i : i + MEMBERS] for i in range(0, len(results.ensemble_members), MEMBERS)
        ],
        "all ingredients": [results.ablation["all"]],
    }
    rows = []
    for title, members in groups.items():
        singles = np.array([validation_accuracy(run) for own in members for run in own])
        votes, means = (
            np.array([metrics.accuracy(combine(own, X), y) for own in members])
            for combine in (_majority, _mean_of_scores)
        )
        rows.append([title, f"{len(members)} × {len(members[0])} networks", *map(percent, (singles, votes, means))])
    columns = ["networks", "ensembles", "one network, %", "majority vote, %", "mean of scores, %"]
    return html.table(columns, rows, caption="Validation accuracy of ensembles of networks that differ in their seed.")


def _majority(runs: Sequence[StoredRun], X: Any) -> np.ndarray:
    """The class that most networks give each image; of equals, the one with the highest sum of scores decides."""
    scores = np.stack([run.model.scores(X[:]) for run in runs])
    votes = (scores.argmax(axis=1)[:, None] == np.arange(scores.shape[1])[:, None]).sum(axis=0)
    total = scores.sum(axis=0)
    return np.lexsort((total, votes), axis=0)[-1]


def _mean_of_scores(runs: Sequence[StoredRun], X: Any) -> np.ndarray:
    return np.sum([run.model.scores(X[:]) for run in runs], axis=0).argmax(axis=0)


def final(results: CeilingResults) -> Any:
    """Test accuracy of the chosen recipe with each loss, and on CIFAR-10 the highest known."""
    comparable = _whole_cifar10(results)
    rows = []
    for loss in LOSSES:
        tested = tested_predictions(results.final_runs(loss)) == results.dataset.test_labels
        low, high = interval([100.0 * tested], lambda means: means[..., 0], images=True)
        known = [f"{HIGHEST_KNOWN[loss]}" if loss in HIGHEST_KNOWN else ""] if comparable else []
        mark = " (chosen)" if loss == results.chosen_loss else ""
        rows.append([LOSS_WORDS[loss] + mark, percent(tested.mean(axis=1)), f"{low:.1f} to {high:.1f}", *known])
    columns = ["loss", "test, %", "95 % interval", *(["highest known, %"] if comparable else [])]
    caption = (
        f"Test accuracy of a single network, mean ± deviation of {results.plan.size.seeds} seeds; interval over seeds "
        "and images, wider than it would have to be with so few seeds."
    )
    return html.table(columns, rows, caption=caption)


def verdict(results: CeilingResults) -> str:
    """What the final accuracies say, in a few sentences."""
    tested = {loss: 100 * _tested(results, loss) for loss in LOSSES}
    text = f"The network chosen on validation images, with {LOSS_WORDS[results.chosen_loss]}, "
    text += f"gets {tested[results.chosen_loss]:.2f} % of the test images right."
    if not _whole_cifar10(results):
        return text
    n_test = len(results.dataset.test_labels)
    half = 100 * of_share(tested[results.chosen_loss] / 100, n_test).half
    text += f" {n_test:,} test images tell an accuracy to ± {half:.1f} points (95 %)."
    for loss, known in HIGHEST_KNOWN.items():
        apart = tested[loss] - known
        how = "higher than" if apart > half else "lower than" if apart < -half else "no different, within that, from"
        text += f" With {LOSS_WORDS[loss]}, {tested[loss]:.2f} % is {how} the highest known, {known} %."
    if max(tested.values()) > SUSPICIOUS:
        text += f" More than {SUSPICIOUS:g} % asks for a search for a leak before anybody believes it."
    return text


def _whole_cifar10(results: CeilingResults) -> bool:
    """Whether what others report for CIFAR-10 can be compared: not with parts of it, nor with other data."""
    n_train, n_test = sum(map(len, results.dataset.train_labels)), len(results.dataset.test_labels)
    return is_the_references(results.dataset.provenance.name) and (n_train, n_test) == (50_000, 10_000)


def _tested(results: CeilingResults, loss: str) -> float:
    """Mean test accuracy of the final networks of a loss, 0..1."""
    return float(np.mean([run.record["test_accuracy"] for run in results.final_runs(loss)]))


def mix(results: CeilingResults, found: dict[str, tuple[Gain, Gain]]) -> str:
    """Which mix was chosen, in a sentence."""
    without = results.chosen_mix.removeprefix("-")
    if without not in EVERYTHING:
        return "No ingredient is better left out: the final networks have them all."
    _, low, high = found[without][1]
    by = "by no more than chance explains" if low <= 0 <= high else "clearly"
    return f"Validation accuracy is highest without {INGREDIENTS[without]}, {by}: the final networks go without."


def _percent(runs: Sequence[StoredRun]) -> str:
    return percent(np.array([validation_accuracy(run) for run in runs]))


def _points(numbers: tuple[float, float, float]) -> str:
    value, low, high = numbers
    return f"{value:+.2f} ({low:+.1f} to {high:+.1f})".replace("-", "−")

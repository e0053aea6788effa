"""Views of the reference's experiment: each function returns one figure, table or number of a page."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from linclf.claims import bootstrap, statistics, verdicts
from linclf.studies import metrics
from linclf.studies.reference import ARMS, COMPARED, KEPT, N_TEST, SETTINGS, ReferenceStudy, on_surrogate
from linclf.studies.results import Results
from linclf.training import Run

from . import html, pictures, plots, provenance

REFERENCE_SVM = {
    int(figure["of"][-1]): figure["accuracy"] for figure in verdicts.ledger()["figures"] if "accuracy" in figure
}
"""Test accuracies in percent that the reference prints in its section 2."""


def setting_name(setting: int) -> str:
    """The setting with its λ and η, for captions and tables."""
    l2, learning_rate = SETTINGS[setting]
    return f"setting {setting} (λ = {l2:g}, η = {learning_rate:g})"


def row_name(setting: int) -> str:
    """The name of a setting in tables."""
    l2, learning_rate = SETTINGS[setting]
    return f"{setting}: λ = {l2:g}, η = {learning_rate:g}"


def described(arm: str, setting: int) -> str:
    """The name of an arm and setting in captions."""
    return f"{ARMS[arm].title}, {setting_name(setting)}"


def curves(
    results: Results,
    arm: str,
    setting: int,
    quantity: str = "loss",
    *,
    number: int | str,
    beside: str | None = None,
    limits: tuple[float, float] | None = None,
) -> html.Output:
    """Loss or cost over the epochs, as a numbered figure; a number "10 and 11" is for both, one without a penalty."""
    title = f"{quantity.capitalize()} over the epochs, {described(arm, setting)}."
    if both := " and " in str(number):
        title = title.replace(quantity.capitalize(), "Loss, which is also the cost without a penalty,")
    others = {ARMS[beside].title: results.trained(beside, setting)} if beside is not None else None
    runs, label = {"": results.trained(arm, setting)}, "loss = cost" if both else quantity
    return history(runs, quantity, number=number, title=title, beside=others, limits=limits, label=label)


@html.own_settings()
def history(
    runs: Mapping[str, Sequence[Run]],
    quantity: str,
    *,
    number: int | str,
    title: str,
    beside: Mapping[str, Sequence[Run]] | None = None,
    limits: tuple[float, float] | None = None,
    label: str = "",
    below: Sequence[Mapping[str, Sequence[Run]]] = (),
) -> html.Output:
    """Loss, cost or accuracy of runs by name over the epochs, as a numbered figure; the first name's is told in words.

    Runs of one name differ in their seed alone. Those ``below`` have axes of their own, one beneath the other.
    """
    panels = [runs, *below]
    runs = {name: group for panel in panels for name, group in panel.items()}
    many = len(runs) > 1
    height = 3.7 if not many else 2.4 + 2.4 * len(panels)
    figure = Figure(figsize=(5.6, height), layout="constrained")
    for axes, panel in zip(figure.subplots(len(panels), sharex=True, squeeze=False)[:, 0], panels, strict=True):
        plots.history(panel, quantity, beside=beside, ax=axes)
        axes.set(ylim=limits, ylabel=label or quantity)
        axes.label_outer()
        if many and len(panel) == 1:
            axes.set_title(next(iter(panel)), loc="right", fontsize="medium")
    name, first = next(iter(runs.items()))
    columns: dict[str, Sequence[float]] = {"epoch": range(first[0].config.epochs + 1)}
    for whose, group in runs.items():
        for word, values in zip(("training", "validation"), _measured(group, quantity), strict=True):
            titles = [f"{word} {quantity}, {whose}{whose and ', '}seed {run.config.seed}" for run in group]
            columns |= dict(zip(titles, values.tolist(), strict=True))
    said = told(*_measured(first, quantity), quantity)
    if len(first) > 1:
        said = f"Bold is seed {first[0].config.seed}, faint the other {len(first) - 1}. {said}"
    if many:
        said = f"{name[0].upper()}{name[1:]}: {said[0].lower()}{said[1:]}"
    alt = f"{2 * len(runs) if many else 'Two'} curves over {len(columns['epoch']) - 1} epochs. {said}"
    return html.figure(figure, number=number, caption=f"{title} {said}", alt=alt, data=columns)


def _measured(runs: Sequence[Run], quantity: str) -> tuple[np.ndarray, np.ndarray]:
    """A quantity on the training and on the validation images, (runs, epochs + 1) each."""
    parts = ("train", "validation")
    train, validation = (np.array([getattr(run.history, f"{part}_{quantity}") for run in runs]) for part in parts)
    return train, validation


def told(train: np.ndarray, validation: np.ndarray, quantity: str) -> str:
    """A sentence on curves (seeds, epochs + 1): on the first, which is drawn in full.

    Of a loss or cost: whether training jumps or falls, with the range over all seeds, and where validation turns; of
    accuracy: the highest.
    """
    n = int(np.isfinite(train.mean(axis=0)).sum())  # up to where training diverged
    train, validation, epochs = train[:, :n], validation[:, :n], n - 1
    trained, held_out = train[0], validation[0]
    if not epochs:
        start, end = (_in_digits(values[0], quantity) for values in (trained, held_out))
        said = f"training {quantity} is {start}, validation {quantity} {end}"
        return f"Training diverged in its first epoch; before it, {said}."
    if quantity == "accuracy":
        parts = []
        for part, values in (("Training", trained), ("validation", held_out)):
            start, end, highest = (_in_digits(value, quantity) for value in (values[0], values[-1], values.max()))
            top = f", highest {highest} at epoch {values.argmax()}" if highest not in (start, end) else ""
            parts.append(f"{part} accuracy goes from {start} to {end}{top}")
        return f"{'; '.join(parts)}."
    rises, jumps = ((np.diff(train) > share * train[:, :-1]).sum(axis=1) for share in (0, 0.01))
    start, highest, end = (_in_digits(value, quantity) for value in (trained[0], trained.max(), trained[-1]))
    if jumps[0] > epochs / 5:
        first = f"Training {quantity} jumps: it goes up by more than 1 % in {jumps[0]} of {epochs} epochs{_all(jumps)}"
    else:
        over = f"up to {highest}, then " * (highest not in (start, end))
        first = f"Training {quantity} goes from {start} {over}to {end}"
        first += f", up in {rises[0]} of {epochs} epochs{_all(rises)}" if rises.any() else ", never up"
    lowest, end = int(held_out.argmin()), _in_digits(held_out[-1], quantity)
    second = f"validation {quantity} ends within 0.5 % of its lowest value, at {end}"
    if held_out[-1] > 1.005 * held_out[lowest]:
        when = "before training" if lowest == 0 else f"at epoch {lowest}"
        second = f"validation {quantity} is lowest {when}, {_in_digits(held_out[lowest], quantity)}, and ends at {end}"
    elif held_out.max() > 1.005 * held_out[0]:
        top = _in_digits(held_out.max(), quantity)
        second = f"validation {quantity} goes up to {top}, and ends within 0.5 % of its lowest value, at {end}"
    return f"{first}; {second}."


def _all(counts: np.ndarray) -> str:
    """The range of counts over several seeds, in brackets."""
    return f" ({counts.min()} to {counts.max()} over the {len(counts)} seeds)" if len(counts) > 1 else ""


def _in_digits(value: float, quantity: str) -> str:
    """A loss, cost or accuracy in words."""
    return f"{100 * value:.1f} %" if quantity == "accuracy" else f"{value:#.3g}".rstrip(".")


def common_limits(
    results: Results, panels: Sequence[tuple[str, int]], quantity: str = "loss", first_epoch: int = 0
) -> tuple[float, float]:
    """Min and max over several (arm, setting) panels, with a margin, so that they can share an axis."""
    measured = [values for panel in panels for values in _measured(results.trained(*panel), quantity)]
    values = np.concatenate([series[:, first_epoch:].ravel() for series in measured])
    margin = 0.04 * (values.max() - values.min()) or 0.01
    return float(values.min() - margin), float(values.max() + margin)


def accuracies(results: Results, arms: Sequence[str], images: str = "test") -> html.Output:
    """Accuracy after the last epoch on the "test", "validation" or "train" images: a row per setting, a column per arm.

    Where that is too wide, with more arms than settings, the table lies the other way. On CIFAR-10 the test accuracies
    of the SVM stand beside what the reference prints.
    """
    across = len(arms) > len(SETTINGS)
    columns = [["training" if across else "setting", *map(row_name, SETTINGS)]]
    for arm in arms:
        values = (results.curves(arm, i, f"{images}_accuracy").reshape(len(results.seeds), -1) for i in SETTINGS)
        columns.append([ARMS[arm].title, *(mean_and_spread(series[:, -1]) for series in values)])
    if images == "test" and "svm" in arms and provenance.is_the_references(results.data["name"]):
        columns.append(["SVM, reference", *(f"{REFERENCE_SVM[i]:.2f}" for i in SETTINGS)])
    head, *rows = columns if across else map(list, zip(*columns, strict=True))
    word = images.replace("train", "training")
    caption = f"Accuracy on {word} images after the last epoch, %, {of_seeds(results.seeds)}."
    sizes: dict[int, list[str]] = {}
    for arm in arms if images != "test" else ():
        sizes.setdefault(results.runs(arm, 1)[0][f"n_{images}"], []).append(ARMS[arm].title)
    if len(sizes) > 1:
        listed = "; ".join(f"{n:,} images: {' and '.join(titles)}" for n, titles in sizes.items())
        caption += f" Not the same images, so not to be compared across: {listed}."
    return html.table(head, rows, caption=caption)


def of_seeds(seeds: Sequence[int], what: str = "mean ± standard deviation") -> str:
    """The words for a number over several seeds, or for the seed that it is of.

    >>> of_seeds([0, 1]), of_seeds([7])
    ('mean ± standard deviation of 2 seeds', 'seed 7')
    """
    return f"{what} of {len(seeds)} seeds" if len(seeds) > 1 else f"seed {seeds[0]}"


def figures(results: Results, section: str) -> html.Output | None:
    """A table: the reference's numbers for each figure of a section, beside the same here and in the baseline."""
    if not provenance.is_the_references(results.data["name"]):
        return None
    rows = []
    for figure in verdicts.ledger()["figures"]:
        if figure["section"] == section:
            ((arm, setting),), _, _ = verdicts.terms(figure["of"])
            printed = [f"“{figure['says']}”" if figure["says"] else "the curves alone"]
            printed += ["axis from {:.3f} to {:.3f}".format(*figure["axis"])] if "axis" in figure else []
            printed += [f"test accuracy {figure['accuracy']:.2f} %"] if "accuracy" in figure else []
            here = (_in_figure(results, each, setting, figure["shows"]) for each in (arm, "base"))
            rows.append([f"{figure['figure']}: {figure['shows']}, setting {setting}", "; ".join(printed), *here])
    caption = (
        f"What the reference prints of its figures, with the same here, {of_seeds(results.seeds, 'mean')}. Of curves: "
        "least and greatest value of either from epoch 1 on, in any run; last value, training / validation; in how "
        "many epochs training goes up."
    )
    columns = ["figure", "in the reference", "here", "baseline"]
    return html.table(columns, rows, caption=caption, attributes=' class="words"')


def _in_figure(results: Results, arm: str, setting: int, shows: str) -> str:
    """The numbers of an arm and setting that a figure of the reference shows."""
    if shows == "weights":
        share = 100 * statistics.low_frequency_share(results, arm, setting).mean()
        tested = mean_and_spread(results.curves(arm, setting, "test_accuracy"))
        return f"low-frequency share {share:.1f} %; test accuracy {tested} %"
    keys = [f"{part}_{shows}" for part in ("train", "validation")]
    least = statistics.least(results, arm, setting, keys).min()
    most = statistics.greatest(results, arm, setting, keys).max()
    ends = (f"{statistics.final(results, arm, setting, key).mean():#.4g}" for key in keys)
    rises = statistics.rising(results, arm, setting, keys[0]).mean()
    return f"{least:#.4g} to {most:#.4g}; ends at {' / '.join(ends)}; up in {rises:.1f} epochs"


def headline(results: Results, arm: str, beside: str | None = None) -> html.Output:
    """Test accuracy in each setting, large; ``beside`` is another arm to compare with."""

    def accuracy(arm: str, setting: int) -> str:
        return f"{100 * results.curves(arm, setting, 'test_accuracy').mean():.2f} %"

    names = {i: f"setting {i}" + (f" ({ARMS[beside].title} {accuracy(beside, i)})" if beside else "") for i in SETTINGS}
    of = f"Test accuracy, {ARMS[arm].title}, {of_seeds(results.seeds, 'mean')}"
    return html.large({names[i]: accuracy(arm, i) for i in SETTINGS}, of)


def best_setting(results: Results, arm: str) -> int:
    """The setting with the highest mean validation accuracy at the end: no choice is made on test images."""
    return max(SETTINGS, key=lambda i: results.curves(arm, i, "validation_accuracy")[:, -1].mean())


def difference(results: Results, arm: str, other: str, setting: int) -> str:
    """Mean difference of test accuracy between two arms, paired by seed, in points with its 95 % interval.

    The interval is over seeds, if there are several, and test images.
    """
    right = (100.0 * results.correct(name, setting) for name in (arm, other))
    return f"{points(bootstrap.paired_difference(*right))} points"


def points(difference: tuple[float, float, float]) -> str:
    """A difference of accuracies in points, with the ends of its 95 % interval.

    >>> points((-0.21, -0.6, 0.2))
    '−0.21 (−0.6 to +0.2)'
    """
    value, low, high = difference
    return f"{value:+.2f} ({low:+.1f} to {high:+.1f})".replace("-", "−")


INTERVALS = "Intervals are 95 %, over test images and, if several, seeds; those of claims over seeds alone."
"""What :func:`differences` draws."""


def differences(results: Results, arm: str, other: str) -> str:
    """:func:`difference` in each setting, as the end of a sentence."""
    return ", ".join(f"{difference(results, arm, other, setting)} in setting {setting}" for setting in SETTINGS)


def kept_network(results: Results) -> str:
    """Which network the report's ``model.npz`` is, in words."""
    accuracy = mean_and_spread(results.curves(*KEPT, "validation_accuracy")[:1, -1])
    return f"the network trained on {described(*KEPT)}, seed {results.seeds[0]} (validation accuracy {accuracy} %)"


def below(results: Results, arm: str, setting: int) -> html.Output:
    """Whether the validation loss ends below the training loss, in a sentence."""
    train, validation = (results.curves(arm, setting, f"{name}_loss")[:, -1].mean() for name in ("train", "validation"))
    answer = "is below" if validation < train else "is not below"
    n, of = results.runs(arm, setting)[0]["n_validation"], of_seeds(results.seeds, "mean")
    return html.prose(
        f"Here the loss on the {n:,} validation images, {validation:.4f}, {answer} the training loss, {train:.4f}; "
        f"{of}. Claim 1.1f says whether that would hold on others."
    )


def timings_table(results: Results) -> html.Output:
    """Seconds to train one network in stored order and shuffled, one row per seed."""
    rows: list[list[str | html.Output]] = []
    for pair in results.document["timings"]:
        numbers = (pair["base"], pair["shuffle"], pair["shuffle"] / pair["base"])
        rows.append([str(pair["seed"]), *(html.timed(f"{number:.2f}") for number in numbers)])
    columns = ["seed", "stored order, s", "shuffled, s", "ratio"]
    return html.table(columns, rows, caption="Training time of one network, setting 2, without evaluation.")


def mean_and_spread(values: np.ndarray) -> str:
    """Mean of shares over seeds ± their standard deviation, in percent."""
    spread = f" ± {100 * values.std(ddof=1):.2f}" if len(values) > 1 else ""
    return f"{100 * values.mean():.2f}{spread}"


Percents = dict[tuple[str, int], float]
"""By arm and setting."""
_LOSS = {"base": "cross-entropy", "svm": "SVM"}


def section(study: ReferenceStudy) -> Iterator[Any]:
    """The section's pieces, its heading first; nothing on other data than CIFAR-10."""
    drawn = on_surrogate(study)
    if drawn is None:
        return
    results, data = study.run(*COMPARED), study.data
    yield html.prose(
        "## What a linear network sees\n\nThe same networks, trained and tested on images drawn from the means and "
        "covariances of CIFAR-10's classes alone: its Gaussian surrogate, which stands in where CIFAR-10 is not there."
    )
    original = {key: 100 * results.curves(*key, "test_accuracy")[0] for key in drawn}
    accuracy = {key: 100 * run.record["test_accuracy"] for key, run in drawn.items()}
    rows = [
        [row_name(setting), *(f"{of[arm, setting]:.2f}" for arm in COMPARED for of in (original, accuracy))]
        for setting in SETTINGS
    ]
    columns = [f"{_LOSS[arm]}{on}" for arm in COMPARED for on in ("", ", surrogate")]
    seed = of_seeds(results.seeds[:1])
    caption = f"Test accuracy, {seed}, %, on CIFAR-10's test images or on {N_TEST:,} of the surrogate."
    yield html.table(["setting", *columns], rows, caption=caption)

    there, here = (model.W for model in (results.models("base", 4)[0], drawn["base", 4].model))
    alike = correlations(there, here)
    yield pictures.weights(data, results.models("base", 4)[0], f"{setting_name(4)} on CIFAR-10, {seed}", number="B10")
    yield pictures.gallery(
        plots.template_images(here, data.test_images.shape[1:]),
        [f"{name}, r\xa0=\xa0{r:.2f}" for name, r in zip(data.class_names, alike, strict=True)],
        "Weights of the class",
        number="B11",
        caption=f"Weights at λ = 1, {seed}, trained on the surrogate, each with its correlation r with those above.",
        alt="One picture per class.",
        weights=here.reshape(-1, *data.test_images.shape[1:]),
    )
    yield html.prose(finding(original, accuracy, (len(data.test_labels), N_TEST), alike))


def correlations(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Correlation of two networks' weights (C, d), class by class, (C,).

    >>> correlations(np.array([[1.0, 2, 3], [1, 2, 3]]), np.array([[2.0, 4, 6], [3, 2, 1]])).round(6).tolist()
    [1.0, -1.0]
    """
    a, b = (W.astype(np.float64) - W.mean(axis=1, keepdims=True, dtype=np.float64) for W in (one, other))
    return (a * b).sum(axis=1) / np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1))


def finding(original: Percents, accuracy: Percents, tested: tuple[int, int], alike: np.ndarray) -> str:
    """The findings of the section, in words.

    Percent of the test images that are right by arm and setting, on the original and on the surrogate; the number of
    test images of either; and the correlations of their templates, (C,).
    """
    here, there = (
        {key: metrics.of_share(percent / 100, n) for key, percent in of.items()}
        for of, n in zip((original, accuracy), tested, strict=True)
    )
    apart = {key: metrics.of_independent(there[key], here[key]) for key in accuracy}
    arm, setting = max(apart, key=lambda key: abs(apart[key].value))
    beyond = [f"{_LOSS[of]}, setting {i}" for (of, i), points in apart.items() if points.low > 0 or points.high < 0]
    names = "; ".join(beyond)
    mean, most = 100 * np.mean([abs(points.value) for points in apart.values()]), 100 * abs(apart[arm, setting].value)
    chance = 100 * max(points.half for points in apart.values())
    return (
        f"On the surrogate, accuracies differ by {mean:.1f} points on average and at most by {most:.1f} ({_LOSS[arm]}, "
        f"setting {setting}). Chance in drawing the test images explains differences of up to "
        f"{chance:.1f} points; {len(beyond)} of {len(apart)} exceed it"
        f"{f' ({names})' if beyond else ''}. Each network is of one seed, which moves its accuracy too, in setting 1 "
        "most. "
        f"The templates correlate by {alike.mean():.2f} on average, at least by {alike.min():.2f}."
    )

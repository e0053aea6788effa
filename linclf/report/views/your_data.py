"""What a report on a user's data shows: each function returns one figure, table or sentence."""

from collections.abc import Callable
from itertools import zip_longest

import numpy as np

from linclf.data.dataset import Dataset
from linclf.studies import metrics
from linclf.studies.store import StoredRun
from linclf.studies.your_data import LOWEST, PEER_ITERATIONS, PENALTIES, WELL_LEARNED, YourDataResults, YourDataStudy
from linclf.training import get_loss

from . import html, pictures, plots, provenance
from .pictures import MOST_ROWS, as_pictures, can_be_shown, kind, nothing_to_show, sureness, with_interval

MOST_MISTAKES, MOST_TYPICAL, MOST_COPIES = 12, 20, 30  # images that a figure or table shows
LITTLE = 0.02  # a gain that is called little
ENOUGH_TO_TEST, MOST_NAMED = 5, 10
"""Images that a class needs for its recall to be told at all, and classes that a sentence names."""


def headline(results: YourDataResults) -> html.Output:
    """The result in a few sentences."""
    data, (largest, always) = results.dataset, results.baseline
    n, sizes = kind(data, len(data.test_labels)), data.counts()["training"]
    most, which = np.flatnonzero(sizes == sizes.max()), ""
    if largest in most and len(most) < len(sizes):
        which = f", {'the largest class' if len(most) == 1 else 'one of the largest'} in training,"
    how = f", each by one of {data.n_folds} networks that did not see it," if results.folds else " held out as a test"
    text = (
        f"**{with_interval(results.accuracy)}** of the {n}{how} are given their class by one linear "
        "layer (in brackets, here and below, the 95 % interval). Always saying "
        f"{html.markdown(data.class_names[largest])}{which} is right for {with_interval(always.mean())}."
    )
    if results.accuracy.is_wide:
        text += f" So few as {n} cannot tell it any closer."
    if data.is_imbalanced:
        text += " The classes are imbalanced: counted alike, on average "
        text += f"{with_interval(results.balanced_accuracy)} of a class are recognised."
    if (gain := results.peers_gain) and gain.low > 0:
        text += f" {peer(results)}"
    if results.copied.any():
        text += f" **Mind:** {copies(results)}"
    return html.prose(text)


def peer(results: YourDataResults) -> str:
    """How scikit-learn's LogisticRegression does beside the network, or why it is not there, in a sentence."""
    name, gain = "scikit-learn's LogisticRegression", results.peers_gain
    if gain is None:
        return f"{name} is not beside it: {results.peer}."
    more = "more often right than this network" if gain.value >= 0 else "less often right than this network"
    told = with_interval(gain if gain.value >= 0 else metrics.Interval(-gain.value, -gain.high, -gain.low), " points")
    by = "more than chance" if gain.low > 0 or gain.high < 0 else "no difference that these test data can tell"
    return f"{name}, its C chosen on the same validation {kind(results.dataset)}, is {told} {more}: {by}."


def has_copies(results: YourDataResults) -> bool:
    """Whether so much of the test is copies that no conclusion can be drawn from it.

    Copies change the accuracy by no more than their share: where that is within its interval, they change little.
    """
    return float(results.copied.mean()) > max(LITTLE, results.accuracy.half)


def copies(results: YourDataResults) -> str:
    """How much of the test is a copy of what the network was trained on, in sentences; only where some is."""
    data, without = results.dataset, results.accuracy_without_copies
    left = f"Without them {f'accuracy is {with_interval(without)}' if without else 'nothing is left to test on'}."
    others = sum(one["class"] != one["original_class"] for one in results.copies)
    if others:
        left += f" Of the copies {others:,} {'has' if others == 1 else 'have'} another class than the original."
    return f"{_copies(data, results.copied, 'for testing', 'train or validate')} {left}"


def listed_copies(results: YourDataResults) -> html.Output | None:
    """Test images that are copies, and of what, as a table, those of another class first; None where there are none."""
    listed, word = results.copies, kind(results.dataset)[:-1]
    lines = [
        [
            one["source"] or f"test {word} {one['test']}",
            one["class"],
            one["original_source"] or f"training {word} {one['original']}",
            one["original_class"],
        ]
        for one in listed[:MOST_COPIES]
    ]
    rest = f" `your_data.json` lists {len(listed):,}." if len(listed) > MOST_COPIES else ""
    caption = f"Copies among the {word}s for testing, those of another class than their originals first.{rest}"
    return html.table(["copy", "class", "of", "its class"], lines, caption=caption) if lines else None


def _copies(data: Dataset, copied: np.ndarray, purpose: str, others: str) -> str:
    near = "" if data.test_images.ndim == 2 else ", or what looks like them,"
    return (
        f"Copies of {kind(data)} that {others}{near} make up {copied.sum():,} of the {kind(data, len(copied))} "
        f"{purpose}; a network may remember those."
    )


def smallest_tested(data: Dataset) -> int:
    """The class with the fewest images for testing, of those that have any."""
    tested = data.counts()["test"]
    return int(np.where(tested > 0, tested, tested.max() + 1).argmin())


def about(study: YourDataStudy) -> html.Output:
    """Where the data come from, how many there are, and how they were split."""
    said = [study.data.provenance.describe(), *provenance.how_it_ran(study)]
    if (n_folds := study.whole.n_folds) > 1:
        n = len(study.whole.test_labels)
        kept = "" if study.data.groups is None else ", each group in one of them"
        said.append(f"So few are not split here: all {n:,} are dealt into {n_folds} folds, stratified by class{kept}.")
    return html.callout(" ".join(said))


def split(results: YourDataResults) -> html.Output:
    """Which images train, which validate and which test, in a sentence."""
    data, n_validation, n = results.dataset, len(results.choosing.validation), len(results.right)
    source = "the last training batch" if data.validation_labels is None else "those that the data brought"
    text = (
        f"λ, η and the loss are chosen on {kind(data, n_validation)}, {source}, after training on "
        f"{len(results.choosing.train):,}; the final network trains on all {len(results.final.train):,}, and the "
        f"{n:,} for testing are looked at once, at the end."
    )
    if results.folds:
        sizes = sorted(len(fold.right) for fold in results.folds)
        source = "those of the fold before it" if data.validation_labels is None else source
        text = (
            f"The {kind(data, n)} are dealt into {data.n_folds} folds of {sizes[0]} to {sizes[-1]}. For each, λ, η and "
            f"the loss are chosen without it, on {n_validation:,} others, {source}; then a network trains on all "
            f"{kind(data)} outside the fold, {len(results.final.train):,} of the first, and is tested on those within. "
            f"The network to keep trains on all {n:,}, with what is best over all folds."
        )
    if results.copied_validation.any():
        text += f" **Mind:** {_copies(data, results.copied_validation, 'for validation', 'train')}"
    return html.prose(text)


def counts(data: Dataset) -> html.Output:
    """Number of images of each class, in each part and in total, as a table."""
    parts, total = data.counts() if data.n_folds == 1 else {}, data.class_sizes()
    columns = ["class", *parts, "total", "share, %"]
    numbers = np.column_stack([*parts.values(), total])
    lines = [
        [name, *(f"{n:,}" for n in row), f"{100 * row[-1] / total.sum():.1f}"]
        for name, row in zip(data.class_names[:MOST_ROWS], numbers, strict=False)
    ]
    if len(data.class_names) > MOST_ROWS:
        rest = numbers[MOST_ROWS:].sum(axis=0)
        lines.append([f"{len(data.class_names) - MOST_ROWS} more", *(f"{n:,}" for n in rest), ""])
    lines.append(["all", *(f"{n:,}" for n in numbers.sum(axis=0)), "100.0"])
    return html.table(columns, lines, caption=f"Number of {kind(data)} of each class.")


def balance(data: Dataset) -> html.Output:
    """Whether the classes are of about one size; a warning where they are not."""
    names, total = data.class_names, data.class_sizes()
    most, fewest = int(total.argmax()), int(total.argmin())
    few = few_to_test(data)
    if data.is_imbalanced:
        said = (
            f"The classes are imbalanced: {kind(data, total[most])} are {names[most]} "
            f"({with_interval(total[most] / total.sum())}), and {total[fewest]:,} {names[fewest]}. Accuracy alone says "
            "little here; look at balanced accuracy and at the recall of each class."
        )
    else:
        size = f"{total[fewest]:,} to {total[most]:,}" if total[most] > total[fewest] else f"{total[most]:,}"
        said = f"The classes are of about one size: {size} {kind(data)} each."
    return html.callout(f"{said} {few}".strip(), kind="warning" if few or data.is_imbalanced else "note")


def few_to_test(data: Dataset, show: Callable[[str], str] = str) -> str:
    """Which classes have too few images for testing, in a sentence; none if all have enough."""
    tested = data.counts()["test"]
    few = np.flatnonzero(tested < ENOUGH_TO_TEST)
    if not len(few):
        return ""
    named = ", ".join(f"{show(data.class_names[i])} ({tested[i] or 'none'})" for i in few[:MOST_NAMED])
    rest = f" and {len(few) - MOST_NAMED:,} more" if len(few) > MOST_NAMED else ""
    return (
        f"Fewer than {ENOUGH_TO_TEST} {kind(data)} are there to test {named}{rest}: too few to tell how well they are "
        "recognised."
    )


def search(results: YourDataResults) -> html.Output:
    """How much was searched, and what was chosen, in words."""
    size, chosen, data = results.size, results.chosen, results.dataset
    whole = size.n_train == len(results.choosing.train)
    images = kind(data, size.n_train) if whole else f"the first {kind(data, size.n_train)}"
    images += " of each fold" * bool(results.folds)
    text = (
        f"{len(size.candidates)} configurations were trained on {images} for {size.epochs} epochs each. The highest "
        f"validation accuracy, {with_interval(results.validation_accuracy)}, has {get_loss(chosen.loss).words} with "
        f"η = {chosen.learning_rate:g} and λ = {chosen.l2:g}."
    )
    best = max(run.record["validation_accuracy"] for run in results.search)
    penalties = [run.record["l2"] for run in results.search if run.record["validation_accuracy"] == best]
    if len(penalties) > 1:
        text += f" {len(penalties)} have it: of these cross-entropy goes first, then the lowest validation loss."
    if min(penalties) == max(PENALTIES):
        text += " That is the largest λ of the search: the network does best where it may say little."
    *before, (epochs, cost) = results.lengths.items()
    if results.folds:
        same = sum(fold.chosen == chosen for fold in results.folds)
        text += f" That is over all folds; for itself, {same} of {len(results.folds)} chose the same."
    network = "The network to keep" if results.folds else "The final network"
    text += f" {network} trains for {epochs:,} epochs, to a cost of {cost:.3g}"
    if before and cost > 0:
        half = before[-1][1]
        fell = f"{with_interval(1 - cost / half)} below" if cost < half else "no lower than"
        text += f", {fell} that of half as many"
    elif cost >= LOWEST:
        text += "; whether more of them lower it was not tried, as it would take long"
    text += f". The final networks were estimated to take {max(1, results.estimate):.0f} s on two cores"
    return html.prose(f"{text}.")


def accuracies(results: YourDataResults) -> html.Output:
    """Accuracy, balanced accuracy and the baseline's, as a table."""
    (largest, always), n_test, without = results.baseline, len(results.right), results.accuracy_without_copies
    names, n_classes = results.dataset.class_names, int((results.confusion.sum(axis=1) > 0).sum())
    if isinstance(results.peer, str):
        peers, beside = [], peer(results)
    else:
        accuracy, record = results.told(results.share_right([results.peer])), results.peer.record
        chosen = f", C = {record['C']:.2g}" if "C" in record else ""  # folds differ in it
        peers = [[f"LogisticRegression{chosen}", with_interval(accuracy, "")]]
        beside = f"LogisticRegression is scikit-learn's, at most {PEER_ITERATIONS} iterations; its C has the highest "
        beside += f"accuracy of {record['tried']} on the validation {kind(results.dataset)}."
    lines = [
        ["accuracy", with_interval(results.accuracy, "")],
        ["balanced accuracy", with_interval(results.balanced_accuracy, "")],
        *([["accuracy without copies", with_interval(without, "")]] if results.copied.any() and without else []),
        [f"always {names[largest]}", with_interval(results.told(always), "")],
        ["always it, balanced", with_interval(float(always.any()) / n_classes, "")],
        *peers,
        [f"on the training {kind(results.dataset)}", with_interval(results.training_accuracy, "")],
    ]
    seeds = f", mean of {results.plan.seeds} seeds" if results.plan.seeds > 1 else ""
    how = ", each tested once" if results.folds else " for testing"
    caption = f"On {kind(results.dataset, n_test)}{how}{seeds}; 95 % intervals over them. "
    caption += "Balanced accuracy is the mean recall of the classes"
    caption += f" that have any to test, {n_classes:,} of {len(names):,}." if n_classes < len(names) else "."
    if (groups := results.dataset.test_groups) is not None:
        caption += f" They come from {len(np.unique(groups)):,} groups, and those of a group may be alike: intervals "
        caption += "allow for that."
    return html.table(["measure", "%"], lines, caption=f"{caption} {beside}")


def weighted(results: YourDataResults) -> html.Output | None:
    """The same network, trained so that all classes count alike, as a table; None where classes are of one size."""
    if not results.balanced:
        return None
    data, lines = results.dataset, []
    smallest = smallest_tested(data)
    for title, runs in (("as they are", results.finals), ("every class alike", results.balanced)):
        right = results.share_right(runs)
        recall = results.told(right, data.test_labels == smallest)
        shares = results.mean_recall(runs), results.told(right), recall
        lines.append([title, *(with_interval(share, "") for share in shares)])
    caption = (
        "Trained with the classes as they are, and with weights so that every class counts alike "
        '(class_weight="balanced"), everything else being the same.'
    )
    columns = ["training", "balanced accuracy, %", "accuracy, %", f"recall of {data.class_names[smallest]}, %"]
    return html.table(columns, lines, caption=caption)


def confusion_counts(results: YourDataResults) -> html.Output | None:
    """The confusion matrix in numbers of images, as a table; None for more classes than can be read."""
    names, matrix = results.dataset.class_names, results.confusion
    if len(names) > plots.MOST_NAMED_CLASSES:
        return None
    lines = [[name, *(f"{n:.4g}" for n in row), f"{row.sum():.0f}"] for name, row in zip(names, matrix, strict=True)]
    seeds = ", mean over seeds" if results.plan.seeds > 1 else ""
    caption = f"The same in numbers of {kind(results.dataset)}{seeds}: a row for each true class."
    return html.table(["true class", *(f"as {name}" for name in names), "all"], lines, caption=caption)


@html.own_settings()
def reliability(results: YourDataResults, *, number: int | str) -> html.Output:
    """Predicted probability against how often it is right, as a numbered figure; a callout without probabilities."""
    loss = get_loss(results.loss)
    if not loss.link:
        where = " in at least one fold" if results.folds else ""
        return html.callout(
            f"The {loss.words} was chosen{where}: its scores are no probabilities, so that there is no diagram."
        )
    P = loss.probabilities(results.scores.astype(np.float64))
    right, sure = P.argmax(axis=0) == results.dataset.test_labels, P.max(axis=0)
    binned = metrics.reliability(sure, right)
    numbers = binned.number / results.design_effect
    shares = [metrics.of_share(share, n) for share, n in zip(binned.right, numbers, strict=True)]
    axes, (value, low, high) = plots.new_axes(4.4, 4.0), 100 * np.array(shares).T
    axes.plot([0, 100], [0, 100], color=html.BESIDE, linewidth=0.9, label="as often as it says")
    error = [value - low, high - value]
    axes.errorbar(100 * binned.probability, value, error, fmt="o", ms=5, lw=1.4, color=html.TRAIN, label="test data")
    axes.set(xlim=(0, 103), ylim=(-3, 103), xlabel="probability of the answer, %", ylabel="answers that are right, %")
    gap, all_right = float(sure.mean()), results.told(right)
    says = f"On average the network gives its answer a probability of {with_interval(gap)}, and is right in "
    says += f"{with_interval(all_right)}: "
    if not all_right.low <= gap <= all_right.high:
        says += "too sure." if gap > all_right.value else "not sure enough."
    elif all_right.is_wide:
        says += f"{kind(results.dataset, len(right))} for testing cannot tell whether it is too sure."
    else:
        says += "no more sure than it may be."
    says += " The mean distance from the diagonal (expected calibration error) is "
    says += f"{with_interval(binned.error, ' points')}."
    caption = "How often an answer is right, by the probability that the network gives it; bars are 95 % intervals. "
    told = {f"right, {name}": [getattr(share, name) for share in shares] for name in metrics.Interval._fields}
    data = {"probability, mean": binned.probability.tolist(), **told, "number": binned.number.tolist()}
    return html.figure(plots.styled(axes).figure, number=number, caption=caption + says, data=data)


def mistakes(results: YourDataResults, *, number: int | str) -> html.Output:
    """The wrong answers that the network is surest of, as a numbered figure, or as a table of rows."""
    wrong = results.surest(results.scores.argmax(axis=0) != results.dataset.test_labels)[:MOST_MISTAKES]
    none = f"The network makes no mistake on the {kind(results.dataset)} for testing."
    return _pictures(results, wrong, "The mistakes that the network is surest of.", none, number)


def typical(results: YourDataResults, *, number: int | str) -> html.Output:
    """Of each class the image that the network is surest of, among those it gets right."""
    labels, names = results.dataset.test_labels, results.dataset.class_names
    right, each = results.scores.argmax(axis=0) == labels, max(1, min(3, MOST_TYPICAL // len(names)))
    shown = np.concatenate([results.surest(right & (labels == k))[:each] for k in range(len(names))])[:MOST_TYPICAL]
    none = f"The network gets none of the {kind(results.dataset)} for testing right."
    return _pictures(results, shown, "The most typical of each class: right, and surest.", none, number)


def _pictures(results: YourDataResults, shown: np.ndarray, title: str, none: str, number: int | str) -> html.Output:
    """Test images with what they are, what they are taken for, and how surely; of feature vectors a table of these."""
    data, predicted, (_, sure) = results.dataset, results.scores.argmax(axis=0), sureness(results.loss, results.scores)
    if not len(shown):
        return html.callout(none)
    names = ([data.class_names[k] for k in labels[shown]] for labels in (data.test_labels, predicted))
    told = zip(*names, [sure[i] for i in shown], strict=True)
    said = [true + f", taken for {given}" * (true != given) + f", {how}" for true, given, how in told]
    if data.test_images.ndim == 2:
        sources = data.test_sources or [f"test[{i}]" for i in range(len(predicted))]
        rows = [[sources[i], words] for i, words in zip(shown, said, strict=True)]
        return html.table(["from", "class"], rows, caption=title)
    if not can_be_shown(data.test_images):
        return nothing_to_show(data.test_images)
    if data.test_sources:
        said = [f"{words}: {data.test_sources[i]}" for i, words in zip(shown, said, strict=True)]
    images = as_pictures(data.test_images[shown], data.test_images)
    return pictures.gallery(images, said, number=number, caption=title, alt=title)


def learning_curve(results: YourDataResults, *, number: int | str) -> html.Output:
    """Test accuracy against the number of training images, as a numbered figure, and whether more would help."""
    n = len(results.final.train)
    if not results.curve:
        return html.callout(f"No learning curve: {kind(results.dataset, n)} are too few to train on a part of them.")
    imbalanced, networks = results.dataset.is_imbalanced, {**results.curve, n: results.finals}

    def accuracy(run: StoredRun) -> float:
        return results.mean_recall([run]).value if imbalanced else float(run.record["test_accuracy"])

    percent = {size: [100 * accuracy(run) for run in runs] for size, runs in networks.items()}
    what, whole = ("balanced accuracy", results.balanced_accuracy) if imbalanced else ("accuracy", results.accuracy)
    axes = plots.by_size(percent, last=metrics.Interval(*(100 * number for number in whole)))
    axes.set(xlabel="number to train on", ylabel=f"test {what}, %")
    plots.legend_below(axes)
    title = f"Test {what} against the number of {kind(results.dataset)} to train on, the same settings throughout."
    columns = zip_longest(*percent.values(), fillvalue="")
    data = {"training": list(percent)} | {f"network {i}, %": [*values] for i, values in enumerate(columns, 1)}
    return html.figure(axes.figure, number=number, caption=f"{title} {more(results)}", data=data)


def more(results: YourDataResults, show: Callable[[str], str] = str) -> str:
    """Whether more images to train on would help, in a sentence with its number; ``show`` turns names into text."""
    gain, data = results.doubling, results.dataset
    if gain is None:
        return ""
    says = f"The last doubling brought {with_interval(gain, ' points')}{' of balanced accuracy' * data.is_imbalanced}: "
    if has_copies(results):
        return f"{says}with copies in the test, that does not tell whether more {kind(data)} would help."
    if not results.is_like_validation:
        return f"{says}on a test unlike the validation, that does not tell whether more {kind(data)} would help."
    if gain.low > 0:
        return f"{says}more {kind(data)} would help."
    if gain.high < LITTLE:
        return f"{says}more {kind(data)} of the same sort would bring little."
    n, smallest = f"{kind(data, len(results.right))} for testing", smallest_tested(data)
    if data.is_imbalanced:
        n += f", {data.counts()['test'][smallest]:,} of them {show(data.class_names[smallest])},"
    return f"{says}{n} are too few to tell whether more would help."


def limits(results: YourDataResults) -> html.Output:
    """What limits the network, in plain sentences, each with its number."""
    data, gain, told = results.dataset, results.gain, results.accuracy
    if has_copies(results):
        advice = "Nothing else is concluded from such a test: take the copies out, and make the report again."
        return html.prose(f"- **Copies.** {copies(results)} {advice}")
    says = "more than the class sizes explain" if gain.low > 0 else "no difference that these test data can tell"
    below, above = (with_interval(side, " points") for side in (told.value - told.low, told.high - told.value))
    lines = [
        f"**The baseline.** The network is right {with_interval(gain, ' points')} more often than always saying "
        f"{html.markdown(data.class_names[results.baseline[0]])}: {says}.",
        f"**The test itself.** {kind(data, len(results.right))} tell this accuracy to {below} below and {above} above "
        "(95 %).",
    ]
    if not results.is_like_validation:
        lines.append(
            f"**Unlike parts.** Test accuracy is {with_interval(told)}, validation accuracy of the same settings "
            f"{with_interval(results.validation_accuracy)}: the intervals lie apart. The {kind(data)} for testing are "
            "not like those for validation, so that nothing is said here of variance, nor of more to train on."
        )
    else:
        lines[1:1] = [f"**The peer.** {peer(results)}"] * (results.peers_gain is not None)
        lines.append(_bias_or_variance(results))
        lines += [f"**The number of {kind(data)}.** {more(results, html.markdown)}"] * (results.doubling is not None)
    few = few_to_test(data, html.markdown)
    lines += [f"**Few to test.** {few}" if few else "", _imbalance(results), _worst(results)]
    return html.prose("\n".join(f"- {line}" for line in lines if line))


def _bias_or_variance(results: YourDataResults) -> str:
    tested, trained, images = results.accuracy, results.training_accuracy, kind(results.dataset)
    if tested.value == 1:
        return ""
    said = (
        f"**Bias or variance.** Of those it trained on it gets {with_interval(trained)} right, of the others "
        f"{with_interval(tested.value)}. "
    )
    if trained > tested.high:
        gap = with_interval(trained - tested.value, " points")
        said += f"The gap of {gap} is variance: part of what it has learned is true of its training {images} alone."
    else:
        said += "There is no gap that these test data can tell: what it cannot do, it cannot do on its training "
        said += f"{images} either."
    return f"{said} {_bias(results)}".strip()


def _bias(results: YourDataResults) -> str:
    """Why training images are given a wrong class: bias is what the convex optimum gets wrong; empty where few are."""
    trained, images = results.kept.training_accuracy, kind(results.dataset)
    if trained >= WELL_LEARNED:
        return ""
    which = "The network that trains on all" if results.folds else "It"
    said = f"{which} gets {with_interval(1 - trained)} of its training {images} wrong"
    if not results.optima:
        return f"{said}; they are too many to compute whether one linear layer could do better."
    free, at = results.optima[0], results.optima[-1]
    known = free.converged and results.chosen.loss == "cross_entropy"
    best = max(free.accuracy, trained)
    which = "this network" if best == trained else "the minimum of the cross-entropy without a penalty"
    said += (
        f". One linear layer can get {with_interval(best)} of them right, as {which} does: "
        f"{'' if known else 'at most '}{with_interval(1 - best)} are bias, what one linear layer gets wrong "
        "however long it trains."
    )
    if not known:
        return f"{said} Whether the loss, the penalty or the training explains the rest is not known."
    if (price := free.accuracy - at.accuracy) > LITTLE:
        said += f" The penalty, which was chosen since it validates best, costs {with_interval(price, ' points')}."
    if (early := at.accuracy - trained) > LITTLE:
        said += f" Training that ended early costs {with_interval(early, ' points')}: more epochs would help."
    return said


def _imbalance(results: YourDataResults) -> str:
    data = results.dataset
    if not data.is_imbalanced:
        return ""
    total, names = data.class_sizes(), [html.markdown(name) for name in data.class_names]
    most, fewest = int(total.argmax()), int(total.argmin())
    below = results.accuracy.value - results.balanced_accuracy.value
    how = f"{with_interval(below, ' points')} below accuracy" if below > 0 else "no lower than accuracy"
    alike = results.mean_recall(results.balanced)
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
    recall = results.told(results.right, results.dataset.test_labels == worst)
    if recall.value == 1:
        return ""
    others, names = results.confusion[worst].copy(), [html.markdown(name) for name in results.dataset.class_names]
    others[worst] = 0
    if recall.high >= results.accuracy.value:
        return (
            f"**The hardest class.** {names[worst]} has the lowest recall, {with_interval(recall)}, but with "
            f"{scores.support[worst]:.0f} to test that can be chance: it may be no harder than all together."
        )
    return (
        f"**The hardest class** is {names[worst]}: {with_interval(recall)} of {scores.support[worst]:.0f} are "
        f"recognised, and most others are taken for {names[int(others.argmax())]}."
    )


def kept_networks(results: YourDataResults) -> str:
    """Which networks the report's ``model.npz`` and ``model-balanced.npz`` are, in words."""
    first = results.finals[0].record
    which = f"this network, of seed {first['seed']} (test accuracy {with_interval(first['test_accuracy'])})"
    if results.folds:
        which = f"the network of seed {first['seed']} that trained on all {kind(results.dataset, len(results.right))}"
    if results.balanced:
        recall = with_interval(results.mean_recall(results.balanced[:1]).value)
        which += ", and, as `model-balanced.npz`, the one for which every class counts alike "
        which += f"(balanced accuracy {recall})"
    return which

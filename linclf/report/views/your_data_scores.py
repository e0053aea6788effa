"""How the network does on the test data, on data of one's own, as tables."""

from typing import Any

from linclf.studies import metrics
from linclf.studies.intervals import of_share
from linclf.studies.your_data.results import YourDataResults, mean_recall

from . import html
from .your_data import MOST_ROWS, percent, rows, smallest_tested


def accuracies(results: YourDataResults) -> Any:
    """Accuracy, balanced accuracy and the baseline's, as a table."""
    (largest, always), n_test, without = results.baseline, len(results.right), results.accuracy_without_copies
    names, n_classes = results.dataset.class_names, int((results.confusion.sum(axis=1) > 0).sum())
    lines = [
        ["accuracy", percent(results.accuracy, "")],
        ["balanced accuracy", percent(results.balanced_accuracy, "")],
        *([["accuracy without copies", percent(without, "")]] if results.copied.any() and without else []),
        [f"always {names[largest]}", percent(of_share(float(always.mean()), n_test), "")],
        ["always it, balanced", percent(float(always.any()) / n_classes, "")],
        [f"on the training {rows(results.dataset)}", percent(results.training_accuracy, "")],
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
                percent(scores.f1[i], "") if support + given[i] else "",
                percent(of_share(scores.precision[i], given[i]), "") if given[i] else "none predicted",
                percent(of_share(scores.recall[i], support), "") if support else "none to test",
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
        lines.append([title, *(percent(found, "") for found in (mean_recall(matrix), accuracy, recall))])
    caption = (
        "Trained with the classes as they are, and with weights so that every class counts alike "
        '(class_weight="balanced"), everything else being the same.'
    )
    columns = ["training", "balanced accuracy, %", "accuracy, %", f"recall of {data.class_names[smallest]}, %"]
    return html.table(columns, lines, caption=caption)

"""Section 3's numbers and their intervals, from ``ceiling.json`` alone, so that anybody can compute them again."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from linclf.studies.ceiling import INGREDIENTS
from linclf.studies.results import decode_correct

from .bootstrap import interval, paired_difference

Document = Mapping[str, Any]
"""``ceiling.json``, whose records hold a bit for each image that counts."""
Number = dict[str, float]
"""A mean with the ends of its 95 % interval over seeds and images: "mean", "low" and "high"."""
COMPARED = {
    "baseline": "base",
    "all ingredients": "all",
    "all but flips and shifts": "-augment",
    "the optimum of softmax": "optimum",
}
"""The networks whose training and validation accuracies are compared: what a page calls them, and their name."""
TESTED = "the chosen networks, on test images"


def numbers(document: Document) -> dict[str, Any]:
    """The results of :func:`gains`, :func:`tested` and, as means over seeds, :func:`gaps`."""
    means = {
        title: {part: float(np.mean(values)) for part, values in both.items()} for title, both in gaps(document).items()
    }
    return {"gains": gains(document), "tested": tested(document), "gaps": means}


def gains(document: Document) -> dict[str, dict[str, Number]]:
    """By ingredient, the points of validation accuracy that it brings "alone" and that it is "missed" by."""
    correct = _correct(document["ablation"], "validation_correct", document["images"]["validation"])
    return {
        name: {
            "alone": _number(*paired_difference(correct[f"+{name}"], correct["base"])),
            "missed": _number(*paired_difference(correct["all"], correct[f"-{name}"])),
        }
        for name in INGREDIENTS
    }


def tested(document: Document) -> dict[str, Number]:
    """Test accuracy of the final networks in percent, by name."""
    correct = _correct(document["finals"], "test_correct", document["images"]["test"])
    return {
        name: _number(float(column.mean()), *interval([column], lambda means: means[..., 0], images=True))
        for name, column in correct.items()
    }


def gaps(document: Document) -> dict[str, dict[str, list[float]]]:
    """Accuracy in percent on "training" and "held_out" images, one number per seed, of the networks compared."""
    images, finals = document["images"], document["finals"]
    records = [*document["ablation"], *document["optimum"]]
    validation = _correct(records, "validation_correct", images["validation"])
    chosen = f"{document['chosen_loss']} {images['final']}"
    compared = {title: (records, name, validation[name]) for title, name in COMPARED.items()}
    compared[TESTED] = finals, chosen, _correct(finals, "test_correct", images["test"])[chosen]
    return {
        title: {
            "training": [100 * run["train_accuracy"] for run in runs if run["name"] == name],
            "held_out": held_out.mean(axis=1).tolist(),
        }
        for title, (runs, name, held_out) in compared.items()
    }


def _correct(records: Sequence[Mapping[str, Any]], key: str, n: int) -> dict[str, np.ndarray]:
    """By name of the networks, 100 for images that are classified rightly and 0 for others, (seeds, n)."""
    columns: dict[str, list[np.ndarray]] = {}
    for record in records:
        columns.setdefault(record["name"], []).append(100.0 * decode_correct(record[key], n, key))
    return {name: np.stack(rows) for name, rows in columns.items()}


def _number(mean: float, low: float, high: float) -> Number:
    return {"mean": mean, "low": low, "high": high}

"""What the first page opens with: every section's accuracies in one picture, with the counts of the claims."""

from typing import Any

import numpy as np

from linclf.claims.bootstrap import interval
from linclf.studies.reference.design import ARMS, SETTINGS
from linclf.studies.results import Results

from . import charts, html
from .claims import all_claims
from .provenance import is_the_references
from .reference import REFERENCE_SVM, setting_name
from .settings import INK, own_settings

SHOWN = ("base", "full", "decay", "shuffle", "svm")
"""The arm that each section of the reference is about."""


@own_settings()
def picture(results: Results, *, number: int | str) -> Any:
    """Test accuracy of every section in each setting and, on CIFAR-10, what the reference prints, as a numbered figure.

    With ten seeds on CIFAR-10 its title counts the verdicts.
    """
    found = {arm: [_with_interval(results, arm, setting) for setting in SETTINGS] for arm in SHOWN}
    series = [(ARMS[arm].title, numbers) for arm, numbers in found.items()]
    names = [setting_name(setting).replace(" (", "\n").rstrip(")") for setting in SETTINGS]
    axes = charts.intervals(names, series)
    counts, printed = counted(results), ""
    if is_the_references(results.data["name"]):
        printed = " Diamonds: what the reference prints, for the SVM alone."
        at = charts.heights(len(SETTINGS), len(SHOWN), SHOWN.index("svm"))
        axes.plot(list(REFERENCE_SVM.values()), at, "D", ms=9, mec=INK, mfc="none", label="SVM, in the reference")
    axes.set(xlabel=f"test accuracy on {results.data['name']}, %")
    axes.set_title(counts.replace(", ", ",\n", 1), loc="left", fontweight="bold")
    charts.legend_below(axes)
    over = "seeds and test images" if len(results.seeds) > 1 else "test images; there is one seed"
    return html.figure(
        axes.figure,
        number=number,
        caption=f"Test accuracy in each section and setting, with 95 % intervals over {over}.{printed}",
        alt=f"{f'{counts}. ' if counts else ''}Test accuracy: {_in_words(found)}.",
        data={"setting": list(SETTINGS)}
        | {
            f"{title}, % ({part})": [numbers[i] for numbers in own]
            for title, own in series
            for i, part in enumerate(("mean", "low", "high"))
        },
    )


def counted(results: Results) -> str:
    """How many of the reference's statements got which verdict, in a few words; empty where most can get none."""
    evaluated = all_claims(results)
    if evaluated["missing"]:
        return ""
    reproduced, *others = (f"{number} {word}" for word, number in evaluated["counts"].items())
    total = len(evaluated["claims"])
    return ", ".join([reproduced.replace(" ", f" of {total} statements "), *others])


def _with_interval(results: Results, arm: str, setting: int) -> tuple[float, float, float]:
    """Test accuracy in percent, mean over seeds, and its interval."""
    right = 100.0 * results.correct(arm, setting)
    low, high = interval([right], lambda means: means[..., 0], images=True)
    return float(right.mean()), low, high


def _in_words(found: dict[str, list[tuple[float, float, float]]]) -> str:
    """The accuracies of each setting as a text for whoever does not see them."""
    values = np.array([[value for value, *_ in own] for own in found.values()])
    return "; ".join(
        f"setting {setting} from {own.min():.1f} % ({ARMS[SHOWN[own.argmin()]].title}) to {own.max():.1f} % "
        f"({ARMS[SHOWN[own.argmax()]].title})"
        for setting, own in zip(SETTINGS, values.T, strict=True)
    )

"""What a linear network sees of CIFAR-10: the networks of its surrogate beside those of the images themselves."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from linclf.studies.reference.design import SETTINGS
from linclf.studies.reference.study import Study
from linclf.studies.reference.surrogate import COMPARED, N_TEST, on_surrogate

from . import html, networks, plots
from .reference import row_name

CLOSE, ALIKE = 5.0, 0.8
"""Points of accuracy and mean correlation of templates up to which surrogate and original are called much the same."""
_LOSS = {"base": "cross-entropy", "svm": "SVM"}


def section(study: Study) -> Iterator[Any]:
    """The section's pieces, its heading first; nothing on other data than CIFAR-10."""
    drawn = on_surrogate(study)
    if drawn is None:
        return
    results, data = study.run(*COMPARED), study.workspace.data
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
    caption = f"Test accuracy of one seed, %, on CIFAR-10's test images or on {N_TEST:,} of the surrogate."
    yield html.table(["setting", *columns], rows, caption=caption)

    there, here = (model.W for model in (results.models("base", 4)[0], drawn["base", 4].model))
    alike = correlations(there, here)
    yield networks.weights(data, results.models("base", 4)[0], "Weights at λ = 1, trained on CIFAR-10.", number="B10")
    yield html.templates(
        plots.template_images(here, data.test_images.shape[1:]),
        [f"{name}, r\xa0=\xa0{r:.2f}" for name, r in zip(data.class_names, alike, strict=True)],
        number="B11",
        caption="Weights at λ = 1, trained on the surrogate, each with its correlation r with the class's above.",
        alt="One picture per class, much the same as those trained on CIFAR-10."
        if alike.mean() > ALIKE
        else "One picture per class.",
        weights=here.reshape(-1, *data.test_images.shape[1:]),
    )
    yield html.prose(finding({key: accuracy[key] - original[key] for key in drawn}, alike))


def correlations(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Correlation of two networks' weights (C, d), class by class, (C,).

    >>> correlations(np.array([[1.0, 2, 3], [1, 2, 3]]), np.array([[2.0, 4, 6], [3, 2, 1]])).round(6).tolist()
    [1.0, -1.0]
    """
    a, b = (W.astype(np.float64) - W.mean(axis=1, keepdims=True, dtype=np.float64) for W in (one, other))
    return (a * b).sum(axis=1) / np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1))


def finding(differences: dict[tuple[str, int], float], alike: np.ndarray) -> str:
    """What the section found, in a sentence.

    Surrogate minus original in points of test accuracy, by arm and setting, and correlations of their templates, (C,).
    """
    arm, setting = max(differences, key=lambda key: abs(differences[key]))
    most = abs(differences[arm, setting])
    mean = np.abs(list(differences.values())).mean()
    more = "little more" if most <= CLOSE and alike.mean() >= ALIKE else "more"
    return (
        f"On the surrogate, accuracies differ by {mean:.1f} points on average and at most by {most:.1f} ({_LOSS[arm]}, "
        f"setting {setting}), and the templates correlate by {alike.mean():.2f} on average, at least by "
        f"{alike.min():.2f}: a linear network sees {more} of these images than the means and covariances of their "
        "classes."
    )

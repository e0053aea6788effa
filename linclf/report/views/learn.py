"""What the page for learners shows: each function returns one figure, table or sentence."""

from collections.abc import Mapping, Sequence

import numpy as np

from linclf.data.dataset import Dataset
from linclf.studies import metrics
from linclf.training.losses import cross_entropy, multiclass_hinge
from linclf.training.model import Linear

from . import html, pictures


def scores(names: Sequence[str], label: int, s: np.ndarray, p: np.ndarray, *, caption: str) -> html.Output:
    """The scores and probabilities of one image, the true class marked."""
    rows = [
        [f"{name} (true)" if k == label else name, pictures.signed(s[k]), f"{100 * p[k]:.1f}"]
        for k, name in enumerate(names)
    ]
    return html.table(["class", "score", "probability, %"], rows, caption=caption)


def two_losses(names: Sequence[str], label: int, s: np.ndarray, gradients: Sequence[np.ndarray]) -> html.Output:
    """The scores of one image, and the gradients of cross-entropy and hinge with respect to them."""
    margins = s - s[label] + 1
    rows = [
        [f"{name} (true)", pictures.signed(s[k]), "", *(pictures.signed(g[k]) for g in gradients)]
        if k == label
        else [name, pictures.signed(s[k]), pictures.signed(margins[k]), *(pictures.signed(g[k]) for g in gradients)]
        for k, name in enumerate(names)
    ]
    columns = ["class", "score", "score − true score + 1", "cross-entropy's gradient", "hinge's gradient"]
    S, y = s[:, None], np.array([label])
    caption = f"One validation image under two losses: its cross-entropy is {cross_entropy(S, y)[0]:.2f}, its hinge "
    return html.table(columns, rows, caption=f"{caption}{multiclass_hinge(S, y)[0]:.2f}.")


def penalties(models: Mapping[float, Linear], data: Dataset, *, number: int | str) -> html.Output:
    """The templates at several λ, and how smooth they are."""
    shares = {
        l2: metrics.low_frequency_share(model.W, data.test_images.shape[1:]) or 0.0 for l2, model in models.items()
    }
    said = ", ".join(f"{100 * share:.0f} % at λ = {l2:g}" for l2, share in shares.items())
    return pictures.strip(
        {f"λ = {l2:g}": model for l2, model in models.items()},
        data,
        number=number,
        caption=f"Templates after training with more and more penalty. The share of their energy in coarse shapes (at "
        f"most four waves across the image) is {said}.",
    )


def looks(accuracies: Mapping[float, float], n: int) -> str:
    """Whether the smoothest templates, of the largest λ, also classify best, by validation accuracies on n images."""
    said = ", ".join(f"{100 * share:.1f} % at $\\lambda$ = {l2:g}" for l2, share in accuracies.items())
    best, smoothest = max(accuracies.values()), accuracies[max(accuracies)]
    chance = metrics.of_share(best, n).half
    text = f"Validation accuracy at the end: {said}, each known to ± {100 * chance:.1f} points from {n:,} pictures. "
    if best - smoothest > chance:
        return text + "Templates that please the eye are not the ones that classify best."
    return text + "Templates that please the eye classify about as well here; on more pictures they need not."

"""What the page for learners shows: each function returns one figure, table or sentence."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from linclf.data.dataset import Dataset
from linclf.errors import DivergenceError
from linclf.studies import metrics
from linclf.training import Linear
from linclf.training.losses import cross_entropy, multiclass_hinge

from . import html, pictures, plots


def scores(
    image: np.ndarray, names: Sequence[str], label: int, s: np.ndarray, p: np.ndarray, *, caption: str
) -> html.Output:
    """An image above its scores and probabilities, the true class marked."""
    rows = [[name, pictures.signed(s[k]), f"{100 * p[k]:.1f}"] for k, name in enumerate(_marked(names, label))]
    said = html.table(["class", "score", "probability, %"], rows, caption=caption)
    if not pictures.can_be_shown(image[None]):
        return said
    shown = pictures.image(pictures.as_pictures(image[None])[0], f"An image of the class {names[label]}", width=96)
    picture = f'<div style="width: 96px">{shown}</div>'
    return replace(said, markup=f'<div style="break-inside: avoid">{picture}{said.markup}</div>')


def _marked(names: Sequence[str], label: int) -> list[str]:
    return [f"{name} (true)" if k == label else name for k, name in enumerate(names)]


@html.own_settings()
def plane(X: np.ndarray, y: np.ndarray, model: Linear, *, number: int | str, caption: str) -> html.Output:
    """Points (n, 2) of a few classes, and the areas in which each class has the highest score, as a numbered figure."""
    axes = plots.new_axes(4.6, 3.7)
    sides = [np.linspace(column.min() - 1, column.max() + 1, 200) for column in X.T]
    grid = np.stack(np.meshgrid(*sides), axis=-1)
    S = model.scores(grid.reshape(-1, 2)).reshape(-1, 200, 200)
    for k, (colour, marker) in enumerate(zip(plots.COLOURS[: len(S)], "os^", strict=False)):
        ahead = S[k] - np.delete(S, k, axis=0).max(axis=0)  # 0 on the class's borders, which are straight
        axes.contourf(*sides, ahead, levels=[0, np.inf], colors=[colour], alpha=0.25)
        axes.contour(*sides, ahead, levels=[0], colors=html.BESIDE, linewidths=1)
        axes.plot(*X[y == k].T, marker, markersize=4, color=colour, label=f"class {k + 1}")
    axes.set(xlabel="first input", ylabel="second input")
    data = {"first input": X[:, 0].tolist(), "second input": X[:, 1].tolist(), "class": y.tolist()}
    return html.figure(plots.styled(axes).figure, number=number, caption=caption, data=data)


class LossCurve:
    """The losses of a loop's mini-batches, drawn while it runs: one figure that changes in place, twice a second."""

    def __init__(self, number: int | str) -> None:
        self.number, self.losses = number, list[float]()
        self._shown: Any = None
        self._when = time.monotonic()

    def add(self, loss: float) -> None:
        """Take the loss of one more mini-batch.

        Raises:
            DivergenceError: it is not finite.
        """
        if not np.isfinite(loss):
            self.show()
            raise DivergenceError(
                f"training diverged: the loss is no number after {len(self.losses)} steps; use a smaller penalty where "
                "learning_rate * l2 is above 1, and else a smaller learning rate"
            )
        self.losses.append(float(loss))
        if time.monotonic() - self._when > 0.5:
            self.show()

    @html.own_settings()
    def show(self) -> None:
        """Draw all losses so far."""
        from IPython.display import display

        together = -(-len(self.losses) // 400) or 1
        whole = len(self.losses) // together * together
        means = np.reshape(self.losses[:whole], (-1, together)).mean(axis=1)
        steps = together * np.arange(1, len(means) + 1)
        axes = plots.new_axes()
        axes.plot(steps, means, color=html.TRAIN, linewidth=1.2, label="mini-batches")
        axes.set(xlabel="step", ylabel="loss")
        binned = f" Each point is a mean of {together} steps." * (together > 1)
        caption = f"The loss of the loop's mini-batches, without the penalty, after {len(self.losses):,} steps.{binned}"
        data = {"step": steps.tolist(), "loss": means.tolist()}
        drawn = html.figure(plots.styled(axes).figure, number=self.number, caption=caption, data=data)
        if self._shown:
            self._shown.update(drawn)
        else:
            self._shown = display(drawn, display_id=True)
        self._when = time.monotonic()


def check(exercise: int, answers: Mapping[str, tuple[Any, Any]], tolerance: float = 5e-3) -> html.Output:
    """Whether the answers of an exercise, (given, right) by name, agree; None is an answer that is not given yet."""
    if any(given is None for given, _ in answers.values()):
        return html.callout(
            f"Exercise {exercise} is not answered yet: in the notebook, put it in place of None, and run the cell."
        )
    wrong = []
    for name, (given, right) in answers.items():
        try:
            if not (off := np.abs(np.asarray(given, np.float64) - right).max()) <= tolerance:
                wrong.append(f"{name}: off by {off:.3g}")
        except (TypeError, ValueError):
            what = f"numbers of the shape {np.shape(right)}" if np.shape(right) else "a number"
            wrong.append(f"{name} should be {what}")
    if wrong:
        return html.callout(f"Exercise {exercise}, not yet: {'; '.join(wrong)}.", kind="warning")
    return html.callout(f"Exercise {exercise} is right.")


def two_losses(names: Sequence[str], label: int, s: np.ndarray, gradients: Sequence[np.ndarray]) -> html.Output:
    """The scores of one image, and the gradients of cross-entropy and hinge with respect to them."""
    margins = [pictures.signed(margin) for margin in s - s[label] + 1]
    margins[label] = ""
    rows = [
        [name, pictures.signed(s[k]), margins[k], *(pictures.signed(g[k]) for g in gradients)]
        for k, name in enumerate(_marked(names, label))
    ]
    columns = ["class", "score", "score − true score + 1", "cross-entropy's gradient", "hinge's gradient"]
    S, y = s[:, None], np.array([label])
    caption = f"One validation image under two losses: its cross-entropy is {cross_entropy(S, y)[0]:.2f}, its hinge "
    return html.table(columns, rows, caption=f"{caption}{multiclass_hinge(S, y)[0]:.2f}.")


def penalties(models: Mapping[float, Linear], data: Dataset, *, number: int | str) -> html.Output:
    """The templates at several λ, and how smooth they are."""
    shape = data.test_images.shape[1:]
    shares = [(l2, metrics.low_frequency_share(model.W, shape) or 0.0) for l2, model in models.items()]
    said = ", ".join(f"{100 * share:.0f} % at λ = {l2:g}" for l2, share in shares)
    caption = (
        "Templates after training with more and more penalty. The share of their energy in coarse shapes (at most four "
        f"waves across the image) is {said}."
    )
    return pictures.strip({f"λ = {l2:g}": models[l2] for l2 in models}, data, number=number, caption=caption)


def looks(accuracies: Mapping[float, float], n: int) -> str:
    """Whether the smoothest templates, of the largest λ, also classify best, by validation accuracies on n images."""
    said = ", ".join(f"{100 * share:.1f} % at $\\lambda$ = {l2:g}" for l2, share in accuracies.items())
    best, smoothest = max(accuracies.values()), accuracies[max(accuracies)]
    chance = metrics.of_share(best, n).half
    text = f"Validation accuracy at the end: {said}, each known to ± {100 * chance:.1f} points from {n:,} pictures. "
    if best - smoothest > chance:
        return text + "Templates that please the eye are not the ones that classify best."
    return text + "Templates that please the eye classify about as well here; on more pictures they need not."

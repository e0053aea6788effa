"""What the page for any setting shows: each function returns one figure, table or sentence."""

from collections.abc import Mapping, Sequence
from dataclasses import fields

import numpy as np

from linclf.claims.bootstrap import paired_difference
from linclf.studies import metrics
from linclf.studies.exploration import LARGEST, Exploration, Explored
from linclf.studies.reference import SETTINGS
from linclf.training.config import Config
from linclf.training.loop import Run
from linclf.training.losses import get_loss

from . import html, reference

YOURS = "yours"
_NAMED = ("loss", "l2", "learning_rate", "lr_decay_every", "epochs", "seed")
"""Fields of Config that a page names whatever they are, or with another."""
_OPTIONS = {
    "lr_decay": "a learning rate multiplied by {} after every {every}",
    "batch_size": "mini-batches of {}",
    "shuffle": "images shuffled at each epoch",
}
"""What a page says of the others, where that is not the name and the value."""


def exact(value: object) -> str:
    """A number in as few digits as tell it.

    >>> exact(1.0), exact(0.00001), exact(0.12345678)
    ('1', '1e-05', '0.12345678')
    """
    short = f"{value:g}" if isinstance(value, float) else str(value)
    return short if not isinstance(value, float) or float(short) == value else repr(value)


def name_of(config: Config) -> str:
    """A setting by its loss, λ and η, and by every option that is not as by default."""
    said = [get_loss(config.loss).words, f"λ = {exact(config.l2)}", f"η = {exact(config.learning_rate)}"]
    every = f"{config.lr_decay_every} epochs" if config.lr_decay_every > 1 else "epoch"
    for option in fields(config):
        value = getattr(config, option.name)
        if option.name == "augment" and value is not None:
            said += ["images mirrored at random"] * value.flip
            said += [f"images moved by up to {value.shift} pixels"] * (value.shift > 0)
        elif option.name not in _NAMED and value != option.default:
            words = _OPTIONS.get(option.name, f"{option.name.replace('_', ' ')} {{}}")
            said.append(words.format(exact(value), every=every))
    return ", ".join(said)


def setting(exploration: Exploration) -> html.Prose:
    """What is tried, in a sentence."""
    plan, n_train = exploration.plan, len(exploration.cut.train)
    config = plan.config(0, exploration.data.test_images.shape[1:])
    most = ", all there are" if plan.n_train > n_train else ""
    return html.prose(
        f"Tried here: **{name_of(config)}**, in {plan.epochs:,} epochs on {n_train:,} training images{most}, "
        f"mini-batches of {plan.batch_size:,}; seed{'s' * (plan.seeds > 1)} {plan.seeds_in_words}. Beside it stand the "
        "reference's four settings of λ and η, trained on the same images with the cross-entropy."
    )


def accuracies(explored: Explored) -> html.Output:
    """Accuracy of the chosen setting and of the reference's, mean over seeds."""
    rows = [_accuracies(YOURS, explored.runs, _tested(explored))]
    for i in SETTINGS:
        tested = explored.reference.curves("base", i, "test_accuracy")
        rows.append(_accuracies(reference.row_name(i), explored.reference.trained("base", i), tested))
    columns = ["setting", "training, %", "validation, %", "test, %"]
    of = reference.of_seeds([run.config.seed for run in explored.runs])
    return html.table(columns, rows, caption=f"Accuracy after the last epoch, {of}, beside the reference's settings.")


def _accuracies(name: str, trained: Sequence[Run], tested: np.ndarray) -> list[str]:
    measured = [[getattr(run.history, f"{part}_accuracy") for run in trained] for part in ("train", "validation")]
    ends = [[values[np.isfinite(values)][-1] for values in of_runs] for of_runs in measured]  # before training diverged
    return [name, *(reference.mean_and_spread(np.array(shares)) for shares in (*ends, tested))]


def predictions(explored: Explored) -> np.ndarray:
    """Classes that each network of the chosen setting gives the test images, (networks, n)."""
    return np.stack([run.model.predict(explored.split().test[0]) for run in explored.runs])


def _tested(explored: Explored) -> np.ndarray:
    return np.array([metrics.accuracy(given, explored.dataset.test_labels) for given in predictions(explored)])


def curves(explored: Explored, quantity: str, *, number: int | str) -> html.Output:
    """A quantity over the epochs, beside the reference's settings with the first seed, as a numbered figure."""
    chosen: dict[str, Sequence[Run]] = {YOURS: explored.runs}
    theirs = {i: explored.reference.trained("base", i)[:1] for i in SETTINGS}
    large: dict[str, Sequence[Run]] = {reference.setting_name(1): theirs.pop(1)}
    small: dict[str, Sequence[Run]] = {reference.setting_name(i): runs for i, runs in theirs.items()}
    if quantity != "accuracy" and explored.runs[0].config.loss != "cross_entropy":
        panels = [chosen]  # another loss's numbers are no better or worse
    elif quantity == "accuracy" or _highest(chosen, quantity) <= 2 * _highest(small, quantity):
        panels = [chosen | small, large]
    elif _highest(chosen, quantity) <= 2 * _highest(large, quantity):
        panels = [chosen | large, small]
    else:
        panels = [chosen, large, small]
    title = (
        f"{quantity.capitalize()} over the epochs, the reference's settings with seed {explored.runs[0].config.seed}."
    )
    return reference.history(panels[0], quantity, number=number, title=title, below=panels[1:])


def _highest(runs: Mapping[str, Sequence[Run]], quantity: str) -> float:
    """The greatest value of a quantity on validation images."""
    histories = [run.history for group in runs.values() for run in group]
    return float(np.nanmax([getattr(history, f"validation_{quantity}") for history in histories]))


def finding(explored: Explored) -> html.Prose | html.Output:
    """What came of it, in sentences with its numbers."""
    if explored.broke:
        text = f"{explored.broke[0].upper()}{explored.broke[1:]}."
        return html.callout(
            text + " The curves show it up to there, and what follows is the network of the last epoch before it whose "
            f"weights are at most {LARGEST:,.0f}.",
            kind="warning",
        )
    split, names = explored.split(), ("train_accuracy", "validation_accuracy", "validation_loss")
    train, validation, loss = (np.mean([getattr(run.history, name) for run in explored.runs], axis=0) for name in names)
    best = reference.best_setting(explored.reference, "base")
    X, y = split.validation[:2]
    yours, theirs = (
        100.0 * np.stack([run.model.predict(X) == y for run in runs])
        for runs in (explored.runs, explored.reference.trained("base", best))
    )
    said = [
        f"**{yours.mean():.2f} %** of {len(y):,} validation images are right at the end, "
        f"{reference.of_seeds([run.config.seed for run in explored.runs], 'mean')}: "
        f"{reference.points(paired_difference(yours, theirs))} points against {reference.setting_name(best)}, on these "
        f"images the best of the reference's four ({theirs.mean():.2f} %). "
        f"On the test images it is {100 * _tested(explored).mean():.2f} %.",
        _gap(metrics.of_share(train[-1], len(split.train[1])), metrics.of_share(validation[-1], len(y))),
        _turn(loss, explored.runs[0].config),
    ]
    return html.prose(" ".join(said))


def _gap(seen: metrics.Interval, unseen: metrics.Interval) -> str:
    """What the distance of training and validation accuracy says."""
    gap, low, high = (100 * number for number in metrics.of_independent(seen, unseen))
    said = f"Of the images that it has seen it gets {reference.points((gap, low, high))} points more right"
    if low > 10:
        return f"{said}: much of what it learned is theirs alone."
    return f"{said}{', which chance explains' if low <= 0 <= high else ''}."


def _turn(loss: np.ndarray, config: Config) -> str:
    """Where the validation loss turned, and what to do about it."""
    lowest, start = int(loss.argmin()), f"{loss[0]:.3g}"
    if 2 * config.learning_rate * config.l2 >= 1:
        return "The penalty is too large for this learning rate: each step overshoots 0, less of either would help."
    if np.abs(loss / loss[0] - 1).max() < 0.01:
        return f"The validation loss stays within 1 % of where it began, {start}: a larger η or more epochs may help."
    if loss[-1] > 1.005 * loss[lowest]:
        return (
            f"The validation loss is lowest at epoch {lowest}, {loss[lowest]:.3g}, and ends at {loss[-1]:.3g}: fewer "
            "epochs, a smaller learning rate or more penalty may help."
        )
    if loss[-1] < 0.995 * loss[len(loss) // 2]:
        return f"The validation loss still falls at the end, {loss[-1]:.3g}: more epochs or a larger η may help."
    return f"The validation loss changes by less than 0.5 % in the second half of the epochs, to {loss[-1]:.3g}."

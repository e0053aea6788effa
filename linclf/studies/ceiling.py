"""Section 3: how far one linear layer goes. Its search space, its ingredients, and the study."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from linclf.data.dataset import N_VALIDATION
from linclf.data.inputs import Augmentation, Examples
from linclf.training import Config, Linear, Run, get_loss
from linclf.training.losses import cost_and_gradient, penalty_factor
from linclf.training.train import in_order, stacks

from . import metrics
from .results import FORMAT, encode_correct
from .store import StoredRun
from .study import Label, Split, Study, StudyResults, StudyTask, check_whole, slice_rows, split_rows

INGREDIENTS = {
    "data": "all the data",
    "search": "λ, η and batch size searched",
    "momentum": "momentum",
    "longer": "longer, best epoch restored",
    "decay": "learning-rate decay, by ten",
    "xavier": "Xavier weights",
    "shuffle": "shuffling",
    "augment": "flips and shifts",
    "averaging": "averaged weights",
}
"""Changes to the baseline in the order in which they are made, with their names in tables."""

EVERYTHING = frozenset(INGREDIENTS)

ANSWERED = ("ceiling-ablation", "ceiling-finals")
"""The tasks whose networks keep their training accuracy and their answers on validation images."""
ENSEMBLES, MEMBERS = 5, 5
"""How many ensembles of the baseline, and of how many networks each."""
MOMENTUM, AVERAGING, SHIFT = 0.9, 0.8, 1
BATCH_SIZES = (50, 100, 200)
"""That the fine search draws from."""

# On standardised images the largest η of each loss still trains, and the smallest is too small; λ up to where it harms.
_RATES = {"cross_entropy": (-4, -1), "multiclass_hinge": (-5, -1), "binary_cross_entropy": (-3, 0)}
_PENALTIES = {"cross_entropy": (-3, 0), "multiclass_hinge": (-3, 0), "binary_cross_entropy": (-4, -1)}
SEARCHED = tuple(_RATES)
"""The losses that are searched."""


@dataclass(frozen=True)
class Size:
    """How much is trained.

    Attributes:
        rates, penalties: values of η in three decades, and of λ beside 0, in the coarse grid of each loss.
        draws: configurations of each loss in the fine search.
        search_epochs: of each configuration of the search.
        epochs: of the baseline; all the data take two fifths of them, and training for longer twice as many.
        seeds: of everything but the search.
        curve: shares of the training images on the learning curve, below 1.
        iterations: maximum number of them for the solver that looks for the optimum.
    """

    rates: int
    penalties: int
    draws: int
    search_epochs: int
    epochs: int
    seeds: int
    curve: Sequence[float]
    iterations: int


FULL = Size(7, 4, 35, 12, 40, 5, (1 / 49, 3 / 49, 10 / 49, 20 / 49), 500)


@dataclass(frozen=True, kw_only=True)
class CeilingPlan:
    """The parameters of the study.

    Attributes:
        size: how much is trained, on all the images there are. No parameter of the report: a sketch would mislead.
        n_validation: images that validate the final networks; at most a fifth of all there are.

    Raises:
        ConfigError: a number of images that is no whole number above 0.
    """

    size: Size = FULL
    n_validation: int = N_VALIDATION

    def __post_init__(self) -> None:
        check_whole("n_validation", self.n_validation, 1, 10**9)

    @property
    def seeds_in_words(self) -> str:
        """The seeds as a page names them."""
        return f"0 in the search; 0 to {self.size.seeds - 1} elsewhere, and to {ENSEMBLES * MEMBERS - 1} in ensembles"


@dataclass(frozen=True)
class Choice:
    """The choice of the search for a loss."""

    learning_rate: float
    l2: float
    batch_size: int


def grid(loss: str, size: Size) -> tuple[list[float], list[float]]:
    """The η and the λ of the coarse grid of a loss, each evenly spaced in its logarithm; the first λ is 0."""
    low, high = _RATES[loss]
    rates = np.logspace(low, high, 1 + round((size.rates - 1) * (high - low) / 3))
    penalties = np.logspace(*_PENALTIES[loss], size.penalties)
    return [float(f"{rate:.2g}") for rate in rates], [0.0, *(float(f"{penalty:.2g}") for penalty in penalties)]


def coarse(size: Size, image_shape: Sequence[int]) -> list[Config]:
    """The grid of each loss over (η, λ), everything else being as in the recipe with all ingredients."""
    return [
        search_config(loss, Choice(rate, l2, 100), size, image_shape)
        for loss in SEARCHED
        for rate in grid(loss, size)[0]
        for l2 in grid(loss, size)[1]
    ]


def fine(best: Mapping[str, Choice], size: Size, image_shape: Sequence[int]) -> list[Config]:
    """Random configurations of each loss around the best of the grid, within half a decade of η and a decade of λ."""
    rng = np.random.default_rng(0)
    configs = []
    for loss, coarse_best in best.items():
        l2 = coarse_best.l2 or grid(loss, size)[1][1] / 10
        for _ in range(size.draws):
            rate, penalty = coarse_best.learning_rate * 10 ** rng.uniform(-0.5, 0.5), l2 * 10 ** rng.uniform(-1, 1)
            choice = Choice(float(f"{rate:.3g}"), float(f"{penalty:.3g}"), int(rng.choice(BATCH_SIZES)))
            configs.append(search_config(loss, choice, size, image_shape))
    return configs


def search_config(loss: str, choice: Choice, size: Size, image_shape: Sequence[int]) -> Config:
    """A configuration of the search: all ingredients but momentum, at the search's number of epochs."""
    config = mixed_config(EVERYTHING - {"momentum", "longer"}, loss, choice, size, image_shape, seed=0)
    return replace(config, epochs=size.search_epochs, lr_decay_every=-(-size.search_epochs // 3))


def mixed_config(
    ingredients: Collection[str], loss: str, choice: Choice, size: Size, image_shape: Sequence[int], seed: int
) -> Config:
    """The Config of the reference's setting 3 with the changes of each ingredient, in the order of INGREDIENTS.

    "data" is for the caller, but for its number of epochs.
    """
    fields: dict[str, Any] = {"loss": loss, "learning_rate": 0.001, "l2": 0.1, "epochs": size.epochs, "batch_size": 100}
    augment = None  # feature vectors have no mirror image
    if len(image_shape) == 3:
        h, w, c = image_shape
        augment = Augmentation(image_shape=(h, w, c), flip=True, shift=min(SHIFT, min(h, w) // 8))
    changes: dict[str, Callable[[], dict[str, Any]]] = {
        "data": lambda: {"epochs": -(-2 * fields["epochs"] // 5)},
        "search": lambda: asdict(choice),
        # A step of momentum goes 1 / (1 - μ) times as far in the end.
        "momentum": lambda: {"momentum": MOMENTUM, "learning_rate": (1 - MOMENTUM) * fields["learning_rate"]},
        "longer": lambda: {"epochs": 2 * fields["epochs"], "restore_best": True},
        "decay": lambda: {"lr_decay": 0.1, "lr_decay_every": -(-fields["epochs"] // 3)},
        "xavier": lambda: {"init": "xavier"},
        "shuffle": lambda: {"shuffle": True},
        "augment": lambda: {"augment": augment},
        "averaging": lambda: {"averaging": AVERAGING},
    }
    for name in INGREDIENTS:
        if name in ingredients:
            fields |= changes[name]()
    return Config(**fields, seed=seed)


_CHUNK = 1000
_CURVATURE = 0.09
"""p (1 - p) of a class among ten: about how the loss bends along a score. Any number would do; this one is quick."""


def softmax_optimum(images: Examples, n_classes: int, l2: float, iterations: int) -> tuple[Linear, float, bool]:
    """The model with the lowest mean cross-entropy + λ‖W‖² on the images, that cost, and whether it converged.

    The objective is the one that ``train`` descends. It is minimised in coordinates U = W L, in which it bends about
    equally in all directions: L is the Cholesky factor of the inputs' second moments, times the loss's curvature, plus
    2λ. In the weights themselves L-BFGS takes ten times the iterations to the same minimum.

    Args:
        images: inputs X (n, d) and labels y (n,).
        n_classes: C.
        l2: λ, above 0 for a minimum that is only one.
        iterations: at most. Converged means that an iteration made the cost less than a ten-millionth smaller.
    """
    from scipy.linalg.lapack import dtrtri
    from scipy.optimize import minimize

    X = images[0]
    inverse = np.eye(X.shape[1])
    if len(X) > X.shape[1]:  # fewer images than inputs tell little of the moments, and make cheap iterations
        bends = (penalty_factor(l2) + 1e-6) * inverse
        for i in range(0, len(X), _CHUNK):
            x = X[i : i + _CHUNK]
            bends += _CURVATURE / len(X) * (x.T @ x)
        # Once, and not a triangular solver each time: the threads of SciPy's BLAS and of NumPy's wait for each other.
        inverse, _ = dtrtri(np.linalg.cholesky(bends), lower=1)

    def model(theta: np.ndarray) -> Linear:
        U, b = theta[:-n_classes].reshape(n_classes, -1), theta[-n_classes:]
        return Linear(U @ inverse, b)

    def cost(theta: np.ndarray) -> tuple[float, np.ndarray]:
        value, dW, db = cost_and_gradient(model(theta), images, get_loss("cross_entropy"), l2)
        return value, np.concatenate([(dW @ inverse.T).ravel(), db])

    start = np.zeros(n_classes * (X.shape[1] + 1))
    options = {"maxiter": iterations, "maxcor": 20, "ftol": 1e-7}
    minimum = minimize(cost, start, jac=True, method="L-BFGS-B", options=options)
    best = model(minimum.x)
    return Linear(best.W.astype(X.dtype), best.b.astype(X.dtype)), float(minimum.fun), bool(minimum.success)


@dataclass(frozen=True, kw_only=True)
class CeilingResults(StudyResults):
    """All trainings of the study, and what was chosen by them.

    Attributes:
        n_first: how many of the images that choose train the baseline, the first ones.
        search, fine_search: the coarse grid of each loss, and random configurations around the best of each grid.
        chosen: η, λ and batch size of each loss: those with the highest validation accuracy of all that was searched.
        chosen_loss: the loss of the configuration with the highest validation accuracy.
        ablation: the baseline, "+x" with one ingredient, "all" of them, and "-x" without one; one run per seed.
        chosen_mix: "all" or "-x": the mix of these with the highest mean validation accuracy.
        ensemble_members: networks of the baseline, enough for several ensembles.
        optimum: the minimum of the softmax's cost at the chosen λ.
        finals: the tested networks by loss and number of training images, such as "cross_entropy 49000".
    """

    n_first: int
    search: Sequence[StoredRun]
    fine_search: Sequence[StoredRun]
    chosen: Mapping[str, Choice]
    chosen_loss: str
    ablation: Mapping[str, Sequence[StoredRun]]
    chosen_mix: str
    ensemble_members: Sequence[StoredRun]
    optimum: StoredRun
    finals: Mapping[str, Sequence[StoredRun]]

    def final_runs(self, loss: str | None = None) -> Sequence[StoredRun]:
        """The final networks of a loss (the chosen one by default) on all the training images, one per seed."""
        return self.finals[final_name(loss or self.chosen_loss, len(self.final.train))]

    def document(self) -> dict[str, Any]:
        """All records as plain values, for ``ceiling.json``."""
        steps = {
            "search": self.search,
            "fine_search": self.fine_search,
            "ablation": [run for runs in self.ablation.values() for run in runs],
            "ensemble_members": self.ensemble_members,
            "optimum": [self.optimum],
            "finals": [run for runs in self.finals.values() for run in runs],
        }
        images = {"train": self.choosing.train, "validation": self.choosing.validation, "final": self.final.train}
        return {
            "format": FORMAT,
            "images": {part: len(rows) for part, rows in images.items()} | {"test": len(self.dataset.test_labels)},
            "chosen": {loss: asdict(choice) for loss, choice in self.chosen.items()},
            "chosen_loss": self.chosen_loss,
            "chosen_mix": self.chosen_mix,
            **{step: [run.record for run in runs] for step, runs in steps.items()},
        }


def final_name(loss: str, n_train: int) -> str:
    """The name of the final networks of a loss and a number of training images."""
    return f"{loss} {n_train}"


def right(model: Linear, images: Examples) -> np.ndarray:
    """Whether the model gives each image its class, bool (n,)."""
    return metrics.predicted(model, images[0]) == images[1]


def validation_accuracy(run: StoredRun) -> float:
    """Validation accuracy of the weights that a run returned, 0..1."""
    return float(run.record["validation_accuracy"][run.record["epoch"]])


class CeilingStudy(Study):
    """How far one linear layer goes on one data set.

    Arguments, attributes and errors are those of :class:`linclf.studies.study.Study`; the plan's fields are
    n_validation and, in tests, size.
    """

    plan_class = CeilingPlan
    plan: CeilingPlan

    def prepare(self) -> None:
        """Which images choose, and which train the final networks."""
        self.size = self.plan.size
        data = self.data
        self.image_shape = data.test_images.shape[1:]
        n = sum(map(len, data.train_labels))
        # The chosen networks train on all but the images that the plan keeps for validation, or that the data brought.
        self.cut = split_rows("full", data, self.plan.n_validation)
        # Everything is chosen on nine tenths of the training images, and the last tenth, which validates unless the
        # data brought others.
        self.choosing = split_rows("full", data, max(1, n // 10))
        self.n_train, self.n_first = len(self.choosing.train), max(1, n // 5)

    def run(self) -> CeilingResults:
        """The results. Stacks not stored yet are trained, step by step, and stored as they finish."""
        search = self._searched("coarse", coarse(self.size, self.image_shape))
        best = {loss: _choice(_best(search, loss)) for loss in SEARCHED}
        fine_search = self._searched("fine", fine(best, self.size, self.image_shape))
        searched = [*search, *fine_search]
        chosen = {loss: _choice(_best(searched, loss)) for loss in SEARCHED}
        chosen_loss = str(_best(searched)["loss"])
        ablation = self._ablation(chosen)
        mixes = [name for name in ablation if name == "all" or name[0] == "-"]
        chosen_mix = max(mixes, key=lambda name: np.mean([validation_accuracy(run) for run in ablation[name]]))
        return CeilingResults(
            **self.about(),
            n_first=self.n_first,
            search=search,
            fine_search=fine_search,
            chosen=chosen,
            chosen_loss=chosen_loss,
            ablation=ablation,
            chosen_mix=chosen_mix,
            ensemble_members=self._ensemble_members(chosen),
            optimum=self._optimum(chosen),
            finals=self._finals(chosen, chosen_loss, chosen_mix),
        )

    # The steps.

    def _searched(self, name: str, configs: Sequence[Config]) -> list[StoredRun]:
        return self._trained("search", [({"name": name, "n_train": self.n_train}, config) for config in configs])

    def _ablation(self, chosen: dict[str, Choice]) -> dict[str, list[StoredRun]]:
        mixes = {"base": frozenset[str]()} | {f"+{name}": frozenset([name]) for name in INGREDIENTS}
        mixes |= {"all": EVERYTHING} | {f"-{name}": EVERYTHING - {name} for name in INGREDIENTS}
        networks: list[tuple[Label, Config]] = []
        for name, mix in mixes.items():
            n_train = self.n_train if "data" in mix else self.n_first
            for seed in range(self.size.seeds):
                networks.append(({"name": name, "n_train": n_train}, self._config(mix, "cross_entropy", chosen, seed)))
        return _by_name(self._trained("ablation", networks))

    def _ensemble_members(self, chosen: dict[str, Choice]) -> list[StoredRun]:
        configs = [self._config((), "cross_entropy", chosen, seed) for seed in range(ENSEMBLES * MEMBERS)]
        return self._trained("members", [({"name": "member", "n_train": self.n_first}, config) for config in configs])

    def _optimum(self, chosen: dict[str, Choice]) -> StoredRun:
        """The minimum of the softmax's cost at the chosen λ (or the smallest of the grid's above 0), no mirroring."""
        l2 = chosen["cross_entropy"].l2 or 1e-4  # without a penalty there need not be a minimum
        iterations, label = self.size.iterations, {"name": "optimum", "l2": l2}
        key = self.key("ceiling-optimum", self.choosing, l2=l2, iterations=iterations)

        stored = self.store.get(key)
        if stored is None:
            train, n_classes = self.split(self.choosing).train, len(self.data.class_names)
            model, cost, converged = softmax_optimum(train, n_classes, l2, iterations)
            answers = _answers(model, train, self.split(self.choosing).validation)
            stored = [StoredRun(label | {"cost": cost, "converged": converged} | answers, model)]
            self.store.put(key, stored)
        return stored[0]

    def _finals(self, chosen: dict[str, Choice], chosen_loss: str, chosen_mix: str) -> dict[str, list[StoredRun]]:
        """The chosen mix for each loss, and on fewer images for the chosen loss; here the test images are used.

        Fewer images train for more epochs, by the root of the share, so that a short training is not what is measured.
        Shares of fewer images than classes are left out.
        """
        n, mix = len(self.cut.train), EVERYTHING - {chosen_mix.removeprefix("-")}
        networks: list[tuple[Label, Config]] = []
        for loss in SEARCHED:
            fewer = {round(share * n) for share in self.size.curve} if loss == chosen_loss else set()
            for n_train in [*sorted(m for m in fewer if n > m >= len(self.data.class_names)), n]:
                for seed in range(self.size.seeds):
                    config = _longer(self._config(mix, loss, chosen, seed), (n / n_train) ** 0.5)
                    networks.append(({"name": final_name(loss, n_train), "n_train": n_train}, config))
        return _by_name(self._trained("finals", networks, tested=True))

    def _config(self, mix: Collection[str], loss: str, chosen: dict[str, Choice], seed: int) -> Config:
        return mixed_config(mix, loss, chosen[loss], self.size, self.image_shape, seed)

    def _trained(self, step: str, networks: Sequence[tuple[Label, Config]], *, tested: bool = False) -> list[StoredRun]:
        """One finished run per network, in their order; each trains on the first ``n_train`` images of its label."""
        cut, members, tasks = self.cut if tested else self.choosing, [], []
        for n_train in dict.fromkeys(label["n_train"] for label, _ in networks):
            numbers = [i for i, (label, _) in enumerate(networks) if label["n_train"] == n_train]
            for stack in stacks([networks[i][1] for i in numbers]):
                members.append([numbers[i] for i in stack])
                together = [networks[i] for i in members[-1]]
                tasks.append(StudyTask(f"ceiling-{step}", cut, together, n_train, tested=tested))
        return in_order(members, enumerate(self.train(tasks, evaluate="validation")))

    def finish(self, task: StudyTask, label: Label, run: Run, split: Split) -> StoredRun:
        """The run with its validation curves, the epoch whose weights it returned and, if tested, its predictions."""
        assert run.history is not None
        loss, accuracy = run.history.validation_loss, run.history.validation_accuracy
        epoch = int(loss.argmin()) if run.config.restore_best else len(loss) - 1
        numbers = {"validation_loss": loss.tolist(), "validation_accuracy": accuracy.tolist(), "epoch": epoch}
        if task.name in ANSWERED:
            numbers |= _answers(run.model, slice_rows(split.train, label["n_train"]), split.validation)
        if not task.tested:
            return StoredRun.untested(label, run, **numbers)
        X, y = split.test
        predictions = run.model.predict(X)
        return StoredRun.tested(label, run, predictions, y, test_correct=encode_correct(predictions == y), **numbers)


def _answers(model: Linear, train: Examples, validation: Examples) -> dict[str, Any]:
    """Training accuracy, and which validation images are classified rightly: what section 3's intervals are made of."""
    learned = float(right(model, train).mean())
    return {"train_accuracy": learned, "validation_correct": encode_correct(right(model, validation))}


def _longer(config: Config, factor: float) -> Config:
    """The config with ``factor`` times the epochs, its decay stretched alike."""
    stretched = {name: max(1, round(factor * getattr(config, name))) for name in ("epochs", "lr_decay_every")}
    return replace(config, **stretched)


def _best(runs: Sequence[StoredRun], loss: str | None = None) -> dict[str, Any]:
    """The record with the highest validation accuracy, the first of equals."""
    return max((run for run in runs if loss in (None, run.record["loss"])), key=validation_accuracy).record


def _choice(record: dict[str, Any]) -> Choice:
    return Choice(record["learning_rate"], record["l2"], record["batch_size"])


def _by_name(runs: Sequence[StoredRun]) -> dict[str, list[StoredRun]]:
    names = dict.fromkeys(run.record["name"] for run in runs)
    return {name: [run for run in runs if run.record["name"] == name] for name in names}

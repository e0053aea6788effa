"""The study of the user's data: a search, the final networks, and what limits them."""

import hashlib
import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property, lru_cache, partial
from importlib.util import find_spec
from typing import Any

import numpy as np

from linclf.classifier.classifier import Classifier
from linclf.data.dataset import Dataset, folds
from linclf.data.inputs import Examples, Standardizer, span
from linclf.system.threads import AfterEpoch, one_blas_thread, side_by_side
from linclf.training import Config, Linear, Run, get_loss
from linclf.training.losses import cost_and_gradient, largest_eigenvalue
from linclf.training.train import NETWORKS_PER_TASK, in_order, stacks

from . import metrics
from .ceiling import softmax_optimum
from .results import FORMAT, tested_predictions
from .store import Count, StoredRun
from .study import Cut, Label, Split, Study, StudyResults, StudyTask, batches, fit_standardizer, split_rows

SEARCHED = ("cross_entropy", "multiclass_hinge")
"""The losses that are searched."""
PENALTIES = (0.0, 0.001, 0.01, 0.1, 1.0)
"""Values of λ."""
STEPS = (0.1, 0.5, 2.5, 12.5)
"""Values of η, in units that :func:`grid` chooses for the data."""
GRIDS = (STEPS, PENALTIES), (STEPS[1::2], PENALTIES[::2])
"""The grid, and a coarse one for a search that would be too long otherwise."""

FOLDS, LITTLE = 5, 2000
"""Parts that data without a test set are dealt into where they are fewer images than these."""
SEARCH = 1e12
"""Products of a weight and an input that the search may take, of all folds: about 20 seconds on two cores."""
SCORE, UPDATE = 300, 20
"""Such products that take as long as what the loss makes of a score, and as the update of a weight: 1 ns."""
FEWEST_EPOCHS = 8
UPDATES = 50
"""Mini-batches per epoch of the plan, at least: little data takes more epochs, 2,000 updates where the plan says 40."""
DOUBLINGS, FINAL, FALLS, LOWEST = 4, 2e10, 0.01, 0.01
"""The final network trains twice as long while that lowers its cost by 1 % and it is above 0.01, at most so often, and
for so many products."""
FINALS, SECONDS = 4e11, 1.5e-10
"""Products that all final networks may take, a minute on two cores, and what one takes there: half of 0.3 ns, where
0.02 to 0.5 ns were measured. Where the plan's epochs are more, they train for fewer, but for 8 at least."""
LARGEST_STACK = 2e7
"""Weights that train together: they, their gradients and scores fit the memory of a laptop."""
SHARES = (2, 4, 8)
"""The learning curve's numbers of images, as parts of all."""
DRAWS = 3
"""Networks of each of them, at most, and one in each of several folds; no two train on the same images."""
WELL_LEARNED = 0.95
"""An accuracy on training images that leaves little to explain."""
OPTIMUM, ITERATIONS = 5e10, 200
"""Products of a weight and an input that a convex optimum may take, 10 seconds on two cores, and its iterations."""
PEER, PEER_SCORE, PEER_ITERATIONS, PEER_PENALTIES = 1e11, 100, 100, (1e-4, *PENALTIES[1:])
"""Such products that all fits of scikit-learn's LogisticRegression may take, each 0.2 to 0.3 ns on one core, so that
they end within 30 seconds, and how many a score takes beside; its iterations, and values of λ that it chooses among."""


@dataclass(frozen=True)
class Candidate:
    """What the search chooses among."""

    loss: str
    learning_rate: float
    l2: float


@dataclass(frozen=True)
class Optimum:
    """The lowest mean cross-entropy + λ‖W‖² that one linear layer has on the training images of the final networks.

    accuracy: the share of them that it gets right. converged: whether it was reached, as ``softmax_optimum`` says.
    """

    l2: float
    accuracy: float
    converged: bool


@dataclass(frozen=True)
class SearchSize:
    """How much the search takes: configurations, images that train, and epochs of each."""

    candidates: Sequence[Candidate]
    n_train: int
    epochs: int


def search_size(most: int, n: int, n_classes: int, d: int, eigenvalue: float, products: float = SEARCH) -> SearchSize:
    """All configurations on all n images for the most epochs or, where that is too many products, fewer of each.

    >>> size = search_size(40, 8000, 10, 3072, eigenvalue=900.0)
    >>> len(size.candidates), size.n_train, size.epochs
    (40, 8000, 40)
    """
    for steps, penalties in GRIDS:
        candidates = grid(n_classes, eigenvalue, steps, penalties)
        per_image = len(candidates) * products_of_an_epoch(n, n_classes, d) / n
        epochs = min(most, max(FEWEST_EPOCHS, int(products / (per_image * n))))
        if per_image * n * epochs <= products:
            break
    return SearchSize(candidates, min(n, max(n_classes, 100, int(products / (per_image * epochs)))), epochs)


def grid(n_classes: int, eigenvalue: float, steps: Sequence[float], penalties: Sequence[float]) -> list[Candidate]:
    """Each loss with each η and λ, but for those whose penalty alone would make training jump, 2ηλ near 1 or above.

    η is a step over the largest curvature of the inputs; the SVM loss sums over classes.
    """
    candidates = []
    for loss in SEARCHED:
        scale = eigenvalue * get_loss(loss).curvature(n_classes)
        for step in steps:
            rate = float(f"{step / scale:.2g}")
            candidates += [Candidate(loss, rate, l2) for l2 in penalties if 2 * rate * l2 <= 0.5]
    return candidates


def batch_size(n_train: int) -> int:
    """Images of a mini-batch: at least 20 make an epoch, of 10 to 100; from 40,000 on 400 do, of up to 1,000."""
    return max(min(100, max(10, n_train // 20)), min(1000, n_train // 400))


def enough_epochs(epochs: int, n_train: int) -> int:
    """So many epochs, or more for at least 50 times as many updates.

    >>> enough_epochs(40, 8000), enough_epochs(40, 51)
    (40, 334)
    """
    return max(epochs, -(-UPDATES * epochs // -(-n_train // batch_size(n_train))))


def products_of_an_epoch(n_train: int, n_classes: int, n_inputs: int) -> float:
    """Products of a weight and an input that an epoch of one network takes, and what takes as long beside them."""
    return n_train * n_classes * (n_inputs * (1 + UPDATE / batch_size(n_train)) + SCORE)


def final_config(candidate: Candidate, n_train: int, epochs: int, seed: int) -> Config:
    """How a network trains: from zero, shuffled, η divided by ten after each third of the epochs."""
    options: dict[str, Any] = asdict(candidate) | {"init": "zeros", "shuffle": True, "seed": seed}
    options |= {"epochs": epochs, "batch_size": batch_size(n_train)}
    return Config(**options, lr_decay=0.1, lr_decay_every=-(-epochs // 3))


_SIDE = 16  # pixels of a thumbnail: it stays what it is when a picture is scaled, or saved again as JPEG
_NEAR = 0.05  # how much nearer than the tenth nearest picture a copy's original is, in squared distance
_CHUNK = 500  # images at a time


def originals(images: np.ndarray, *others: np.ndarray) -> np.ndarray:
    """The place among all the others of what each image is a copy of, (n,), or -1.

    A copy is one number for number or, of pictures, one saved again. That has the grey thumbnail of its original, which
    then is much nearer than the tenth nearest picture. Where all pictures are alike, as of one film, nothing tells
    copies from others.

    >>> pictures = np.random.default_rng(0).integers(50, 200, (40, 16, 16, 3))
    >>> originals(np.concatenate([pictures[:2], pictures[:2] + 9, pictures[:2, ::-1]]), pictures[:9], pictures).tolist()
    [0, 1, 0, 1, -1, -1]
    """
    known: dict[bytes, int] = {}
    for i, row in enumerate(row for part in others for row in part):
        known.setdefault(_digest(row), i)
    place = np.array([known.get(_digest(row), -1) for row in images], dtype=int)
    if images.ndim == 4:
        theirs = np.concatenate([_thumbnails(part) for part in others])
        for i in range(0, len(images), _CHUNK):
            near = _near_originals(_thumbnails(images[i : i + _CHUNK]), theirs)
            place[i : i + _CHUNK] = np.where(place[i : i + _CHUNK] < 0, near, place[i : i + _CHUNK])
    return place


def _digest(row: np.ndarray) -> bytes:
    """What stands for a row, in little memory: no two that differ have the same."""
    return hashlib.blake2b(row.tobytes(), digest_size=16).digest()


def _near_originals(thumbnails: np.ndarray, others: np.ndarray) -> np.ndarray:
    """The nearest of the others where it is far nearer to a thumbnail than the tenth nearest, else -1."""
    distance = 1 - thumbnails @ others.T  # half the squared one, as each has length 1
    close = distance.min(axis=1) < _NEAR  # no other can be, as the tenth nearest of many is within 1
    tenth = min(10, len(others)) - 1
    nearest = np.sort(np.partition(distance[close], tenth, axis=1)[:, : tenth + 1], axis=1)
    close[close] = nearest[:, 0] < _NEAR * nearest[:, -1]
    return np.where(close, distance.argmin(axis=1), -1)


def _thumbnails(images: np.ndarray) -> np.ndarray:
    """Grey thumbnails, (n, up to 256), as vectors of mean 0 and length 1, which light and contrast do not change."""
    height, width = images.shape[1:3]
    rows, columns = (np.unique(np.linspace(0, size, _SIDE, endpoint=False).astype(int)) for size in (height, width))
    areas = np.outer(np.diff([*rows, height]), np.diff([*columns, width]))
    parts = []
    for i in range(0, len(images), _CHUNK):
        grey = images[i : i + _CHUNK].mean(axis=3, dtype=np.float64)
        small = (np.add.reduceat(np.add.reduceat(grey, rows, axis=1), columns, axis=2) / areas).reshape(len(grey), -1)
        small -= small.mean(axis=1, keepdims=True)
        flat = 1e-6 * np.abs(grey).max()  # where rounding is all that is left
        parts.append((small / np.maximum(np.linalg.norm(small, axis=1, keepdims=True), flat or 1)).astype(np.float32))
    return np.concatenate(parts)


@dataclass(frozen=True, kw_only=True)
class YourDataResults(StudyResults):
    """All trainings of the study, what was chosen by them, and what the final networks say of the test images.

    Of several folds it holds what they have in common: a network is one of each fold, its record has means over them,
    its predictions are those of all images, each by the network that did not see it, and its weights are the first's.

    Attributes:
        size: how much was searched.
        search: one run per configuration; no test image was used.
        chosen: the configuration with the highest validation accuracy.
        estimate: seconds that the final networks and the learning curve's were estimated to take on two cores.
        lengths: the cost, mean loss + λ‖W‖², of the first final network on its training images, by the epochs it took;
            the last number of epochs is that of the final networks.
        finals: the tested networks, one per seed.
        balanced: the same, trained with weights so that all classes count alike; none where classes are of one size.
        curve: tested networks on fewer images, by the number of images.
        optima: what one linear layer can reach on the training images without a penalty and, for the cross-entropy,
            with the chosen one; none where they are learned well, or too many.
        peer: scikit-learn's LogisticRegression, its C chosen on the same validation images, tested; or why there is
            none, in words.
        folds: the results of each fold, where there are several.
        whole: those of the networks that then train on all images, with what was chosen over all folds; else None.
    """

    size: SearchSize
    search: Sequence[StoredRun]
    chosen: Candidate
    estimate: float
    lengths: Mapping[int, float]
    finals: Sequence[StoredRun]
    balanced: Sequence[StoredRun]
    curve: Mapping[int, Sequence[StoredRun]]
    optima: Sequence[Optimum]
    peer: StoredRun | str
    folds: Sequence["YourDataResults"] = ()
    whole: "YourDataResults | None" = None

    @property
    def kept(self) -> "YourDataResults":
        """The results that the networks to keep belong to."""
        return self.whole or self

    @cached_property
    def right(self) -> np.ndarray:
        """Share of the final networks that are right on each test image, (n_test,)."""
        return self.share_right(self.finals)

    def share_right(self, runs: Sequence[StoredRun]) -> np.ndarray:
        """Share of the networks that are right on each test image, (n_test,)."""
        return (tested_predictions(runs) == self.dataset.test_labels).mean(axis=0)

    @cached_property
    def copied(self) -> np.ndarray:
        """Whether each test image is a copy of one that trains or validates, (n_test,)."""
        return self._originals >= 0

    @cached_property
    def _originals(self) -> np.ndarray:
        data = self.dataset
        if self.folds:  # whose training batches are the parts behind their own, in a circle
            images, places = np.arange(len(data.test_labels)), []
            given = len(data.test_labels) + np.arange(len(self.choosing.validation))
            for fold in self.folds:
                own = len(fold.dataset.test_labels)
                places.append(np.concatenate([images[own:], given, [-1]])[fold._originals])
                images = np.roll(images, -own)
            return np.concatenate(places)
        return originals(data.test_images, *(images for images, _ in batches(data)))

    @property
    def copies(self) -> list[dict[str, Any]]:
        """Test images that are copies, of another class than their originals first: places, sources and classes.

        An original's place counts training images, batch after batch, and then those for validation.
        """
        data, place, listed = self.dataset, self._originals, []
        labels = np.concatenate([labels for _, labels in batches(data)])
        for i in np.flatnonzero(place >= 0).tolist():
            source = data.sources[place[i]] if data.sources else None
            original = {"original": int(place[i]), "original_source": source}
            listed.append(self._tested(i) | original | {"original_class": data.class_names[labels[place[i]]]})
        return sorted(listed, key=lambda one: one["class"] == one["original_class"])[:_MISTAKES]

    def _tested(self, i: int) -> dict[str, Any]:
        """The place, source and class of a test image."""
        data = self.dataset
        source = data.test_sources[i] if data.sources else None
        return {"test": i, "source": source, "class": data.class_names[data.test_labels[i]]}

    @cached_property
    def copied_validation(self) -> np.ndarray:
        """Whether each validation image is a copy of one that trains in the search, (n_validation,)."""
        if self.folds:
            copied = [fold.copied_validation for fold in self.folds]
            return np.concatenate(copied) if self.dataset.validation_labels is None else copied[0]
        *train, validation = (images for images, _ in batches(self.dataset))
        return originals(validation, *train) >= 0

    @cached_property
    def confusion(self) -> np.ndarray:
        """Test images of each true class (row) that were given each class (column), mean over seeds, (C, C)."""
        labels, n_classes = self.dataset.test_labels, len(self.dataset.class_names)
        matrices = [metrics.confusion_matrix(row, labels, n_classes) for row in tested_predictions(self.finals)]
        return np.mean(matrices, axis=0)

    @cached_property
    def scores(self) -> np.ndarray:
        """Scores of the test images by the first final network, (C, n_test)."""
        if self.folds:
            return np.concatenate([fold.scores for fold in self.folds], axis=1)
        with one_blas_thread():
            return self.finals[0].model.scores(self.standardize(self.dataset.test_images))

    @cached_property
    def standardize(self) -> Standardizer:
        """What the final networks' inputs are standardised with."""
        return fit_standardizer(self.dataset, self.final)

    @cached_property
    def baseline(self) -> tuple[int, np.ndarray]:
        """The largest class in training that has test images, and whether always saying so is right, (n_test,).

        Of classes of one size it is the one with the most test images.
        """
        counts = self.dataset.counts()
        keys = [*zip(counts["test"] > 0, counts["training"], counts["test"], strict=True)]
        largest = keys.index(max(keys))  # the first of equals
        return largest, (self.dataset.test_labels == largest).astype(np.float64)

    def told(self, right: np.ndarray, rows: np.ndarray | slice = slice(None)) -> metrics.Interval:
        """The accuracy on test images, or some of them, with its interval over images, or their groups.

        right: of each test image, 0..1, (n_test,).
        """
        return metrics.of_right(right[rows], self._groups(rows))

    def _groups(self, rows: np.ndarray | slice) -> np.ndarray | None:
        groups = self.dataset.test_groups
        return None if groups is None else groups[rows]

    def mean_recall(self, runs: Sequence[StoredRun]) -> metrics.Interval:
        """Balanced accuracy of these networks: the mean of the recalls of the classes that have test images."""
        right, labels = self.share_right(runs), self.dataset.test_labels
        return metrics.of_mean([self.told(right, labels == label) for label in np.unique(labels)])

    @property
    def accuracy(self) -> metrics.Interval:
        """Test accuracy, mean over seeds, with its interval."""
        return self.told(self.right)

    @property
    def accuracy_without_copies(self) -> metrics.Interval | None:
        """Test accuracy on the images that are no copies, with its interval over them; None if there are none."""
        return None if self.copied.all() else self.told(self.right, ~self.copied)

    @property
    def is_like_validation(self) -> bool:
        """Whether test and validation accuracy can be of images alike; also where the search trained on less."""
        test, validation = self.accuracy, self.validation_accuracy
        n = len(self.choosing.train)
        whole = (self.size.n_train, self.size.epochs) == (n, enough_epochs(self.plan.epochs, n))
        return not whole or (test.low <= validation.high and validation.low <= test.high)

    @property
    def validation_accuracy(self) -> metrics.Interval:
        """Of the chosen configuration in the search, with its interval over images."""
        best = max(run.record["validation_accuracy"] for run in self.search)
        return metrics.of_share(best, self.n_validation / self.design_effect)

    @property
    def design_effect(self) -> float:
        """How many test images of groups tell as much as one that is independent (Kish); 1 without groups."""
        return len(self.right) / metrics.effective_sample_size(self.right, self.dataset.test_groups)

    @property
    def n_validation(self) -> int:
        """Images on which something is chosen: of folds, those of all, but for images that the data brought for it."""
        if self.folds and self.dataset.validation_labels is None:
            return sum(fold.n_validation for fold in self.folds)
        return len(self.choosing.validation)

    @property
    def loss(self) -> str:
        """The loss of the tested networks; where folds chose several, the one whose scores are no probabilities."""
        losses = {fold.chosen.loss for fold in self.folds} or {self.chosen.loss}
        return losses.pop() if len(losses) == 1 else "multiclass_hinge"

    @property
    def balanced_accuracy(self) -> metrics.Interval:
        """Mean of the recalls of the classes that have test images."""
        return self.mean_recall(self.finals)

    @property
    def training_accuracy(self) -> float:
        """Accuracy of the final networks on the images they trained on, mean over seeds."""
        return float(np.mean([run.record["train_accuracy"] for run in self.finals]))

    @property
    def gain(self) -> metrics.Interval:
        """What the network is right more often than always saying the largest class."""
        return metrics.of_difference(self.right, self.baseline[1], self.dataset.test_groups)

    @property
    def peers_gain(self) -> metrics.Interval | None:
        """What scikit-learn's LogisticRegression is right more often than the network; None where there is none."""
        if isinstance(self.peer, str):
            return None
        return metrics.of_difference(self.share_right([self.peer]), self.right, self.dataset.test_groups)

    @property
    def doubling(self) -> metrics.Interval | None:
        """What the last doubling of the training images brought; None if there are too few of them.

        In accuracy, but in balanced accuracy where classes are imbalanced.
        """
        half = [runs for n, runs in self.curve.items() if n == len(self.final.train) // 2]
        if not half:
            return None
        right, other, labels = self.right, self.share_right(half[0]), self.dataset.test_labels
        if not self.dataset.is_imbalanced:
            return metrics.of_difference(right, other, self.dataset.test_groups)
        classes = [labels == label for label in np.unique(labels)]
        return metrics.of_mean(
            [metrics.of_difference(right[rows], other[rows], self._groups(rows)) for rows in classes]
        )

    def classifier(self) -> Classifier:
        """The first final network, with all that it takes to use it."""
        return self.kept._classifier(self.kept.finals[0])

    def balanced_classifier(self) -> Classifier | None:
        """The same of the network that was trained so that all classes count alike, where there is one."""
        return self.kept._classifier(self.kept.balanced[0]) if self.balanced else None

    def _classifier(self, kept: StoredRun) -> Classifier:
        return Classifier.of(kept.run, self.standardize, self.dataset)

    @cached_property
    def sureness(self) -> np.ndarray:
        """How sure the first final network is of its answers to the test images, (n_test,), as ``Loss.sureness``."""
        return get_loss(self.loss).sureness(self.scores)

    def surest(self, asked: np.ndarray) -> np.ndarray:
        """Of the test images that are asked for, (n_test,) booleans, the places, those it is surest of first."""
        places = np.flatnonzero(asked)
        return places[np.argsort(-self.sureness[places], kind="stable")]

    @property
    def mistakes(self) -> list[dict[str, Any]]:
        """What the first final network gets wrong: its place among the test images, its source and both classes.

        Of more than 1,000 mistakes, those that it is surest of.
        """
        data, predicted = self.dataset, self.scores.argmax(axis=0)
        wrong = np.sort(self.surest(predicted != data.test_labels)[:_MISTAKES]).tolist()
        return [self._tested(i) | {"predicted": data.class_names[predicted[i]]} for i in wrong]

    def document(self) -> dict[str, Any]:
        """All of it as plain values, for ``your_data.json``."""
        data, classes = self.dataset, metrics.class_scores(self.confusion)
        about = {"class_names": list(data.class_names), "feature_names": list(data.feature_names)}
        counts = {part: numbers.tolist() for part, numbers in data.counts().items()}
        without = self.accuracy_without_copies
        copies: dict[str, Any] = {"test": int(self.copied.sum()), "listed": self.copies}
        copies |= {"validation": int(self.copied_validation.sum()), "accuracy_without": without and without._asdict()}
        return {
            "format": FORMAT,
            "data": asdict(data.provenance) | about | {"counts": counts},
            "plan": asdict(self.plan),
            "images": {"train": len(self.final.train), "validation": self.n_validation, "test": len(self.right)},
            "chosen": asdict(self.chosen),
            "folds": [{"chosen": asdict(fold.chosen), "accuracy": fold.accuracy._asdict()} for fold in self.folds],
            "estimate_seconds": self.estimate,
            "lengths": [{"epochs": epochs, "train_cost": cost} for epochs, cost in self.lengths.items()],
            "accuracy": self.accuracy._asdict(),
            "balanced_accuracy": self.balanced_accuracy._asdict(),
            "copies": copies,
            "training_accuracy": self.training_accuracy,
            "optima": [asdict(optimum) for optimum in self.optima],
            "peer": {"missing": self.peer} if isinstance(self.peer, str) else self.peer.record,
            "baseline": {"class": data.class_names[self.baseline[0]], "accuracy": float(self.baseline[1].mean())},
            "classes": {name: values.tolist() for name, values in classes._asdict().items()},
            **metrics.confusion_document(self.confusion),
            "n_mistakes": int((self.scores.argmax(axis=0) != data.test_labels).sum()),
            "mistakes": self.mistakes,
            "search": [run.record for run in self.search],
            "finals": [run.record for run in self.finals],
            "kept": [run.record for run in self.kept.finals] if self.folds else [],
            "balanced": [run.record for run in self.balanced],
            "curve": [run.record for runs in self.curve.values() for run in runs],
        }


_MISTAKES = 1000  # that a document lists
_Runs = list[StoredRun]
_ROWS = 500  # images from which the largest eigenvalue is told


class YourDataStudy(Study):
    """How well one linear layer tells the classes of a data set apart, and what limits it.

    Everything is chosen on validation images: those that the data brought, else the last training batch, a fifth. The
    chosen network is trained again on all the training images, and tested.

    Fewer than 2,000 images without a test set of their own are dealt into five folds, in each of which all this is done
    without its images, which then are tested; with what is best over all folds the networks to keep train on all.

    The plan's seeds are those of the final networks. Its epochs are those of the search's networks, more where they
    would be few updates, fewer where they would take too long; the final networks train until the cost stops falling.
    Arguments, attributes and errors are those of :class:`linclf.studies.study.Study`.
    """

    def prepare(self) -> None:
        """The folds, each a study of its own; too few batches are refused."""
        data, n = self.data, sum(map(len, self.data.train_labels)) + len(self.data.test_labels)
        parts, self.whole = folds(data, FOLDS) if not data.own_test and n < LITTLE else ([data], data)
        self.holdouts = [Holdout(self, part, len(parts)) for part in parts]
        self.cut, self.choosing = self.holdouts[0].cut, self.holdouts[0].choosing

    def run(self) -> YourDataResults:
        """The results. Stacks not stored yet are trained, step by step, and stored as they finish."""
        size = self.holdouts[0].size()
        held_out = [holdout.run(size) for holdout in self.holdouts]
        self.count = sum((holdout.count for holdout in self.holdouts), Count(0, 0))
        if len(held_out) == 1:
            return held_out[0]
        search = _joined([fold.search for fold in held_out], held_out)
        last = Holdout(self, self.whole, len(held_out))
        whole = last.run(size, _chosen(search))
        self.count += last.count
        curves = [fold.curve.values() for fold in held_out]
        missing = next((fold.peer for fold in held_out if isinstance(fold.peer, str)), "")
        peers = [[fold.peer] for fold in held_out if isinstance(fold.peer, StoredRun)]
        return replace(
            held_out[0],
            dataset=replace(self.whole, provenance=self.data.provenance),
            search=search,
            chosen=whole.chosen,
            estimate=sum(fold.estimate for fold in [*held_out, whole]),
            lengths=whole.lengths,
            finals=_joined([fold.finals for fold in held_out], held_out),
            balanced=_joined([fold.balanced for fold in held_out], held_out),
            curve={n: _joined(draws, held_out) for n, *draws in zip(held_out[0].curve, *curves, strict=False)},
            optima=whole.optima,
            peer=missing or _joined(peers, held_out)[0],
            folds=held_out,
            whole=whole,
        )


def _joined(runs: Sequence[Sequence[StoredRun]], held_out: Sequence[YourDataResults]) -> _Runs:
    """The networks of several folds, (folds, networks), as one for each place."""
    weights = {"validation": [fold.n_validation for fold in held_out]}
    tested = [len(fold.dataset.test_labels) for fold in held_out]
    joined = []
    for same in zip(*runs, strict=True):
        first, *others = (run.record for run in same)
        record = {name: value for name, value in first.items() if all(other[name] == value for other in others)}
        for name in first:
            if (part := name.split("_")[0]) in ("train", "validation", "test"):
                record[name] = float(np.average([run.record[name] for run in same], weights=weights.get(part, tested)))
        predictions = [run.predictions for run in same if run.predictions is not None]
        joined.append(StoredRun(record, same[0].model, np.concatenate(predictions) if predictions else None))
    return joined


class Holdout(Study):
    """The study of one data set whose test images are held out: all there is or, of :class:`YourDataStudy`, a fold."""

    def __init__(self, study: YourDataStudy, data: Dataset, n_folds: int) -> None:
        self.n_folds = n_folds
        super().__init__(data, study.out_dir, progress=study.progress, **asdict(study.plan))

    def prepare(self) -> None:
        """Which images choose, and which train the final networks; too few batches are refused."""
        data = self.data
        n, last = sum(map(len, data.train_labels)), len(data.train_labels[-1])
        if data.validation_labels is None and len(data.train_labels) > 1:
            self.choosing = Cut(range(n - last), range(n - last, n))
        else:
            self.choosing = Cut(range(n), split_rows("batch", data, 0).validation)
        self.cut = Cut(range(n), self.choosing.validation)
        self.draws = {part: min(DRAWS, part) if self.n_folds == 1 else 1 for part in SHARES if data.n_folds == 1}
        self.is_wide = n < LITTLE and 2 * n <= data.test_images[0].size and not self.short_of_memory
        self._in_span = lru_cache(2)(self._made_in_span)

    @property
    def model_shape(self) -> tuple[int, int]:
        """Classes, and inputs or coordinates that networks train on, (C, d)."""
        d = len(self.cut.train) if self.is_wide else self.data.test_images[0].size
        return len(self.data.class_names), d

    def inputs(self, cut: Cut | None = None) -> Split:
        """Of little data with many inputs, coordinates in the span of the training images.

        Steps from zero never leave it, nor does a minimum, and lengths are the same there: so are the networks, but for
        rounding, in a time that no longer grows with the inputs.
        """
        return self._in_span(cut or self.cut) if self.is_wide else self.split(cut)

    def _made_in_span(self, cut: Cut) -> Split:
        split = self.split(cut)
        axes = span(np.asarray(split.train[0]))
        train, validation, test = ((X @ axes, y) for X, y, *_ in (split.train, split.validation, split.test))
        return Split(train, validation, test, axes)

    def size(self) -> SearchSize:
        """How much is searched in each fold."""
        n = len(self.choosing.train)
        X, _ = self.standardized(range(min(n, _ROWS)), self.choosing)
        epochs = enough_epochs(self.plan.epochs, n)
        return search_size(epochs, n, *self.model_shape, largest_eigenvalue(X), SEARCH / self.n_folds)

    def run(self, size: SearchSize, chosen: Candidate | None = None) -> YourDataResults:
        """The results; of all images of several folds, for which these have chosen, the final networks alone."""
        about, search = self.about(), [] if chosen else self._search(size)
        chosen, is_fold = chosen or _chosen(search), self.n_folds > self.data.n_folds
        lengths = self._lengths(chosen)
        finals, balanced, curve = self._finals(chosen, [*lengths][-1])
        learned = np.mean([run.record["train_accuracy"] for run in finals])
        results = YourDataResults(
            **about,
            size=size,
            search=search,
            chosen=chosen,
            estimate=[*lengths][-1] * self._final_products() * SECONDS,
            lengths=lengths,
            finals=finals,
            balanced=balanced,
            curve=curve,
            optima=[] if is_fold or learned >= WELL_LEARNED else self._optima(chosen),
            peer=self._peer() if search else "these networks are not tested",
        )
        self._in_span.cache_clear()
        return results

    def _search(self, size: SearchSize) -> list[StoredRun]:
        """One run per choice, all from the same seed."""
        seed, (n_classes, n_inputs) = self.plan.first_seed, self.model_shape
        configs = [final_config(candidate, size.n_train, size.epochs, seed) for candidate in size.candidates]
        members = stacks(configs, max(1, min(NETWORKS_PER_TASK, int(LARGEST_STACK / (n_classes * n_inputs)))))
        networks: list[list[tuple[Label, Config]]] = [[({}, configs[i]) for i in stack] for stack in members]
        tasks = [StudyTask("your-data-search", self.choosing, stack, size.n_train) for stack in networks]
        return in_order(members, enumerate(self.train(tasks, evaluate="validation")))

    def _lengths(self, chosen: Candidate) -> dict[int, float]:
        """The training cost of the first final network by its epochs: doubled until the cost stops falling."""
        n = len(self.cut.train)
        most, costs = FINALS / self.n_folds / self._final_products(), dict[int, float]()
        epochs = min(enough_epochs(self.plan.epochs, n), max(FEWEST_EPOCHS, int(most)))
        for _ in range(1 + DOUBLINGS):
            task = self._task(n, 0, final_config(chosen, n, epochs, self.plan.first_seed))
            ((run,),) = self.train([task], evaluate=False)
            highest, cost = (1 - FALLS) * min(costs.values(), default=np.inf), float(run.record["train_cost"])
            costs[epochs] = cost
            longest = min(most, FINAL / self.n_folds / products_of_an_epoch(n, *self.model_shape))
            if cost > highest or cost < LOWEST or 2 * epochs > longest:
                break
            epochs *= 2
        return costs

    def _final_products(self) -> float:
        """Products that an epoch of all final networks and of the learning curve's takes, each for its own epochs."""
        curve = sum(draws / part**0.5 for part, draws in self.draws.items())
        networks = self.plan.seeds * (1 + self.data.is_imbalanced) + curve
        return networks * products_of_an_epoch(len(self.cut.train), *self.model_shape)

    def _finals(self, chosen: Candidate, epochs: int) -> tuple[_Runs, _Runs, dict[int, _Runs]]:
        """The final networks, one per seed, with weights beside, and the learning curve; here the test images are used.

        Fewer images train for more epochs, by the root of the share, so that a short training is not what is measured.
        """
        n = len(self.cut.train)
        tasks = [self._task(n, 0, final_config(chosen, n, epochs, seed)) for seed in self.plan.all_seeds]
        balanced = [replace(task, balanced=True) for task in tasks if self.data.is_imbalanced]
        sizes: dict[int, list[StudyTask]] = {}
        for part, draws in self.draws.items():
            size = n // part
            if size >= 2 * len(self.data.class_names):
                longer = final_config(chosen, n, round(epochs * (n / size) ** 0.5), self.plan.first_seed)
                sizes[size] = [self._task(size, draw * size, longer) for draw in range(draws)]
        fewer = [task for draws in sizes.values() for task in draws]
        self.train([*tasks[1:], *balanced, *fewer], evaluate=False)  # the first one gave the length
        return self._runs(tasks), self._runs(balanced), {n: self._runs(draws) for n, draws in sizes.items()}

    def _optima(self, chosen: Candidate) -> list[Optimum]:
        """Without a penalty, and for the cross-entropy with the chosen one; none where that would take too long."""
        (n_classes, d), n = self.model_shape, len(self.cut.train)
        if n * d * (2 * ITERATIONS * n_classes + (d if n > d else 0)) > OPTIMUM:
            return []
        optima = []
        for l2 in dict.fromkeys((0.0, chosen.l2) if chosen.loss == "cross_entropy" else (0.0,)):
            key = self.key("your-data-optimum", self.cut, l2=l2, iterations=ITERATIONS)
            stored = self.store.get_values(key)
            if stored is None:
                X, y = self.inputs().train[:2]
                model, _, converged = softmax_optimum((X, y), n_classes, l2, ITERATIONS)
                stored = {"accuracy": metrics.accuracy(metrics.predicted(model, X), y), "converged": converged}
                self.store.put_values(key, stored)
            optima.append(Optimum(l2, **stored))
        return optima

    def _peer(self) -> StoredRun | str:
        """scikit-learn's LogisticRegression of the same penalties, or why it is not fitted."""
        (n_classes, d), n = self.model_shape, len(self.choosing.train)
        products = (len(PEER_PENALTIES) * n + len(self.cut.train)) * (d + PEER_SCORE) * n_classes * PEER_ITERATIONS
        if products > PEER / self.n_folds:
            return "its fits could take more than 30 seconds on so many numbers"
        if self.short_of_memory:
            return "memory is short"
        if find_spec("sklearn") is None:
            return "scikit-learn is not installed: pip install 'linclf[sklearn]'"
        key = self.key("your-data-peer", self.cut, chosen_on=str(self.choosing), penalties=PEER_PENALTIES)
        if (stored := self.store.get(key)) is None:
            from sklearn.exceptions import ConvergenceWarning
            from sklearn.linear_model import LogisticRegression

            def fit(images: Examples, l2: float) -> Any:
                X, y = images[:2]
                return LogisticRegression(C=1 / (2 * l2 * len(y)), max_iter=PEER_ITERATIONS).fit(X, y)

            def validated(l2: float, after_epoch: AfterEpoch) -> float:
                return float(fit(choosing.train, l2).score(*choosing.validation[:2]))

            started, choosing, final = time.perf_counter(), self.inputs(self.choosing), self.inputs()
            if min(len(np.unique(split.train[1])) for split in (choosing, final)) < 2:
                return "there is one class to train on"
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)  # pages say how many iterations it has at most
                fits = side_by_side([partial(validated, l2) for l2 in PEER_PENALTIES], lambda: None)
                tried = {PEER_PENALTIES[i]: score for i, score in fits}
                l2 = max(tried, key=lambda l2: (tried[l2], l2))  # of equals, the one that says least
                with one_blas_thread():
                    fitted, (X, y) = fit(final.train, l2), final.train[:2]
                    predictions, train_accuracy = fitted.predict(final.test[0]), float(fitted.score(X, y))
            record = {"name": "LogisticRegression", "C": fitted.C, "l2": l2, "validation_accuracy": tried[l2]}
            record |= {"tried": len(tried), "train_accuracy": train_accuracy, "seconds": time.perf_counter() - started}
            record |= {"test_accuracy": metrics.accuracy(predictions, final.test[1])}
            nothing = Linear(np.zeros((n_classes, 0)), np.zeros(n_classes))  # nobody asks for its weights
            stored = [StoredRun(record, nothing, predictions.astype(np.uint16))]
            self.store.put(key, stored)
        return stored[0]

    def _task(self, n_train: int, skip: int, config: Config) -> StudyTask:
        return StudyTask("your-data-final", self.cut, [({"n_train": n_train}, config)], n_train, skip, tested=True)

    def finish(self, task: StudyTask, label: Label, run: Run, split: Split) -> StoredRun:
        """How the validation images went after the last epoch or, of a final network, all images."""
        if not task.tested:
            assert run.history is not None
            names = "validation_loss", "validation_accuracy"
            run = replace(run, model=Linear(run.model.W[:, :0].copy(), run.model.b))  # nobody asks for these weights
            return StoredRun.untested(label, run, **{name: float(getattr(run.history, name)[-1]) for name in names})
        (X, y), (X_test, y_test) = split.train[:2], split.test
        learned = metrics.accuracy(metrics.predicted(run.model, X), y)
        cost, _, _ = cost_and_gradient(run.model, (X, y), get_loss(run.config.loss), run.config.l2)
        predicted = metrics.predicted(run.model, X_test)
        if split.axes is not None:
            run = replace(run, model=Linear(run.model.W @ split.axes.T, run.model.b))
        return StoredRun.tested(label, run, predicted, y_test, train_accuracy=learned, train_cost=cost)

    def _runs(self, tasks: Sequence[StudyTask]) -> list[StoredRun]:
        return [run for task in tasks for run in self.stored(task) or []]


def _chosen(search: Sequence[StoredRun]) -> Candidate:
    """The best configuration of a search."""
    best = max(search, key=_merit).record
    return Candidate(best["loss"], best["learning_rate"], best["l2"])


def _merit(run: StoredRun) -> tuple[float, bool, float]:
    """Validation accuracy; of equals, cross-entropy, which gives probabilities, and the lowest validation loss."""
    record = run.record
    return record["validation_accuracy"], get_loss(record["loss"]).link is not None, -record["validation_loss"]

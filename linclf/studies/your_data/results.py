"""What the study of data of one's own found, which the report's views and your_data.json show."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from linclf.classifier.classifier import Classifier
from linclf.data.dataset import Dataset
from linclf.studies import intervals, metrics
from linclf.studies.intervals import Interval
from linclf.studies.results import FORMAT, tested_predictions
from linclf.studies.splits import Cut, Split, fit_standardizer
from linclf.studies.store import StoredRun
from linclf.training.config import config_of
from linclf.training.loop import Run

from .copies import are_copies
from .design import Choice, Plan, Size, is_imbalanced


@dataclass(frozen=True)
class YourDataResults:
    """All trainings of the study, what was chosen by them, and what the final networks say of the test images.

    Attributes:
        plan, dataset: how much was trained, and on what.
        choosing, final: the images of the search, and of the final networks.
        split: the standardised images of a cut; they are made when first asked for, nothing is trained.
        size: how much was searched.
        search: one run per configuration; no test image was used.
        chosen: the configuration with the highest validation accuracy.
        finals: the tested networks, one per seed.
        balanced: the same, trained with weights so that all classes count alike; none where classes are of one size.
        curve: tested networks on fewer images, by the number of images.
    """

    plan: Plan
    dataset: Dataset = field(repr=False)
    choosing: Cut
    final: Cut
    split: Callable[[Cut], Split] = field(repr=False)
    size: Size
    search: Sequence[StoredRun]
    chosen: Choice
    finals: Sequence[StoredRun]
    balanced: Sequence[StoredRun]
    curve: Mapping[int, Sequence[StoredRun]]

    @cached_property
    def right(self) -> np.ndarray:
        """Share of the final networks that are right on each test image, (n_test,)."""
        return self.share_right(self.finals)

    def share_right(self, runs: Sequence[StoredRun]) -> np.ndarray:
        """Share of the networks that are right on each test image, (n_test,)."""
        share: np.ndarray = (tested_predictions(runs) == self.dataset.test_labels).mean(axis=0)
        return share

    @cached_property
    def copied(self) -> np.ndarray:
        """Whether each test image is a copy of one that trains or validates, (n_test,)."""
        data = self.dataset
        given = [] if data.validation_images is None else [data.validation_images]
        return are_copies(data.test_images, np.concatenate([*data.train_images, *given]))

    @cached_property
    def copied_validation(self) -> np.ndarray:
        """Whether each validation image is a copy of one that trains in the search, (n_validation,)."""
        train, validation = [*self.dataset.train_images], self.dataset.validation_images
        return are_copies(train.pop() if validation is None else validation, np.concatenate(train))

    @cached_property
    def confusion(self) -> np.ndarray:
        """Test images of each true class (row) that were given each class (column), mean over seeds, (C, C)."""
        return self.confusion_of(self.finals)

    def confusion_of(self, runs: Sequence[StoredRun]) -> np.ndarray:
        """The same of some networks."""
        labels, n_classes = self.dataset.test_labels, len(self.dataset.class_names)
        each = [metrics.confusion_matrix(found, labels, n_classes) for found in tested_predictions(runs)]
        mean: np.ndarray = np.mean(each, axis=0)
        return mean

    @cached_property
    def scores(self) -> np.ndarray:
        """Scores of the test images by the first final network, (C, n_test)."""
        return self.finals[0].model.scores(self.split(self.final).test[0])

    @cached_property
    def baseline(self) -> tuple[int, np.ndarray]:
        """The largest class of the training images, and whether always saying so is right, (n_test,)."""
        largest = int(self.dataset.counts()["training"].argmax())
        return largest, (self.dataset.test_labels == largest).astype(np.float64)

    @property
    def accuracy(self) -> Interval:
        """Test accuracy, mean over seeds, with its interval over images."""
        return intervals.of_share(float(self.right.mean()), len(self.right))

    @property
    def accuracy_without_copies(self) -> Interval | None:
        """Test accuracy on the images that are no copies, with its interval over them; None if there are none."""
        own = self.right[~self.copied]
        return intervals.of_share(float(own.mean()), len(own)) if len(own) else None

    @property
    def is_like_validation(self) -> bool:
        """Whether test and validation accuracy can be of images alike; also where the search trained on less."""
        test, validation = self.accuracy, self.validation_accuracy
        whole = (self.size.n_train, self.size.epochs) == (len(self.choosing.train), self.plan.epochs)
        return not whole or (test.low <= validation.high and validation.low <= test.high)

    @property
    def validation_accuracy(self) -> Interval:
        """Of the chosen configuration in the search, with its interval over images."""
        return intervals.of_share(max(map(validation_accuracy, self.search)), len(self.choosing.validation))

    @property
    def balanced_accuracy(self) -> Interval:
        """Mean of the recalls of the classes that have test images."""
        return mean_recall(self.confusion)

    @property
    def training_accuracy(self) -> float:
        """Accuracy of the final networks on the images they trained on, mean over seeds."""
        return float(np.mean([run.record["train_accuracy"] for run in self.finals]))

    @property
    def gain(self) -> Interval:
        """What the network is right more often than always saying the largest class."""
        return intervals.of_difference(self.right, self.baseline[1])

    @property
    def doubling(self) -> Interval | None:
        """What the last doubling of the training images brought; None if there are too few of them.

        In accuracy, but in balanced accuracy where classes are imbalanced.
        """
        half = [runs for n, runs in self.curve.items() if n == len(self.final.train) // 2]
        if not half:
            return None
        own, other, labels = self.right, self.share_right(half[0]), self.dataset.test_labels
        if not is_imbalanced(self.dataset):
            return intervals.of_difference(own, other)
        each = [labels == label for label in np.unique(labels)]
        return intervals.of_mean([intervals.of_difference(own[rows], other[rows]) for rows in each])

    def classifier(self) -> Classifier:
        """The first final network, with all that it takes to use it."""
        return self._classifier(self.finals[0])

    def balanced_classifier(self) -> Classifier | None:
        """The same of the network that was trained so that all classes count alike, where there is one."""
        return self._classifier(self.balanced[0]) if self.balanced else None

    def _classifier(self, kept: StoredRun) -> Classifier:
        run = Run(config_of(kept.record), kept.model, None, kept.record["seconds"])
        return Classifier.of(run, fit_standardizer(self.dataset, self.final), self.dataset)

    @property
    def mistakes(self) -> list[dict[str, Any]]:
        """What the first final network gets wrong: its place among the test images, its source and both classes."""
        data, predicted = self.dataset, self.scores.argmax(axis=0)
        return [
            {
                "test": int(i),
                "source": data.test_sources[i] if data.test_sources else None,
                "class": data.class_names[data.test_labels[i]],
                "predicted": data.class_names[predicted[i]],
            }
            for i in np.flatnonzero(predicted != data.test_labels)
        ]

    def document(self) -> dict[str, Any]:
        """All of it as plain values, for ``your_data.json``."""
        data, classes = self.dataset, metrics.class_scores(self.confusion)
        counts = {part: own.tolist() for part, own in data.counts().items()}
        without = self.accuracy_without_copies
        return {
            "format": FORMAT,
            "data": {
                **asdict(data.provenance),
                "class_names": list(data.class_names),
                "feature_names": list(data.feature_names),
                "counts": counts,
            },
            "plan": asdict(self.plan),
            "images": {"train": len(self.final.train), "validation": len(self.choosing.validation)},
            "chosen": asdict(self.chosen),
            "accuracy": self.accuracy._asdict(),
            "balanced_accuracy": self.balanced_accuracy._asdict(),
            "copies": {
                "test": int(self.copied.sum()),
                "validation": int(self.copied_validation.sum()),
                "accuracy_without": without and without._asdict(),
            },
            "training_accuracy": self.training_accuracy,
            "baseline": {"class": data.class_names[self.baseline[0]], "accuracy": float(self.baseline[1].mean())},
            "classes": {name: values.tolist() for name, values in classes._asdict().items()},
            "confusion": self.confusion.tolist(),
            "mistakes": self.mistakes,
            "search": [run.record for run in self.search],
            "finals": [run.record for run in self.finals],
            "balanced": [run.record for run in self.balanced],
            "curve": [run.record for runs in self.curve.values() for run in runs],
        }


def validation_accuracy(run: StoredRun) -> float:
    """Validation accuracy of a run of the search, 0..1."""
    return float(run.record["validation_accuracy"])


def mean_recall(confusion: np.ndarray) -> Interval:
    """Mean of the recalls of the classes that have images in a confusion matrix (C, C), with its interval."""
    support, right = confusion.sum(axis=1), np.diag(confusion)
    own = [intervals.of_share(float(r / n), float(n)) for r, n in zip(right, support, strict=True) if n]
    return intervals.of_mean(own)

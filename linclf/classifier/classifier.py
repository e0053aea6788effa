"""A trained network with all that it takes to use it, which goes into one file."""

import math
import os
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Union

import numpy as np

from linclf.data.dataset import N_VALIDATION, Dataset
from linclf.data.inputs import Standardizer, chunk_size, plain_array
from linclf.data.labels import checked_names
from linclf.data.readers.pictures import prepare_pictures
from linclf.errors import ConfigError, DataError, LinclfError
from linclf.system.threads import one_blas_thread
from linclf.training import Config, Linear, Run, get_loss
from linclf.training.model import from_coefficients
from linclf.training.train import train

from . import file

if TYPE_CHECKING:
    from linclf.training.estimators import SoftmaxClassifier, SVMClassifier

Images = np.ndarray | str | os.PathLike[str] | Sequence[Any]
"""An array of images or of one, a table of features with names, a picture file or a list of them."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Classifier:
    """A linear network with all that it takes to classify images, in one file.

    Attributes:
        model: the weights W (C, d) and b (C,).
        standardize: from images to inputs.
        class_names: C names.
        image_shape: (h, w, c) of the images that it was trained on, or (d,) of feature vectors.
        loss: what it was trained with, by name.
        config: what it was trained with, if known.
        data_name, data_sha256: of the data set that it was trained on, if any.
        validation_accuracy: share of validation images, 0..1, if measured.
        feature_names: of the columns of feature vectors, (d,), in order; empty where they have none.

    Raises:
        DataError: parts that do not fit each other.

    >>> import linclf
    >>> data = linclf.load_dataset("synthetic:200")
    >>> config = linclf.Config(learning_rate=0.001, l2=0.1, epochs=5)
    >>> classifier = linclf.Classifier.fit(data, config, progress=False)
    >>> classifier
    Classifier(10 classes, images (32, 32, 3), cross_entropy)
    >>> classifier.predict(data.test_images).shape, classifier.predict_proba(data.test_images[0]).shape
    ((200,), (10,))
    """

    model: Linear
    standardize: Standardizer
    class_names: tuple[str, ...]
    image_shape: tuple[int, ...]
    loss: str
    config: Config | None = None
    data_name: str = ""
    data_sha256: str = ""
    validation_accuracy: float | None = None
    feature_names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "class_names", checked_names(self.class_names, "class_names"))
        for name in ("image_shape", "feature_names"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        get_loss(self.loss)
        W, b, shape = self.model.W, self.model.b, self.image_shape
        mean, std, scale = self.standardize.mean, self.standardize.std, self.standardize.scale
        if len(shape) not in (1, 3) or not all(isinstance(n, int) and n > 0 for n in shape):
            raise DataError(f"expected an image_shape (h, w, c), or (d,) of feature vectors, found {shape}")
        n, d = len(self.class_names), math.prod(shape)
        if W.shape != (n, d) or b.shape != (n,) or not mean.shape == std.shape == (d,):
            raise DataError(
                f"expected W {(n, d)}, b {(n,)} and mean and std {(d,)} for {n} classes and images {shape}, found "
                f"{W.shape}, {b.shape}, {mean.shape} and {std.shape}"
            )
        if self.feature_names and not len(self.feature_names) == len(set(self.feature_names)) == d:
            raise DataError(f"expected {d} feature names, all different, found {len(self.feature_names)}")
        if not (all(a.dtype.kind == "f" and np.isfinite(a).all() for a in (W, b, mean, std)) and std.min() > 0):
            raise DataError("expected W, b, mean and std of finite numbers, and std above 0, found others")
        if scale not in (1, 255) or not (self.validation_accuracy is None or 0 <= self.validation_accuracy <= 1):
            raise DataError("expected a scale of 1 or 255, and a validation accuracy from 0 to 1, found others")

    def __repr__(self) -> str:
        what = "images" if len(self.image_shape) == 3 else "feature vectors"
        return f"Classifier({len(self.class_names)} classes, {what} {self.image_shape}, {self.loss})"

    @classmethod
    def fit(cls, dataset: Dataset, config: Config, *, progress: bool = True) -> "Classifier":
        """Train a network on a data set's training images.

        The data set's validation images validate or, where it has none, the last 1,000 of the training images, at most
        a fifth. Errors as ``linclf.train``.
        """
        images, labels = np.concatenate(dataset.train_images), np.concatenate(dataset.train_labels)
        held_out, held_out_labels = dataset.validation_images, dataset.validation_labels
        if held_out is None or held_out_labels is None:
            n = len(labels) - min(N_VALIDATION, len(labels) // 5)
            images, held_out, labels, held_out_labels = images[:n], images[n:], labels[:n], labels[n:]
        standardize = Standardizer.fit(images)
        examples, validation = (standardize(images), labels), (standardize(held_out), held_out_labels)
        C = len(dataset.class_names)
        (run,) = train(config, examples, validation, n_classes=C, evaluate="validation", progress=progress)
        return cls.of(run, standardize, dataset)

    @classmethod
    def of(
        cls,
        trained: Union[Run, "SoftmaxClassifier", "SVMClassifier"],
        standardize: Standardizer | None = None,
        dataset: Dataset | None = None,
        *,
        class_names: Sequence[str] | None = None,
        image_shape: tuple[int, ...] | None = None,
        validation_accuracy: float | None = None,
    ) -> "Classifier":
        """What was trained elsewhere, with its very weights.

        Args:
            trained: a Run of ``linclf.train``, or a fitted SoftmaxClassifier or SVMClassifier, also as the last step of
                a Pipeline after a StandardScaler, or as the best one of a search such as GridSearchCV.
            standardize: what made the inputs that it was trained on; None if they were not standardised.
            dataset: whose training images these were; its class names and image shape are the default of the next two.
            class_names: one per class, in order; without a data set, an estimator's classes, or their numbers.
            image_shape: (h, w, c); without a data set, that of feature vectors.
            validation_accuracy: by default what the history says of the returned weights.

        Raises:
            ConfigError: nothing trained, or no data set. DataError: parts that do not fit each other.
        """
        if dataset is not None and not isinstance(dataset, Dataset):
            raise ConfigError(
                "expected as third what load_dataset returns, the data set that it was trained on, not "
                f"{type(dataset).__name__}; names of classes are class_names=..."
            )
        trained, scaler = _steps_of(trained)
        if scaler is not None and standardize is not None:
            raise ConfigError("expected no standardize beside a Pipeline, whose StandardScaler standardises")
        fields = _fields_of(trained)
        d = fields["model"].W.shape[1]
        mean, std = np.zeros(d), np.ones(d)
        if scaler is not None:
            mean, std = scaler.mean_ if scaler.with_mean else mean, scaler.scale_ if scaler.with_std else std
            fields["feature_names"] = [*map(str, getattr(scaler, "feature_names_in_", ()))]
        fields |= {"standardize": Standardizer(mean, std, 1.0), "image_shape": (d,)}
        if dataset is not None:
            fields |= {"data_name": dataset.provenance.name, "data_sha256": dataset.provenance.sha256}
            fields |= {"class_names": dataset.class_names, "feature_names": dataset.feature_names}
            fields["image_shape"] = dataset.test_images.shape[1:]
        given = {
            "standardize": standardize,
            "class_names": class_names,
            "image_shape": image_shape,
            "validation_accuracy": validation_accuracy,
        }
        return cls(**fields | {name: value for name, value in given.items() if value is not None})

    def scores(self, images: Images) -> np.ndarray:
        """Scores S = W x + b, (n, C), in float64: a row an image, or (C,) for one.

        Args:
            images: an array of n images or of one, of the shape and type that it was trained on (whole numbers 0 to 255
                where they were uint8); of features that have names, also a DataFrame with columns of these names, in
                any order and beside others, or a row of one; or the name of a picture file, or a list of them, which
                are prepared as for training: upright, on white, cropped to the middle and resized.

        Raises:
            DataError: images of another shape, type or range, or a file that is no picture.
            ConfigError: files, without the package that reads them.
        """
        X, single = as_batch(images, self.image_shape, self.feature_names, pixels=self.standardize.of_pixels)
        shift, W, b = self._folded
        S = np.empty((len(X), len(b)))
        step = chunk_size(W.shape[1])
        threads = one_blas_thread() if len(X) > step else nullcontext()  # as much as a chunk, they wait for each other
        with threads, np.errstate(invalid="ignore"):  # see Linear.scores
            for i in range(0, len(X), step):
                x = X[i : i + step].reshape(-1, W.shape[1]).astype(np.float64)
                if shift is not None:
                    x -= shift
                S[i : i + step] = x @ W.T + b
        return S[0] if single else S

    def predict_proba(self, images: Images) -> np.ndarray:
        """Probabilities of the classes, (n, C), a row an image, or (C,) for one; images as for :meth:`scores`.

        softmax(S) for the cross-entropy; for the binary cross-entropy, sigmoid(S) over its sum.

        Raises:
            As :meth:`scores`, and ConfigError: the loss, such as the multi-class hinge, has no probabilities.
        """
        return get_loss(self.loss).probabilities(self.scores(images).T).T

    def predict(self, images: Images) -> Any:
        """The name of the class with the highest score, (n,), or one for one image; images as for :meth:`scores`."""
        names = np.array(self.class_names)[self.scores(images).argmax(axis=-1)]
        return names if np.ndim(names) else str(names)

    @property
    def has_probabilities(self) -> bool:
        """Whether its loss is of probabilities, so that :meth:`predict_proba` gives some."""
        return get_loss(self.loss).link is not None

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write all of it to one ``.npz`` file without pickle, whole or not at all.

        >>> from tempfile import TemporaryDirectory
        >>> classifier = Classifier.of(Run(Config(learning_rate=1, l2=0), Linear(np.eye(2), np.zeros(2)), None, 0.0))
        >>> with TemporaryDirectory() as folder:
        ...     classifier.save(f"{folder}/model.npz")
        ...     Classifier.load(f"{folder}/model.npz").predict([3.0, 1.0])
        '0'
        """
        file.write(path, vars(self))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Classifier":
        """Read what :meth:`save` wrote; DataError if the file holds anything else."""
        fields = file.read(path)
        try:
            return cls(**fields)
        except LinclfError as error:
            raise DataError(f"{os.fspath(path)}: {error}") from error

    def to_onnx(self, path: str | os.PathLike[str]) -> None:
        """Write an ONNX file, which runs without linclf: images (n, ...) in, uint8 or double, and (n, C) doubles out.

        What comes out is called "probabilities", or "scores" for a network of the multi-class hinge. It is computed in
        float64, as here: on the 10,000 test images of CIFAR-10 the two differ by at most 6e-15, and every class is the
        same. The file's properties hold the names of classes and features.

        Raises:
            ConfigError: onnx is not installed.
            DataError: a feature whose values doubles cannot tell apart, such as whole numbers around 2^60.
        """
        file.write_onnx(path, vars(self))

    @cached_property
    def _folded(self) -> tuple[np.ndarray | None, np.ndarray, np.ndarray]:
        """What to subtract from images, and the weights and biases that then give scores, in float64.

        The mean is subtracted only where folding it into the biases would cost digits: far from zero for the spread.
        """
        shift = self.standardize.mean * self.standardize.scale
        factor = 1 / (self.standardize.std * self.standardize.scale)
        W, b = self.model.W * factor, self.model.b.astype(np.float64)
        if np.abs(shift * factor).max() > _FAR:
            return shift, W, b
        return None, W, b - W @ shift


_FAR = 1000  # standard deviations of a mean from zero: folding it into the biases leaves thirteen digits of a score


def _steps_of(trained: Any) -> tuple[Any, Any]:
    """The estimator, and the fitted StandardScaler before it, if any, of a search or a Pipeline; else what is given."""
    trained = getattr(trained, "best_estimator_", trained)
    if not hasattr(trained, "steps"):
        return trained, None
    *before, last = [step for _, step in trained.steps if step not in (None, "passthrough")]
    names = [type(step).__name__ for step in before]
    if names not in ([], ["StandardScaler"]) or not all(hasattr(step, "scale_") for step in before):
        raise ConfigError(
            "expected a fitted Pipeline of a StandardScaler and one of linclf's classifiers, not one with "
            f"{', '.join(names)}"
        )
    return last, before[0] if before else None


def _fields_of(trained: Any) -> dict[str, Any]:
    """The fields of a Classifier that a Run or a fitted estimator tells; ConfigError for anything else."""
    if isinstance(trained, Run):
        config, model, history = trained.config, trained.model, trained.history
        loss, names, features, of_best_epoch = config.loss, range(len(model.b)), (), config.restore_best
    elif hasattr(trained, "history_"):
        config, model, history = None, from_coefficients(trained.coef_, trained.intercept_), trained.history_
        loss, names, of_best_epoch = trained._loss, trained.classes_, True  # or it held out nothing
        features = getattr(trained, "feature_names_in_", ())
    else:
        kind = type(trained).__name__
        raise ConfigError(f"expected a Run of linclf.train, or a fitted SoftmaxClassifier or SVMClassifier, not {kind}")
    accuracy = math.nan
    if history is not None:
        accuracy = float(history.validation_accuracy[history.validation_loss.argmin() if of_best_epoch else -1])
    return {
        "model": model,
        "loss": loss,
        "config": config,
        "class_names": [*map(str, names)],
        "feature_names": [*map(str, features)],
        "validation_accuracy": None if math.isnan(accuracy) else accuracy,
    }


def as_batch(
    images: Images, shape: tuple[int, ...], feature_names: Sequence[str] = (), *, pixels: bool
) -> tuple[np.ndarray, bool]:
    """The images as (n, *shape), uint8 if ``pixels``, and whether it is a single one.

    Named columns are brought into the order of ``feature_names``.

    Raises:
        DataError: another shape, type or range, or a file that is no picture.
    """
    files = [images] if isinstance(images, str | os.PathLike) else images
    if isinstance(files, Sequence) and files and all(isinstance(file, str | os.PathLike) for file in files):
        return read_pictures(files, shape, pixels=pixels), files is not images
    X = plain_array(images, "images")
    if feature_names and (columns := _column_names(images)):
        X = _select_columns(X, columns, feature_names)
    shapes = [shape, shape[:2]] if shape[2:] == (1,) else [shape]  # grey images may come without their channel
    if X.shape not in shapes and X.shape[1:] not in shapes:
        what = "images" if len(shape) == 3 else "feature vectors"
        raise DataError(f"expected {what} of shape {shape}, or n of them, as in training, found shape {X.shape}")
    single = X.shape in shapes
    return (_as_pixels(X) if pixels else _as_numbers(X, feature_names)).reshape(1 if single else len(X), *shape), single


def _column_names(table: Any) -> list[str]:
    """The column names of a DataFrame, or of a row of one, a Series; none of anything else."""
    if not hasattr(table, "__array__"):
        return []
    names = [*(table.columns if hasattr(table, "columns") else table.keys() if hasattr(table, "keys") else ())]
    return names if all(isinstance(name, str) for name in names) else []  # numbers say no more than the order does


def _select_columns(X: np.ndarray, columns: list[str], wanted: Sequence[str]) -> np.ndarray:
    """The wanted columns of X as floats: NumPy makes objects of columns of several types."""
    missing = [name for name in wanted if columns.count(name) != 1]
    if missing:
        raise DataError(
            f"expected one column for each feature that it was trained on, found none or several of {missing[0]} "
            f"among {', '.join(columns[:10])}{' ...' if len(columns) > 10 else ''}"
        )
    selected = np.empty((*X.shape[:-1], len(wanted)))
    for i, name in enumerate(wanted):
        try:
            selected[..., i] = X[..., columns.index(name)]
        except (TypeError, ValueError) as error:
            raise DataError(f"expected numbers in column {name}, as in training, found others ({error})") from None
    return selected


def _as_numbers(X: np.ndarray, feature_names: Sequence[str]) -> np.ndarray:
    if X.dtype == np.uint8:
        raise DataError(
            "expected numbers as they were in training, which were no 8-bit pixels, found uint8; if they are the "
            "same numbers, give X.astype(float)"
        )
    if X.dtype.kind not in "fiu":
        raise DataError(f"expected finite numbers, as in training, found {X.dtype}")
    if not (finite := np.isfinite(X)).all():
        *rows, i = np.argwhere(~finite)[0].tolist()
        where = "".join(f" in row {row + 1}" for row in rows[:1]) + (f", {feature_names[i]}" if feature_names else "")
        raise DataError(f"expected finite numbers, as in training, found NaN or infinity{where}")
    return X


def _as_pixels(X: np.ndarray) -> np.ndarray:
    if X.dtype.kind == "b":
        return X * np.uint8(255)
    if X.dtype.kind not in "iu":
        values = f"{X.dtype} from {X.min():g} to {X.max():g}" if X.dtype.kind == "f" and X.size else X.dtype
        raise DataError(
            f"expected whole numbers 0 to 255 (uint8), as in training, found {values}; of floats from 0 to 1 give "
            "np.rint(255 * X).astype(np.uint8), of whole ones X.astype(np.uint8)"
        )
    if X.size and not (X.min() >= 0 and X.max() <= 255):
        raise DataError(f"expected whole numbers 0 to 255, as in training, found {X.min()} to {X.max()}")
    return X.astype(np.uint8, copy=False)


def read_pictures(files: Sequence[str | os.PathLike[str]], shape: tuple[int, ...], *, pixels: bool) -> np.ndarray:
    """The pictures, prepared as for training, (n, *shape); DataError naming the first that cannot be read."""
    check_takes_pictures(shape, pixels=pixels)
    X = np.empty((len(files), *shape), np.uint8)
    for x, picture in zip(X, prepare_pictures([*map(Path, files)], shape), strict=True):
        if isinstance(picture, LinclfError):
            raise picture
        x[:] = picture
    return X


def check_takes_pictures(shape: tuple[int, ...], *, pixels: bool) -> None:
    """DataError unless the training images can come from picture files: uint8 pixels, grey or in colour."""
    if not pixels or shape[2:] not in ((1,), (3,)):
        kind = f"feature vectors of {shape[0]:,} numbers" if len(shape) == 1 else f"arrays of shape {shape}"
        raise DataError(
            f"a network trained on {kind} classifies no picture files, but in Python others like them: "
            "linclf.Classifier.load(MODEL).predict(X)"
        )

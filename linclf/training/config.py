"""The options of a training run, and checks of everything that is given to train."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from numbers import Integral, Real
from typing import Any

import numpy as np

from linclf.data.inputs import Augmentation, Examples, LazyInputs, check_plain, floating, plain_array, stored_array
from linclf.errors import ConfigError, DataError

from .losses import get_loss
from .model import INITIAL_WEIGHTS, Linear


@dataclass(frozen=True, kw_only=True)
class Config:
    """The options of one training run.

    Attributes:
        loss: "cross_entropy", "multiclass_hinge" or "binary_cross_entropy".
        learning_rate: η, the step size; 0 or more.
        l2: λ of the penalty λ‖W‖², whose gradient is 2λW (the bias is not penalised); 0 or more.
        lr_decay: η is multiplied by it after ``lr_decay_every`` epochs; 0 or more, and 1 keeps η.
        lr_decay_every: epochs between two decays of η.
        momentum: μ of M <- μM - η dJ/dW, W <- W + M (Polyak's heavy ball); 0 to below 1.
        averaging: evaluate and return averaged weights, A <- aA + (1 - a)W after epoch e, with
            a = min(averaging, 1 - 1/e): the mean of the first epochs, then an exponential moving average. Training
            continues from W. 0 to below 1; 0 evaluates and returns W.
        restore_best: return the weights of the epoch with the lowest validation loss instead of the last one.
        init: "normal", weights and biases from N(0, 0.01²); "xavier", weights from N(0, 2/(d + C)) and no biases; or
            "zeros".
        shuffle: draw a new order of the images for each epoch instead of keeping the stored order.
        augment: a ``linclf.Augmentation``, which mirrors and moves the images at random; None does not.
        epochs: passes over the training images.
        batch_size: images per mini-batch; a last, smaller batch is trained on too.
        seed: of the initial weights, the shuffled orders and the augmentation. The same seed gives the same initial
            weights, orders and mirrored images whatever the other fields say.

    Sources: Polyak (1964) for momentum; Izmailov et al. (2018) for averaging the weights of epochs; Glorot and Bengio
    (2010) for "xavier".

    Raises:
        ConfigError: an invalid value; names the field.

    >>> Config(learning_rate=0.1, l2=-1.0)
    Traceback (most recent call last):
    linclf.errors.ConfigError: l2 must be a finite number, 0 or more, not -1.0
    """

    loss: str = "cross_entropy"
    learning_rate: float
    l2: float
    lr_decay: float = 1.0
    lr_decay_every: int = 1
    momentum: float = 0.0
    averaging: float = 0.0
    restore_best: bool = False
    init: str = "normal"
    shuffle: bool = False
    augment: Augmentation | None = None
    epochs: int = 40
    batch_size: int = 100
    seed: int = 0

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if isinstance(value, np.generic):  # NumPy's numbers and bools become Python's
                object.__setattr__(self, name, value.item())
        get_loss(self.loss)
        for name in ("learning_rate", "l2", "lr_decay"):
            value = getattr(self, name)
            if not (isinstance(value, Real) and math.isfinite(value) and float(value) >= 0):
                raise ConfigError(f"{name} must be a finite number, 0 or more, not {value!r}")
        for name in ("momentum", "averaging"):
            value = getattr(self, name)
            if not (isinstance(value, Real) and 0 <= float(value) < 1):
                raise ConfigError(f"{name} must be a number from 0 to below 1, not {value!r}")
        for name, minimum in (("epochs", 0), ("batch_size", 1), ("seed", 0), ("lr_decay_every", 1)):
            value = getattr(self, name)
            if not (isinstance(value, Integral) and int(value) >= minimum):
                raise ConfigError(f"{name} must be a whole number, {minimum} or more, not {value!r}")
        for name in ("shuffle", "restore_best"):
            if not isinstance(getattr(self, name), bool):
                raise ConfigError(f"{name} must be True or False, not {getattr(self, name)!r}")
        if self.init not in INITIAL_WEIGHTS:
            raise ConfigError(f"init must be one of {', '.join(INITIAL_WEIGHTS)}, not {self.init!r}")
        if not (self.augment is None or isinstance(self.augment, Augmentation)):
            raise ConfigError(f"augment must be a linclf.Augmentation or None, not {self.augment!r}")

    def learning_rate_at(self, epoch: int) -> float:
        """η in an epoch, counted from 1."""
        return self.learning_rate * self.lr_decay ** ((epoch - 1) // self.lr_decay_every)


def config_of(values: Mapping[str, Any]) -> Config:
    """The Config of a dictionary made by ``asdict``, also from JSON; other keys of ``values`` are ignored."""
    options = {field.name: values[field.name] for field in fields(Config) if field.name in values}
    if options.get("augment"):
        shape = tuple(options["augment"]["image_shape"])
        options["augment"] = Augmentation(**options["augment"] | {"image_shape": shape})
    return Config(**options)


def checked_examples(
    name: str,
    examples: Examples,
    n_classes: int | None,
    like: np.ndarray | LazyInputs | None = None,
    sample_weight: np.ndarray | None = None,
) -> Examples:
    """``examples`` as contiguous arrays of the type that training computes in; DataError if they do not fit.

    Args:
        name: of the set, for messages.
        examples: X (n, d) and y (n,).
        n_classes: C; labels must be 0..C-1. None: only negative labels are wrong.
        like: inputs whose number and type these must share.
        sample_weight: one weight per image, if ``examples`` has none.
    """
    try:
        X, y, weights = examples if sample_weight is None and len(examples) == 3 else (*examples, sample_weight)
        check_plain(stored_array(X), f"{name} images")
        X = X if isinstance(X, LazyInputs) else plain_array(X, f"{name} images")
        y = plain_array(y, f"{name} labels")
    except DataError:
        raise
    except (TypeError, ValueError):
        raise DataError(f"{name} images: expected a pair (X, y) of arrays, not {type(examples).__name__}") from None
    if X.ndim != 2 or y.ndim != 1 or len(X) != len(y):
        raise DataError(f"{name} images: expected X (n, d) and y (n,), not {X.shape} and {y.shape}")
    if 0 in X.shape:
        raise DataError(f"{name} images: expected at least one image and one input, not {X.shape}")
    if like is not None and X.shape[1] != like.shape[1]:
        raise DataError(f"{name} images: expected {like.shape[1]} inputs as in training, not {X.shape[1]}")
    if X.dtype.kind not in "fiub" or y.dtype.kind not in "iu":
        raise DataError(f"{name} images: expected numbers X and whole-number labels y, not {X.dtype} and {y.dtype}")
    if y.min() < 0 or (n_classes is not None and y.max() >= n_classes):
        upper = "C-1" if n_classes is None else n_classes - 1
        raise DataError(f"{name} images: expected labels 0..{upper}, found {y.min()}..{y.max()}")
    if not isinstance(X, LazyInputs):
        dtype = floating(X.dtype) if like is None else like.dtype
        X = np.ascontiguousarray(X, dtype=dtype)
    stored = stored_array(X)
    if stored.dtype.kind == "f" and not _all_finite(stored):
        raise DataError(f"{name} images: expected finite inputs, found NaN or infinity; clean the data first")
    y = y.astype(np.intp)
    return (X, y) if weights is None else (X, y, checked_weights(name, weights, len(y)))


def checked_weights(name: str, weights: np.ndarray, n: int) -> np.ndarray:
    """The weights (n,) of a set of images in float64, scaled to mean 1; DataError if they do not fit."""
    weights = plain_array(weights, f"{name} weights")
    if weights.shape != (n,) or weights.dtype.kind not in "fiub":
        raise DataError(
            f"{name} weights: expected {n} numbers, one per image, not {weights.dtype} of shape {weights.shape}"
        )
    weights = weights.astype(np.float64)
    if not (np.isfinite(weights).all() and weights.min() >= 0 and weights.any()):
        bounds = f"{weights.min():g}..{weights.max():g}"
        raise DataError(f"{name} weights: expected finite numbers, zero or more and not all zero, found {bounds}")
    weights /= weights.max()  # the sum of large ones must not overflow
    return weights / weights.mean()


def check_configs(configs: Sequence[Config], n_inputs: int, *, validated: bool) -> None:
    """ConfigError for no config or one that does not fit; validated: whether validation images are measured."""
    if not configs:
        raise ConfigError("expected at least one Config to train, none was given")
    if any(config.restore_best for config in configs) and not validated:
        raise ConfigError("restore_best needs validation images, and their evaluation, to tell which epoch is best")
    for config in configs:
        if config.augment is not None and config.augment.columns.shape[1] != n_inputs:
            raise ConfigError(
                f"expected the inputs of images of shape {config.augment.image_shape} to mirror or move, not {n_inputs}"
            )


def check_init(init: Sequence[Linear], n_models: int, n_classes: int, n_inputs: int) -> None:
    """ConfigError unless ``init`` holds one model of the right shape per config."""
    if len(init) != n_models:
        raise ConfigError(f"expected one initial model per config, {n_models}, not {len(init)}")
    for model in init:
        if model.W.shape != (n_classes, n_inputs) or model.b.shape != (n_classes,):
            shapes = f"{model.W.shape} and {model.b.shape}"
            raise ConfigError(f"expected initial W {(n_classes, n_inputs)} and b {(n_classes,)}, not {shapes}")


def _all_finite(A: np.ndarray) -> bool:
    rows = A.reshape(len(A), -1) if A.flags.c_contiguous else A  # never a copy: A may be larger than memory
    with np.errstate(over="ignore", invalid="ignore"):
        # Usually one pass, with all BLAS threads: a sum with NaN or infinity in it is not finite. Large numbers may
        # overflow in the sum.
        sums = rows @ np.ones(rows.shape[-1], A.dtype)
        return bool(np.isfinite(sums).all() or np.isfinite([A.min(), A.max()]).all())

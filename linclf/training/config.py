"""The options of a training run, and checks of everything that is given to train."""

import inspect
import math
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from numbers import Integral, Real
from typing import Any

import numpy as np

from linclf.data.inputs import Augmentation, Examples, LazyInputs, floating, plain_array, stored_array
from linclf.errors import ConfigError, DataError

from .losses import LOSSES, get_loss
from .model import INITIAL_WEIGHTS, Linear

_Rule = tuple[str, Callable[[Any], Any]]
"""What a value must be, in words and as a function of it."""
_NUMBER: _Rule = "a finite number, 0 or more", lambda value: isinstance(value, Real) and 0 <= float(value) < math.inf
_SHARE: _Rule = "a number from 0 to below 1", lambda value: isinstance(value, Real) and 0 <= float(value) < 1
_FLAG: _Rule = "True or False", lambda value: isinstance(value, bool)
_LOSS: _Rule = f"one of {', '.join(LOSSES)}", get_loss
_INIT: _Rule = f"one of {', '.join(INITIAL_WEIGHTS)}", INITIAL_WEIGHTS.__contains__
_AUGMENT: _Rule = "a linclf.Augmentation or None", lambda value: value is None or isinstance(value, Augmentation)


def _whole(least: int) -> _Rule:
    return f"a whole number, {least} or more", lambda value: isinstance(value, Integral) and int(value) >= least


def _about(says: str, rule: _Rule, estimator: str | None = None) -> dict[str, Any]:
    """Metadata of an option's field: what it does, its rule, and the estimators' parameter for it, if they have one."""
    return {"says": says, "expected": rule[0], "fits": rule[1], "estimator": estimator}


def _option(default: Any, says: str, rule: _Rule, estimator: str | None = None) -> Any:
    """The field of an option that has a default."""
    return field(default=default, metadata=_about(says, rule, estimator))


@dataclass(frozen=True, kw_only=True)
class Config:
    """The options of one training run.

    Attributes:
        OPTIONS

    Sources: Polyak (1964) for momentum; Izmailov et al. (2018) for averaging the weights of epochs; Glorot and Bengio
    (2010) for "xavier".

    Raises:
        ConfigError: an invalid value; names the field.

    >>> Config(learning_rate=0.1, l2=-1.0)
    Traceback (most recent call last):
    linclf.errors.ConfigError: l2 must be a finite number, 0 or more, not -1.0
    """

    # An option is declared here and nowhere else: checks, estimators and documentation follow.
    loss: str = _option("cross_entropy", "the loss whose mean is minimised", _LOSS)
    learning_rate: float = field(metadata=_about("η, the step size", _NUMBER, "learning_rate_init"))
    l2: float = field(
        metadata=_about("λ of the penalty λ‖W‖², whose gradient is 2λW; the bias is not penalised", _NUMBER, "alpha")
    )
    lr_decay: float = _option(
        1.0, "factor on η after an epoch, or after ``Config.lr_decay_every``; 1 keeps η", _NUMBER, "learning_rate_decay"
    )
    lr_decay_every: int = _option(1, "epochs between two decays of η", _whole(1))
    momentum: float = _option(0.0, "μ of M <- μM - η dJ/dW, W <- W + M, Polyak's heavy ball", _SHARE, "momentum")
    averaging: float = _option(
        0.0,
        "a of the averaged weights that are evaluated and returned, A <- aA + (1 - a)W after epoch e, but at most "
        "1 - 1/e: the mean of the first epochs, then an exponential moving average; training continues from W",
        _SHARE,
        "averaging",
    )
    restore_best: bool = _option(
        False, "return the weights of the epoch with the lowest validation loss instead of the last one", _FLAG
    )
    init: str = _option(
        "normal",
        "initial weights: normal, W and b from N(0, 0.01²); xavier, W from N(0, 2/(d + C)) and b 0; zeros, both 0",
        _INIT,
        "init",
    )
    shuffle: bool = _option(
        False, "draw a new order of the images for each epoch instead of keeping the stored order", _FLAG, "shuffle"
    )
    augment: Augmentation | None = field(
        default=None,
        metadata=_about(
            "how images are mirrored and moved at random; its ``image_shape`` says how a row of inputs is an image",
            _AUGMENT,
            "augment",
        ),
    )
    epochs: int = _option(40, "passes over the training images", _whole(0))
    batch_size: int = _option(
        100, "images per mini-batch; a last, smaller one is trained on too", _whole(1), "batch_size"
    )
    seed: int = _option(
        0,
        "of the initial weights, the shuffled orders and the augmentation, which are the same for the same seed "
        "whatever the other options are",
        _whole(0),
    )

    def __post_init__(self) -> None:
        for option in OPTIONS.values():
            value = getattr(self, option.name)
            if isinstance(value, np.generic):  # NumPy's numbers and bools become Python's
                value = value.item()
                object.__setattr__(self, option.name, value)
            if not option.metadata["fits"](value):
                raise ConfigError(f"{option.name} must be {option.metadata['expected']}, not {value!r}")

    def learning_rate_at(self, epoch: int) -> float:
        """η in an epoch, counted from 1."""
        return self.learning_rate * self.lr_decay ** ((epoch - 1) // self.lr_decay_every)


OPTIONS = {option.name: option for option in fields(Config)}
"""The fields of Config by name."""


def document(docstring: str | None, names: Mapping[str, str]) -> str:
    """The docstring with what is known of options in place of "OPTIONS"; names: field of Config by name in the text."""
    lines = [
        textwrap.fill(f"{name}: {option['says']}; {option['expected']}.", 116, subsequent_indent=8 * " ")
        for name, option in ((name, OPTIONS[field_name].metadata) for name, field_name in names.items())
    ]
    return inspect.cleandoc(docstring or "").replace("OPTIONS", "\n    ".join(lines))


Config.__doc__ = document(Config.__doc__, {name: name for name in OPTIONS})


def config_of(values: Mapping[str, Any]) -> Config:
    """The Config of a dictionary made by ``asdict``, also from JSON; other keys of ``values`` are ignored."""
    options = {name: values[name] for name in OPTIONS if name in values}
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
    except (TypeError, ValueError):
        raise DataError(f"{name} images: expected a pair (X, y) of arrays, not {type(examples).__name__}") from None
    array = plain_array(stored_array(X), f"{name} images")
    X = X if isinstance(X, LazyInputs) else array
    y = plain_array(y, f"{name} labels")
    if X.ndim != 2 or y.ndim != 1 or len(X) != len(y):
        raise DataError(f"{name} images: expected X (n, d) and y (n,), not {X.shape} and {y.shape}")
    if 0 in X.shape:
        raise DataError(f"{name} images: expected at least one image and one input, not {X.shape}")
    if like is not None and X.shape[1] != like.shape[1]:
        raise DataError(f"{name} images: expected {like.shape[1]} inputs as in training, not {X.shape[1]}")
    if X.dtype.kind not in "fiub" or y.dtype.kind not in "iu":
        raise DataError(f"{name} images: expected numbers X and whole-number labels y, not {X.dtype} and {y.dtype}")
    most = 2**28 // X.shape[1] if n_classes is None else n_classes  # weights of 2 GiB: numbers that count no classes
    if y.min() < 0 or y.max() >= most:
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

"""What enters training is checked here, once, at the boundary."""

from collections.abc import Sequence

import numpy as np

from linclf.data.standardize import LazyInputs, stored_array
from linclf.errors import ConfigError, DataError

from .config import Config
from .model import Linear

Arrays = tuple[np.ndarray, np.ndarray]
"""Inputs X (n, d) and labels y (n,)."""
Examples = tuple[np.ndarray | LazyInputs, np.ndarray]
"""The same, or inputs that are made as they are needed."""
Weighted = Examples | tuple[np.ndarray | LazyInputs, np.ndarray, np.ndarray]
"""The same, or with a third array, a weight per image (n,): their mean over the set is 1 once they are checked."""


def checked_examples(
    name: str,
    examples: Weighted,
    n_classes: int | None,
    like: np.ndarray | LazyInputs | None = None,
    sample_weight: np.ndarray | None = None,
) -> Weighted:
    """``examples`` as contiguous arrays of the type training computes in; DataError naming what does not fit.

    Args:
        name: of the set, for messages.
        examples: X (n, d) and y (n,).
        n_classes: C; labels must be 0..C-1. None: only negative labels are wrong.
        like: inputs whose number and type these must share.
        sample_weight: a weight per image, where ``examples`` holds none.
    """
    try:
        X, y, weights = examples if sample_weight is None and len(examples) == 3 else (*examples, sample_weight)
        X, y = X if isinstance(X, LazyInputs) else np.asarray(X), np.asarray(y)
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
        dtype = like.dtype if like is not None else np.float64 if X.dtype == np.float64 else np.float32
        X = np.ascontiguousarray(X, dtype=dtype)
    held = stored_array(X)
    if held.dtype.kind == "f" and not _all_finite(held):
        raise DataError(f"{name} images: expected finite inputs, found NaN or infinity; clean the data first")
    y = y.astype(np.intp)
    return (X, y) if weights is None else (X, y, checked_weights(name, weights, len(y)))


def checked_weights(name: str, weights: np.ndarray, n: int) -> np.ndarray:
    """The weights (n,) of a set of images in float64, scaled to mean 1; DataError naming what does not fit."""
    weights = np.asarray(weights)
    if weights.shape != (n,) or weights.dtype.kind not in "fiub":
        raise DataError(
            f"{name} weights: expected {n} numbers, one per image, not {weights.dtype} of shape {weights.shape}"
        )
    weights = weights.astype(np.float64)
    if not (np.isfinite(weights).all() and weights.min() >= 0 and weights.any()):
        found = f"{weights.min():g}..{weights.max():g}"
        raise DataError(f"{name} weights: expected finite numbers, zero or more and not all zero, found {found}")
    weights /= weights.max()  # the sum of great ones must not overflow
    return weights / weights.mean()


def check_configs(configs: Sequence[Config], n_inputs: int, *, validated: bool) -> None:
    """ConfigError if there is no config, or one that does not fit the images; validated: whether they are measured."""
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
        # As a rule a single pass, on all of the BLAS's threads: neither NaN nor infinity gets lost in a sum. Great
        # numbers may overflow in it.
        sums = rows @ np.ones(rows.shape[-1], A.dtype)
        return bool(np.isfinite(sums).all() or np.isfinite([A.min(), A.max()]).all())

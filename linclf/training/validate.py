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


def checked_examples(
    name: str, examples: Examples, n_classes: int | None, like: np.ndarray | LazyInputs | None = None
) -> Examples:
    """``examples`` as contiguous arrays of the type training computes in; DataError naming what does not fit.

    Args:
        name: of the set, for messages.
        examples: X (n, d) and y (n,).
        n_classes: C; labels must be 0..C-1. None: only negative labels are wrong.
        like: inputs whose number and type these must share.
    """
    try:
        X, y = examples
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
    return X, y.astype(np.intp)


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

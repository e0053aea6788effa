"""The parameters of the scikit-learn estimators: their defaults, their checks, and the Config that they stand for."""

import warnings
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state, check_scalar, compute_class_weight

from linclf.data.augmentation import Augmentation
from linclf.errors import ConfigError

from .config import Config
from .history import History
from .losses import get_loss
from .validate import checked_weights

_FIELDS = {  # parameter of the estimator -> field of Config, which checks its value
    "alpha": "l2",
    "learning_rate_init": "learning_rate",
    "learning_rate_decay": "lr_decay",
    "momentum": "momentum",
    "averaging": "averaging",
    "init": "init",
    "batch_size": "batch_size",
    "shuffle": "shuffle",
    "augment": "augment",
}


class Parameters(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """An estimator's parameters; ``SoftmaxClassifier`` says what each is."""

    _loss: str

    def __init__(
        self,
        *,
        alpha: float = 1e-4,
        learning_rate_init: float = 0.01,
        learning_rate_decay: float = 1.0,
        momentum: float = 0.0,
        averaging: float = 0.0,
        init: str = "normal",
        batch_size: int = 100,
        max_iter: int = 100,
        shuffle: bool = True,
        augment: Augmentation | None = None,
        class_weight: dict[Any, float] | str | None = None,
        random_state: int | np.random.RandomState | None = None,
        warm_start: bool = False,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        verbose: bool = False,
    ) -> None:
        self.alpha = alpha
        self.learning_rate_init = learning_rate_init
        self.learning_rate_decay = learning_rate_decay
        self.momentum = momentum
        self.averaging = averaging
        self.init = init
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.augment = augment
        self.class_weight = class_weight
        self.random_state = random_state
        self.warm_start = warm_start
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.verbose = verbose

    def _check_limits(self) -> None:
        """ValueError unless what bounds ``fit`` is as it has to be."""
        check_scalar(self.max_iter, "max_iter", Integral, min_val=1)
        check_scalar(self.n_iter_no_change, "n_iter_no_change", Integral, min_val=1)
        fraction = self.validation_fraction
        check_scalar(fraction, "validation_fraction", Real, min_val=0, max_val=1, include_boundaries="neither")

    def _drawn_seed(self) -> int:
        """``random_state`` itself, or a number drawn from it."""
        state = self.random_state
        return int(state) if isinstance(state, Integral) else int(check_random_state(state).randint(2**31))

    def _config(self, epochs: int, seed: int) -> Config:
        """For the next epochs; what is wrong is called by the parameter's own name."""
        fields: dict[str, Any] = {field: getattr(self, name) for name, field in _FIELDS.items()}
        try:
            return Config(loss=self._loss, epochs=epochs, seed=seed, restore_best=bool(self.early_stopping), **fields)
        except ConfigError as error:
            field, _, expected = str(error).partition(" ")  # a message begins with the field
            names = {field: name for name, field in _FIELDS.items()}
            raise ConfigError(f"{names.get(field, 'random_state')} {expected}") from None

    def _warn_if_worse_than_zero(self, history: History, n_classes: int) -> None:
        """Warn the caller of ``fit`` where it would have been far better not to train."""
        cost = history.train_cost[history.validation_loss.argmin() if self.early_stopping else -1]
        at_zero = get_loss(self._loss).value(np.zeros((n_classes, 1, 1)), np.array([0])).item()
        if cost > 2 * at_zero:  # a little above is common after few epochs
            warnings.warn(
                f"the cost after training is {cost:.3g}, above the {at_zero:.3g} of weights that are all zero: scale "
                "the inputs, as StandardScaler does, or lower learning_rate_init",
                ConvergenceWarning,
                stacklevel=3,
            )

    def _weights(self, y: np.ndarray, sample_weight: Any, classes: np.ndarray) -> np.ndarray | None:
        """Each row's own weight times its class's, (n,); None where every row counts once. y: 0..C-1."""
        if self.class_weight is None:
            return None if sample_weight is None else checked_weights("training", sample_weight, len(y))
        weights = np.ones(len(y)) if sample_weight is None else checked_weights("training", sample_weight, len(y))
        if self.class_weight == "balanced":  # as if each row were there as often as it weighs
            total = np.bincount(y, weights)[y]
            return weights / np.where(total > 0, total, 1)
        return weights * compute_class_weight(self.class_weight, classes=classes, y=classes)[y]

"""SoftmaxClassifier and SVMClassifier: :func:`linclf.train` as scikit-learn estimators.

There is no second training loop. ``fit`` is one call of ``train``; where somebody looks at each epoch (early stopping,
``partial_fit``) it is one call per epoch, which continues from the weights of the last.
"""

from dataclasses import replace
from numbers import Integral, Real
from typing import Any, Self

import numpy as np

from linclf.errors import ConfigError

from .config import Config
from .history import History
from .loop import train
from .model import Linear
from .validate import Examples

try:
    from scipy.special import softmax
    from sklearn.base import BaseEstimator, ClassifierMixin
    from sklearn.model_selection import train_test_split
    from sklearn.preprocessing import LabelEncoder
    from sklearn.utils import check_random_state, check_scalar
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import check_is_fitted, validate_data
except ImportError as error:
    raise ImportError("the classifiers need scikit-learn 1.6 or later: pip install 'linclf[sklearn]'") from error

_FIELDS = {  # parameter of the estimator -> field of Config, which checks its value
    "alpha": "l2",
    "learning_rate_init": "learning_rate",
    "learning_rate_decay": "lr_decay",
    "batch_size": "batch_size",
    "shuffle": "shuffle",
}
_FLOATS = [np.float64, np.float32]  # kept as they are; anything else becomes float64, as in scikit-learn


class _LinearClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """All but the loss."""

    _loss: str
    coef_: np.ndarray
    intercept_: np.ndarray
    n_iter_: int
    history_: History

    def __init__(
        self,
        *,
        alpha: float = 1e-4,
        learning_rate_init: float = 0.01,
        learning_rate_decay: float = 1.0,
        batch_size: int = 100,
        max_iter: int = 100,
        shuffle: bool = True,
        random_state: int | np.random.RandomState | None = None,
        warm_start: bool = False,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
    ) -> None:
        self.alpha = alpha
        self.learning_rate_init = learning_rate_init
        self.learning_rate_decay = learning_rate_decay
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.warm_start = warm_start
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change

    def fit(self, X: Any, y: Any) -> Self:
        """Train ``max_iter`` epochs on X (n, d) and y (n,), or fewer with early stopping."""
        check_scalar(self.max_iter, "max_iter", Integral, min_val=1)
        check_scalar(self.n_iter_no_change, "n_iter_no_change", Integral, min_val=1)
        fraction = self.validation_fraction
        check_scalar(fraction, "validation_fraction", Real, min_val=0, max_val=1, include_boundaries="neither")
        X, y = self._checked(X, y, fresh=not (self.warm_start and self.__sklearn_is_fitted__()))
        if not self.early_stopping:
            self._advance((X, y), epochs=self.max_iter)
            return self

        parts = train_test_split(X, y, test_size=fraction, stratify=y, random_state=self._seed)
        X, X_held_out, y, y_held_out = parts
        for epoch in range(self.max_iter):
            self._advance((X, y), (X_held_out, y_held_out))
            best_epoch = self.history_.validation_loss[-epoch - 1 :].argmin()
            if best_epoch == epoch:
                best = self.coef_, self.intercept_
            if epoch - best_epoch >= self.n_iter_no_change:
                break
        self.coef_, self.intercept_ = best
        return self

    def partial_fit(self, X: Any, y: Any, classes: Any = None) -> Self:
        """Train one more epoch, on X (n, d) and y (n,) alone; the first call must name all ``classes``."""
        if self.early_stopping:
            raise ConfigError("partial_fit does not support early_stopping=True: it has no images to hold out")
        fresh = not self.__sklearn_is_fitted__()
        if fresh and classes is None:
            raise ConfigError("classes must be given on the first call to partial_fit")
        self._advance(self._checked(X, y, fresh, classes))
        return self

    def decision_function(self, X: Any) -> np.ndarray:
        """Scores X W^T + b of X (n, d), (n, C); for two classes the second's score minus the first's, (n,)."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=_FLOATS)
        scores = X @ self.coef_.T + self.intercept_
        return scores.ravel() if len(self.classes_) == 2 else scores

    def predict(self, X: Any) -> np.ndarray:
        """The class with the highest score for each row of X (n, d), (n,), as one of ``classes_``."""
        scores = self.decision_function(X)
        return self.classes_[scores.argmax(axis=1) if scores.ndim == 2 else (scores > 0).astype(int)]

    def __sklearn_is_fitted__(self) -> bool:
        return getattr(self, "n_iter_", 0) > 0

    def _checked(self, X: Any, y: Any, fresh: bool, classes: Any = None) -> Examples:
        """X as floats and y as 0..C-1; with ``fresh``, training starts again, with the classes found here."""
        X, y = validate_data(self, X, y, reset=fresh, dtype=_FLOATS)
        check_classification_targets(y)
        found = np.unique(y if classes is None else classes)
        if fresh:
            if len(found) < 2:
                raise ConfigError(f"expected at least two classes, found one class only: {found[0]}")
            self.classes_, self.n_iter_ = found, 0
            state = self.random_state
            self._seed = int(state) if isinstance(state, Integral) else check_random_state(state).randint(2**31)
        elif classes is not None and not np.array_equal(found, self.classes_):
            raise ConfigError(f"expected the classes of the first call, {self.classes_}, not {found}")
        return X, LabelEncoder().fit(self.classes_).transform(y)

    def _advance(self, examples: Examples, held_out: Examples | None = None, epochs: int = 1) -> None:
        """Train ``epochs`` more, from the weights there are."""
        init = [self._model()] if self.n_iter_ else None
        config = self._config(epochs)
        (run,) = train(config, examples, held_out, init=init, n_classes=len(self.classes_), progress=False)
        assert run.history is not None
        self.coef_, self.intercept_ = run.model.W, run.model.b
        if len(self.classes_) == 2:  # scikit-learn keeps the difference of the two rows
            self.coef_, self.intercept_ = np.diff(self.coef_, axis=0), np.diff(self.intercept_)
        self.history_ = _joined(self.history_, run.history) if init else run.history
        self.n_iter_ += epochs

    def _model(self) -> Linear:
        """The weights there are, one row per class."""
        if len(self.classes_) > 2:
            return Linear(self.coef_, self.intercept_)
        # Both losses see only the difference of two rows, so the halves train on as the rows themselves would.
        return Linear(np.outer([-0.5, 0.5], self.coef_), np.outer([-0.5, 0.5], self.intercept_).ravel())

    def _config(self, epochs: int) -> Config:
        """Of the next epochs: the learning rate has decayed, and their shuffled orders are new ones."""
        fields: dict[str, Any] = {field: getattr(self, name) for name, field in _FIELDS.items()}
        try:
            config = Config(loss=self._loss, epochs=epochs, seed=self._seed + self.n_iter_, **fields)
        except ConfigError as error:
            field, _, expected = str(error).partition(" ")  # a message begins with the field
            names = {field: name for name, field in _FIELDS.items()}
            raise ConfigError(f"{names.get(field, 'random_state')} {expected}") from None
        return replace(config, learning_rate=config.learning_rate_at(self.n_iter_ + 1))


def _joined(before: History, after: History) -> History:
    """One History of both, without the later one's first numbers: they are of the weights the earlier one ends with."""
    return History(**{name: np.concatenate([old, vars(after)[name][1:]]) for name, old in vars(before).items()})


class SoftmaxClassifier(_LinearClassifier):
    """Softmax regression by mini-batch gradient descent.

    Minimises mean_i[log Σ_j exp(S_j) - S_y] + λ‖W‖² (in nats) with S = W x + b; b is not penalised.

    Args:
        alpha: λ. The penalty is λ‖W‖², without a factor 1/2: its gradient is 2λW.
        learning_rate_init: η of the first epoch.
        learning_rate_decay: factor on η after each epoch, or each call of ``partial_fit``; 1 keeps it.
        batch_size: rows per mini-batch.
        max_iter: epochs that ``fit`` trains at most.
        shuffle: draw a new order of the rows at each epoch.
        random_state: of the initial weights, the orders and the held-out rows. With an int and no early stopping,
            ``fit`` trains the very weights that ``linclf.train`` does with that seed.
        warm_start: ``fit`` goes on from the last weights, number of epochs and learning rate.
        early_stopping: hold out rows, stop after ``n_iter_no_change`` epochs without a smaller loss on them, and
            restore the weights of the epoch where it was smallest.
        validation_fraction: share of the rows held out for early stopping, stratified.
        n_iter_no_change: epochs that early stopping waits.

    Attributes:
        coef_: W, (C, d), float32 if X is float32, else float64. For two classes (1, d), the second row minus the
            first: λ‖W‖² is then, at the minimum, λ‖coef_‖² / 2.
        intercept_: b, (C,), or (1,).
        classes_: the labels, sorted, (C,).
        n_iter_: epochs trained since the weights were drawn, those after the best one included.
        history_: a ``linclf.History`` of n_iter_ + 1 numbers each; NaN on validation rows without early stopping.
            After ``partial_fit`` each number is of the rows of its own call.
        n_features_in_: d.

    There is no ``sample_weight`` and no ``class_weight``: every row counts once.

    Raises:
        ValueError: parameters, inputs or labels that do not fit.
        DivergenceError: the loss became infinite or NaN.

    The minimum is that of scikit-learn's LogisticRegression with C = 1 / (2λn), or 1 / (λn) for two classes. For the
    loss see Bishop, Pattern Recognition and Machine Learning (2006), section 4.3.4.

    >>> X = np.array([[0.0, 1.0], [1.0, 1.0], [0.0, 0.0]])
    >>> model = SoftmaxClassifier(learning_rate_init=1.0, random_state=0).fit(X, ["cat", "dog", "owl"])
    >>> model.predict(X)
    array(['cat', 'dog', 'owl'], dtype='<U3')
    >>> model.predict_proba(X).shape
    (3, 3)
    """

    _loss = "cross_entropy"

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probabilities softmax(S) of the classes for each row of X (n, d), (n, C)."""
        scores = self.decision_function(X)
        if scores.ndim == 1:
            scores = np.column_stack([-scores, scores]) / 2
        return softmax(scores, axis=1)


class SVMClassifier(_LinearClassifier):
    """Linear multi-class SVM, all classes in one loss, by mini-batch (sub)gradient descent.

    Minimises mean_i[Σ_{j≠y} max(0, S_j - S_y + 1)] + λ‖W‖² with S = W x + b; b is not penalised. This is the loss of
    Weston and Watkins (1999). For two classes the minimum is that of scikit-learn's SVC(kernel="linear") with
    C = 1 / (λn).

    Parameters, attributes and errors are those of :class:`SoftmaxClassifier`; there is no ``predict_proba``
    (CalibratedClassifierCV makes one).

    >>> X = np.array([[0.0, 1.0], [1.0, 1.0], [0.0, 0.0]])
    >>> model = SVMClassifier(learning_rate_init=0.1, random_state=0).fit(X, ["cat", "dog", "owl"])
    >>> model.predict(X)
    array(['cat', 'dog', 'owl'], dtype='<U3')
    """

    _loss = "multiclass_hinge"

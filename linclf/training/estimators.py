"""SoftmaxClassifier and SVMClassifier: :func:`linclf.train` as scikit-learn estimators.

``fit`` and ``partial_fit`` run the one training loop, and look at its record after each epoch.
"""

import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from inspect import Parameter, Signature
from numbers import Integral, Real
from typing import Any, Self

import numpy as np

from linclf.data.inputs import Examples, check_plain, plain_array, stored_array
from linclf.errors import ConfigError

from .config import OPTIONS, Config, checked_weights, document
from .loop import Evaluate, History, Record, training
from .losses import get_loss, largest_eigenvalue
from .model import from_coefficients
from .stack import State
from .train import make_tasks

try:
    from sklearn.base import BaseEstimator, ClassifierMixin
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.model_selection import train_test_split
    from sklearn.preprocessing import LabelEncoder
    from sklearn.utils import check_random_state, check_scalar
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import check_is_fitted, validate_data
except ImportError as error:
    raise ImportError("the classifiers need scikit-learn 1.6 or later: pip install 'linclf[sklearn]'") from error

_FIELDS = {  # parameter of the estimators: field of Config, which checks it
    option.metadata["estimator"]: name for name, option in OPTIONS.items() if option.metadata["estimator"]
}
_DEFAULTS = {name: OPTIONS[field].default for name, field in _FIELDS.items()} | {
    "alpha": "auto",
    "learning_rate_init": "auto",
    "batch_size": "auto",
    "momentum": 0.9,
    "averaging": 0.8,
    "init": "zeros",  # a small random weight is much for a row whose rare feature is 90 deviations from the mean
    "max_iter": 200,
    "tol": 1e-4,
    "shuffle": True,
    "class_weight": None,
    "random_state": None,
    "warm_start": False,
    "early_stopping": "auto",
    "validation_fraction": 0.1,
    "n_iter_no_change": 5,
    "verbose": False,
}
_MANY_ROWS = 10_000  # that early stopping by "auto" begins above, as in HistGradientBoostingClassifier
_FLOATS = [np.float64, np.float32]  # kept as they are; other types become float64, as in scikit-learn


class _LinearClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """All but the loss."""

    _loss: str
    _auto_penalty: Callable[[int], float]  # λ times n, with "auto", of C classes
    coef_: np.ndarray
    intercept_: np.ndarray
    n_iter_: int
    alpha_: float
    learning_rate_: float
    history_: History
    _state: State | None  # with momentum or averaging: what coef_ does not tell

    def __init__(self, **parameters: Any) -> None:
        if unknown := parameters.keys() - _DEFAULTS.keys():
            raise TypeError(f"{type(self).__name__} has no parameter {', '.join(sorted(unknown))}")
        self.__dict__.update(_DEFAULTS | parameters)

    # scikit-learn reads the parameters from the signature.
    __init__.__signature__ = Signature(  # type: ignore[attr-defined]
        [
            Parameter("self", Parameter.POSITIONAL_OR_KEYWORD),
            *(Parameter(name, Parameter.KEYWORD_ONLY, default=value) for name, value in _DEFAULTS.items()),
        ]
    )

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train on X (n, d), y (n,) and weights (n,), if given, until the cost stops falling or max_iter ends it.

        Sample weights, 0 or more, are scaled to mean 1: a weight of 2 counts the row twice, 0 leaves it out. A
        ConvergenceWarning is raised if ``max_iter`` ends training first, or if it ends far worse than weights of zero.
        """
        check_scalar(self.max_iter, "max_iter", Integral, min_val=1)
        check_scalar(self.n_iter_no_change, "n_iter_no_change", Integral, min_val=1)
        if self.tol is not None:
            check_scalar(self.tol, "tol", Real, min_val=0)
        fraction = self.validation_fraction
        check_scalar(fraction, "validation_fraction", Real, min_val=0, max_val=1, include_boundaries="neither")
        fresh = not (self.warm_start and self.__sklearn_is_fitted__())
        examples, held_out = self._checked(X, y, sample_weight, fresh), None
        if self._stops_early(*examples[1:]):
            parts = train_test_split(*examples, test_size=fraction, stratify=examples[1], random_state=self._seed)
            examples, held_out = parts[::2], parts[1::2]
        stopped = self._advance(examples, held_out, self.max_iter)
        self._warn(stopped=stopped)
        return self

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """Train one more epoch on these rows, as in ``fit``; the first call must name all ``classes``."""
        if self.early_stopping is True:
            raise ConfigError("partial_fit does not support early_stopping=True: it has no images to hold out")
        if isinstance(self.class_weight, str):
            raise ConfigError("partial_fit needs class_weight as a mapping: the rows of one call may not be balanced")
        fresh = not self.__sklearn_is_fitted__()
        if fresh and classes is None:
            raise ConfigError("classes must be given on the first call to partial_fit")
        self._advance(self._checked(X, y, sample_weight, fresh, classes))
        return self

    def decision_function(self, X: Any) -> np.ndarray:
        """Scores X W^T + b of X (n, d), (n, C); for two classes the second's score minus the first's, (n,)."""
        check_is_fitted(self)
        plain_array(X, "X")
        X = validate_data(self, X, reset=False, dtype=_FLOATS)
        with np.errstate(invalid="ignore"):  # see Linear.scores
            scores = X @ self.coef_.T + self.intercept_
        return scores.ravel() if len(self.classes_) == 2 else scores

    def predict(self, X: Any) -> np.ndarray:
        """The class with the highest score for each row of X (n, d), (n,), as one of ``classes_``."""
        scores = self.decision_function(X)
        return self.classes_[scores.argmax(axis=1) if scores.ndim == 2 else (scores > 0).astype(int)]

    def __sklearn_is_fitted__(self) -> bool:
        return getattr(self, "n_iter_", 0) > 0

    def _checked(self, X: Any, y: Any, sample_weight: Any, fresh: bool, classes: Any = None) -> Examples:
        """X as floats, y as 0..C-1 and weights, if any; ``fresh``: training starts again, with the classes of y."""
        plain_array(X, "X")  # scikit-learn would take the bare numbers
        check_plain(y, "y")
        X, y = validate_data(self, X, y, reset=fresh, dtype=_FLOATS)
        check_classification_targets(y)
        classes_of_call = np.unique(y if classes is None else classes)
        if fresh:
            if len(classes_of_call) < 2:
                raise ConfigError(f"expected at least two classes, found one class only: {classes_of_call[0]}")
            state = self.random_state
            seed = int(state) if isinstance(state, Integral) else int(check_random_state(state).randint(2**31))
            self.classes_, self.n_iter_, self._seed, self._state = classes_of_call, 0, seed, None
        elif classes is not None and not np.array_equal(classes_of_call, self.classes_):
            raise ConfigError(f"expected the classes of the first call, {self.classes_}, not {classes_of_call}")
        y = LabelEncoder().fit(self.classes_).transform(y)
        weights = self._weights(y, sample_weight)
        if fresh:
            self._n = float(len(y) if sample_weight is None else np.asarray(sample_weight, np.float64).sum())
        return (X, y) if weights is None else (X, y, weights)

    def _stops_early(self, y: np.ndarray, weights: np.ndarray | None = None) -> bool:
        """Whether ``fit`` holds out some of these rows; y: 0..C-1."""
        if self.early_stopping != "auto":
            return bool(self.early_stopping)
        rows = np.bincount(y, None if weights is None else weights > 0, minlength=len(self.classes_))
        return self.tol is not None and rows.sum() > _MANY_ROWS and rows.min() * self.validation_fraction >= 1

    def _weights(self, y: np.ndarray, sample_weight: Any) -> np.ndarray | None:
        """The weight of each row times that of its class, (n,); None if every row counts once. y: 0..C-1."""
        by_class = self.class_weight
        if sample_weight is None and by_class is None:
            return None
        weights = np.ones(len(y)) if sample_weight is None else checked_weights("training", sample_weight, len(y))
        if by_class is None:
            return weights
        if isinstance(by_class, str) and by_class == "balanced":
            total = np.bincount(y, weights)[y]
            return weights / np.where(total > 0, total, 1)
        if not isinstance(by_class, Mapping):
            raise ConfigError(
                f"class_weight must be a mapping of labels to weights, 'balanced' or None, not {by_class!r}"
            )
        # A label that these rows lack needs no weight: a fold may lack a rare class.
        if strange := [label for label in by_class if isinstance(label, str) != isinstance(self.classes_[0], str)]:
            raise ConfigError(f"class_weight must have labels as in {self.classes_}, not {strange[0]!r}")
        return weights * np.array([by_class.get(label, 1) for label in self.classes_], float)[y]

    def _advance(self, examples: Examples, held_out: Examples | None = None, epochs: int = 1) -> bool:
        """Train ``epochs`` more, from the present weights, or until the rule stops it; whether that did."""
        config = self._config(epochs, self._seed + self.n_iter_, examples, restore_best=held_out is not None)
        # The training rows take as long to measure as to score in training: the held-out rows alone tell enough.
        evaluate: Evaluate = "validation" if held_out else True
        (task,) = make_tasks([[0]], [config], examples, held_out, len(self.classes_), evaluate)
        if self.n_iter_:
            start = self._state or State(from_coefficients(self.coef_, self.intercept_))
            task = replace(task, init=[start], done=self.n_iter_)
        started, running = time.perf_counter(), training(task)
        record, wait, stopped = next(running), self.n_iter_no_change, False
        for epoch, _ in enumerate(running, start=1):
            history = _history(record)
            if self.verbose:
                print(_line(self.n_iter_ + epoch, history, time.perf_counter() - started), flush=True)
                started = time.perf_counter()
            values = history.validation_loss if held_out else history.train_cost
            if epoch > wait and (held_out or self.tol is not None):
                before, tol = values[:-wait].min(), self.tol or 0
                gain = 100 * tol * before if held_out else tol  # of a loss on few rows, less is not worth the time
                stopped = values[-wait:].min() >= before - gain
            if stopped:
                break
        self._keep(record, epoch)
        return bool(stopped)

    def _config(self, epochs: int, seed: int, examples: Examples, *, restore_best: bool) -> Config:
        """The Config of the next epochs; errors name the parameter of the estimator."""
        X, _, *weights = examples
        values, n = {name: getattr(self, name) for name in _FIELDS}, len(X)
        if values["batch_size"] == "auto":
            values["batch_size"] = n if n <= 50 else min(100, max(10, -(-n // 40)))
        if values["alpha"] == "auto":
            values["alpha"] = self.alpha_ if self.n_iter_ else self._auto_penalty(len(self.classes_)) / self._n
        auto = values["learning_rate_init"] == "auto"
        if auto:
            values["learning_rate_init"] = self.learning_rate_ if self.n_iter_ else 0.0
        fields: dict[str, Any] = {field: values[name] for name, field in _FIELDS.items()}
        try:
            config = Config(loss=self._loss, epochs=epochs, seed=seed, restore_best=restore_best, **fields)
            if auto and not self.n_iter_:
                checked = [checked_weights("training", w, n) for w in weights]
                curvature = get_loss(self._loss).curvature(len(self.classes_))
                bends = largest_eigenvalue(stored_array(X), *checked) * curvature + 4 * config.l2
                config = replace(config, learning_rate=2 * (1 - config.momentum) / bends)
        except ConfigError as error:
            field, _, expected = str(error).partition(" ")  # a message begins with the field
            names = {field: name for name, field in _FIELDS.items()}
            raise ConfigError(f"{names.get(field, 'random_state')} {expected}") from None
        self.alpha_, self.learning_rate_ = config.l2, config.learning_rate
        return config

    def _keep(self, record: Record, epochs: int) -> None:
        """Set the attributes to what was trained in these epochs."""
        model, history = record.model(0), _history(record)
        self.coef_, self.intercept_ = model.W, model.b
        if len(self.classes_) == 2:  # scikit-learn keeps the difference of the two rows
            self.coef_, self.intercept_ = np.diff(model.W, axis=0), np.diff(model.b)
        # With early stopping, training continues from the restored epoch.
        self._state = record.state(0) if (self.momentum or self.averaging) and not _held_out(history) else None
        self.history_ = _joined(self.history_, history) if self.n_iter_ else history
        self.n_iter_ += epochs

    def _warn(self, *, stopped: bool) -> None:
        """Warn the caller of ``fit`` if ``max_iter`` ended training, or the cost is far above that of zero weights."""
        history = self.history_
        cost = history.train_cost[-1]
        if _held_out(history):
            cost = history.validation_cost[np.nanargmin(history.validation_loss)]  # of the epoch that was restored
        at_zero = get_loss(self._loss).value(np.zeros((len(self.classes_), 1, 1)), np.array([0])).item()
        said = ""
        if cost > 2 * at_zero:  # a little above is common after few epochs
            said = f"the cost after training is {cost:.3g}, above the {at_zero:.3g} of weights that are all zero"
            advice = "lower learning_rate_init"
        elif not (stopped or self.tol is None):
            said = f"training ended after max_iter={self.max_iter} epochs, while the cost still fell"
            advice = "raise max_iter"
        if said:
            said += f": scale the inputs, as StandardScaler does, or {advice}"
            warnings.warn(said, ConvergenceWarning, stacklevel=3)


def _history(record: Record) -> History:
    history = record.history(0)
    assert history is not None
    return history


def _held_out(history: History) -> bool:
    """Whether its last epoch measured rows that were held out, not those that it was trained on."""
    return bool(np.isfinite(history.validation_loss[-1]))


def _line(epoch: int, history: History, seconds: float) -> str:
    """What ``verbose`` says of an epoch."""
    of, held_out = ("validation", "held out ") if _held_out(history) else ("train", "")
    loss, accuracy = (vars(history)[f"{of}_{what}"][-1] for what in ("loss", "accuracy"))
    return f"epoch {epoch}: {held_out}loss {loss:.4f}, accuracy {accuracy:.4f}, {seconds:.2f} s"


def _joined(before: History, after: History) -> History:
    """One History of both; the first numbers of ``after`` repeat the last ones of ``before``."""
    return History(**{name: np.concatenate([old, vars(after)[name][1:]]) for name, old in vars(before).items()})


class SoftmaxClassifier(_LinearClassifier):
    """Softmax regression by mini-batch gradient descent.

    Minimises mean_i[log Σ_j exp(S_j) - S_y] + λ‖W‖² (in nats) with S = W x + b; b is not penalised. With weights it
    is the weighted mean.

    Args:
        OPTIONS
        learning_rate_init, alpha, batch_size: "auto", the default, is η = 2 (1 - μ) / (L c + 4λ), with L the largest
            eigenvalue of the weighted X^T X / n, and c = 1 or, for the hinge, C / 2; λ = 1 / (2n) or, for the hinge, C
            / (2n), with n the sum of the sample weights; one mini-batch of up to 50 rows, else 40 of an epoch, but of
            10 to 100 rows. Momentum adds steps up to η / (1 - μ), which is 1 over L / 2 + 2λ, a bound of the
            cross-entropy's curvature (Böhning, 1992); μ is 0.9 by default. Averaging, by default 0.8, takes the noise
            of mini-batches out of the weights (Polyak and Juditsky, 1992); they begin at zero. Later calls of
            ``partial_fit`` and warm starts keep η and λ.
        max_iter: max. epochs of ``fit``, 200 by default.
        tol: ``fit`` ends once ``n_iter_no_change`` epochs lower the cost on the training rows by no more than this,
            1e-4 by default, or, with early stopping, the loss on those held out by no more than 100 times this share
            of it, 1 %. None: it trains ``max_iter`` epochs or, with early stopping, until that loss no longer falls.
        class_weight: weights by label, 1 for labels that are not named; those of labels that the rows lack, as a fold
            may, are not used. Or "balanced", by which all classes have the same weight. A row's weight is its
            ``sample_weight``, 1 by default, times that of its class.
        random_state: of the initial weights, the orders, the augmentation and the held-out rows. With an int, ``fit``
            trains the very weights that ``linclf.train`` does with that seed on the rows that are not held out.
        warm_start: ``fit`` continues from the last weights, number of epochs and learning rate.
        early_stopping: hold out rows, stop once the loss on them falls no further, and restore the weights of the epoch
            where it was smallest. "auto", the default: of more than 10,000 rows (if ``tol`` is not None and at least
            one row of each class is held out), as HistGradientBoostingClassifier does.
        validation_fraction: share of the rows held out for early stopping, stratified.
        n_iter_no_change: epochs after which training without progress ends, 5 by default.
        verbose: print a line per epoch: mean loss and accuracy, of the held-out rows if there are any, and seconds.

    Attributes:
        coef_: W, (C, d), float32 if X is float32, else float64. For two classes (1, d), the second row minus the
            first: λ‖W‖² is then, at the minimum, λ‖coef_‖² / 2.
        intercept_: b, (C,), or (1,).
        classes_: the labels, sorted, (C,).
        alpha_, learning_rate_: λ and η, with "auto" as computed.
        n_iter_: epochs trained since the weights were drawn, those after the best one included.
        history_: a ``linclf.History`` with arrays of n_iter_ + 1 numbers: validation_* with early stopping, train_*
            without it, the others NaN, since to measure the training rows too takes half as long as to train on them.
            After ``partial_fit`` the numbers of an epoch are of the rows of that call.
        n_features_in_: d.

    Raises:
        ValueError: invalid parameters, inputs or labels.
        DivergenceError: the loss became infinite or NaN.

    The minimum is that of scikit-learn's LogisticRegression with C = 1 / (2λn), or 1 / (λn) for two classes: with the
    default λ that of its default C = 1, or 2. For the
    loss see Bishop, Pattern Recognition and Machine Learning (2006), section 4.3.4.

    >>> X = np.array([[0.0, 1.0], [1.0, 1.0], [0.0, 0.0]])
    >>> model = SoftmaxClassifier(random_state=0).fit(X, ["cat", "dog", "owl"])
    >>> model.predict(X)
    array(['cat', 'dog', 'owl'], dtype='<U3')
    >>> model.predict_proba(X).shape
    (3, 3)
    """

    _loss = "cross_entropy"
    _auto_penalty = staticmethod(lambda n_classes: 1 / 2)

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probabilities softmax(S) of the classes for each row of X (n, d), (n, C)."""
        return get_loss(self._loss).probabilities(self._scores(X).T).T

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Their logarithms, (n, C), finite also where a probability is rounded to 0."""
        S = self._scores(X)
        S = S - S.max(axis=1, keepdims=True)
        return S - np.log(np.exp(S).sum(axis=1, keepdims=True))

    def _scores(self, X: Any) -> np.ndarray:
        """Scores (n, C), also for two classes."""
        scores = self.decision_function(X)
        return scores if scores.ndim == 2 else np.column_stack([-scores, scores]) / 2


SoftmaxClassifier.__doc__ = document(SoftmaxClassifier.__doc__, _FIELDS)


class SVMClassifier(_LinearClassifier):
    """Linear multi-class SVM, all classes in one loss, by mini-batch (sub)gradient descent.

    Minimises mean_i[Σ_{j≠y} max(0, S_j - S_y + 1)] + λ‖W‖² with S = W x + b; b is not penalised. This is the loss of
    Weston and Watkins (1999). For two classes the minimum is that of scikit-learn's SVC(kernel="linear") with
    C = 1 / (λn), which is its default C = 1 with the default λ; that grows with C, as the loss does.

    Parameters, attributes and errors are those of :class:`SoftmaxClassifier`; there is no ``predict_proba``
    (CalibratedClassifierCV makes one).

    >>> X = np.array([[0.0, 1.0], [1.0, 1.0], [0.0, 0.0]])
    >>> model = SVMClassifier(learning_rate_init=0.1, random_state=0).fit(X, ["cat", "dog", "owl"])
    >>> model.predict(X)
    array(['cat', 'dog', 'owl'], dtype='<U3')
    """

    _loss = "multiclass_hinge"
    _auto_penalty = staticmethod(lambda n_classes: n_classes / 2)

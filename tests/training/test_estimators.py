"""The scikit-learn estimators: scikit-learn's own checks, its solutions, its tools, and what is refused."""

import pickle
import re
import subprocess
import sys
import warnings
from unittest import SkipTest

import joblib
import numpy as np
import pytest
import skops.io
from helpers import weights
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.utils.estimator_checks import parametrize_with_checks

from linclf import Augmentation, Config, ConfigError, DivergenceError, SoftmaxClassifier, SVMClassifier, train
from linclf.training.config import OPTIONS

CLASSIFIERS = {"cross_entropy": SoftmaxClassifier, "multiclass_hinge": SVMClassifier}
every_classifier = pytest.mark.parametrize("Classifier", CLASSIFIERS.values())

pytestmark = pytest.mark.filterwarnings("ignore:training ended after max_iter")  # most tests train briefly
unscaled = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
PLAIN = {"learning_rate_init": 0.01, "alpha": 1e-4, "batch_size": 100, "momentum": 0.0, "averaging": 0.0, "tol": None}
PLAIN["init"] = "normal"
"""Plain gradient descent, as train does it without further options."""

DIGITS = load_digits(return_X_y=True)


def digits(n_classes=10, n=None, dtype=np.float64):
    X, y = DIGITS
    rows = np.flatnonzero(y < n_classes)[:n]
    return (X[rows] / 16).astype(dtype), y[rows]


@unscaled
@parametrize_with_checks([SoftmaxClassifier(), SVMClassifier()])
def test_scikit_learn_accepts_them(estimator, check):
    """In full: a check that is skipped for want of a package or a setting has failed."""
    try:
        check(estimator)
    except SkipTest as reason:
        pytest.fail(str(reason))


@pytest.mark.parametrize("loss", CLASSIFIERS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "own",
    [
        {},
        {"momentum": np.float32(0.5), "averaging": 0.9, "init": "xavier", "batch_size": np.int64(50)},
        {"augment": Augmentation(image_shape=(8, 8, 1), flip=True, shift=1), "shuffle": np.False_},
    ],
    ids=["plain", "momentum", "augment"],
)
@pytest.mark.parametrize("sample_weight", [None, weights(300)], ids=["plain", "weighted"])
def test_fit_is_train(loss, dtype, own, sample_weight):
    """Bit for bit, in the type of the inputs."""
    X, y = digits(n=300, dtype=dtype)
    settings = PLAIN | {"alpha": 0.01, "learning_rate_decay": 0.9, "max_iter": 5, "random_state": 3} | own
    model = CLASSIFIERS[loss](**settings)
    model.fit(X, y, sample_weight)
    config = Config(loss=loss, learning_rate=0.01, l2=0.01, lr_decay=0.9, epochs=5, seed=3, **{"shuffle": True, **own})
    (run,) = train(config, (X, y), sample_weight=sample_weight)
    np.testing.assert_array_equal(model.coef_, run.model.W)
    np.testing.assert_array_equal(model.intercept_, run.model.b)
    np.testing.assert_array_equal(model.history_.train_loss, run.history.train_loss)
    assert model.coef_.dtype == model.intercept_.dtype == model.decision_function(X).dtype == dtype
    assert model.n_iter_ == 5


@every_classifier
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("more", [{}, {"momentum": 0.9}, {"momentum": 0.5, "averaging": 0.9}], ids=str)
def test_going_on_is_one_long_training(Classifier, n_classes, more):
    """Weights, momentum, averages, learning rate and history go on where they stopped, in both kinds of fit."""
    (X, y), w = digits(n_classes, n=200), weights(200) + 0.1
    settings = PLAIN | {"learning_rate_decay": 0.8, "shuffle": False, "random_state": 0} | more
    whole = Classifier(max_iter=6, **settings).fit(X, y, w)
    warm = Classifier(max_iter=3, warm_start=True, **settings).fit(X, y, w).fit(X, y, w)
    steps = Classifier(**settings).partial_fit(X, y, classes=range(n_classes), sample_weight=w)
    for _ in range(5):
        steps.partial_fit(X, y, sample_weight=w)
    for model in (warm, steps):
        np.testing.assert_allclose(model.coef_, whole.coef_, rtol=1e-9)
        np.testing.assert_allclose(model.intercept_, whole.intercept_, rtol=1e-9)
        np.testing.assert_allclose(model.history_.train_loss, whole.history_.train_loss, rtol=1e-9)
        assert model.n_iter_ == 6


def test_each_epoch_of_partial_fit_has_an_order_of_its_own():
    X, y = digits(3, n=200)
    model = SoftmaxClassifier(random_state=5, **PLAIN).partial_fit(X, y, classes=[0, 1, 2]).partial_fit(X, y)
    init = None
    for seed in (5, 6):
        (run,) = train(Config(learning_rate=0.01, l2=1e-4, epochs=1, shuffle=True, seed=seed), (X, y), init=init)
        init = [run.model]
    np.testing.assert_array_equal(model.coef_, run.model.W)


@pytest.mark.parametrize(("n_classes", "factor"), [(2, 1), (3, 2), (10, 2), ("svm", 1)])
def test_they_converge_to_logistic_regression_and_svc(n_classes, factor):
    """λ‖W‖² is ‖W‖² / (2Cn). For two classes, with rows ±w/2 at the minimum, it is (λ/2)‖w‖²."""
    svm = n_classes == "svm"
    (X, y), alpha = digits(2 if svm else n_classes), 0.05 if svm else 0.02
    X -= X.mean(axis=0)  # or gradient descent takes long to find the intercept
    settings = PLAIN | {"alpha": alpha, "learning_rate_init": 1.0, "batch_size": len(X), "max_iter": 500}
    C = 1 / (factor * alpha * len(X))
    if svm:
        model = SVMClassifier(**settings | {"learning_rate_decay": 0.995, "max_iter": 2000})
        reference, atol = SVC(kernel="linear", C=C, tol=1e-8).fit(X, y), 1e-3
    else:
        model, atol = SoftmaxClassifier(**settings), 1e-6
        reference = LogisticRegression(C=C, tol=1e-9, max_iter=10_000).fit(X, y)
    model.fit(X, y)
    np.testing.assert_allclose(model.coef_, reference.coef_, atol=atol)
    # With a row a class, one number added to all intercepts changes neither loss nor penalty.
    free = (model.intercept_ - reference.intercept_).mean() if len(model.intercept_) > 1 else 0
    np.testing.assert_allclose(model.intercept_ - free, reference.intercept_, atol=atol)
    assert hasattr(model, "predict_log_proba") == (not svm)
    if not svm:
        np.testing.assert_allclose(model.predict_proba(X), reference.predict_proba(X), atol=atol)
        np.testing.assert_allclose(model.predict_log_proba(X), np.log(model.predict_proba(X)), rtol=1e-10)
        assert np.isfinite(model.predict_log_proba(1e5 * X)).all()


@pytest.mark.parametrize("load", [load_iris, load_wine, load_breast_cancer, load_digits])
def test_defaults_are_as_good_as_those_of_scikit_learn(load):
    """Five folds, scaled: LogisticRegression within a point and 5 % of log loss, LinearSVC 2 points; no warning.

    Of three draws of folds each; 3 and 6 are those of ten that are hardest on digits.
    """
    X, y = load(return_X_y=True)
    for draw in (0, 3, 6):
        folds = StratifiedKFold(5, shuffle=True, random_state=draw)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            accuracy, loss = validated(SoftmaxClassifier(random_state=0), X, y, folds)
            (svm,) = validated(SVMClassifier(random_state=0), X, y, folds)
        peer_accuracy, peer_loss = validated(LogisticRegression(), X, y, folds)
        assert accuracy > peer_accuracy - 0.01
        assert loss > 1.05 * peer_loss  # both below zero
        assert svm > validated(LinearSVC(max_iter=5000), X, y, folds)[0] - 0.02


def validated(model, X, y, folds):
    """Mean accuracy and, of a model with probabilities, minus the log loss, of scaled inputs."""
    scoring = ["accuracy", *(["neg_log_loss"] if hasattr(model, "predict_proba") else [])]
    scores = cross_validate(make_pipeline(StandardScaler(), model), X, y, cv=folds, scoring=scoring)
    return [scores[f"test_{name}"].mean() for name in scoring]


@every_classifier
def test_auto_is_what_it_says_and_is_kept(Classifier):
    """Also for rows that count more than once: n is the sum of the weights."""
    (X, y), w = digits(3, n=200), weights(200)
    model = Classifier(random_state=0, momentum=0.5, max_iter=3).partial_fit(X, y, [0, 1, 2], w)
    L = np.linalg.eigvalsh((X.T * w) @ X / w.sum())[-1]
    c, of_penalty = (1, 1) if Classifier is SoftmaxClassifier else (3 / 2, 3)
    assert model.alpha_ == pytest.approx(of_penalty / (2 * w.sum()))
    assert model.learning_rate_ == pytest.approx(1 / (L * c + 4 * model.alpha_))
    kept = model.alpha_, model.learning_rate_
    model.partial_fit(5 * X[:90], y[:90])
    assert (model.alpha_, model.learning_rate_) == kept
    assert Classifier(alpha=0, learning_rate_init=0.5, max_iter=1).fit(X, y).learning_rate_ == 0.5


@every_classifier
def test_training_that_made_it_worse_or_ended_early_is_said(Classifier):
    X, y = load_wine(return_X_y=True)
    with pytest.warns(ConvergenceWarning, match=r"the cost after training is .* scale the inputs"):
        Classifier(random_state=0, learning_rate_init=0.01).fit(X, y)
    X = StandardScaler().fit_transform(X)
    with pytest.warns(ConvergenceWarning, match="training ended after max_iter=7 epochs, while the cost still fell"):
        Classifier(random_state=0, max_iter=7).fit(X, y)
    cost = Classifier(random_state=0).fit(X, y).history_.train_cost
    falls = np.array([cost[:i].min() - cost[i : i + 5].min() for i in range(1, len(cost) - 4)])
    assert falls[-1] < 1e-4 <= falls[:-1].min()


@every_classifier
def test_weights_of_classes_are_weights_of_rows(Classifier):
    """And balanced is as if each row were there as often as it weighs."""
    (X, y), w = digits(3, n=200), weights(200)
    names, settings = np.array(["a", "b", "c"]), PLAIN | {"max_iter": 5, "random_state": 0}
    by_class = Classifier(class_weight={"a": 2, "c": 0.5}, **settings).fit(X, names[y], w)
    by_row = Classifier(**settings).fit(X, y, w * np.array([2, 1, 0.5])[y])
    np.testing.assert_array_equal(by_class.coef_, by_row.coef_)
    balanced = Classifier(class_weight="balanced", **settings).fit(X, y, w)
    by_row.fit(X, y, w / np.bincount(y, w)[y])
    np.testing.assert_allclose(balanced.coef_, by_row.coef_, rtol=1e-10)
    fold = y != 2  # lacks a class, whose weight is not needed
    lacking = Classifier(class_weight={2: 5, 9: -1}, **settings).fit(X[fold], y[fold])
    plain = Classifier(**settings).fit(X[fold], y[fold])
    np.testing.assert_array_equal(lacking.coef_, plain.coef_)
    without = Classifier(class_weight="balanced", **settings).fit(X, y, w * (y != 1))
    assert np.bincount(without.predict(X), minlength=3)[1] == 0


@every_classifier
def test_an_epoch_is_a_line_and_changes_nothing(Classifier, capsys):
    (X, y), line = digits(3, n=100), r"loss \d\.\d{4}, accuracy [01]\.\d{4}"
    quiet = Classifier(max_iter=3, random_state=0).fit(X, y)
    assert capsys.readouterr().out == ""
    model = Classifier(max_iter=3, random_state=0, verbose=True).fit(X, y)
    np.testing.assert_array_equal(model.coef_, quiet.coef_)
    last = f"loss {model.history_.train_loss[3]:.4f}, accuracy {model.history_.train_accuracy[3]:.4f}"
    model.partial_fit(X, y)
    model.set_params(warm_start=True, early_stopping=True, max_iter=1).fit(X, y)
    lines = capsys.readouterr().out.splitlines()
    assert all(re.fullmatch(rf"epoch {i}: {line}, \d+\.\d\d s", lines[i - 1]) for i in range(1, 5))
    assert last in lines[2]
    assert re.fullmatch(rf"epoch 5: held out {line}, \d+\.\d\d s", *lines[4:])


@every_classifier
@pytest.mark.parametrize("more", [{}, {"class_weight": "balanced", "momentum": 0.5}], ids=str)
def test_early_stopping_restores_the_best_epoch(Classifier, more):
    X, y = digits(n=300)
    settings = {"learning_rate_init": 0.5, "batch_size": 10, "random_state": 0, "early_stopping": True, "tol": 0}
    settings |= {"validation_fraction": 0.3, **more}
    model = Classifier(n_iter_no_change=3, **settings).fit(X, y)
    loss = model.history_.validation_loss
    assert np.isnan(model.history_.train_loss).all()  # measured on the rows held out alone
    best = loss[1:].argmin() + 1
    assert 1 < best < model.n_iter_ == best + 3 < 100
    stopped_there = Classifier(n_iter_no_change=100, max_iter=int(best), **settings).fit(X, y)
    np.testing.assert_array_equal(model.coef_, stopped_there.coef_)
    np.testing.assert_array_equal(model.intercept_, stopped_there.intercept_)


@pytest.mark.parametrize(
    ("changes", "stops_early"),
    [({}, True), ({"tol": None, "max_iter": 2}, False), ({"early_stopping": False}, False)],
    ids=str,
)
def test_many_rows_stop_early_by_default(changes, stops_early):
    """If more than 10,000 count, and one of each class is held out."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(10_001, 3)), rng.integers(0, 2, 10_001)
    model = SoftmaxClassifier(random_state=0, **changes)
    assert np.isfinite(model.fit(X, y).history_.validation_loss).all() == stops_early
    for rows, counts in ((slice(1, None), None), (slice(None), 1.0 * (np.arange(10_001) > 0))):  # 10,000 that count
        assert np.isnan(model.fit(X[rows], y[rows], counts).history_.validation_loss).all()
    y[:5] = 2  # too few to hold one out
    assert np.isnan(model.fit(X, y).history_.validation_loss).all()


@every_classifier
def test_dumps_come_back_and_train_on(Classifier, tmp_path):
    X, y = digits(n=200)
    model = Classifier(random_state=0, max_iter=3).fit(X, y)
    joblib.dump(model, tmp_path / "joblib")
    skops.io.dump(model, tmp_path / "skops")
    names = f"estimators.{Classifier.__name__}", "loop.History", "model.Linear", "stack.State"
    own = [f"linclf.training.{name}" for name in names]
    assert skops.io.get_untrusted_types(file=tmp_path / "skops") == own
    copies = [pickle.loads(pickle.dumps(model)), joblib.load(tmp_path / "joblib")]
    copies.append(skops.io.load(tmp_path / "skops", trusted=own))
    model.partial_fit(X, y)
    for copy in copies:
        np.testing.assert_array_equal(copy.partial_fit(X, y).decision_function(X), model.decision_function(X))
        np.testing.assert_array_equal(copy.history_.train_cost, model.history_.train_cost)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"augment": Augmentation(image_shape=(3, 3, 1))}, r"images of shape \(3, 3, 1\) to mirror or move, not 64"),
        ({"class_weight": "even"}, "class_weight"),
        ({"class_weight": {0: -1}}, "training weights: expected finite numbers, zero or more"),
        ({"class_weight": {"cat": 2}}, r"class_weight must have labels as in \[0 1 2\], not 'cat'"),
        ({"class_weight": {0: "heavy"}}, "could not convert string to float: 'heavy'"),
        ({"class_weight": [1, 2, 3]}, "class_weight must be a mapping of labels to weights, 'balanced' or None"),
        ({"random_state": -1}, "random_state must be a whole number, 0 or more, not -1"),
        ({"random_state": "0"}, "'0' cannot be used to seed"),
        ({"tol": -1}, "tol == -1, must be >= 0"),
        ({"max_iter": 0}, "max_iter == 0, must be >= 1"),
        ({"validation_fraction": 1.0}, "validation_fraction == 1.0, must be < 1"),
    ],
)
def test_bad_parameters_are_refused_by_their_own_names(changes, message):
    model = SoftmaxClassifier(**changes)
    with pytest.raises(ValueError, match=message):
        model.fit(*digits(3, n=30))


def test_options_are_documented_and_checked_by_the_names_that_they_have():
    for option in OPTIONS.values():
        name, expected = option.metadata["estimator"], option.metadata["expected"]
        if name:
            assert f"    {name}: {option.metadata['says'][:60]}" in SoftmaxClassifier.__doc__
            with pytest.raises(ConfigError, match=f"^{name} must be {re.escape(expected)}, not 'wrong'"):
                SoftmaxClassifier(**{name: "wrong"}).fit(*digits(3, n=30))
        assert f"    {option.name}: {option.metadata['says'][:60]}" in Config.__doc__
    with pytest.raises(TypeError, match="SoftmaxClassifier has no parameter clipping"):
        SoftmaxClassifier(clipping=1)


def test_bad_labels_are_refused_and_divergence_leaves_the_estimator_unfitted():
    X, y = digits(3, n=30)
    new, fitted, classes = SoftmaxClassifier(), SoftmaxClassifier(warm_start=True).fit(X, y), {"classes": [0, 1, 2]}
    early, balanced = SoftmaxClassifier(early_stopping=True), SoftmaxClassifier(class_weight="balanced")
    too_fast = SoftmaxClassifier(**PLAIN | {"alpha": 1.0, "learning_rate_init": 1e6})
    for fit, labels, options, message in (
        (new.partial_fit, y, {}, "classes must be given on the first call to partial_fit"),
        (new.fit, np.ones(30, int), {}, "expected at least two classes, found one class only: 1"),
        (early.partial_fit, y, classes, "partial_fit does not support early_stopping=True"),
        (balanced.partial_fit, y, classes, "partial_fit needs class_weight as a mapping"),
        (too_fast.fit, y, {}, r"with learning rate 1e\+06 and L2 1; use a smaller"),
        (fitted.fit, y + 1, {}, r"y contains previously unseen labels: \[.*3.*\]"),
        (fitted.partial_fit, y + 1, {}, r"y contains previously unseen labels: \[.*3.*\]"),
        (fitted.partial_fit, y, {"classes": [0, 1]}, r"expected the classes of the first call, \[0 1 2\], not \[0 1\]"),
    ):
        with pytest.raises(DivergenceError if fit == too_fast.fit else ValueError, match=message):
            fit(X, labels, **options)
    with pytest.raises(ValueError, match="not fitted yet"):
        too_fast.predict(X)


@pytest.mark.parametrize(
    ("module", "name", "said"),
    [("sklearn", "SVMClassifier", "scikit-learn 1.6 or later: pip install 'linclf[sklearn]'"),
     ("matplotlib", "plot", "pictures need matplotlib: pip install 'linclf[report]'")],
)  # fmt: skip
def test_without_a_package_only_what_needs_it_is_missing(module, name, said):
    code = f"import sys; sys.modules['{module}'] = None; import linclf; linclf.train; linclf.{name}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stderr.endswith(f"{said}\n")

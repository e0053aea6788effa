"""``make bench ARGS=accuracy``: the estimators, with their defaults, beside scikit-learn's; a part of the page."""

import time

import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from linclf import SoftmaxClassifier, SVMClassifier
from linclf.system.threads import one_blas_thread

DRAWS = 10
FOLDED = {"iris": load_iris, "wine": load_wine, "breast cancer": load_breast_cancer, "digits": load_digits}
PAIRS = {
    "SoftmaxClassifier": (SoftmaxClassifier(random_state=0), "LogisticRegression", LogisticRegression()),
    "SVMClassifier": (SVMClassifier(random_state=0), "LinearSVC", LinearSVC(max_iter=20_000)),
}
CS, ROWS = np.array([1e-4, 1e-3, 1e-2, 1e-1, 1]), 20_000
ALONE, PEER = SoftmaxClassifier(random_state=0), LogisticRegression(max_iter=1000)
EMBEDDED = {
    "SoftmaxClassifier": ALONE,
    "LogisticRegression": PEER,
    **{
        f"{type(model).__name__}, tuned by {words}": GridSearchCV(model, grid, cv=3, scoring=scoring)
        for words, scoring in (("accuracy", "accuracy"), ("log loss", "neg_log_loss"))
        for model, grid in ((ALONE, {"alpha": 1 / (2 * CS * ROWS)}), (PEER, {"C": CS}))
    },
}
EMBEDDINGS = {"far apart": (0.22, 0), "near": (0.16, 0), "of decaying spectrum": (0.1, 0.5)}
"""By name: the deviation of the classes' means, and the power by which the noise falls from direction to direction."""


def measure(model, train, test):
    """Accuracy, log loss if there are probabilities, and CPU seconds of the fit, scaling included."""
    model = make_pipeline(StandardScaler(), model)
    started = time.process_time()
    model.fit(*train)
    seconds = time.process_time() - started
    X, y = test
    probabilities = model.predict_proba(X) if hasattr(model, "predict_proba") else None
    loss = None if probabilities is None else log_loss(y, probabilities, labels=model.classes_)
    return np.mean(model.predict(X) == y), loss, seconds


def folded(model, X, y, draw):
    """Of five folds: mean accuracy and log loss, and seconds of all fits."""
    folds = StratifiedKFold(5, shuffle=True, random_state=draw).split(X, y)
    accuracy, loss, seconds = zip(*(measure(model, (X[a], y[a]), (X[b], y[b])) for a, b in folds), strict=True)
    return float(np.mean(accuracy)), None if None in loss else float(np.mean(loss)), sum(seconds)


def embeddings(spread, power, n=ROWS, n_test=5000, d=500, n_classes=20):
    """Training and test rows of normal noise, of mean deviation 1, around the classes' means, in float32."""
    rng = np.random.default_rng(0)
    means, y = rng.normal(0, spread, (n_classes, d)), rng.integers(0, n_classes, n + n_test)
    deviations = np.arange(1, d + 1) ** -power
    turned = np.linalg.qr(rng.normal(size=(d, d)))[0]
    noise = rng.normal(size=(len(y), d)) * (deviations / deviations.mean())
    X = (means[y] + noise @ turned).astype(np.float32)
    return (X[:n], y[:n]), (X[n:], y[n:])


@one_blas_thread()  # several wait for each other beside another program, which counts as CPU time
def results():
    """[accuracy, log loss, seconds] by data and model, of each draw of folds or of the test rows."""
    found = {"folds": {}, "embeddings": {}}
    for name, load in FOLDED.items():
        X, y = load(return_X_y=True)
        models = {name: model for ours, (a, peer, b) in PAIRS.items() for name, model in ((ours, a), (peer, b))}
        data = f"{name}, {len(X):,} x {X.shape[1]}"
        found["folds"][data] = {
            name: [folded(model, X, y, draw) for draw in range(DRAWS)] for name, model in models.items()
        }
        print(data, flush=True)
    for name, made in EMBEDDINGS.items():
        train, test = embeddings(*made)
        found["embeddings"][name] = {name: measure(model, train, test) for name, model in EMBEDDED.items()}
        print(f"embeddings, {name}", flush=True)
    return found


def section(found):
    """The results as Markdown lines."""
    lines = ["", "## Accuracy beside scikit-learn", ""]
    lines += [
        f"All with their defaults, on inputs scaled by StandardScaler. Five folds, drawn {DRAWS} times: mean (least to "
        "greatest) over the draws. Beside it, of the worst draw: points of accuracy below scikit-learn's model and "
        "percent of log loss above it, negative where better. CPU seconds of a draw's five fits with one BLAS thread; "
        "processes elsewhere on the machine lengthen them.",
        "",
        "| data | model | accuracy, % | log loss | points below, worst | % above, worst | CPU s |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for data, models in found["folds"].items():
        for ours, (_, peer, _) in PAIRS.items():
            a, b = (np.array(models[name], float) for name in (ours, peer))  # (draws, 3), NaN without probabilities
            below, above = 100 * (b - a)[:, 0].max(), 100 * (a[:, 1] / b[:, 1] - 1).max()
            for name, values, beside in ((ours, a, (below, above)), (peer, b, (np.nan, np.nan))):
                accuracy, loss = spread(100 * values[:, 0], 1), spread(values[:, 1], 3)
                points, percent = ("" if np.isnan(value) else f"{value:.1f}" for value in beside)
                cells = data, name, accuracy, loss, points, percent, f"{values[:, 2].mean():.2f}"
                lines.append(f"| {' | '.join(cells)} |")
    lines += [
        "",
        "Made embeddings, 20,000 x 500 of 20 classes in float32; accuracy on 5,000 others with its 95 % interval. "
        "Tuned: C is the best of five, 0.0001 to 1, in three folds, by one of the two measures, and alpha that of the "
        "same C, 1 / (2Cn); seconds are those of the whole search. By default both have the same penalty: "
        "LogisticRegression goes to its minimum, SoftmaxClassifier to where the loss on held-out rows is least.",
        "",
        "| embeddings | model | accuracy, % | log loss | CPU s |",
        "| --- | --- | --- | --- | --- |",
    ]
    for data, models in found["embeddings"].items():
        for name, (accuracy, loss, seconds) in models.items():
            interval = 196 * np.sqrt(accuracy * (1 - accuracy) / 5000)
            lines.append(f"| {data} | {name} | {100 * accuracy:.1f} ± {interval:.1f} | {loss:.3f} | {seconds:.1f} |")
    return lines


def spread(values, digits):
    """Mean (least to greatest); nothing of NaN."""
    if np.isnan(values).any():
        return ""
    mean, least, greatest = (f"{number:.{digits}f}" for number in (values.mean(), values.min(), values.max()))
    return f"{mean} ({least} to {greatest})"

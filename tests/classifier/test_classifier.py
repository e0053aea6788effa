"""A classifier to keep: what it takes, what it gives, what it refuses."""

from dataclasses import replace

import numpy as np
import pytest
from helpers import arrays, refused, write_images
from PIL import Image
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from linclf import Classifier, Config, ConfigError, DataError, Linear, Standardizer, load_dataset, train
from linclf.studies.reference import ReferenceStudy
from linclf.training.estimators import SoftmaxClassifier, SVMClassifier

CONFIG = Config(learning_rate=0.01, l2=0.1, epochs=2)


@pytest.fixture(scope="module")
def data():
    return load_dataset("synthetic:100")


@pytest.fixture(scope="module")
def fitted(data):
    return Classifier.fit(data, CONFIG, progress=False)


def saved(tmp_path, made):
    np.savez(tmp_path / "v.npz", **made)
    return load_dataset(tmp_path / "v.npz")


def test_fit_trains_the_network_that_a_report_keeps(tmp_path, data, fitted):
    study = ReferenceStudy(data, tmp_path, epochs=2, progress=False)
    assert study.classifier() is None
    study.run("full")
    kept = study.classifier()
    again = Classifier.fit(data, kept.config, progress=False)
    np.testing.assert_allclose(again.model.W, kept.model.W, atol=1e-5)
    np.testing.assert_array_equal(again.standardize.mean, kept.standardize.mean)
    assert again.validation_accuracy == pytest.approx(kept.validation_accuracy, abs=0.03)
    assert (kept.config.l2, kept.config.learning_rate, kept.config.seed) == (0.1, 0.001, 0)
    assert kept.data_sha256 == data.provenance.sha256
    assert repr(kept) == "Classifier(10 classes, images (32, 32, 3), cross_entropy)"


def test_given_validation_images_validate(tmp_path):
    made = arrays() | {"X_val": arrays(seed=5)["X_test"], "y_val": arrays(seed=5)["y_test"]}
    fitted = Classifier.fit(saved(tmp_path, made), CONFIG, progress=False)
    assert fitted.validation_accuracy == (fitted.predict(made["X_val"]).astype(int) == made["y_val"]).mean()
    np.testing.assert_allclose(fitted.standardize.mean, made["X_train"].mean(axis=0))


def test_it_gives_what_its_network_does(data, fitted):
    X = fitted.standardize(data.test_images, np.float64)
    model = Linear(fitted.model.W.astype(float), fitted.model.b.astype(float))
    np.testing.assert_allclose(fitted.scores(data.test_images), model.scores(X).T, atol=1e-10)
    for far in (0, 100, 1e12):  # a float64 there is told apart to 1e-4
        vectors = np.random.default_rng(0).normal(far, 1, (1200, 4))
        standardize, last = Standardizer.fit(vectors), model.W[:, :4]
        near = replace(fitted, model=Linear(last, model.b), standardize=standardize, image_shape=(4,))
        S = model.b + standardize(vectors, np.float64) @ last.T
        np.testing.assert_allclose(near.scores(vectors), S, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(fitted.predict_proba(data.test_images), model.predict_proba(X).T, atol=1e-12)
    assert fitted.predict(data.test_images).tolist() == [data.class_names[k] for k in model.predict(X)]
    one = data.test_images[3]
    assert fitted.predict(one) == fitted.predict(data.test_images)[3]
    np.testing.assert_allclose(fitted.predict_proba(one), fitted.predict_proba(data.test_images)[3], atol=1e-12)
    assert fitted.predict(data.test_images[:0]).shape == (0,)
    np.testing.assert_array_equal(fitted.scores(data.test_images.astype(int)), fitted.scores(data.test_images))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda X: X / 255, "expected whole numbers 0 to 255 (uint8), as in training, found float64 from 0 to 1;"),
        (lambda X: X.astype(int) - 1, "expected whole numbers 0 to 255, as in training, found -1 to "),
        (lambda X: X.reshape(len(X), -1), "expected images of shape (32, 32, 3), or n of"),
        (lambda X: X.astype(str), "as in training, found <U"),
        (lambda X: [X[0], X[:, 0]], "found what is no array"),
    ],
)
def test_images_of_another_shape_type_or_range_are_refused(data, fitted, change, said):
    refused(change(data.test_images), said, load=fitted.predict)


def test_feature_vectors_and_grey_images(tmp_path):
    data = saved(tmp_path, arrays(dtype=np.float64))
    fitted = Classifier.fit(data, CONFIG, progress=False)
    assert repr(fitted) == "Classifier(3 classes, feature vectors (4,), cross_entropy)"
    assert fitted.predict(data.test_images[0]) == fitted.predict(data.test_images)[0]
    assert fitted.scores([[1, 2, 3, 4]]).shape == (1, 3)
    for wrong, said in (
        (data.test_images.astype(np.uint8), "found uint8; if they are the same numbers, give X.astype(float)"),
        (data.test_images * [1, 1, np.nan, 1], "found NaN or infinity in row 1"),
        (data.test_images > 1, "found bool"),
    ):
        refused(wrong, said, load=fitted.scores)
    with pytest.raises(DataError, match="a network trained on feature vectors of 4 numbers classifies no picture"):
        fitted.predict("a.png")

    grey = saved(tmp_path, arrays(dtype=np.uint8, shape=(2, 5)))
    fitted = Classifier.fit(grey, CONFIG, progress=False)
    for given in (grey.test_images[0], grey.test_images[0, ..., 0]):
        np.testing.assert_allclose(fitted.scores(given), fitted.scores(grey.test_images[..., 0])[0])
    white = grey.test_images > 99
    np.testing.assert_array_equal(fitted.scores(white), fitted.scores(255 * white.astype(np.uint8)))


def test_a_table_is_taken_by_the_names_of_its_columns(tmp_path):
    """As scikit-learn's estimators do: by their order alone, wrong columns would be wrong answers, in silence."""
    pandas = pytest.importorskip("pandas")
    rng = np.random.default_rng(0)
    frame = pandas.DataFrame({"a": rng.normal(size=60), "on": rng.integers(0, 2, 60) > 0, "n": rng.integers(0, 9, 60)})
    frame.assign(label=np.where(frame.a > 0, "x", "y")).to_csv(tmp_path / "t.csv", index=False)
    Classifier.fit(load_dataset(tmp_path / "t.csv"), CONFIG, progress=False).save(tmp_path / "model.npz")
    classifier = Classifier.load(tmp_path / "model.npz")
    assert classifier.feature_names == ("a", "on", "n")
    numbers = frame.to_numpy(dtype=float)
    wanted = classifier.scores(numbers)
    other = frame.assign(id="text")[["n", "id", "a", "on"]]
    np.testing.assert_array_equal(classifier.scores(other), wanted)
    np.testing.assert_array_equal(classifier.scores(other.iloc[3]), wanted[3])
    for unnamed in (numbers.tolist(), pandas.DataFrame(numbers)):
        np.testing.assert_array_equal(classifier.scores(unnamed), wanted)
    refused(frame[["a", "on"]], "found none or several of n among a, on", load=classifier.scores)
    refused(frame.assign(n="text"), "expected numbers in column n", load=classifier.scores)
    estimator = SoftmaxClassifier(random_state=0, max_iter=2, tol=None).fit(frame[["n", "a"]], frame.on)
    assert Classifier.of(estimator).feature_names == ("n", "a")


def test_files_are_prepared_as_in_training(tmp_path):
    made = write_images(tmp_path, size=(9, 6))
    files = [*made][:5]
    for size in (None, 4):
        data = load_dataset(tmp_path, image_size=size)
        fitted = Classifier.fit(data, CONFIG, progress=False)
        trained_on = {X.tobytes(): X for X in np.concatenate([*data.train_images, data.test_images])}
        scores = fitted.scores(np.stack([*trained_on.values()]))
        for file in files:  # one of the images that it was trained on
            assert np.abs(scores - fitted.scores(file)).max(axis=1).min() < 1e-12
    assert fitted.predict(files).shape == (5,)
    assert fitted.predict(files[0]) == fitted.predict([str(files[0])])[0]
    Image.fromarray(made[files[0]]).resize((90, 60), Image.Resampling.NEAREST).save(tmp_path / "large.png")
    whole = Classifier.fit(load_dataset(tmp_path), CONFIG, progress=False)
    np.testing.assert_allclose(whole.scores(tmp_path / "large.png"), whole.scores(files[0]), atol=0.5)
    refused([files[0], tmp_path / "none.png"], "none.png: expected an image", load=fitted.predict)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("kind", [SoftmaxClassifier, SVMClassifier])
def test_it_takes_the_weights_of_an_estimator(kind, n_classes):
    made = arrays(n_classes=n_classes, dtype=float)
    standardize = Standardizer.fit(made["X_train"])
    X, X_test = standardize(made["X_train"], np.float64), standardize(made["X_test"], np.float64)
    estimator = kind(learning_rate_init=0.1, max_iter=3, tol=None, random_state=0, early_stopping=n_classes == 3)
    estimator.fit(X, np.array(["ant", "bee", "cow"])[made["y_train"]])
    classifier = Classifier.of(estimator, standardize)
    assert classifier.class_names == ("ant", "bee", "cow")[:n_classes]
    assert classifier.predict(made["X_test"]).tolist() == estimator.predict(X_test).tolist()
    assert (classifier.validation_accuracy is None) == (n_classes == 2)
    if kind is SoftmaxClassifier:
        np.testing.assert_allclose(classifier.predict_proba(made["X_test"]), estimator.predict_proba(X_test))
    else:
        assert not classifier.has_probabilities
    assert Classifier.of(estimator, class_names="xyz"[:n_classes]).predict(X_test[0]) in "xyz"


@pytest.mark.parametrize("options", [{}, {"with_mean": False}, {"with_std": False}], ids=str)
def test_it_takes_a_pipeline_and_a_search_as_they_predict(options):
    pandas = pytest.importorskip("pandas")
    rng = np.random.default_rng(0)
    frame = pandas.DataFrame(rng.normal(3, 2, (60, 3)), columns=["x", "y", "z"])
    y = np.where(frame.x > frame.y, "cat", "dog")
    pipeline = make_pipeline(StandardScaler(**options), SoftmaxClassifier(random_state=0, max_iter=5, tol=None))
    search = GridSearchCV(pipeline, {"softmaxclassifier__alpha": [0.0, 0.1]}, cv=2)
    for fitted in (pipeline, search):
        fitted.fit(frame, y)
        classifier = Classifier.of(fitted)
        np.testing.assert_allclose(classifier.predict_proba(frame[["z", "y", "x"]]), fitted.predict_proba(frame))
    other = make_pipeline(MinMaxScaler(), SoftmaxClassifier()).fit(frame, y)
    for given, said in (
        ((pipeline, Standardizer.fit(frame.to_numpy())), "expected no standardize beside a Pipeline"),
        ((pipeline, None, ["cat", "dog"]), "not list; names of"),
        ((other,), "with MinMaxScaler"),
    ):
        refused(given, said, load=lambda given: Classifier.of(*given), error=ConfigError)


def test_it_takes_a_run_with_the_accuracy_of_its_weights():
    X, y = arrays(n=90, dtype=np.float64)["X_train"] / 200, np.arange(90) % 3
    config = Config(learning_rate=0.5, l2=0.0, epochs=8, restore_best=True)
    (run,) = train(config, (X[:60], y[:60]), (X[60:], y[60:]), progress=False)
    classifier = Classifier.of(run, class_names=["a", "b", "c"], image_shape=(2, 2, 1))
    assert classifier.validation_accuracy == (run.model.predict(X[60:]) == y[60:]).mean()
    assert classifier.config == config
    np.testing.assert_allclose(classifier.scores(X.reshape(-1, 2, 2)), run.model.scores(X).T)
    for untrained in (SoftmaxClassifier(), "model", run.model):
        refused(untrained, "expected a Run of linclf", load=Classifier.of, error=ConfigError)


@pytest.mark.parametrize(
    "changes",
    [
        *({"class_names": names} for names in (["a"] * 10, ["a", "b"])),
        *({"feature_names": names} for names in (["a", "b"], ["a"] * 3072)),
        *({"image_shape": shape} for shape in ((32, 32), (32, 32, -3), (32, 31, 3))),
        {"loss": "mean"},
        {"validation_accuracy": 40.0},
        {"model": Linear(np.full((10, 3072), np.nan), np.zeros(10))},
        {"model": Linear(np.zeros((10, 3072), int), np.zeros(10))},
        {"standardize": Standardizer(np.zeros(3072), np.zeros(3072), 1.0)},
        {"standardize": Standardizer(np.zeros(3072), np.ones(3072), 2.0)},
    ],
)
def test_parts_that_do_not_fit_each_other_are_refused(fitted, changes):
    with pytest.raises(ValueError, match=r"expected|unknown loss"):
        replace(fitted, **changes)

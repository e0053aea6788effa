"""The study of data of one's own: what it chooses on, how much it searches, and what it says in odd cases."""

import io
import itertools
import re
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from scipy.stats import binomtest
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedGroupKFold, StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from linclf.data.dataset import split_dataset
from linclf.data.load import load_dataset
from linclf.report.views import pictures as views_of_pictures
from linclf.report.views import your_data
from linclf.studies import metrics
from linclf.studies.your_data import (
    SEARCH,
    Optimum,
    YourDataStudy,
    originals,
    products_of_an_epoch,
    search_size,
)
from linclf.training.config import config_of
from linclf.training.train import train


def dataset(counts, shape=(5,), apart=0.5, seed=0, validation=False, folds=False):
    """Images around a mean for each class, so many of each; a test set is split off, and taken for the data's own."""
    rng = np.random.default_rng(seed)
    y = np.repeat(np.arange(len(counts)), counts)
    means = rng.normal(size=(len(counts), *shape))
    X = (apart * means[y] + rng.normal(size=(len(y), *shape))).astype(np.float32)
    found = {"train": (X, y)} | ({"validation": (X[::3], y[::3])} if validation else {})
    data = split_dataset(found, name="made (arrays)", source="a test", layout="arrays")
    return replace(data, own_test=not folds)


def study(out, data, **plan):
    return YourDataStudy(data, out, progress=False, **plan)


@pytest.mark.parametrize("n_inputs", [5, 400])
def test_what_is_recorded_is_what_the_models_do_and_choices_do_not_depend_on_the_test_images(tmp_path, n_inputs):
    """Also where networks train on coordinates, as inputs are many: then they are those that the inputs give."""
    data, rng = dataset([60, 60, 60], shape=(n_inputs,), apart=0.5 if n_inputs < 9 else 0.05), np.random.default_rng(0)
    results = study(tmp_path, data, epochs=4, seeds=2).run()
    split = results.split(results.choosing)
    for run in results.search[::7]:
        assert run.model.W.shape == (3, 0)  # what nobody asks for is not kept
        (again,) = train(config_of(run.record), split.train, split.validation, evaluate="validation", progress=False)
        measured = again.history.validation_accuracy[-1]
        assert run.record["validation_accuracy"] == pytest.approx(measured, abs=1.1 / 30)  # rounding: an image of 30
    assert all(run.predictions is None and "test_accuracy" not in run.record for run in results.search)
    (run,) = train(config_of(results.finals[0].record), results.split().train, progress=False)
    assert np.abs(run.model.W - results.finals[0].model.W).max() < 1e-4 * np.abs(run.model.W).max()
    X, y = results.split(results.final).test
    for run in [*results.finals, *(run for runs in results.curve.values() for run in runs)]:
        assert run.record["test_accuracy"] == np.mean(run.model.predict(X) == y)
    assert results.accuracy.value == pytest.approx(np.mean([run.record["test_accuracy"] for run in results.finals]))
    assert [run.record["seed"] for run in results.finals] == [0, 1]
    other_test = replace(data, test_images=rng.permutation(data.test_images))
    other = study(tmp_path / "other", other_test, epochs=4, seeds=2).run()
    assert other.chosen == results.chosen
    assert other.accuracy != results.accuracy


@pytest.mark.parametrize("validation", [False, True])
def test_images_that_validate_do_not_train_in_the_search(tmp_path, validation):
    own = study(tmp_path, dataset([60, 60, 60], validation=validation))
    assert not set(own.choosing.train) & set(own.choosing.validation)
    assert len(own.choosing.validation) == (60 if validation else 30)
    assert len(own.cut.train) == 150
    assert (len(own.choosing.train) == 150) == validation


def test_in_folds_each_image_is_tested_once_by_a_network_that_did_not_see_it(tmp_path):
    data = dataset([40, 31, 30], apart=0.4, folds=True)
    results = study(tmp_path, data, epochs=4, seeds=2).run()
    everything = np.concatenate([*data.train_images, data.test_images])
    for fold, own in zip(results.folds, study(tmp_path, data, epochs=4).holdouts, strict=True):
        parts = [*fold.dataset.train_images, fold.dataset.test_images]
        assert sorted(map(bytes, np.concatenate(parts))) == sorted(map(bytes, everything))
        assert np.array_equal(own.split(own.choosing).validation[1], fold.dataset.train_labels[-1])
        best = max(fold.search, key=lambda run: run.record["validation_accuracy"]).record["validation_accuracy"]
        assert fold.validation_accuracy.value == best
        X, _ = own.split().test
        for run in fold.finals:
            assert (run.record["learning_rate"], run.record["l2"]) == (fold.chosen.learning_rate, fold.chosen.l2)
            assert (run.predictions == run.model.predict(X)).all()
    tested = np.concatenate([fold.dataset.test_images for fold in results.folds])
    assert (results.dataset.test_images == tested).all()
    assert sorted(map(bytes, tested)) == sorted(map(bytes, everything))
    assert [len(fold.right) for fold in results.folds] == [21, 20, 20, 20, 20]
    for seed, run in enumerate(results.finals):
        assert (run.predictions == np.concatenate([fold.finals[seed].predictions for fold in results.folds])).all()
    assert results.confusion.sum() == results.n_validation == 101
    right = [run.predictions == results.dataset.test_labels for run in results.finals]
    assert results.accuracy.value == pytest.approx(np.mean(right))
    classes = results.kept.finals[0].model.predict(results.kept.standardize(everything))
    assert (results.classifier().predict(everything) == np.array(data.class_names)[classes]).all()
    again = study(tmp_path, data, epochs=4, seeds=2)
    assert again.run().document() == results.document()
    assert again.count.trained == 0
    said = your_data.split(results).text
    assert "dealt into 5 folds of 20 to 21" in said
    assert "keep trains on all 101" in said
    assert "each by one of 5 networks that did not see it" in your_data.headline(results).text
    assert "all 101 are dealt into 5 folds" in your_data.about(again).markup


@pytest.fixture(scope="module")
def little(tmp_path_factory):
    return study(tmp_path_factory.mktemp("little"), dataset([40, 40]), epochs=40).run()


def test_little_data_trains_for_updates_until_the_cost_stops_falling(little):
    results = little
    n = len(results.choosing.train)
    assert results.size.epochs * -(-n // 10) >= 2000
    epochs, costs = list(results.lengths), list(results.lengths.values())
    assert epochs == [epochs[0] * 2**i for i in range(len(epochs))]
    assert costs[-1] > 0.99 * costs[-2] > 0.01
    assert all(after <= 0.99 * before for before, after in itertools.pairwise(costs[:-1]))
    assert {run.record["epochs"] for run in results.finals} == {epochs[-1]}
    said = your_data.search(results).text
    assert f"The final network trains for {epochs[-1]:,} epochs" in said
    accuracies = [run.record["validation_accuracy"] for run in results.search]
    assert f". {accuracies.count(max(accuracies))} have it: of these cross-entropy goes first" in said


@pytest.mark.parametrize(
    ("n_train", "n_classes", "n_inputs"), [(10, 2, 1), (8000, 10, 3072), (60_000, 10, 784), (5000, 1000, 3072)]
)
def test_the_searchs_size_follows_the_data(n_train, n_inputs, n_classes):
    size = search_size(40, n_train, n_classes, n_inputs, eigenvalue=0.2 * n_inputs + 1)
    work = (
        len(size.candidates) * size.epochs * products_of_an_epoch(n_train, n_classes, n_inputs) * size.n_train / n_train
    )
    assert work <= SEARCH
    assert 1 <= size.n_train <= n_train
    assert len({candidate.loss for candidate in size.candidates}) == 2
    assert work > SEARCH / 3 or (size.n_train == n_train and size.epochs == 40)


def test_weights_that_make_classes_count_alike_find_the_rare_one(tmp_path):
    results = study(tmp_path, dataset([600, 30, 20], apart=0.7), epochs=10).run()
    alike = results.mean_recall(results.balanced)
    assert alike.value > results.balanced_accuracy.value + 0.1
    assert study(tmp_path, dataset([30, 30]), epochs=2).run().balanced == []


@pytest.mark.parametrize(("scale", "dtype"), [(1, np.uint8), (16, np.uint8), (255, np.uint8), (1e-3, np.float64)])
def test_pictures_are_shown_in_the_full_range(scale, dtype):
    images = (scale * np.linspace(0, 1, 2 * 300).reshape(-1, 1, 2, 1)).round(6).astype(dtype)
    shown = views_of_pictures.as_pictures(images, images)
    assert (shown.min(), shown.max()) == (0, 1)


def pictures(n, seed=0):
    """Patches of random colours as 32 x 32 pixels, and the same saved as JPEG."""
    found = np.random.default_rng(seed).integers(0, 256, (n, 8, 8, 3), np.uint8).repeat(4, axis=1).repeat(4, axis=2)
    again = []
    for pixels in found:
        Image.fromarray(pixels).save(file := io.BytesIO(), format="jpeg", quality=90)
        again.append(np.asarray(Image.open(file)))
    return found, np.stack(again)


def test_copies_are_found_by_name_and_others_are_not(tmp_path):
    images, again = pictures(60)
    assert (originals(images[:5], images) == np.arange(5)).all()
    assert (originals(again, images) == np.arange(60)).all()
    assert (originals(pictures(20, seed=1)[0], images) == -1).all()
    flat = np.arange(100, 110, dtype=np.uint8)[:, None, None, None] * np.ones((1, 12, 12, 1), np.uint8)
    assert originals(flat[:6], flat[4:]).tolist() == [-1] * 4 + [0, 1]
    table = np.arange(24.0).reshape(12, 2)
    np.savez(tmp_path / "rows.npz", X_train=table, y_train=np.arange(12) % 2, X_test=table[5:6], y_test=[0])
    (copy,) = study(tmp_path, load_dataset(tmp_path / "rows.npz"), epochs=1).run().document()["copies"]["listed"]
    named = {"source": "X_test[0]", "class": "0", "original_source": "X_train[5]", "original_class": "1"}
    assert copy | named == copy
    digits = load_dataset("digits")
    assert (originals(digits.test_images, np.concatenate(digits.train_images)) == -1).all()
    table = np.arange(20.0).reshape(10, 2)
    assert originals(np.concatenate([table[3:5], table[:2] + 1e-6]), table).tolist() == [3, 4, -1, -1]


def test_nothing_is_concluded_from_a_test_that_holds_copies(tmp_path):
    images, again = pictures(100)
    y = np.arange(100) % 2
    parts = {"train": (images, y), "test": (np.concatenate([again[:30], pictures(10, seed=1)[0]]), y[:40])}
    results = study(tmp_path, split_dataset(parts, name="made", source="a test", layout="arrays"), epochs=20).run()
    assert np.flatnonzero(results.copied).tolist() == list(range(30))
    assert not results.copied_validation.any()
    assert results.accuracy_without_copies.value == results.right[30:].mean()
    said = "make up 30 of the 40 images for testing; a network may remember those. Without them accuracy is"
    assert said in your_data.headline(results).text
    assert "accuracy without copies" in your_data.accuracies(results).markup
    assert re.findall("take the copies out|explain", your_data.limits(results).text) == ["take the copies out"]
    assert "with copies in the test, that does not tell whether more" in your_data.more(results)
    copies = results.document()["copies"]
    assert copies["test"] == 30
    order = [image for batch in results.dataset.train_images for image in batch]
    assert all((order[one["original"]] == images[one["test"]]).all() for one in copies["listed"])
    data = results.dataset
    results = replace(results, dataset=replace(data, test_labels=np.where(np.arange(40) == 7, 1 - y[7], y[:40])))
    assert results.copies[0] | {"test": 7, "class": str(1 - y[7]), "original_class": str(y[7])} == results.copies[0]
    assert "Of the copies 1 has another class than the original." in your_data.headline(results).text
    first = f"<td>test image 7</td><td>{1 - y[7]}</td><td>training image {results.copies[0]['original']}</td>"
    assert first in your_data.listed_copies(results).markup
    vars(results)["copied"] = np.arange(40) == 0
    assert "**The test itself.**" in your_data.limits(results).text
    assert "make up 1 of the 40 images" in your_data.headline(results).text


def test_a_test_unlike_the_validation_tells_nothing_about_more_data(tmp_path):
    data = dataset([200, 200], apart=2.0)
    for unlike, labels in enumerate((data.test_labels, 1 - data.test_labels)):
        results = study(tmp_path / str(unlike), replace(data, test_labels=labels), epochs=4).run()
        assert results.is_like_validation == (not unlike)
        assert ("intervals lie apart" in your_data.limits(results).text) == bool(unlike)
        assert ("does not tell whether more" in your_data.more(results)) == bool(unlike)


def test_bias_is_what_the_convex_optimum_gets_wrong(tmp_path):
    """What a network misses beyond it is no bias."""
    results = study(tmp_path, dataset([30, 30], apart=0.3), epochs=1).run()
    undertrained = [replace(run, record=run.record | {"train_accuracy": 0.706}) for run in results.finals]
    for loss, optima, said in (
        ("cross_entropy", (1.0, 0.96), "0.0 % are bias|costs 4.0 points|early costs 25.4 points: more epochs"),
        ("cross_entropy", (0.72, 0.71), "28.0 % are bias"),
        ("multiclass_hinge", (1.0,), "at most 0.0 % are bias|explains the rest is not known"),
        ("cross_entropy", (), "too many to compute"),
    ):
        reached = [Optimum(0.1 * i, accuracy, True) for i, accuracy in enumerate(optima)]
        chosen = replace(results.chosen, loss=loss)
        text = your_data.limits(replace(results, finals=undertrained, optima=reached, chosen=chosen)).text
        assert all(words in text for words in said.split("|"))
        assert ("early costs" in text) == ("early costs" in said)


def test_the_peer_is_what_scikit_learn_reaches_with_the_c_that_validates_best(tmp_path, monkeypatch):
    def fitted(l2, X, y):
        return LogisticRegression(C=1 / (2 * l2 * len(y))).fit(X, y)

    results = study(tmp_path, dataset([90, 90, 90], apart=0.3), epochs=4).run()
    choosing, split = results.split(results.choosing), results.split(results.final)
    best = max((1, 0.1, 0.01, 0.001, 1e-4), key=lambda l2: fitted(l2, *choosing.train).score(*choosing.validation))
    assert (results.peer.predictions == fitted(best, *split.train).predict(split.test[0])).all()
    assert results.peer.record["C"] == pytest.approx(1 / (2 * best * 225))
    assert f"LogisticRegression, C = {results.peer.record['C']:.2g}" in your_data.accuracies(results).markup
    for right, said in ((True, "more often right than this network: more than chance"), (False, "less often right")):
        answers = np.where(right, split.test[1], (split.test[1] + 1) % 3)
        other = replace(results, peer=replace(results.peer, predictions=answers))
        assert said in your_data.limits(other).text
        assert (said in your_data.headline(other).text) == right
    monkeypatch.setattr("linclf.studies.your_data.PEER", 1)
    missing = study(tmp_path, dataset([90, 90, 90], apart=0.3), epochs=4).run()
    assert "is not beside it: its fits could take more than 30 seconds" in your_data.accuracies(missing).markup


def test_final_networks_keep_to_their_time(little, tmp_path, monkeypatch):
    """Which is estimated before they train: fewer epochs where the plan's are too long, and no doubling beyond it."""
    assert your_data.search(little).text.endswith("The final networks were estimated to take 1 s on two cores.")
    (fewest, *_), networks = little.lengths, 1 + 3 / 8**0.5 + 3 / 4**0.5 + 2 / 2**0.5
    products = networks * products_of_an_epoch(len(little.final.train), 2, 5)
    monkeypatch.setattr("linclf.studies.your_data.FINALS", products * fewest * 0.5)
    kept = study(tmp_path, dataset([40, 40]), epochs=40).run()
    assert [*kept.lengths] == [fewest // 2]
    assert kept.estimate == pytest.approx(fewest // 2 * products * 1.5e-10)


def photos(n, n_classes, apart, seed):
    """A set of photos of 8 pixels, as a mean for each class and noise."""
    rng, y = np.random.default_rng(seed), np.arange(n) % n_classes
    pixels = 128 + apart * rng.normal(size=(n_classes, 8, 8, 3))[y] + 40 * rng.normal(size=(n, 8, 8, 3))
    return {"X": pixels.clip(0, 255).astype(np.uint8), "y": y}


def rows(kind, seed):
    """Rows of 60 patients, who differ more than their two classes do; with the answer in a column; of 200 classes."""
    rng, y = np.random.default_rng(seed), np.arange(1000) // 5
    if kind == "groups":
        patient = np.repeat(np.arange(60), 6)
        of_patient = rng.normal(size=(60, 8)) + 0.6 * (np.arange(60) % 2)[:, None]
        X = of_patient[patient] + 0.3 * rng.normal(size=(360, 8))
        return {"X": X, "y": patient % 2, "groups": patient}
    if kind == "the answer":
        y = np.arange(150) % 3
        return {"X": np.column_stack([rng.normal(size=(150, 4)), 10 * y + rng.normal(size=150)]), "y": y}
    return {"X": (1.5 * rng.normal(size=(200, 12)))[y] + rng.normal(size=(1000, 12)), "y": y}


@pytest.mark.parametrize(
    "made",
    [
        pytest.param(lambda: photos(51, 3, 12, 1), id="51 photos"),
        pytest.param(lambda: photos(300, 2, 3, 2), id="300 photos", marks=pytest.mark.slow),
        pytest.param(lambda: photos(1000, 4, 4, 3), id="1,000 photos", marks=pytest.mark.slow),
        pytest.param(lambda: rows("groups", 5), id="groups"),
        pytest.param(lambda: rows("the answer", 6), id="the answer"),
        pytest.param(lambda: rows("200 classes", 7), id="200 classes of 5", marks=pytest.mark.slow),
    ],
)
def test_what_a_report_says_agrees_with_scikit_learns_fits(tmp_path, made):
    arrays = made()
    np.savez(tmp_path / "data.npz", **arrays)
    results = study(tmp_path, load_dataset(tmp_path / "data.npz"), epochs=10).run()
    limits, told = your_data.limits(results).text, results.accuracy
    X, y = arrays["X"].reshape(len(arrays["X"]), -1), arrays["y"]
    dealt = StratifiedGroupKFold(5) if "groups" in arrays else StratifiedKFold(5, shuffle=True, random_state=1)
    peer = make_pipeline(StandardScaler(), GridSearchCV(LogisticRegression(), {"C": np.logspace(-3, 1, 5)}, cv=3))
    right = cross_val_predict(peer, X, y, groups=arrays.get("groups"), cv=dealt) == y
    assert told.low - 0.02 <= right.mean() <= told.high + 0.02
    best = LogisticRegression(C=np.inf, max_iter=5000).fit(*results.whole.split().train)
    learned = max(best.score(*results.whole.split().train), results.kept.training_accuracy)
    biased = re.search(r"([\d.]+) % are bias", limits)
    assert bool(biased) == (results.kept.training_accuracy < 0.95)
    assert not biased or float(biased[1]) == pytest.approx(100 * (1 - learned), abs=1)
    baseline = DummyClassifier().fit(X, y).score(X, y)
    assert f"is right for {100 * baseline:.1f} %" in your_data.headline(results).text
    gain = results.peers_gain
    assert gain.value == pytest.approx(results.peer.record["test_accuracy"] - told.value)
    assert ("more than chance" in limits) == (gain.low > 0 or gain.high < 0)
    assert ("explain" in limits) == (binomtest(int(results.right.sum()), len(y), baseline).pvalue < 0.01)
    scores = metrics.class_scores(results.confusion)
    worst = scores.recall.argmin()
    recall, support = results.told(results.right, results.dataset.test_labels == worst), scores.support[worst]
    assert recall.value == pytest.approx(scores.recall[worst])
    assert ("**The hardest class** is" in limits) == (recall.high < told.value)
    balanced = (
        results.balanced_accuracy.half
        / metrics.of_mean([metrics.of_share(*pair) for pair in zip(scores.recall, scores.support, strict=True)]).half
    )
    wider = [
        interval.half / metrics.of_share(interval.value, n).half for interval, n in ((told, len(y)), (recall, support))
    ]
    assert [ratio > 1.3 for ratio in (*wider, balanced)] == ["groups" in arrays] * 3
    assert ("from 60 groups, and those of a group" in your_data.accuracies(results).text) == ("groups" in arrays)


def test_too_few_to_test_is_said_and_who(tmp_path):
    results = study(tmp_path, dataset([60, 40, 1, 6]), epochs=2).run()
    few = "Fewer than 5 rows are there to test 2 (none), 3 (1): too few to tell"
    assert few in your_data.balance(results.dataset).text
    assert few in your_data.limits(results).text
    assert "So few as" in your_data.headline(results).text
    assert "classes that have any to test, 3 of 4." in your_data.accuracies(results).text
    if results.chosen.loss == "cross_entropy":
        assert "no more sure than it may be" not in your_data.reliability(results, number=5).text
    assert your_data.few_to_test(dataset([60, 60])) == ""


def test_a_largest_class_is_called_so_where_it_is_one_and_copies_that_validate_are_said(tmp_path):
    two = study(tmp_path / "two", dataset([60, 60], validation=True), epochs=1).run()
    three = study(tmp_path / "three", dataset([60, 60, 6]), epochs=1).run()
    assert "Always saying 0 is right" in your_data.headline(two).text
    assert "Always saying 0, one of the largest in training, is right" in your_data.headline(three).text
    assert "make up 34 of the 40 rows for validation" in your_data.split(two).text


def test_what_more_data_would_bring_counts_imbalanced_classes_alike(tmp_path):
    results = study(tmp_path, dataset([600, 60, 30], apart=0.7), epochs=4).run()
    half = results.curve[len(results.final.train) // 2]
    gain = results.balanced_accuracy.value - results.mean_recall(half).value
    assert results.doubling.value == pytest.approx(gain)
    assert results.doubling.low < gain < results.doubling.high
    assert ") of balanced accuracy: " in your_data.more(results)

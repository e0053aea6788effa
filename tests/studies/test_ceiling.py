"""The study of the ceiling: what it tries, what it chooses on, and the optimum by two roads."""

import re
from dataclasses import replace

import numpy as np
import pytest
from helpers import blobs
from sklearn.linear_model import LogisticRegression

from linclf import Config, Linear, train
from linclf.data.load import load_dataset
from linclf.report.views import ceiling as ceiling_views
from linclf.studies import ceiling
from linclf.studies.ceiling import FULL, INGREDIENTS, CeilingStudy, Choice, Size, softmax_optimum, validation_accuracy
from linclf.studies.metrics import Interval
from linclf.studies.store import StoredRun

SHAPE = (32, 32, 3)
SMALL = Size(3, 2, 4, 3, 5, 3, (1 / 20, 1 / 10, 1 / 5, 3 / 5), 15)
CHOICE = Choice(learning_rate=0.01, l2=0.003, batch_size=50)


def study(out, data="synthetic:40", **plan):
    return CeilingStudy(data, out, progress=False, **{"size": SMALL, **plan})


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    return tmp_path_factory.mktemp("ceiling")


@pytest.fixture(scope="module")
def results(out):
    return study(out).run()


def test_the_whole_search_has_at_least_two_hundred_configurations():
    coarse = ceiling.coarse(FULL, SHAPE)
    fine = ceiling.fine(dict.fromkeys(ceiling.SEARCHED, CHOICE), FULL, SHAPE)
    assert len({*coarse, *fine}) >= 200
    assert {config.loss for config in coarse} == {config.loss for config in fine} == set(ceiling.SEARCHED)
    assert all(0.003 / 11 < config.l2 < 0.003 * 11 for config in fine)


@pytest.mark.parametrize("name", [name for name in INGREDIENTS if name != "data"])
def test_each_ingredient_changes_what_it_says(name):
    def mix(names):
        return ceiling.mixed_config(names, "cross_entropy", CHOICE, FULL, SHAPE, seed=0)

    base, added = vars(mix([])), vars(mix([name]))
    assert base == vars(Config(learning_rate=0.001, l2=0.1, epochs=40))  # the reference's setting 3
    fields = {
        "search": {"learning_rate", "l2", "batch_size"},
        "momentum": {"momentum", "learning_rate"},
        "longer": {"epochs", "restore_best"},
        "decay": {"lr_decay", "lr_decay_every"},
        "xavier": {"init"},
        "shuffle": {"shuffle"},
        "augment": {"augment"},
        "averaging": {"averaging"},
    }
    assert {field for field in base if base[field] != added[field]} == fields[name]
    assert mix(INGREDIENTS) != mix([other for other in INGREDIENTS if other != name])
    assert ceiling.mixed_config(INGREDIENTS, "cross_entropy", CHOICE, FULL, (64,), seed=0).augment is None  # no image


def test_choices_do_not_depend_on_the_test_images(results, tmp_path):
    data = load_dataset("synthetic:40")
    rng = np.random.default_rng(0)
    again = study(tmp_path, replace(data, test_images=rng.permutation(data.test_images))).run()
    for name in ("chosen", "chosen_loss", "chosen_mix"):
        assert getattr(again, name) == getattr(results, name)
    untested = [*results.search, *results.fine_search, *results.ensemble_members]
    untested += [run for runs in results.ablation.values() for run in runs]
    assert all(run.predictions is None and "test_accuracy" not in run.record for run in untested)
    assert all(run.predictions is not None for runs in results.finals.values() for run in runs)


def test_what_is_recorded_is_what_the_model_does(results):
    X, y = results.split(results.choosing).validation
    for run in (results.search[3], results.ablation["all"][0], results.ablation["+longer"][1]):
        assert validation_accuracy(run) == np.mean(run.model.predict(X) == y)
    best = max([*results.search, *results.fine_search], key=validation_accuracy)
    assert results.chosen[best.record["loss"]].learning_rate == best.record["learning_rate"]
    X, y = results.split(results.final).test
    for run in results.final_runs():
        assert run.record["test_accuracy"] == np.mean(run.model.predict(X) == y)


def test_training_and_validation_images_are_never_the_same(results, out):
    for cut in (results.choosing, results.final):
        assert not set(cut.train) & set(cut.validation)
        assert len(cut.train) > 3 * len(cut.validation) > 0
    data = load_dataset("synthetic:40")
    given = replace(data, validation_images=data.test_images[:30], validation_labels=data.test_labels[:30])
    own = study(out, given)
    for cut in (own.choosing, own.cut):  # given validation images validate every choice
        assert (cut.train, cut.validation) == (range(200), range(200, 230))
        np.testing.assert_array_equal(own.split(cut).validation[1], data.test_labels[:30])


def test_what_is_stored_is_used_again_the_optimum_too(results, out, monkeypatch):
    monkeypatch.setattr("linclf.studies.ceiling.softmax_optimum", None)
    assert study(out).run().document() == results.document()


@pytest.mark.parametrize("d", [8, 120])
def test_the_optimum_is_logistic_regressions_and_where_training_ends(d):
    """d above the number of images takes the other coordinates."""
    (X, y), l2 = blobs(n=100, d=d), 0.05
    model, cost, converged = softmax_optimum((X, y), 3, l2, 500)
    assert converged
    C = 1 / (2 * l2 * len(X))
    other = LogisticRegression(C=C, tol=1e-10, max_iter=10_000).fit(X, y)
    np.testing.assert_allclose(model.W - model.W.mean(axis=0), other.coef_, atol=2e-3)
    (run,) = train(Config(learning_rate=0.05, l2=l2, epochs=4000, batch_size=100), (X, y), init=[model], progress=False)
    assert run.history.train_cost[0] == pytest.approx(cost, abs=1e-12)
    assert cost - 1e-12 <= run.history.train_cost.max() <= cost + 1e-9
    assert 0 <= run.history.train_cost[0] - run.history.train_cost[-1] < 1e-5 * cost


def test_votes_and_mean_scores():
    def network(*scores):
        return StoredRun({}, Linear(np.zeros((3, 1)), np.array(scores)))

    together, tied = [network(1, 0, 0), network(1, 0.5, 0), network(0, 9, 0)], [network(1, 0, 0), network(0, 3, 0)]
    for runs, expected in ((together, ([0, 0], [1, 1])), (tied, ([1, 1], [1, 1]))):
        np.testing.assert_array_equal(ceiling_views._together(runs, np.zeros((2, 1))), expected)


def test_the_sentence_on_ingredients_names_the_effects_of_either_sign_that_chance_does_not_explain():
    zero = Interval(0.0, 0.0, 0.0)
    found = dict.fromkeys(INGREDIENTS, (zero, zero))
    assert "added alone: none; missed in the mix when left out: none. The other 18 of 18" in (ceiling_views.most(found))
    found["shuffle"] = (Interval(0.4, 0.1, 0.7), Interval(0.2, 0.1, 0.3))
    found["data"] = (Interval(4.0, 3.0, 5.0), Interval(2.0, -0.1, 4.0))
    found["search"] = (Interval(-6.0, -8.0, -4.0), zero)
    said = (
        "alone: λ, η and batch size searched (−6.0 points), all the data (+4.0 points) and shuffling (+0.4 points); "
        "missed in the mix when left out: shuffling (+0.2 points). The other 14 of 18"
    )
    assert said in ceiling_views.most(found)


def learning_curve(results, accuracies, n_test=2000):
    """The figure of networks with these accuracies, by number of training images, one per seed."""
    loss, rng = results.chosen_loss, np.random.default_rng(0)
    dataset = replace(results.dataset, test_labels=np.zeros(n_test, np.int64))
    order = rng.permutation(n_test)  # who gets an image right at few images does at more
    runs = {
        f"{loss} {n}": [
            StoredRun({"n_train": n}, Linear(None, None), (order >= round(share * n_test)).astype(np.uint16))
            for share in shares
        ]
        for n, shares in accuracies.items()
    }
    return ceiling_views.learning_curve(replace(results, dataset=dataset, finals=runs), number=1).markup


def test_the_trend_is_that_of_the_means_with_an_interval(results):
    trend = {100: 0.3, 400: 0.35, 1600: 0.375, 6400: 0.3875}  # 40 - 100 / sqrt(n) %
    said = learning_curve(results, {n: [share - 0.01, share, share, share, share + 0.01] for n, share in trend.items()})
    found = re.search(
        r"to within 0.0[01] points of every mean, would gain (.*?) points \((.*?) to (.*?)\) from twice the "
        r"images and would end at 40.0 % \((.*?) to (.*?)\) ",
        said,
    )
    gain, low, high, least, most = (float(number.replace("−", "-")) for number in found.groups())
    assert low < gain == 0.37 < high
    assert 30 < least < 40 < most < 100


@pytest.mark.parametrize(
    ("accuracies", "said"),
    [
        ({100: [0.3, 0.3], 400: [0.5, 0.5], 1600: [0.7, 0.7]}, "too few images for a trend"),
        ({100: [0.39, 0.39], 400: [0.59, 0.59], 1600: [0.79, 0.79], 6400: [0.99, 0.99]}, "No trend can be trusted"),
    ],
)
def test_no_accuracy_is_extrapolated_beyond_what_can_be(results, accuracies, said):
    assert said in learning_curve(results, accuracies)

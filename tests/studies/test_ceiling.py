"""The study of the ceiling: what it tries, what it chooses on, and the optimum by two roads."""

from dataclasses import FrozenInstanceError, fields, replace

import numpy as np
import pytest
from helpers import blobs
from sklearn.linear_model import LogisticRegression

from linclf import Config, ConfigError, Linear, train
from linclf.data.load import load_dataset
from linclf.report.views import ceiling as ceiling_views
from linclf.report.views import ceiling_diagnosis
from linclf.studies.ceiling import design
from linclf.studies.ceiling.design import INGREDIENTS, SIZES, Choice
from linclf.studies.ceiling.optimum import softmax_optimum
from linclf.studies.ceiling.results import validation_accuracy
from linclf.studies.ceiling.study import CeilingStudy
from linclf.studies.store import Count, StoredRun

SHAPE = (32, 32, 3)
CHOICE = Choice(learning_rate=0.01, l2=0.003, batch_size=50)


def study(out, data="synthetic:40", **plan):
    return CeilingStudy(data, out, progress=False, **plan)


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    return tmp_path_factory.mktemp("ceiling")


@pytest.fixture(scope="module")
def results(out):
    return study(out).run()


def test_the_whole_search_has_at_least_two_hundred_configurations():
    size = SIZES["full"]
    coarse = design.coarse(size, SHAPE)
    fine = design.fine(dict.fromkeys(design.LOSSES, CHOICE), size, SHAPE)
    assert len({*coarse, *fine}) >= 200
    assert {config.loss for config in coarse} == {config.loss for config in fine} == set(design.LOSSES)
    assert all(0.003 / 11 < config.l2 < 0.003 * 11 for config in fine)


@pytest.mark.parametrize("name", [name for name in INGREDIENTS if name != "data"])
def test_each_ingredient_changes_what_it_says(name):
    def mix(names):
        return design.recipe(names, "cross_entropy", CHOICE, SIZES["full"], SHAPE, seed=0)

    base, added = mix([]), mix([name])
    assert base == Config(learning_rate=0.001, l2=0.1, epochs=40)  # the reference's setting 3
    changed = {field for field in vars(base) if getattr(base, field) != getattr(added, field)}
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
    assert changed == fields[name]
    everything = mix(INGREDIENTS)
    without = mix([other for other in INGREDIENTS if other != name])
    assert {field for field in fields[name] if getattr(everything, field) != getattr(without, field)}


def test_feature_vectors_are_not_mirrored():
    config = design.recipe(INGREDIENTS, "cross_entropy", CHOICE, SIZES["full"], (64,), seed=0)
    assert config.augment is None


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


def test_training_and_validation_images_are_never_the_same(results):
    for cut in (results.choosing, results.final):
        assert not set(cut.train) & set(cut.validation)
        assert len(cut.train) > 3 * len(cut.validation) > 0


def test_what_is_stored_is_used_again_unless_fresh(results, out, monkeypatch):
    again = study(out)
    assert again.run().document() == results.document()
    reused = again.workspace.count.reused
    assert again.workspace.count == Count(reused, trained=0)
    assert reused > 100
    optima = []
    real = softmax_optimum
    monkeypatch.setattr(
        "linclf.studies.ceiling.study.softmax_optimum", lambda *args: optima.append(args) or real(*args)
    )
    fresh = study(out, fresh=True)
    fresh.run()
    assert fresh.workspace.count == Count(reused=0, trained=reused)
    assert len(optima) == 1
    fresh.run()  # what it has made itself is not made again
    assert fresh.workspace.count == Count(reused, trained=reused)
    assert len(optima) == 1


def test_reading_results_trains_nothing_and_changes_nothing(results, monkeypatch):
    monkeypatch.setattr("linclf.studies.store.run_tasks", None)
    monkeypatch.setattr("linclf.studies.ceiling.study.softmax_optimum", None)
    for field in fields(results):
        assert getattr(results, field.name) is not None
    results.split(results.choosing)
    with pytest.raises(FrozenInstanceError):
        results.chosen_loss = "cross_entropy"


def test_a_plan_that_cannot_be_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="size must be one of full, reduced, not 'huge'"):
        study(tmp_path, size="huge")
    with pytest.raises(ConfigError, match="n_validation must be a whole number, 1 or more, not 0"):
        study(tmp_path, n_validation=0)
    assert list(tmp_path.iterdir()) == []


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

    runs = [network(1, 0, 0), network(1, 0.5, 0), network(0, 9, 0)]
    X = np.zeros((2, 1))
    assert ceiling_views._majority(runs, X).tolist() == [0, 0]
    assert ceiling_views._mean_of_scores(runs, X).tolist() == [1, 1]
    tied = [network(1, 0, 0), network(0, 3, 0)]
    assert ceiling_views._majority(tied, X).tolist() == [1, 1]


def test_the_sentence_on_ingredients_names_those_that_gave_the_most(results, monkeypatch):
    zero = (0.0, 0.0, 0.0)
    found = dict.fromkeys(INGREDIENTS, (zero, zero))
    monkeypatch.setattr(ceiling_views, "gains", lambda results: found)
    assert (
        ceiling_views.most(results)
        == "Added to the baseline, the most brings none; from the mix of all, the most missed is none."
    )
    found["shuffle"] = ((0.4, 0, 0), (0.2, 0, 0))
    found["data"] = ((4.0, 0, 0), (-2.0, 0, 0))
    assert "brings all the data (+4.0 points) and shuffling (+0.4 points); from" in ceiling_views.most(results)
    assert ceiling_views.most(results).endswith("the most missed is shuffling (+0.2 points).")


def test_more_than_others_ever_reported_is_called_suspicious(results, monkeypatch):
    monkeypatch.setattr(ceiling_views, "is_the_references", lambda name: True)
    monkeypatch.setattr(ceiling_views, "_final", lambda results, loss, key: np.array([0.435, 0.431]))
    said = ceiling_views.verdict(results)
    assert "43.30 % reaches the 42.3 % that others report" in said
    chance = 196 * np.sqrt(0.433 * 0.567 / len(results.dataset.test_labels))
    assert f"would move an accuracy by ± {chance:.1f} points" in said
    assert "asks for a search for a leak" in said


def test_the_trend_is_that_of_the_means(results):
    loss = results.chosen_loss
    accuracies = {100: [0.29, 0.31], 400: [0.34, 0.36], 1600: [0.37, 0.38]}  # 40 - 100 / sqrt(n) %
    runs = {
        f"{loss} {n}": [StoredRun({"n_train": n, "test_accuracy": share}, Linear(None, None)) for share in shares]
        for n, shares in accuracies.items()
    }
    figure = ceiling_diagnosis.learning_curve(replace(results, finals=runs), number=1).markup
    assert (
        "misses no mean by more than 0.0 points, would gain 0.7 points from twice the images, and end at 40.0 %"
        in figure
    )

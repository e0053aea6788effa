"""``linclf.plot`` draws plain runs, models and arrays, and says what it cannot draw."""

import itertools
from xml.etree import ElementTree

import numpy as np
import pytest
from helpers import blobs, config
from matplotlib import pyplot
from matplotlib.figure import Figure

import linclf
from linclf import ConfigError, DataError, plot
from linclf.report.views import html, plots
from linclf.report.views.plots import new_axes

MODEL = linclf.Linear(np.arange(24.0).reshape(2, 12), np.zeros(2))


@pytest.fixture(scope="module")
def runs():
    """Two settings, two seeds each."""
    configs = [config(l2=l2, seed=seed) for l2 in (0.0, 0.1) for seed in (0, 1)]
    return linclf.train(configs, blobs(), blobs(seed=1), progress=False)


@pytest.fixture(autouse=True)
def _close():
    yield
    pyplot.close("all")


def legend(axes):
    return [text.get_text() for text in axes.get_legend().texts]


def test_of_several_seeds_the_first_is_drawn_in_full_and_the_others_lightly(runs):
    axes = plot.history(runs[:2], "cost", ax=new_axes())
    assert [line.get_label() for line in axes.lines] == ["training", "validation"] == legend(axes)
    np.testing.assert_allclose(axes.lines[0].get_ydata(), runs[0].history.train_cost, rtol=1e-12)
    (other,) = axes.collections[0].get_segments()
    np.testing.assert_allclose(other[:, 1], runs[1].history.train_cost, rtol=1e-12)
    assert axes.collections[0].get_alpha() < 0.5
    assert axes.get_ylabel() == "cost"
    assert [tick for tick in axes.get_xticks() if tick % 1] == []
    axes.figure.draw_without_rendering()
    assert axes.get_legend().get_window_extent().x1 <= axes.figure.bbox.x1


def test_panels_reach_to_the_longest_run_and_hold_their_legends():
    runs = [linclf.train(config(epochs=epochs), blobs(), blobs(seed=1), progress=False) for epochs in (2, 9)]
    three = {f"setting {i} (λ = 0.1, η = 0.001)": runs[1] for i in (2, 3, 4)}
    figure = Figure(figsize=(5.6, 7.2), layout="constrained")
    for axes, panel in zip(figure.subplots(2, sharex=True), ({"": runs[0]}, three), strict=True):
        plot.history(panel, ax=axes)
    figure.draw_without_rendering()
    assert axes.get_xlim()[0] == 0
    assert 9 <= axes.get_xlim()[1] < 10
    assert axes.get_legend().get_window_extent().x1 <= figure.bbox.x1


def test_settings_are_called_after_what_differs_or_as_the_caller_says(runs):
    styles = ["training", "validation"]
    assert legend(plot.history(runs[::2])) == [*styles, "l2 = 0.0", "l2 = 0.1"]
    assert legend(plot.history({"a": runs[:1], "b": runs[1:2]})) == [*styles, "a", "b"]
    beside = legend(plot.history(runs[0], beside={"the other": runs[1:2]}))
    assert beside == ["training, the other", "training", "validation, the other", "validation"]  # two columns


def test_what_was_not_measured_has_no_line(runs):
    (alone,) = linclf.train(config(), blobs(), progress=False)
    assert legend(plot.history(alone)) == legend(plot.history(alone.history)) == ["training"]
    (unmeasured,) = linclf.train(config(), blobs(), evaluate=False, progress=False)
    with pytest.raises(ConfigError, match="expected runs that were measured"):
        plot.history([alone, unmeasured])
    with pytest.raises(ConfigError, match="quantity must be loss, cost or accuracy, not 'speed'"):
        plot.history(alone, "speed")


def test_what_is_drawn_without_an_axes_is_shown(runs):
    """As JupyterLab and pyplot.show() expect: a figure of pyplot's."""
    X, y = blobs()
    drawn = [
        plot.history(runs).figure,
        plot.templates(MODEL, (2, 2, 3)),
        plot.confusion(y, runs[0].model.predict(X)).figure,
        plot.images(np.zeros((3, 4, 4), np.uint8)),
    ]
    assert pyplot.get_fignums() == [figure.number for figure in drawn]


def test_images_stand_as_they_are_with_their_titles():
    pixels = np.random.default_rng(0).integers(0, 256, (5, 4, 3, 3), np.uint8)
    figure = plot.images(pixels, ["$a$", "b", "c", "d", "e"], columns=2)
    assert [axes.get_title() for axes in figure.axes] == ["$a$", "b", "c", "d", "e"]
    for axes, picture in zip(figure.axes, pixels, strict=True):
        np.testing.assert_array_equal(axes.images[0].get_array(), picture)


@pytest.mark.parametrize(("d", "shape"), [(12, (2, 2, 3)), (9, (3, 3)), (3072, (32, 32, 3)), (784, (28, 28))])
def test_templates_of_square_pictures_need_no_shape(d, shape):
    drawn = plot.templates(linclf.Linear(np.eye(2, d), np.zeros(2)))
    assert drawn.axes[0].images[0].get_array().shape == shape


@pytest.mark.parametrize(
    ("draw", "said"),
    [
        (lambda: plot.templates(linclf.Linear(np.eye(2, 7), np.zeros(2))), "expected square images.*7 inputs are none"),
        (lambda: plot.images(np.zeros((3, 12))), r"expected images \(n, h, w, c\) .* found \(3, 12\)"),
        (lambda: plot.images(np.zeros((0, 2, 2))), r"expected images \(n, h, w, c\) .* found \(0, 2, 2\)"),
        (lambda: plot.templates(MODEL, (4, 4, 3)), r"expected an image_shape \(h, w, c\) of 12 inputs, found"),
        (lambda: plot.confusion([0, 1], [0]), r"expected labels and predictions \(n,\) of 2 classes"),
        (lambda: plot.confusion([0, 2], [0, 1], ["a", "b"]), "of 2 classes, found .* of classes to 2"),
    ],
)  # fmt: skip
def test_what_cannot_be_drawn_is_said(draw, said):
    with pytest.raises(DataError, match=said):
        draw()


@pytest.mark.parametrize(
    "ticks", [["1e-05", "3.2e-05", "0.0001", "0.00032", "0.001", "0.0032", "0.01"], ["0.001", "0.01", "0.1"]]
)
def test_the_labels_of_a_heat_map_do_not_touch(ticks):
    axes = plots.heat_map(np.arange(2.0 * len(ticks)).reshape(2, -1), ["a", "b"], ticks)
    axes.figure.draw_without_rendering()
    labels = axes.get_xticklabels()
    assert all(one.get_rotation() == 35 for one in labels) or all(
        one.get_window_extent().x1 + 5 < other.get_window_extent().x0 for one, other in itertools.pairwise(labels)
    )


def test_names_are_text_whatever_signs_they_hold(runs):
    names = ["$x^$", "_under", "a|b`*{}", "\x1b[31mred"]
    axes = plot.history(dict(zip(names, ([run] for run in runs), strict=True)), ax=new_axes())
    assert [text.strip() for text in legend(axes)[2:]] == names
    picture = plot.images(np.zeros((4, 2, 2)), names)
    for figure in (axes.figure, picture, plot.confusion([0, 1, 2, 3], [0, 1, 2, 3], names, ax=new_axes()).figure):
        texts = [element.text for element in ElementTree.fromstring(html.svg(figure, "1")).iter() if element.text]
        assert {"$x^$", "a|b`*{}"} <= {text.strip() for text in texts}

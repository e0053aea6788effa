"""The page for any setting: what it says, and what can be played with in a real browser."""

import base64
import csv
import json
import re
import shutil
import subprocess
from dataclasses import replace

import numpy as np
import pytest
from bs4 import BeautifulSoup
from helpers import ROOT, TINY, missing
from PIL import Image

from linclf import Config, ConfigError, Linear, Standardizer, load_dataset, sweep
from linclf.data.readers.pictures import prepare_pictures
from linclf.data.surrogate import fit_surrogate, transform
from linclf.report.pages import page_file
from linclf.report.views import explore, pictures, sliders
from linclf.studies.exploration import Exploration
from linclf.training.losses import LOSSES
from linclf.training.model import softmax

DATA = load_dataset(TINY[1])
IMAGES = DATA.test_images[: explore.IMAGES]


@pytest.fixture
def page(visit, report):
    return visit(report / page_file("explore"))


@pytest.fixture(scope="module")
def packed(report):
    """What the page holds of the networks: the loss, and weights (C, d) and biases after each epoch kept."""
    page = BeautifulSoup((report / page_file("explore")).read_text("utf-8"), "html.parser")
    data = json.loads(page.find(attrs={"data-play": "data"}).string)
    whole = [np.frombuffer(base64.b64decode(each["whole"]), "i1") for each in data["weights"]]
    weights = [
        (W.reshape(len(data["names"]), -1) * np.c_[each["units"]], np.array(each["b"]))
        for W, each in zip(whole, data["weights"], strict=True)
    ]
    return [(each["loss"], [weights[i] for i in each["at"]]) for each in data["networks"]]


def expected(weights, images):
    """Python's scores, (n, C)."""
    W, b = weights
    return Standardizer.fit(DATA.train_images[0])(images, np.float64) @ W.T + b


def shown(page):
    return np.array(json.loads(page.locator(".play").get_attribute("data-scores")))


CLICK_ALL = """section => [...section.querySelectorAll('[data-play="images"] button')].map(button => {
  button.click(); return JSON.parse(section.dataset.scores); })"""
PAINTED = """canvas => { const options = {willReadFrequently: true}, side = canvas.width;
  const read = document.createElement("canvas").getContext("2d", options);
  read.drawImage(canvas, 0, 0);
  return [...read.getImageData(0, 0, side, side).data]; }"""
SAID = re.compile(r"It says \w+, (?:with \d+\xa0%|[\d.]+ ahead): a loss of ([\d.]+)\.")


def test_the_pages_scores_and_losses_are_pythons_for_every_picture_setting_and_epoch(page, packed):
    assert [len(epochs) for _, epochs in packed] == [2] * 5  # before and after training
    for i, (loss, epochs) in enumerate(packed):
        page.locator('[data-play="setting"]').select_option(str(i))
        for key, name, weights in zip(("Home", "End"), ("epoch 0", "epoch 2"), epochs, strict=True):
            page.locator('[data-play="epoch"]').press(key)
            assert page.locator('[data-play="epoch-name"]').inner_text() == name
            found, S = np.array(page.locator(".play").evaluate(CLICK_ALL)), expected(weights, IMAGES)
            np.testing.assert_allclose(found, S, atol=1e-3)
            said = float(SAID.fullmatch(page.locator('[data-play="answer"]').inner_text())[1])
            assert said == pytest.approx(LOSSES[loss].value(S.T, DATA.test_labels[: len(S)])[-1], abs=0.006)
            first, w = page.locator('[data-play="templates"] canvas').first.evaluate(PAINTED), weights[0][0]
            pixels = np.reshape(first, (-1, 4))[:, :3].ravel()
            np.testing.assert_allclose(pixels, 255 * (w - w.min()) / (w.max() - w.min()), atol=1)
    page.locator('[data-train="loss"]').select_option("multiclass_hinge")
    page.locator('[data-train="step"]').click()
    page.locator('[data-play="answer"]').get_by_text(" ahead: a loss of ").wait_for()
    assert not page.locator('[data-play="epochs"]').is_visible()
    assert page.trouble == []


def test_it_works_by_keyboard_and_without_a_click_shows_what_the_script_would(page, packed):
    buttons = page.locator('[data-play="images"] button')
    words = page.locator(".panels").inner_text(), page.locator('[data-play="answer"]').inner_text()
    buttons.first.click()
    assert (page.locator(".panels").inner_text(), page.locator('[data-play="answer"]').inner_text()) == words
    buttons.nth(3).focus()
    page.keyboard.press("Enter")
    assert buttons.nth(3).get_attribute("aria-pressed") == "true"
    assert buttons.first.get_attribute("aria-pressed") == "false"
    np.testing.assert_allclose(shown(page), expected(packed[0][1][-1], IMAGES[3:4])[0], atol=1e-3)
    names = DATA.class_names
    page.locator('[data-play="class"]').focus()
    page.keyboard.press("Home")
    assert page.locator('[data-play="sum"]').inner_text().startswith(f"The score of {names[0]} is ")
    assert page.locator("tr.chosen th").inner_text() == names[0]
    page.locator('[data-play="epoch"]').focus()
    page.keyboard.press("Home")
    assert page.locator('[data-play="epoch-name"]').inner_text() == "epoch 0"


def heard(page, *commands):
    """What the page's own trainer answers to commands last, on the page itself: test code cannot reach its worker."""
    return page.evaluate(
        """commands => new Promise(resolve => {
  const receive = trainer(({exported, W, b}) => { if (exported) resolve({images: [...exported.images],
    labels: [...exported.labels], W: [...W], b: [...b]}); });
  commands.forEach(command => receive(command)); })""",
        [*commands, {"command": "export"}],
    )


def test_the_page_trains_as_python_does(page):
    """From the same initial weights, images and order, weights after two epochs with a penalty, for every loss."""
    images, labels = DATA.train_images[0][:, ::4, ::4], DATA.train_labels[0]
    small = fit_surrogate(images, labels, DATA.class_names, name="small", n_coefficients=8)
    arrays = {name: value for name, value in small.to_arrays().items() if name not in ("class_names", "name")}
    given = {name: np.ravel(value).tolist() if value.ndim else value.item() for name, value in arrays.items()}
    given |= {"shape": given["image_shape"], "chosen": given["coefficients"]}
    for loss in LOSSES:
        data = {"command": "again", "surrogate": given, "nTrain": 250, "nValidation": 20}
        data["setting"] = {"loss": loss, "l2": 0.1, "eta": 0.01, "seed": 3}
        before = heard(page, data)
        after = heard(page, data, *[{"command": "run", "more": 1}] * 6)
        images, labels = np.array(before["images"], np.uint8).reshape(250, -1), np.array(before["labels"])
        init = Linear(np.array(before["W"], np.float32).reshape(10, -1), np.array(before["b"], np.float32))
        config = Config(loss=loss, l2=0.1, learning_rate=0.01, epochs=2)
        (run,) = sweep([config], (Standardizer.fit(images)(images), labels), n_classes=10, init=[init])
        np.testing.assert_allclose(np.reshape(after["W"], (10, -1)), run.model.W, atol=1e-4)
        np.testing.assert_allclose(after["b"], run.model.b, atol=1e-4)
        assert np.abs(np.reshape(after["W"], (10, -1)) - init.W).max() > 5e-4
    mean = images.reshape(250, *small.image_shape).mean(axis=(0, 1, 2))
    expected = transform(small.mean[None] * np.sqrt(192), (8, 8, 3), inverse=True)[0].mean(axis=(0, 1))
    np.testing.assert_allclose(mean, expected, atol=12)


def test_firefox_trains_by_keyboard_and_reads_a_photo(report, packed, tmp_path):
    """On a phone's width; axe and the rest are Chromium's."""
    firefox = shutil.which("firefox-esr") or shutil.which("firefox")
    if not firefox or not (ROOT / "tests" / "node_modules" / "puppeteer-core").exists():
        missing("no Firefox here, or nothing to drive it: apt-get install firefox-esr, npm install --prefix tests")
    page, photo = report / page_file("explore"), next(photos(tmp_path))
    words = ["node", ROOT / "tests" / "firefox.mjs", firefox, page.as_uri(), photo]
    ran = subprocess.run(words, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    seen = json.loads(ran.stdout)
    assert seen["trouble"] == []
    assert seen["wide"] <= 390
    assert seen["pause"] == seen["rest"]
    assert float(re.findall(r"accuracy ([\d.]+)", seen["rest"])[-1]) > 18  # of ten classes
    assert "training loss" in seen["step"]
    assert "training loss" not in seen["again"]
    assert (seen["eta"], seen["next"]) == ("0.00001", "0.0000112")
    assert seen["loss"] == "cross_entropy"  # as before an address that names no loss
    assert "choose a smaller λ" in seen["broke"]
    assert seen["address"] == "#train&loss=multiclass_hinge&l2=0&eta=0.001&seed=0"
    assert photo.name in seen["photo"]
    assert "not from photographs" in seen["photo"]
    wanted = expected(packed[0][1][-1], np.stack([*prepare_pictures([photo], (32, 32, 3))])).T
    np.testing.assert_allclose(softmax(np.c_[seen["scores"]]), softmax(wanted), atol=0.005)


def photos(folder):
    """Ten pictures as people have them: of any size, upright or not, in several formats, partly transparent, grey."""
    rng = np.random.default_rng(0)
    sizes = {"same.png": (32, 32), "wide.png": (90, 40), "vga.jpg": (640, 480), "alpha.png": (641, 487)}
    sizes |= {"tall.jpg": (33, 70), "large.jpg": (1500, 1001), "tiny.png": (20, 25), "grey.jpg": (300, 300)}
    for i, (name, (width, height)) in enumerate({**sizes, "a.webp": (257, 400), "turned.jpg": (128, 200)}.items()):
        coarse = Image.fromarray(rng.integers(20, 236, (6, 6, 3), np.uint8)).resize((width, height))
        pixels = np.asarray(coarse) + rng.normal(0, 8, (height, width, 3))
        image = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
        if name == "alpha.png":
            image.putalpha(Image.fromarray(rng.integers(0, 256, (height, width), np.uint8)))
        exif = Image.Exif()
        exif[0x0112] = 1 + i % 8
        options = {} if name == "a.webp" else {"exif": exif}
        image.convert("L" if name == "grey.jpg" else image.mode).save(folder / name, quality=90, **options)
        yield folder / name


PICKS_PIXELS = """() => { const draw = CanvasRenderingContext2D.prototype.drawImage;
CanvasRenderingContext2D.prototype.drawImage = function (...words) {
  this.imageSmoothingEnabled = false;
  return draw.apply(this, words); } }"""
ADDS_NOISE = """() => { const read = CanvasRenderingContext2D.prototype.getImageData;
CanvasRenderingContext2D.prototype.getImageData = function (...words) {
  const image = read.apply(this, words);
  for (let i = 0; i < image.data.length; i += 97) image.data[i] ^= 1;
  return image; } }"""


def test_probabilities_of_ones_own_pictures_are_those_of_the_command(page, packed, tmp_path):
    """Also in browsers that pick single pixels, or add noise to what they read: those tell nothing."""

    def told(file, said):
        page.locator('[data-play="file"]').set_input_files(file)
        page.locator('[data-play="truth"]').get_by_text(said).wait_for()
        return shown(page)

    (tmp_path / "words.txt").write_text("no picture")
    exif = Image.Exif()
    exif[0x0112] = 3
    Image.new("RGB", (40, 40)).save(tmp_path / "turned.webp", exif=exif)
    files = list(photos(tmp_path))
    S = expected(packed[0][1][-1], np.stack([*prepare_pictures(files, (32, 32, 3))])).T
    for script in ("() => {}", PICKS_PIXELS):
        page.evaluate(script)
        for file, wanted in zip(files, softmax(S).T, strict=True):
            np.testing.assert_allclose(softmax(told(file, file.name)[:, None])[:, 0], wanted, atol=0.005)
        told(tmp_path / "words.txt", "is no picture that this browser can open. The picture before is")
        told(tmp_path / "turned.webp", "turned.webp is a WebP that is to be turned")
    page.evaluate(ADDS_NOISE)
    scores = np.array(page.locator(".play").evaluate(CLICK_ALL))
    np.testing.assert_allclose(scores, expected(packed[0][1][-1], IMAGES), atol=1e-3)
    np.testing.assert_array_equal(told(files[0], "cannot be told here"), scores[-1])
    assert page.trouble == []


def test_a_curve_answers_to_pointer_and_arrow_keys_with_one_line(page):
    figure = page.locator("#figure-X3")
    curve, said = figure.locator("img.curve"), figure.locator("output")
    text = base64.b64decode(figure.locator("a.numbers").get_attribute("href").partition(",")[2]).decode()
    names, *rows = csv.reader(text.splitlines())

    def told(epoch, line):
        return f"Epoch {epoch}: {names[line]}, {float(rows[epoch][line]):#.4g}."

    keys = [("ArrowRight", 0, 1), ("ArrowRight", 1, 1), ("End", 2, 1), ("ArrowDown", 2, 2), ("ArrowLeft", 1, 2)]
    curve.focus()
    for key, epoch, line in [*keys, ("Home", 0, 2), ("ArrowUp", 0, 1)]:
        page.keyboard.press(key)
        assert said.inner_text() == told(epoch, line)
    box, axes = curve.bounding_box(), json.loads(curve.get_attribute("data-axes"))
    assert 0 < axes["y"][1] < axes["y"][0] < 1
    for line in (1, 6):  # above its place at epoch 1, by the axis
        share = (float(rows[1][line]) - axes["limits"][0]) / (axes["limits"][1] - axes["limits"][0])
        x, y = (start + part * (end - start) for part, (start, end) in ((0.55, axes["x"]), (share, axes["y"])))
        curve.hover(position={"x": box["width"] * x, "y": box["height"] * y})
        assert said.inner_text() in [told(1, at) for at, value in enumerate(rows[1]) if value == rows[1][line]]
    assert page.trouble == []


@pytest.fixture(scope="module")
def explored(tmp_path_factory):
    return Exploration(TINY[1], tmp_path_factory.mktemp("explored"), epochs=1, progress=False).run([0, 1])


@pytest.mark.parametrize(
    ("loss", "gap", "l2", "said"),
    [
        ([3, 2, 1, 1.5], 40, 0.1, r"\+40.00 \(.*\) points more right: much .* lowest at epoch 2, 1, "),
        ([3, 2, 1, 0.5], 15, 0.1, r"\+15.00 \(.*\) points more right\. .* still falls at the end, 0.5"),
        ([3, 1, 1.001, 1], -1, 0.1, r"−1.00 \(.*\) points more right, which chance .* changes by less than .*, to 1\."),
        ([3, 2.99, 2.98, 2.98], 0, 0.1, "stays within 1 % of where it began, 3: a larger η"),
        ([3, 2, 1, 1.5], 0, 5.0, "The penalty is too large"),
    ],
)
def test_the_finding_follows_from_the_history(explored, loss, gap, l2, said):
    (run,), shares = explored.runs, np.full(4, 0.5)
    history = replace(run.history, train_accuracy=shares + gap / 100, validation_accuracy=shares)
    changed = replace(run, config=replace(run.config, learning_rate=0.1, l2=l2))
    changed = replace(changed, history=replace(history, validation_loss=np.array(loss, float)))
    found = explore.finding(replace(explored, runs=[changed])).text
    assert re.search(said, found)
    assert re.search(r"right at the end, seed 0: [+−][\d.]+ \([+−][\d.]+ to [+−][\d.]+\) points against setting", found)


@pytest.mark.parametrize(("factor", "panels"), [(1, 2), (1e9, 3)])
def test_what_would_squeeze_the_others_has_axes_of_its_own(explored, factor, panels):
    (run,) = explored.runs
    history = replace(run.history, validation_loss=run.history.validation_loss * factor)
    markup = explore.curves(replace(explored, runs=[replace(run, history=history)]), "loss", number=1).markup
    picture = base64.b64decode(re.search('src="data:image/svg.xml;base64,(.*?)"', markup)[1])
    assert picture.count(b'id="axes_') == panels


def test_the_first_images_train_beside_the_references_settings(tmp_path):
    """More than batch 1 has come from the batches that do not validate."""
    exploration = Exploration("synthetic:40", tmp_path, n_train=100, epochs=1, seeds=2, flip=True, progress=False)
    data = load_dataset("synthetic:40")
    images = np.concatenate([data.train_images[0], *data.train_images[2:]])[:100]
    X = Standardizer.fit(images)(images)
    np.testing.assert_array_equal(exploration.split().train[0], X)
    explored = exploration.run([0, 1])
    assert [run.config.seed for run in explored.runs] == [0, 1]
    np.testing.assert_array_equal(explored.checkpoints[1].W, explored.runs[0].model.W)
    assert len(explored.reference.runs("base", 1)) == 2
    assert explored.reference.runs("svm", 4)[0]["n_train"] == 100
    with pytest.raises(ConfigError, match="shift must be a whole number of pixels below 32"):
        Exploration(data, tmp_path, shift=32)


@pytest.mark.parametrize(
    ("rate", "l2", "advice"), [(5.0, 0.3, "use a smaller L2"), (1e30, 0.0, "use a smaller learning rate")]
)
def test_where_training_diverges_the_curve_up_to_there_stays(tmp_path, rate, l2, advice):
    exploration = Exploration(
        "synthetic:200", tmp_path, epochs=60, batch_size=20, learning_rate=rate, l2=l2, seeds=2, progress=False
    )
    explored = exploration.run([0, 60])
    assert advice in explored.broke
    assert f"{explored.broke[1:]}. The curves show it up to there" in explore.finding(explored).text
    history, last = explored.runs[0].history, max(explored.checkpoints)
    measured = np.isfinite(history.train_cost)
    n = measured.sum()
    assert last < n < 61
    assert measured[:n].all()
    np.testing.assert_array_equal(explored.checkpoints[last].W, explored.runs[0].model.W)
    for quantity in ("loss", "cost", "accuracy"):
        assert "nan" not in explore.curves(explored, quantity, number=1).text
    assert "nan" not in explore.accuracies(explored).text
    models = {f"epoch {epoch}": model for epoch, model in explored.checkpoints.items()}
    strip = pictures.strip(models, explored.dataset, number=2, caption="Templates.")
    assert "Infinity" not in explore.play(explored, strip)._repr_mimebundle_()[0]["text/html"]


def controls(widget):
    """The controls of a widget and of all within it, by description."""
    named = {widget.description: widget} if getattr(widget, "description", "") else {}
    for child in getattr(widget, "children", ()):
        named |= controls(child)
    return named


def test_sliders_train_what_they_show_and_say_what_cannot_be_trained(tmp_path):
    exploration = Exploration("synthetic:60", tmp_path, epochs=3, progress=False)
    moving = sliders.sliders(exploration, number="X4")
    assert {"text/html", "image/png", "application/vnd.jupyter.widget-view+json"} <= set(moving._repr_mimebundle_()[0])
    named = controls(moving.widgets)
    assert len(named) == 7
    named["penalty λ"].value, named["epochs"].value = 0.1, 5
    assert (named["epoch shown"].max, named["epoch shown"].value) == (5, 5)
    (run,), *_ = exploration.train_plan(replace(exploration.plan, l2=0.1, epochs=5))
    right = 100 * run.history.train_accuracy[-1], 100 * run.history.validation_accuracy[-1]
    panel = moving.widgets.children[-1]
    said = panel.value
    assert "λ = 0.1, η = 0.001: 5 epochs on 60 images" in said
    assert "{:.1f} % of them are right, and {:.1f} % of 60 validation images".format(*right) in said
    named["epochs"].value, named["learning rate η"].value, named["penalty λ"].value = 40, 0.3, 10.0
    assert "training diverged" in panel.value
    assert panel.value.count("<img") == 1 + len(exploration.data.class_names)  # the curve up to there, and templates


def test_sliders_begin_with_what_they_were_given_and_what_has_none_or_is_not_trained_is_named(tmp_path):
    controlled = {"penalty λ": 0.123456789, "learning rate η": 2e-6, "batch size": 37, "decay of η": 0.995}
    given = dict(zip(("l2", "learning_rate", "batch_size", "lr_decay"), controlled.values(), strict=True))
    given |= {"momentum": 0.5, "shuffle": True, "flip": True, "shift": 2, "lr_decay_every": 3, "averaging": 0.5}
    given |= {"init": "zeros", "loss": "binary_cross_entropy", "epochs": 201, "n_train": 37, "first_seed": 7}
    exploration = Exploration("synthetic:40", tmp_path, progress=False, **given)
    moving = sliders.sliders(exploration, number=1)
    named = controls(moving.widgets)
    for name, value in controlled.items():
        (label,) = [label for label, number in named[name].options if number == named[name].value]
        assert named[name].value == float(label) == value
    assert [named[name].value for name in ("loss", "epochs", "epoch shown")] == ["binary_cross_entropy", 200, 200]
    words = ("momentum 0.5, averaging 0.5, init zeros", "images shuffled", "images mirrored", "up to 2 pixels", "of 37")
    words += ("by 0.995 after every 3 epochs",)
    for text in (explore.setting(exploration).text, moving.text, moving.widgets.children[-1].value):
        assert [word for word in words if word not in text] == []
    assert "over the first 200 of 201 epochs, as many as sliders train" in moving.text
    assert "seed 7" in moving.text

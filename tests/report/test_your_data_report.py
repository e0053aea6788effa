"""A report on data of one's own, as a user makes it: the page is about the data, and about nothing else."""

import json

import numpy as np
import pytest
from helpers import SCRIPT, arrays, refuses
from PIL import Image

from linclf import Classifier, load_dataset
from linclf.claims.verdicts import evaluate
from linclf.cli import main
from linclf.report.pages import OTHERS, USUAL, page_file, report_pages
from linclf.studies.results import Results

pytestmark = pytest.mark.slow

NAME = SCRIPT.replace("/", "∕")  # no folder can be called by the sign itself


def report(data, out, *words):
    return main(["report", "--data", str(data), "--epochs", "2", "--out", str(out), *words])


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """The folder of a report on pictures, 90 % of one class, whose folder held a report on other data before."""
    place = tmp_path_factory.mktemp("photos")
    rng, folder = np.random.default_rng(0), place / "my <b>photos<∕b>"
    for shade, (name, n) in enumerate({"beach": 4, NAME: 54, "city": 2}.items()):
        (folder / name).mkdir(parents=True)
        for i in range(n):
            pixels = rng.integers(60 * shade, 60 * shade + 100, (20 + i, 40 - i // 2, 3), np.uint8)
            exif = Image.Exif()
            exif[0x0112] = 1 + i % 8
            Image.fromarray(pixels).save(folder / name / f"{i}.jpg", exif=exif)
    (place / "out").mkdir()
    (place / "out" / "0_baseline.html").write_text("of other data")
    assert report(folder, place / "out", "--image-size", "16") == 0
    return place / "out"


def test_the_first_page_is_about_the_data(photos):
    page = (photos / "index.html").read_text()
    assert "<title>my &lt;b&gt;photos&lt;∕b&gt;: how well one linear layer" in page
    assert "my &lt;b&gt;photos&lt;∕b&gt;: how well" in page.split("</h1>")[0].split("<h1")[1]
    for words in ("eference", "CIFAR", NAME, "0_baseline.html"):  # which is of other data
        assert words not in page
    assert len(page) < 1.5e6
    assert "of the 60 images, each by one of 5 networks" in page
    assert "Each picture is cropped to its middle square" in page
    assert [f'id="figure-{number}"' in page for number in range(1, 10)] == [True] * 9


def test_numbers_and_a_classifier_stand_beside(photos):
    document = json.loads((photos / "your_data.json").read_text())
    assert document["accuracy"]["low"] <= document["accuracy"]["value"] <= document["accuracy"]["high"]
    assert {path.name for path in photos.glob("*.json")} == {"your_data.json"}
    classifier = Classifier.load(photos / "model.npz")
    assert classifier.loss == document["chosen"]["loss"]
    assert classifier.image_shape == (16, 16, 3)
    assert list(classifier.class_names) == document["data"]["class_names"]
    assert classifier.validation_accuracy is None  # it trained on the images that validated the search
    balanced = Classifier.load(photos / "model-balanced.npz")
    assert not np.array_equal(balanced.model.W, classifier.model.W)
    page = (photos / "index.html").read_text()
    assert "the network of seed 0 that trained on all 60 images" in page
    assert "<code>model-balanced.npz</code>, the one for which every class counts alike" in page


def test_which_pages_a_report_has_is_the_datas_kind_and_parameters_are_theirs(tmp_path, capsys):
    assert report_pages(load_dataset("synthetic:20").provenance) == USUAL
    assert report_pages(load_dataset("digits").provenance) == OTHERS
    np.savez(tmp_path / "rows.npz", **arrays(n=60))
    refuses(["report", "--data", tmp_path / "rows.npz", "-p", "n_validation=10"], "unknown parameter 'n_val", capsys)


def test_the_references_pages_on_feature_vectors_stand_beside(tmp_path):
    path, out, names = tmp_path / "vectors.npz", tmp_path / "out", ("0_baseline", "summary")
    np.savez(path, **arrays(n=100, shape=(7,)), class_names=["left $x$", "right", SCRIPT])
    out.mkdir()
    (out / "model-balanced.npz").write_text("of other data")
    assert report(path, out) == 0
    assert not (out / "model-balanced.npz").exists()
    kept = (out / "model.npz").read_bytes()
    assert report(path, out, "--only", *names) == 0
    assert (out / "model.npz").read_bytes() == kept
    baseline, summary = ((out / page_file(name, "your_data")).read_text() for name in names)
    for page in (baseline, summary):
        assert 'href="index.html">Your data</a>' in page
        assert "Made on other data, not on CIFAR-10: the reference" in page
        for words in (SCRIPT, "region&nbsp;", 'class="verdict', "the reference says</th>", "28.92</td>"):
            assert words not in page
    assert "largest coefficients" in baseline
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in baseline
    assert main(["verify", str(out)]) == 0
    document = json.loads((out / "results.json").read_text())
    assert document["data"]["class_names"][2] == SCRIPT
    assert document["exact"]["E2"]["loss_at_zero"] == 2
    for run in document["runs"]:
        assert run["low_frequency_share"] is None
        run |= {"epochs": 40, "n_train": 10_000, "n_validation": 10_000}  # as printed: only that share is missing
    (claim,) = evaluate(Results(document), only=["2j"])["claims"]
    assert claim["parts"][0]["value"] is None
    assert "feature vectors have no templates" in claim["missing"]

"""What captions and claims say in words and digits, from numbers made for it."""

import base64
import re
from types import SimpleNamespace

import numpy as np
import pytest
from helpers import ROOT, arrays, fabricated

from linclf import Linear, load_dataset
from linclf.claims.verdicts import ledger
from linclf.report.views import claims, pictures, provenance, reference
from linclf.studies.results import Results

pytestmark = pytest.mark.usefixtures("few_resamples")
RENDERED = ROOT / "reports" / "cifar-10" / "results.json"

FALLING = [4, 3, 2.5, 2.2, 2.1]
RISING = "validation loss goes up to 7.00, and ends within 0.5 % of its lowest value, at 2.00."


@pytest.mark.parametrize(
    ("train", "validation", "said"),
    [
        (FALLING, FALLING, "Training loss goes from 4.00 to 2.10, never up; validation loss ends within 0.5 %"),
        ([4, 3, 2.5, 2.501, 2.1], FALLING, "Training loss goes from 4.00 to 2.10, up in 1 of 4 epochs; validation"),
        ([4, 3, 3.5, 3, 3.6], FALLING, "Training loss jumps: it goes up by more than 1 % in 2 of 4 epochs; validation"),
        (FALLING, [4, 3, 2, 3, 3.5], "validation loss is lowest at epoch 2, 2.00, and ends at 3.50."),
        (FALLING, [4, 5, 6, 7, 8], "validation loss is lowest before training, 4.00, and ends at 8.00."),
        (FALLING, FALLING, "ends within 0.5 % of its lowest value, at 2.10."),
        ([0, 0, 0, 0, 0], FALLING, "Training loss goes from 0.00 to 0.00, never up"),
        ([4, 7, 5, 4, 3, 2], FALLING, "loss goes from 4.00 up to 7.00, then to 2.00, up in 1 of 5 epochs"),
        (FALLING, [4, 7, 5, 3, 2], RISING),
    ],
)
def test_a_caption_says_what_to_see(train, validation, said):
    assert said in reference.told(np.array([train]), np.array([validation]), "loss")


def test_a_caption_counts_single_runs_and_not_their_mean():
    train = np.array([[4, 3, 3.5, 3, 3.6], FALLING, [4, 5, 4, 5, 6]])
    said = reference.told(train, np.array([FALLING] * 3), "loss")
    assert "up by more than 1 % in 2 of 4 epochs (0 to 3 over the 3 seeds); validation" in said


@pytest.mark.parametrize(
    ("value", "low", "high", "said"),
    [
        (0.0356, 0.0349, 0.0361, "all batches, setting 2: 0.0356 (0.0349 to 0.0361)"),
        (11.5, 10.3, 12.6, "all batches, setting 2: 11.5 (10.3 to 12.6)"),
        (-1.62, -2.6, -0.6, "all batches, setting 2: −1.6 (−2.6 to −0.6)"),
        (-0.01, -1.0, 1.1, "all batches, setting 2: 0.0 (−1.0 to 1.1)"),
        (0.5, 0.5, 0.5 + 1e-12, "all batches, setting 2: 0.5; region"),
        (9.0, 9.0, 9.0, "all batches, setting 2: 9; region"),
        (None, None, None, "all batches, setting 2: no finite number"),
    ],
)
def test_a_number_has_the_digits_that_its_interval_makes_meaningful(value, low, high, said):
    part = {"measure": "final", "of": "full 2", "region": "< 0", "value": value, "low": low, "high": high}
    assert said in claims._part(part, {"parts": [part], "unit": ""}).replace("&nbsp;", " ")


@pytest.mark.parametrize("name", ["CIFAR-10", "flowers"])
def test_what_the_reference_says_stands_beside_cifar_10_only(name):
    results = Results.load(RENDERED)
    results.data["name"] = name
    beside = name == "CIFAR-10"
    changes = claims.changes(results, full="a rise", svm="slightly worse").text
    assert changes.startswith("- [1.1 All the data](1_1_all_data.html): ")
    assert ("(a rise)." in changes, "(slightly worse)." in changes) == (beside, beside)
    assert ("Accuracy rises by" in claims.claims(results).markup) == beside
    assert (claims.claims(results, "1.1e") is not None) == beside
    assert (claims.counts(results) is not None) == beside
    assert [reference.figures(results, section) is not None for section in ("1.1", "1.2", "1.3", "2")] == [beside] * 4


def test_on_the_surrogate_exact_statements_alone_have_a_row():
    results = Results.load(RENDERED)
    results.data.update(name="Gaussian surrogate of CIFAR-10", synthetic=True)
    for shown, left in ((claims.claims(results, "E1", "2a"), "2a."), (claims.claims(results), "1.1a, ")):
        rows = re.findall('<tr id="claim-(.*?)"', shown.markup)
        assert rows == (["E1"] if left == "2a." else ["E1", "E2", "E4"])
        assert f"compares here with what the reference says: {left}" in shown.markup
        assert "✓&nbsp;holds" in shown.markup
        assert "reproduced</span>" not in shown.markup
    alone = claims.claims(results, "2a").markup
    assert "<table" not in alone
    assert "with ten seeds, this page compares here with what the reference says: 2a." in alone


def test_claims_that_are_not_reproduced_come_first_and_say_where_the_reference_says_them():
    shown = claims.claims(fabricated()).markup
    order = [verdict for row in re.findall("<tr id.*?</tr>", shown) for verdict in re.findall('verdict (\\w+)"', row)]
    assert order == sorted(order, key=["refuted", "inconclusive", "reproduced"].index)
    assert len(order) == len(ledger()["claims"]) + len(ledger()["checks"])
    for words in (
        '<td>section 1.1, figure 1<br><a href="1_1_all_data.html#figure-1">here: figure 1</a></td>',
        '<td>section 2, figures 10 and 11<br><a href="2_svm.html#figure-11">here: figure 11</a></td>',
        '<td>abstract<br><a href="0_baseline.html#claim-E1">here: Baseline</a></td>',
    ):
        assert words in shown


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"epochs": 2}, "needs epochs = 40 (all batches has 2)"),
        ({"n_train": 900}, "needs training images = 49000 (all batches has 900)"),
        ({"arm": "other"}, "full, setting 2: not measured"),
    ],
)
def test_a_row_says_in_words_why_it_has_no_value(change, said):
    results = Results.load(RENDERED)
    for run in results.document["runs"]:
        if run["arm"] == "full":
            run |= change
    (row,) = re.findall('<tr id="claim-1.1e">.*?</tr>', claims.claims(results, "1.1e").markup)
    assert f'<td class="found"><div>{said}' in row
    assert "no&nbsp;verdict" in row


@pytest.mark.parametrize(("name", "seeds"), [("CIFAR-10", 10), ("CIFAR-10", 1), ("flowers", 10)])
def test_the_first_picture_holds_each_settings_accuracies_with_intervals(name, seeds):
    results = fabricated(range(2000, 2000 + seeds), name)
    picture = claims.picture(results, number="S1")
    whole = (name, seeds) == ("CIFAR-10", 10)
    counts = claims.all_claims(results)["counts"]
    assert (f"{counts['reproduced']} of {len(ledger()['claims'])} statements reproduced" in picture.markup) == whole
    assert ("Diamonds: what the reference prints" in picture.markup) == (name == "CIFAR-10")
    csv = base64.b64decode(re.search('href="data:text/csv;base64,(.*?)"', picture.markup)[1]).decode()
    rows = [list(map(float, line.split(","))) for line in csv.splitlines()[1:]]
    assert [row[0] for row in rows] == [1, 2, 3, 4]
    for row in rows:
        for value, low, high in np.array(row[1:]).reshape(5, 3):
            assert value - 6 < low < value < high < value + 6


def test_templates_of_many_classes_and_channels(tmp_path):
    np.savez(tmp_path / "many.npz", **arrays(n=300, n_test=300, n_classes=250, shape=(3, 4, 4), dtype=np.uint8))
    data, W = load_dataset(tmp_path / "many.npz"), np.random.default_rng(0).normal(size=(250, 48))
    shown = pictures.weights(data, Linear(W, np.zeros(250)), "random ones", number=1).markup
    assert shown.count('class="pixels"') == pictures.MOST_TEMPLATES
    assert "Shown are the first 60 of 250 classes." in shown
    assert "The 4 channels stand side by side" in shown
    assert len(shown) < 1e6


def test_on_a_surrogate_single_pictures_link_to_the_same_figure_of_the_committed_report(tmp_path):
    calls = [
        call
        for path in (ROOT / "notebooks").glob("*.ipynb")
        for call in re.findall(r'not_real\(\w+, \\"(\w+)\\"(?:, \\"(\w+)\\")?\)', path.read_text(encoding="utf-8"))
    ]
    assert len(calls) >= 8
    study = SimpleNamespace(data=load_dataset("synthetic:5"), out_dir=ROOT / "reports" / "latest")
    for figure, page in calls:
        (link,) = re.findall(r"\]\((.*)\)", provenance.not_real(study, figure, page or "learn").text)
        file, _, anchor = link.partition("#")
        assert f'id="{anchor}"' in (study.out_dir / file).resolve().read_text(encoding="utf-8")
    study.out_dir = tmp_path  # what is handed on leads nowhere else
    assert "](" not in provenance.not_real(study, "L1").text

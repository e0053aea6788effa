"""Section 3's numbers, by hand from a document of eight validation and four test images."""

import json

import numpy as np
import pytest

from linclf.claims import ceiling
from linclf.claims.bootstrap import interval
from linclf.claims.ceiling import COMPARED, TESTED, gains, gaps, numbers
from linclf.claims.verdicts import _verify_section_3
from linclf.errors import DataError
from linclf.studies.ceiling import INGREDIENTS
from linclf.studies.results import encode_correct

SEEDS = 3


def record(name, right, n, key, train_accuracy):
    return {"name": name, key: encode_correct(np.arange(n) < right), "train_accuracy": train_accuracy}


@pytest.fixture
def document():
    """Of the 8 validation images base gets 2 right, "data" brings 2 more, all get 6, and without "data" 5."""
    right = {"base": 2, "all": 6} | {f"+{name}": 2 for name in INGREDIENTS} | {f"-{name}": 6 for name in INGREDIENTS}
    right |= {"+data": 4, "-data": 5}
    ablation = [
        record(name, n, 8, "validation_correct", 0.5 + seed / 10) for name, n in right.items() for seed in range(SEEDS)
    ]
    finals = [record("a 40", 1 + seed, 4, "test_correct", 0.9) for seed in range(SEEDS)]
    finals += [record("b 40", 4, 4, "test_correct", 0.9)]
    optimum = [record("optimum", 7, 8, "validation_correct", 1.0)]
    images = {"train": 30, "validation": 8, "final": 40, "test": 4}
    return {"ablation": ablation, "finals": finals, "optimum": optimum, "chosen_loss": "a", "images": images}


def test_an_ingredient_brings_what_it_adds_to_the_base_and_is_missed_by_what_all_lose(document):
    computed = gains(document)
    assert computed.keys() == INGREDIENTS.keys()
    assert (computed["data"]["alone"]["mean"], computed["data"]["missed"]["mean"]) == (25.0, 12.5)
    assert computed["decay"]["alone"] == computed["decay"]["missed"] == {"mean": 0.0, "low": 0.0, "high": 0.0}
    columns = [np.tile(100.0 * (np.arange(8) < right), (SEEDS, 1)) for right in (4, 2)]
    low, high = interval(columns, lambda means: means[..., 0] - means[..., 1], images=True)
    assert (computed["data"]["alone"]["low"], computed["data"]["alone"]["high"]) == (low, high)
    assert low < 25.0 < high


def test_final_networks_have_their_accuracy_over_seeds_and_images(document):
    computed = ceiling.tested(document)
    assert computed["a 40"]["mean"] == 50.0
    rows = np.stack([100.0 * (np.arange(4) < 1 + seed) for seed in range(SEEDS)])
    expected = interval([rows], lambda means: means[..., 0], images=True)
    assert (computed["a 40"]["low"], computed["a 40"]["high"]) == expected
    assert computed["b 40"] == {"mean": 100.0, "low": 100.0, "high": 100.0}


def test_gaps_are_between_training_and_held_out_images_of_the_same_networks(document):
    computed = gaps(document)
    assert computed.keys() == {*COMPARED, TESTED}
    assert computed["baseline"] == {"training": pytest.approx([50.0, 60.0, 70.0]), "held_out": [25.0] * 3}
    assert computed["the optimum of softmax"] == {"training": [100.0], "held_out": [87.5]}
    assert computed[TESTED] == {"training": pytest.approx([90.0] * 3), "held_out": [25.0, 50.0, 75.0]}
    assert numbers(document)["gaps"]["baseline"] == {"training": pytest.approx(60.0), "held_out": 25.0}


def test_section_3_follows_from_its_records(document, tmp_path):
    path, whole = tmp_path / "ceiling.json", document | {"format": 2, "numbers": numbers(document)}
    path.write_text(json.dumps(whole))
    assert _verify_section_3(path) == f"The 18 gains and 2 accuracies in {path} follow from it."
    other = {name: number | {"mean": 1} for name, number in whole["numbers"]["tested"].items()}
    for changed, words in (
        (whole | {"numbers": whole["numbers"] | {"tested": other}}, "its numbers are not what its records give: test"),
        (whole | {"format": 1}, "another version of linclf made it: make section 3 again, with --ceiling"),
        (whole | {"finals": []}, "expected the records of section 3, could not read them"),
        ([], "expected the records of section 3, could not read them"),
    ):
        path.write_text(json.dumps(changed))
        with pytest.raises(DataError) as raised:
            _verify_section_3(path)
        assert str(raised.value).startswith(f"{path}: {words}")


def test_bits_of_other_images_are_refused(document):
    document["images"]["validation"] = 80
    with pytest.raises(DataError, match="validation_correct: expected a bit for each of 80 images, got 1 bytes"):
        gains(document)

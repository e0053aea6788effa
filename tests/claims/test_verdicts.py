"""Verdicts from fabricated results whose answers are known; the bootstrap's coverage; ``linclf verify``."""

import copy
import hashlib
import json

import numpy as np
import pytest
from helpers import SEEDS, fabricated, refuses
from hypothesis import given
from hypothesis import strategies as st

from linclf.claims import bootstrap
from linclf.claims.verdicts import (
    KINDS,
    VERDICTS,
    Region,
    _difference,
    checks_in_words,
    evaluate,
    ledger,
    terms,
    verify,
)
from linclf.cli import main
from linclf.errors import DataError
from linclf.studies.reference import SECTIONS
from linclf.studies.results import Results

N = len(ledger()["claims"])
pytestmark = pytest.mark.usefixtures("few_resamples")
CHECKS = ("E1", "E2", "E3", "E4")


@pytest.fixture(scope="module")
def results():
    return fabricated()


@pytest.fixture(scope="module")
def evaluated(results):
    return json.dumps(evaluate(results))


def with_region(region, claim_id):
    """The ledger with one claim's region replaced."""
    changed = copy.deepcopy(ledger())
    (claim,) = [claim for kind in KINDS for claim in changed[kind] if claim["id"] == claim_id]
    for test in claim["tests"]:
        test["region"] = test["region"] and region  # what is only shown beside has none
    return changed


def only(results, claim_id, claims=None):
    evaluated = evaluate(results, claims, only=[claim_id])
    (claim,) = (claim for kind in KINDS for claim in evaluated[kind])
    return claim


def verdict(results, claim_id, region):
    return only(results, claim_id, with_region(region, claim_id))["verdict"]


def decided(claim):
    """The parts that have a region."""
    return [part for part in claim["parts"] if part["region"] is not None]


@pytest.mark.parametrize(
    ("claim_id", "value"),
    [
        ("1.1b", 0.1),  # difference of final losses
        ("1.2d", 2.2 / 2),  # ratio
        ("1.1e", 2.0),  # difference of accuracies in points
        ("2b", 38.1),  # an accuracy by itself
        ("2o", 0.0),  # against the greatest of several
        ("1.3d", 0.3),  # distance between two curves
        ("1.1g", 0.9),
        ("1.3c", 1.1),
        ("2n", 4.0),
        ("E2", 4e-8),
    ],
)
def test_each_kind_of_statistic_gets_each_verdict(results, claim_id, value):
    claim = only(results, claim_id)
    part = claim["parts"][0]
    assert part["value"] == pytest.approx(value, abs=0.15 if claim["unit"] else 0.01)
    low = min(p["low"] for p in decided(claim))
    high = max(p["high"] for p in decided(claim))
    assert verdict(results, claim_id, f"{low - 1} to {high + 1}") == "reproduced"
    assert verdict(results, claim_id, f"{high + 1} to {high + 2}") == "refuted"
    if part["low"] < part["high"]:
        assert verdict(results, claim_id, f"> {part['value']}") == "inconclusive"
        assert verdict(results, claim_id, f"{low - 1} to {part['value']}") != "reproduced"
    assert verdict(results, claim_id, f"> {high}") in ("refuted", "inconclusive")


@pytest.mark.parametrize("seeds", [[2000, 2001], SEEDS])
def test_an_interval_draws_what_the_assignment_and_the_reference_leave_open(seeds):
    """Seeds, paired; the full split's validation images, where its loss on them counts; test images beside alone."""
    given = fabricated(seeds)
    losses = [given.curves(arm, 1, "train_loss")[:, -1] for arm in ("decay", "base")]
    correct = [100.0 * given.correct(arm, 2) for arm in ("full", "base")]
    held = given.held_out("full", 2)
    own = given.curves("full", 2, "validation_loss")[:, -1]
    drawn = [own[:, None] + held - held.mean(axis=1, keepdims=True), given.curves("base", 2, "validation_loss")[:, -1]]
    pairs = [given.held_out(arm, 1) for arm in ("full", "base")]
    for claim_id, part, columns, reduce, images in (
        ("1.2d", 0, losses, lambda means: means[..., 0] / means[..., 1], False),
        ("1.1e", 0, correct, lambda means: means[..., 0] - means[..., 1], False),
        ("1.1b", 0, drawn, lambda means: means[..., 0] - means[..., 1], True),
        ("1.1b", 4, pairs, lambda means: means[..., 0] - means[..., 1], True),
    ):
        found = only(given, claim_id)["parts"][part]
        assert (found["low"], found["high"]) == pytest.approx(bootstrap.interval(columns, reduce, images=images))
        assert found["value"] == pytest.approx(reduce(np.array([column.mean() for column in columns])))
        assert found["low"] < found["value"] < found["high"]
    found = only(given, "1.1e")["parts"][0]
    others = bootstrap.interval(correct, lambda means: means[..., 0] - means[..., 1], images=True)
    assert found["others"] == pytest.approx(others)
    assert others[1] - others[0] > 5 * (found["high"] - found["low"])


def test_a_sections_page_has_every_arm_that_its_claims_name():
    for claim in (claim for kind in KINDS for claim in ledger()[kind]):
        if claim["section"] not in SECTIONS or all(test["measure"] == "recorded" for test in claim["tests"]):
            continue
        sides = [terms(of)[::2] for test in claim["tests"] for of in test["of"]]
        assert {arm for left, right in sides for arm, _ in left + right} <= {*SECTIONS[claim["section"]]}, claim["id"]


def test_no_region_has_moved():
    """Nor what is measured: the hash is of the ledger as it was before any result. A claim that is added changes it."""
    tests = [
        (claim["id"], test) for kind in ("claims", "checks") for claim in ledger()[kind] for test in claim["tests"]
    ]
    regions = [[name, test["measure"], test["of"], test["region"]] for name, test in tests if test["region"]]
    assert hashlib.sha256(json.dumps(regions).encode()).hexdigest()[:16] == "26beabf14362e9bb"


def test_the_images_drawn_are_those_of_the_claims_that_name_them():
    drawn = {
        (claim["id"], test["measure"], test.get("key"))
        for claim in ledger()["claims"]
        for test in claim["tests"]
        if "drawn" in test
    }
    final, maximum = (("final", "validation_loss"), ("maximum", "validation_loss"))
    assert drawn == {("1.1a", *maximum), ("1.1b", *final), ("1.1d", *final), ("1.1f", "generalisation_gap", None)}
    (gap,) = only(fabricated(), "1.1f")["parts"]
    assert gap["high"] - gap["low"] > 0.01  # of 50 images with a spread of 0.05; seeds alone would give 0


@pytest.mark.parametrize(("region", "words"), [("> -90", "holds"), ("> 90", "fails"), ("> 2", "unclear")])
def test_whether_a_claim_holds_on_other_images_stands_beside_its_verdict(results, region, words):
    claim = only(results, "1.1e", with_region(region, "1.1e"))
    assert claim["elsewhere"] == words
    assert {part.get("elsewhere") for part in decided(claim)} >= {words}
    assert all(("others" in part) == (part["measure"] == "accuracy") for part in claim["parts"])
    assert only(results, "1.1b")["elsewhere"] is None


@pytest.mark.parametrize(("moved", "expected"), [(1, "inconclusive"), (2, "reproduced")])
def test_a_statistic_at_its_bound_in_both_arms_judges_nothing(results, moved, expected):
    """1.2e: within 2 epochs of each other, which two curves that never rise cannot fail to be."""
    document = copy.deepcopy(results.document)
    for run in document["runs"]:
        if run["arm"] == "decay" and run["seed"] < 2000 + moved:
            run["validation_loss"][-1] += 1
    claim = only(Results(document), "1.2e")
    assert claim["verdict"] == expected
    reasons = {part.get("reason") for part in claim["parts"]}
    assert reasons == {"at its bound, 0, in both arms: it cannot tell them apart" if moved == 1 else None}


def test_what_may_turn_a_verdict_is_marked(results):
    value = only(results, "2b")["parts"][0]["value"]
    near, far = (only(results, "2b", with_region(f"> {value - away}", "2b")) for away in (0.3, 0.5))
    assert near["marks"] == ["may depend on the copy of the images: an interval ends within 0.3 points of its bound"]
    assert far["marks"] == []
    official = Results(results.document | {"data": results.data | {"official": True}})
    assert only(official, "2b", with_region(f"> {value - 0.3}", "2b"))["marks"] == []
    assert "gave another verdict" in only(results, "1.3c")["marks"][0]
    low = only(results, "1.1e")["parts"][0]["low"]
    changed = copy.deepcopy(ledger())
    (claim,) = (claim for claim in changed["claims"] if claim["id"] == "1.1e")
    claim["tests"] = [
        {"measure": "accuracy", "of": ["full 2 - base 2"], "region": f"> {low - 0.1}"},
        {"measure": "accuracy", "of": ["full 3 - base 3"], "region": "> 90"},
    ]
    settled = only(results, "1.1e", changed)
    assert (settled["verdict"], settled["marks"]) == ("refuted", [])


@pytest.mark.parametrize(
    ("claim_id", "plan", "missing"),
    [
        ("E4", {"epochs": 4}, "not as printed: 4 epochs"),
        ("E4", {"epochs": 40}, None),
        ("E3", {"n_validation": 500}, "not as printed: 500 validation images"),
        ("E3", {"n_validation": 1000, "epochs": 4}, None),
    ],
)
def test_what_a_user_chooses_refutes_nothing(results, claim_id, plan, missing):
    document = copy.deepcopy(results.document) | {"plan": plan}
    for run in document["runs"]:
        run["epochs"] = 39
    document["exact"]["E3"]["n_train"] = 7
    claim = only(Results(document), claim_id)
    assert (claim["verdict"], claim["missing"]) == (None if missing else "refuted", missing)


def test_what_is_shown_beside_takes_no_verdict_away(results):
    document = copy.deepcopy(results.document)
    document["runs"] = [run for run in document["runs"] if run["arm"] != "svm_full"]
    claim = only(Results(document), "2b")
    assert claim["verdict"] == only(results, "2b")["verdict"]
    assert [part["value"] is None for part in claim["parts"]] == [False, True]


def test_a_ratio_to_nothing_is_inconclusive(results):
    """Curves that never rise, as all of these, give 0 / 0; one that does, against them, gives infinity."""
    assert [only(results, "1.2a")[key] for key in ("verdict", "missing")] == ["inconclusive", None]
    risen = copy.deepcopy(results.document)
    for run in risen["runs"]:
        if run["arm"] == "decay":
            run["validation_loss"][-1] += 1
    claim = only(Results(risen), "1.2a")
    assert claim["verdict"] == "inconclusive"
    assert [claim["parts"][0][key] for key in ("value", "low", "high")] == [None] * 3


def test_what_is_missing_is_said_once_each(results):
    document = copy.deepcopy(results.document)
    for run in document["runs"]:
        if (run["arm"], run["seed"]) == ("decay", 2003):
            run["lr_decay"] = 0.5
    gone = ("svm", 4, SEEDS[-1])
    document["runs"] = [run for run in document["runs"] if (run["arm"], run["setting"], run["seed"]) != gone]
    del document["exact"]["E1"]
    claim, decay = only(Results(document), "1.2e"), "needs learning-rate decay = 0.9 (learning-rate decay has 0.5)"
    assert (claim["verdict"], claim["missing"]) == (None, decay)
    assert [part[key] for part in claim["parts"] for key in ("value", "low", "high")] == [None] * 9
    assert only(Results(document), "E1")["missing"] == "statement E1 was not checked"
    assert only(Results(document), "2d")["missing"] == "needs SVM with every seed"
    assert only(Results(document), "1.1e")["verdict"] in VERDICTS
    document["data"]["name"] = "other"
    assert only(Results(document), "1.2e")["missing"] == f"needs CIFAR-10 (here: other); {decay}"


def test_bounds_are_left_out_of_open_regions_and_part_of_closed_ones():
    assert Region.parse("> 0").verdict(0, 1) == "inconclusive"
    assert Region.parse("> 0").verdict(-1, 0) == "refuted"
    assert Region.parse("< 0").verdict(-1, -0.1) == "reproduced"
    assert Region.parse("0 to 1").verdict(0, 1) == "reproduced"
    assert Region.parse("= 9").verdict(9, 9) == "reproduced"
    assert Region.parse("= 9").verdict(8, 8) == "refuted"
    assert Region.parse("< 0").verdict(0, 0) == Region.parse("> 0").verdict(0, 0) == "refuted"
    assert Region.parse("0 to 1").verdict(1, 2) == Region.parse("0 to 1").verdict(-1, 0) == "inconclusive"
    with pytest.raises(ValueError, match=r"^expected a region such as '< 0', '= 9' or '0\.5 to 2\.5', not 'about 3'$"):
        Region.parse("about 3")


numbers = st.floats(-1e6, 1e6)


@given(numbers, numbers, numbers, numbers)
def test_an_interval_has_one_verdict_and_a_narrower_one_never_another(low, high, inner, bound):
    low, inner, high = sorted([low, inner, high])
    for text in (f"< {bound!r}", f"> {bound!r}", f"= {bound!r}", f"{min(bound, 0)!r} to {max(bound, 0)!r}"):
        region = Region.parse(text)
        verdict = region.verdict(low, high)
        assert verdict in VERDICTS
        if verdict != "inconclusive":
            assert region.verdict(inner, high) == region.verdict(low, inner) == region.verdict(inner, inner) == verdict


def test_one_refuted_part_refutes_the_claim(results):
    claims = with_region("> -100", "1.3f")
    (claim,) = [claim for claim in claims["claims"] if claim["id"] == "1.3f"]
    claim["tests"][1]["region"] = "> 100"
    found = only(results, "1.3f", claims)
    assert [part["verdict"] for part in found["parts"]] == ["reproduced", "refuted"]
    assert found["verdict"] == "refuted"


def test_all_claims_of_the_ledger_appear_with_a_verdict_and_say_what_they_measure(results):
    evaluated = evaluate(results)
    ids = [claim["id"] for claim in evaluated["claims"]]
    assert ids == [claim["id"] for claim in ledger()["claims"]]
    for claim in evaluated["claims"]:
        for part in claim["parts"]:
            optional = {"key", "size", "others", "elsewhere", "reason"}
            assert part.keys() - optional == {"measure", "of", "region", "value", "low", "high", "verdict"}
    assert [claim["note"] for claim in evaluated["claims"]] == [claim.get("note") for claim in ledger()["claims"]]
    assert {part["value"] for part in only(results, "E4")["parts"]} == {0}
    assert all(claim["verdict"] in VERDICTS for claim in evaluated["claims"]), evaluated["claims"]
    assert sum(evaluated["counts"].values()) == len(set(ids)) == len(ids)
    assert {record["id"]: record["verdict"] for record in evaluated["checks"]} == dict.fromkeys(CHECKS, "reproduced")
    (judgement,) = evaluated["judgements"]
    assert judgement["verdict"] is None
    assert all(part["low"] < part["value"] < part["high"] for part in judgement["parts"])
    part = only(results, "1.1b")["parts"][0]
    assert (part["measure"], part["key"], part["of"]) == ("final", "validation_loss", "full 2 - base 2")
    assert [part["size"] for part in only(results, "1.1g")["parts"]] == [1000, 5000]
    assert evaluated["format"] == 2


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"seeds": [2000]}, "needs 10 seeds, numbered from 2000 (here: seed 2000)"),
        ({"seeds": range(10)}, "needs 10 seeds, numbered from 2000 (here: 10 seeds, 0, 1, 2 ...)"),
        ({"seeds": [2000, 2001, 2002]}, "needs 10 seeds, numbered from 2000 (here: 3 seeds, 2000, 2001, 2002)"),
        ({"name": "Gaussian surrogate of CIFAR-10"}, "needs CIFAR-10 (here: Gaussian surrogate of CIFAR-10)"),
        ({"name": "a", "seeds": [3]}, "needs CIFAR-10 (here: a); needs 10 seeds, numbered from 2000 (here: seed 3)"),
    ],
)
def test_no_verdict_where_the_rule_is_not_met(given, words):
    evaluated = evaluate(fabricated(**given))
    assert evaluated["missing"] == words
    assert sum(evaluated["counts"].values()) == 0
    for claim in evaluated["claims"]:
        assert {claim["verdict"], *(part["verdict"] for part in claim["parts"])} == {None}, claim["id"]
        assert claim["marks"] == []
    checks, here = {claim["id"]: claim["verdict"] for claim in evaluated["checks"]}, "needs CIFAR-10" not in words
    assert checks == dict.fromkeys(checks, "reproduced") | ({} if here else {"E3": None})
    said = "4 of 4 checks hold" if here else "3 of 3 checks hold (1 of 4 do not apply here)"
    assert checks_in_words(evaluated) == said


def test_one_run_gives_values_without_intervals_and_refutes_a_check():
    results = fabricated(seeds=[3], name="Gaussian surrogate of CIFAR-10")
    results.document["exact"]["E1"]["relative_error"] = 1e-3
    assert only(results, "E1")["verdict"] == "refuted"
    for part in only(fabricated(seeds=[3]), "1.1b")["parts"]:
        assert (part["low"], part["high"]) == (None, None)
        assert part["value"] is not None


def test_the_interval_holds_the_true_value_often_enough():
    """Nominal 95 % intervals of a mean of ten seeds, for normal and for skewed draws."""
    rng = np.random.default_rng(1)
    for draw, truth in ((rng.normal, 0.0), (rng.exponential, 1.0)):
        held = []
        for _ in range(400):
            low, high = bootstrap.interval([draw(size=10)], lambda means: means[..., 0], images=False)
            held.append(low <= truth <= high)
        assert np.mean(held) >= 0.90


@pytest.fixture
def written(results, evaluated, tmp_path):
    (tmp_path / "results.json").write_text(json.dumps(results.document))
    (tmp_path / "claims.json").write_text(evaluated)
    return tmp_path


def test_verify_accepts_what_follows_from_the_results(written, capsys):
    counts = json.loads((written / "claims.json").read_text())["counts"]
    words = f"{counts['reproduced']} reproduced, {counts['refuted']} refuted, {counts['inconclusive']} inconclusive; "
    said = f"{written}/claims.json follows from {written}/results.json: {N} claims, {words}4 of 4 checks hold.\n"
    assert main(["verify", str(written)]) == 0
    (written / "your_data.json").write_text("{}")  # of another report in the same folder
    assert main(["verify", str(written / "results.json")]) == 0
    assert capsys.readouterr().out == 2 * said


def test_verify_fails_on_a_difference_and_without_claims(written, capsys):
    (written / "claims.json").write_text((written / "claims.json").read_text().replace("reproduced", "refuted", 1))
    assert main(["verify", str(written)]) == 1
    assert "is not what" in capsys.readouterr().err
    (written / "claims.json").unlink()
    assert main(["verify", str(written)]) == 1
    assert "claims.json" in capsys.readouterr().err


def test_verify_computes_section_3_too_where_it_was_made(written, capsys):
    (written / "ceiling.json").write_text('{"format": 1}')
    assert main(["verify", str(written)]) == 1
    assert f"{written}/ceiling.json: another version of linclf made it" in capsys.readouterr().err


def test_of_a_report_of_the_first_form_the_version_that_made_it_is_said(written, capsys):
    document = json.loads((written / "results.json").read_text())
    for run in document["runs"]:
        run.pop("held_out_loss", None)
    versions = {"versions": {"linclf": "0.2.0"}}
    for made, words in (
        ({"environment": versions}, "0.2.0"),
        ({"environment": versions | {"commit": "2f092cbc5beedffb"}}, "0.2.0 (commit 2f092cbc5bee)"),
        ({"environment": "none"}, "of an unknown version"),
        ({}, "of an unknown version"),
    ):
        (written / "results.json").write_text(json.dumps(document | {"format": 1} | made))
        assert main(["verify", str(written)]) == 1
        said = f"results.json: linclf {words} made it, whose rule for verdicts was another: verify it with that "
        said += "version, or make the report again"
        assert said in capsys.readouterr().err


def test_verdicts_are_written_anew_from_the_results(written, capsys):
    whole = (written / "claims.json").read_text()
    (written / "claims.json").write_text("{}")
    assert main(["verify", "--write", str(written), "--data", "nowhere"]) == 0
    assert "its pages are not, since they take the data set: nowhere: no such file" in capsys.readouterr().out
    assert json.loads((written / "claims.json").read_text()) == json.loads(whole)
    assert (written / "summary.png").read_bytes().startswith(b"\x89PNG")
    assert main(["verify", "--write", str(written / "results.json"), "--data", "synthetic:40"]) == 0
    assert "since synthetic:40 holds other data" in capsys.readouterr().out


def test_where_no_claims_are_made_there_is_nothing_to_verify(tmp_path, capsys):
    (tmp_path / "your_data.json").write_text("{}")
    said = f"makes no claims to verify; its numbers are in {tmp_path}/your_data.json"
    refuses(["verify", tmp_path], said, capsys)


GONE = object()


@pytest.mark.parametrize(
    ("place", "value", "words"),
    [
        ("missing", GONE, "the document holds format, counts, claims, checks, judgements in place of format, missing"),
        ("counts refuted", 99, "counts refuted is 99 in place of {counts[refuted]}"),
        ("counts refuted", GONE, "counts holds reproduced, inconclusive in place of reproduced, refuted, inc"),
        ("claims -1", GONE, f"claims has {N - 1} entries in place of {N}"),
        ("counts", 9, "counts is 9 in place of {{'reproduced'"),
        ("claims", {}, "claims is {{}} in place of [{{'"),
        ("claims 0 verdict", "certain", "claims 1.1a verdict is 'certain' in place of "),
        ("claims 0 parts 0 region", "> 7", "claims 1.1a parts 0 region is '> 7' in place of '< 0'"),
        ("claims 0 parts 0 low", 0.5, "claims 1.1a parts 0 low is 0.5 in place of "),
        ("checks 0 parts 0 value", True, "checks E1 parts 0 value is True in place of 4e-08"),
        ("checks 1 parts 1 value", 9 + 2e-8, "checks E2 parts 1 value is 9.00000002 in place of 9.0"),
    ],
)
def test_verify_names_the_first_difference(written, place, value, words):
    document = json.loads((written / "claims.json").read_text())
    words = words.format(**document)
    *path, last = [int(key) if key.lstrip("-").isdigit() else key for key in place.split()]
    holder = document
    for key in path:
        holder = holder[key]
    holder[last] = value
    if value is GONE:
        del holder[last]
    (written / "claims.json").write_text(json.dumps(document))
    with pytest.raises(DataError) as raised:
        verify(written)
    start = f"{written}/claims.json is not what {written}/results.json gives: "
    assert str(raised.value).startswith(start + words)
    assert str(raised.value).endswith("; make the report again")


def test_verify_lets_numbers_differ_by_a_billionth_but_true_is_no_number(written):
    assert _difference(True, 1, "x") == "x is True in place of 1"
    document = json.loads((written / "claims.json").read_text())
    document["checks"][1]["parts"][1]["value"] *= 1 + 5e-10
    (claim,) = (claim for claim in document["claims"] if claim["id"] == "2o")
    claim["parts"][0]["value"] += 5e-13
    (written / "claims.json").write_text(json.dumps(document))
    assert f"{N} claims" in verify(written)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: d.pop("runs"), "'runs' is missing"),
        (lambda d: d["data"].update(n_test=True), "data does not say its name, whether it is synthetic, or how many"),
        (lambda d: d["data"].update(name=""), "data does not say its name"),
        (lambda d: d["runs"].append(d["runs"][0]), "arm 'base', setting 1, seed 2000 is there twice"),
        (lambda d: d["runs"][0].update(shuffle=0), "seed 2000: shuffle is 0, which is no bool"),
        (lambda d: d["runs"][0].update(learning_rate=10**400), "learning_rate is 1000"),
        (lambda d: d["runs"][0].update(train_cost=[1.0]), "train_cost is no list of 41 finite numbers"),
        (lambda d: d["runs"][0]["train_cost"].__setitem__(3, "1.0"), "train_cost is no list of 41 finite numbers"),
        (lambda d: d["runs"][0].update(low_frequency_share="much"), "share or test_draws_below holds what is no"),
        (lambda d: d["runs"][0]["test_draws_below"].update({"5000": []}), "share or test_draws_below holds what"),
        (lambda d: d["runs"][0].update(test_correct="?"), "expected base64 of a bit for each of 1000 images"),
        (lambda d: d["runs"][0].update(test_correct="AAAA"), "a bit for each of 1000 images, got 3 bytes"),
        (lambda d: d["runs"][0].update(test_accuracy=0.75), "test_accuracy is 0.75 where test_correct says 0.3"),
        (lambda d: d["runs"][0].pop("held_out_loss"), "'held_out_loss' is missing"),
        (lambda d: d["runs"][0].update(held_out_loss=""), "held_out_loss holds what is no number"),
        (lambda d: d["runs"][0].update(held_out_loss="AA=="), "held_out_loss: expected base64 of a float16"),
        (lambda d: d["runs"][0].update(held_out_loss="AHw="), "held_out_loss holds what is no number"),
        (lambda d: d["timings"][0].update(base=0), "a timing is no positive number of seconds of a seed"),
        (lambda d: d["timings"][0].update(seed="1000"), "a timing is no positive number of seconds of a seed"),
        (lambda d: d["exact"]["E1"].update(relative_error="small"), "an exact statement's value is no number"),
    ],
)
def test_what_no_report_writes_is_named(results, tmp_path, change, words):
    document = copy.deepcopy(results.document)
    change(document)
    path = tmp_path / "results.json"
    path.write_text(json.dumps(document))
    with pytest.raises(DataError, match=r"results\.json: expected what linclf report writes") as raised:
        Results.load(path)
    assert words in str(raised.value)
    assert len(str(raised.value)) < 3000
    for text in ("", "[]", '{"format": 3}', '{"format": 1, "data": NaN}'):
        path.write_text(text)
        with pytest.raises(DataError, match=r"results\.json: expected"):
            Results.load(path)

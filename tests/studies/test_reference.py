"""The reference's study: the machine's memory, what is stored, and the surrogate beside CIFAR-10."""

import json

import cifar_files
import numpy as np
import pytest

from linclf import DataError
from linclf.report.views import provenance, reference
from linclf.studies import reference as module
from linclf.studies.reference import ReferenceStudy
from linclf.studies.results import Results
from linclf.system.files import write_text


def test_short_of_memory_images_stay_uint8_and_the_page_says_so(tmp_path, monkeypatch):
    def run(out):
        study = ReferenceStudy("synthetic:120", tmp_path / out, epochs=1, progress=False)
        return study, study.run("shuffle")

    plenty, wanted = run("plenty")
    monkeypatch.setattr("linclf.studies.study.available_memory", lambda: 1e6)
    short, found = run("short")
    for one, other in zip(wanted.models("shuffle", 1), found.models("shuffle", 1), strict=True):
        np.testing.assert_array_equal(one.W, other.W)
    assert "Memory was short here" not in provenance.data_note(plenty).markup
    assert "Memory was short here" in provenance.data_note(short).markup


def test_results_hold_the_networks_of_their_records_and_a_file_holds_none(tmp_path):
    study = ReferenceStudy("synthetic:60", tmp_path, seeds=2, epochs=1, progress=False)
    results = study.run("svm")
    wanted = study.data.test_labels == results.predictions("svm", 3)
    np.testing.assert_array_equal(results.correct("svm", 3), wanted)
    X = results.split().test[0]
    for model, predicted in zip(results.models("svm", 3), results.predictions("svm", 3), strict=True):
        np.testing.assert_array_equal(model.predict(X), predicted)
    write_text(tmp_path / "results.json", json.dumps(results.document))
    loaded = Results.load(tmp_path / "results.json")
    assert loaded.document == results.document
    with pytest.raises(DataError, match="arm 'svm', setting 3, found none: call run"):
        loaded.models("svm", 3)
    with pytest.raises(DataError, match="found those of a file, which holds no images"):
        _ = loaded.dataset
    with pytest.raises(DataError, match="which holds no images"):
        loaded.split()


def test_the_surrogate_is_trained_once_and_shown_beside_cifar_10(tmp_path, monkeypatch):
    for where in (module, reference):
        monkeypatch.setattr(where, "N_TEST", 40)
    cifar_files.write(tmp_path / "cifar", 20)
    study = ReferenceStudy(tmp_path / "cifar", tmp_path, epochs=2, first_seed=3, progress=False)
    first = module.on_surrogate(study)
    assert (study.count.trained, study.count.reused) == (8, 0)
    pieces = list(reference.section(study))
    assert study.count.reused >= 8
    assert pieces[0].text.startswith("## What a linear network sees")
    for accuracy in (
        100 * first["svm", 3].record["test_accuracy"],
        100 * study.run("svm").runs("svm", 3)[0]["test_accuracy"],
    ):
        assert f"<td>{accuracy:.2f}</td>" in pieces[1].markup
    assert [f'id="figure-B{10 + i}"' in pieces[2 + i].markup for i in (0, 1)] == [True, True]
    assert pieces[3].markup.count(", r\xa0=\xa0") == 2 * 10  # beneath each picture, and in its alternative text
    assert list(reference.section(ReferenceStudy("synthetic:20", tmp_path, progress=False))) == []


def test_the_finding_follows_from_the_numbers():
    there, here = {("base", 2): 40.0, ("svm", 1): 35.0}, {("base", 2): 41.0, ("svm", 1): 30.0}
    said = reference.finding(there, here, (10_000, 5000), np.array([0.95, 0.85]))
    assert "differ by 3.0 points on average and at most by 5.0 (SVM, setting 1)" in said
    chance = 1.96 * np.sqrt(40 * 60 / 10_000 + 41 * 59 / 5000)
    assert f"differences of up to {chance:.1f} points; 1 of 2 exceed it (SVM, setting 1)." in said
    assert "correlate by 0.90 on average, at least by 0.85" in said

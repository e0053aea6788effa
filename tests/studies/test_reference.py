"""What a study does with the machine's memory and with what is stored."""

import json

import numpy as np
import pytest

from linclf import DataError
from linclf.report.views import provenance
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


def test_what_is_stored_is_not_trained_again(tmp_path, monkeypatch):
    ReferenceStudy("synthetic:60", tmp_path, epochs=1, progress=False).run("base")
    asked = []
    monkeypatch.setattr("linclf.studies.store.run_tasks", lambda tasks, after_epoch: asked.extend(tasks) or iter(()))
    again = ReferenceStudy("synthetic:60", tmp_path, epochs=1, progress=False)
    assert again.run("base").arms == ["base"]
    assert asked == []
    ReferenceStudy("synthetic:60", tmp_path, epochs=2, progress=False).run("base")
    assert len(asked) == 1


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

"""What a study does with the machine's memory and with what is stored."""

import numpy as np

from linclf.report.views import provenance
from linclf.studies.reference.study import Study


def test_short_of_memory_images_stay_uint8_and_the_page_says_so(tmp_path, monkeypatch):
    def run(out):
        study = Study("synthetic:120", tmp_path / out, epochs=1, progress=False)
        study.run("shuffle")
        return study

    plenty = run("plenty")
    monkeypatch.setattr("linclf.studies.reference.study.available_memory", lambda: 1e6)
    short = run("short")
    for one, other in zip(plenty.models("shuffle", 1), short.models("shuffle", 1), strict=True):
        np.testing.assert_array_equal(one.W, other.W)
    assert "Memory was short here" not in provenance.data_note(plenty)._repr_html_()
    assert "Memory was short here" in provenance.data_note(short)._repr_html_()


def test_what_is_stored_is_not_trained_again(tmp_path, monkeypatch):
    Study("synthetic:60", tmp_path, epochs=1, progress=False).run("base")
    asked = []
    monkeypatch.setattr("linclf.studies.store.run_tasks", lambda tasks, after_epoch: asked.extend(tasks) or iter(()))
    again = Study("synthetic:60", tmp_path, epochs=1, progress=False)
    assert again.run("base").arms == ["base"]
    assert asked == []
    Study("synthetic:60", tmp_path, epochs=2, progress=False).run("base")
    assert len(asked) == 1

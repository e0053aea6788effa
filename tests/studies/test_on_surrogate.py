"""The surrogate beside CIFAR-10: what is trained, what is shown, and what is said of it."""

import cifar_files
import numpy as np
import pytest

from linclf.report.views import reference
from linclf.report.views import reference as views
from linclf.studies import reference as module
from linclf.studies.reference import ReferenceStudy


def test_the_surrogate_is_trained_once_and_shown_beside_cifar_10(tmp_path, monkeypatch):
    for where in (module, views):
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


def test_there_is_no_such_section_on_other_data(tmp_path):
    assert list(reference.section(ReferenceStudy("synthetic:20", tmp_path, progress=False))) == []


@pytest.mark.parametrize(("svm", "r", "more"), [(-4.9, 0.9, "little more"), (-5.1, 0.9, "more"), (1, 0.7, "more")])
def test_the_finding_follows_from_the_numbers(svm, r, more):
    said = reference.finding({("base", 2): 1.0, ("svm", 1): svm}, np.array([r + 0.05, r - 0.05]))
    assert f"sees {more} of these images than" in said
    assert f"correlate by {r:.2f} on average, at least by {r - 0.05:.2f}" in said
    assert ("SVM, setting 1" in said) == (svm < 0)

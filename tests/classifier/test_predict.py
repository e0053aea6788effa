"""``linclf predict``: a line a picture, and what cannot be read in a line of its own."""

import io
import json
import os
import sys
from dataclasses import replace

import numpy as np
import pandas
import pytest
from helpers import arrays, refuses, write_images

from linclf import Classifier, Config, load_dataset
from linclf.cli import main


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with classifiers' files and the pictures that they were trained on."""
    folder = tmp_path_factory.mktemp("predict")
    write_images(folder / "photos")
    config = Config(learning_rate=0.1, l2=0.0, epochs=20)
    classifier = Classifier.fit(load_dataset(folder / "photos"), config, progress=False)
    classifier.save(folder / "model.npz")
    replace(classifier, loss="multiclass_hinge").save(folder / "hinge.npz")
    replace(classifier, data_name=load_dataset("synthetic:20").provenance.name).save(folder / "clouds.npz")
    np.savez(folder / "data.npz", **arrays())
    vectors = Classifier.fit(load_dataset(folder / "data.npz"), replace(config, epochs=0), progress=False)
    vectors.save(folder / "vectors.npz")
    for name in ("broken.png", "phone.heic", "photos/test/notes.txt"):
        (folder / name).write_bytes(b"no picture")
    return folder


@pytest.fixture
def predict(place, monkeypatch, capsys):
    """Run ``linclf predict`` in the folder; the lines of its output and of its errors."""
    monkeypatch.chdir(place)

    def run(*words, status=0):
        assert main(["predict", *map(str, words)]) == status
        said = capsys.readouterr()
        return said.out.splitlines(), said.err.splitlines()

    return run


def test_a_line_a_picture_with_probabilities_or_scores(predict):
    files = ["photos/train/cat/0.png", "photos/test/cat/1.png"]
    lines, said = predict("model.npz", *files)
    classifier = Classifier.load("model.npz")
    names = np.array(classifier.class_names)
    for line, file, own in zip(lines, files, classifier.predict_proba(files), strict=True):
        best, runner_up = np.argsort(-own)[:2]
        assert line == f"{file}: {names[best]} {100 * own[best]:.1f} %, {names[runner_up]} {100 * own[runner_up]:.1f} %"
    best = Classifier.load("hinge.npz").scores(files[0]).max()
    assert predict("hinge.npz", files[0], "--top", "1") == ([f"{files[0]}: cat (score {best:.2f})"], [])
    of_surrogate, warning = predict("clouds.npz", files[0])
    assert (said, of_surrogate, len(warning), "means little" in warning[0]) == ([], lines[:1], 1, True)


def test_json_for_programs(predict):
    lines, _ = predict("model.npz", "photos/train/cat", "--json", "--top", "9")
    found = [json.loads(line) for line in lines]
    assert [one["file"] for one in found] == [os.path.join("photos/train/cat", f"{i}.png") for i in range(4)]
    classifier = Classifier.load("model.npz")
    for one, own in zip(found, classifier.predict_proba([one["file"] for one in found]), strict=True):
        assert one["class"] == one["top"][0]["class"] == classifier.class_names[own.argmax()]
        assert one["probability"] == pytest.approx(own.max(), abs=1e-9)
        assert sum(each["probability"] for each in one["top"]) == pytest.approx(1)


def test_a_list_on_standard_input_and_folders(predict, monkeypatch, tmp_path):
    names = b"photos/train/cat/0.png\r\n\n" + os.fsencode(tmp_path) + b"\nno\xff\x1b[2J.png\nphotos/test\n"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(names)))
    lines, said = predict("model.npz", "-", "broken.png", "model.npz", "", status=1)
    notes, empty, missing, broken, other, nameless = said
    assert len(lines) == 1 + 12
    assert empty == f"linclf: {tmp_path}: expected pictures in this folder, found none"
    assert missing == "linclf: no\\udcff\\x1b[2J.png: no such file or folder"
    assert notes == "linclf: photos/test: Passed over: 1 .txt files."
    assert broken.startswith("linclf: broken.png: expected an image, could not decode it")
    assert other.startswith("linclf: model.npz: expected an image")
    assert nameless == "linclf: an empty name: no such file or folder"


def test_the_others_still_run_where_one_cannot_be_read(predict, monkeypatch):
    monkeypatch.setattr("linclf.classifier.predict.chunk_size", lambda shape: 2)
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    pictures = [f"photos/train/cat/{i}.png" for i in range(4)]
    files = ["broken.png", "phone.heic", *pictures[2::-1], "none.png", pictures[3]]
    lines, said = predict("model.npz", *files, status=1)
    assert [line.partition(":")[0] for line in lines] == [name for name in files if name in pictures]
    assert [line.split(": ")[1] for line in said] == [name for name in files if name not in pictures]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["none.npz", "a.png"], "none.npz: expected a model saved by Classifier.save"),
        (["broken.png", "a.png"], "broken.png: expected a model"),
        (["model.npz", "a.png", "--top", "0"], "--top must be a whole number, 1 or more, not 0"),
        (["vectors.npz", "a.png"], "trained on feature vectors of 4 numbers classifies no picture files"),
        (["model.npz"], "the following arguments are required: FILE"),
    ],
)
def test_what_cannot_run_is_refused_at_once(words, said, capsys, place, monkeypatch):
    monkeypatch.chdir(place)
    refuses(["predict", *words], said, capsys)


def test_a_table_gives_csv_by_the_names_of_its_columns(predict, capsys, tmp_path):
    rng, path, rows = np.random.default_rng(0), tmp_path / "rows.csv", tmp_path / "new.csv"
    X, y = rng.normal(size=(60, 3)).round(3), np.array(["a,b", "=1+1", "d"] * 20)
    pandas.DataFrame(X, columns=["x", "y size", "z"]).assign(label=y).to_csv(path, index=False)
    classifier = Classifier.fit(load_dataset(path), Config(learning_rate=0.1, l2=0, epochs=3), progress=False)
    classifier.save(tmp_path / "table.npz")
    pandas.DataFrame(X[:, ::-1], columns=["z", "y size", "x"]).assign(other="text").to_csv(rows, index=False)
    lines, said = predict(tmp_path / "table.npz", rows)
    assert said == [f"linclf: {rows}: Passed over: other."]
    table = pandas.read_csv(io.StringIO("\n".join(lines)))
    assert table.columns.tolist() == ["row", "class", "probability"]
    assert table["row"].tolist() == list(range(1, 61))
    shown = {"a,b": "a,b", "=1+1": "'=1+1", "d": "d"}  # no spreadsheet runs it
    assert table["class"].tolist() == [shown[name] for name in classifier.predict(X)]
    expected = classifier.predict_proba(X)
    np.testing.assert_allclose(table["probability"], expected.max(axis=1), rtol=1e-5)
    table = pandas.read_csv(io.StringIO("\n".join(predict(tmp_path / "table.npz", rows, "--all")[0])))
    np.testing.assert_allclose(table[[shown[name] for name in classifier.class_names]], expected, rtol=1e-5)
    for text, words, error in (
        ("z,x\n1,2\n", [rows], "feature that it was trained on, found none or several of y size among z, x"),
        ("z,y size,x\n1,2,3\n1,,3\n", [rows], "as in training, found NaN or infinity in row 2, y size"),
        ("z,y size,x\n1,2,3\n1,b,3\n", [rows], "expected numbers in column y size, as in training, found others ("),
        ("", [rows, rows], "takes one table and writes CSV"),
        ("", [tmp_path / "a.png"], "expected a table (.csv, .tsv or .parquet), found none"),
    ):
        rows.write_text(text)
        refuses(["predict", tmp_path / "table.npz", *words], error, capsys)

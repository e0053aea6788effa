"""``linclf predict``: pictures in, a line each out; or a table in, and a table out."""

import csv
import json
import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np

from linclf.data.inputs import chunk_size
from linclf.data.readers.pictures import list_pictures, passed_over, prepare_pictures
from linclf.data.readers.tables import read_table
from linclf.data.surrogate import NAMED
from linclf.errors import ConfigError, DataError, LinclfError, printable, spreadsheet_cell

from .classifier import Classifier, check_takes_pictures

Ranking = list[tuple[str, float]]
"""The first classes of a picture with their probabilities or scores."""


def predict(
    model: str, names: Sequence[str], *, top: int | None = None, as_json: bool = False, every: bool = False
) -> int:
    """Print a line for each picture, in order; the exit status, 1 where a file could not be read.

    A network trained on a table with names takes one table instead, and writes CSV, a line for each row. A line on
    standard error says so where the model was trained on images that a surrogate drew, not on photos.

    Args:
        model: a file that ``Classifier.save`` wrote.
        names: of picture files and of folders, whose pictures are classified at any depth; "-" is a list of both on
            standard input, a name a line.
        top: how many classes a line names; 2 by default.
        as_json: a JSON object a line, with keys file, class, probability (or score), and top, the list of classes.
        every: a line names all classes; of a table, with a column for each.

    Raises:
        ConfigError, DataError: before any picture is read: a model or a number that cannot be used.
    """
    classifier = Classifier.load(model)
    if classifier.feature_names:
        if len(names) > 1 or top is not None or as_json:
            raise ConfigError(f"{model} takes one table and writes CSV: give one file, and no --top nor --json")
        _predict_table(classifier, Path(names[0]), every=every)
        return 0
    top = len(classifier.class_names) if every else 2 if top is None else top
    if top < 1:
        raise ConfigError(f"--top must be a whole number, 1 or more, not {top}")
    check_takes_pictures(classifier.image_shape, pixels=classifier.standardize.of_pixels)
    if classifier.data_name.startswith(NAMED):
        print(
            f"linclf: this model was trained on a {classifier.data_name}, which has no photos: what it says of photos "
            "means little; train it on photos for answers that do",
            file=sys.stderr,
        )
    as_line = _json_line if as_json else _text_line
    unit, failed = "probability" if classifier.has_probabilities else "score", False
    for name, ranking in rank(classifier, _files(names), top):
        if isinstance(ranking, LinclfError):
            failed = True
            print(f"linclf: {ranking}", file=sys.stderr)
        else:
            print(as_line(name, ranking, unit))
    return int(failed)


def _predict_table(classifier: Classifier, path: Path, *, every: bool) -> None:
    """Write CSV: each row's number from 1, class and probability or score, or those of ``every`` class by name."""
    table = read_table(path)
    if over := [printable(name) or "unnamed" for name in table.columns if name not in classifier.feature_names]:
        print(f"linclf: {printable(str(path))}: Passed over: {', '.join(over)}.", file=sys.stderr)
    try:
        values = (classifier.predict_proba if classifier.has_probabilities else classifier.scores)(table)
    except DataError as error:
        raise DataError(f"{path}: {error}") from None
    out = csv.writer(sys.stdout, lineterminator="\n")
    unit = "probability" if classifier.has_probabilities else "score"
    names = [*map(spreadsheet_cell, classifier.class_names)]
    out.writerow(["row", "class", *(names if every else [unit])])
    for i, row in enumerate(values, 1):
        best = int(row.argmax())
        out.writerow([i, names[best], *map(spreadsheet_cell, row if every else row[[best]])])


def rank(
    classifier: Classifier, files: Iterator[tuple[str, LinclfError | None]], top: int
) -> Iterator[tuple[str, Ranking | LinclfError]]:
    """The name of each file with its ``top`` classes, the likeliest first, or with what is wrong with it."""
    predict_values = classifier.predict_proba if classifier.has_probabilities else classifier.scores
    while chunk := [*islice(files, chunk_size(classifier.model.W.shape[1]))]:
        readable = [Path(name) for name, error in chunk if error is None]
        pictures = prepare_pictures(readable, classifier.image_shape)
        images = [error or next(pictures) for _, error in chunk]
        arrays = [image for image in images if not isinstance(image, LinclfError)]
        rows = iter(predict_values(np.stack(arrays)) if arrays else ())
        for (name, _), image in zip(chunk, images, strict=True):
            if isinstance(image, LinclfError):
                yield name, image
            else:
                values = next(rows)
                best = np.argsort(-values, kind="stable")[:top]
                yield name, [(classifier.class_names[k], float(values[k])) for k in best]


def _files(names: Sequence[str]) -> Iterator[tuple[str, LinclfError | None]]:
    """The names of the files, those in folders in order, and what is wrong with a name."""
    for word in names:
        for name in _lines_of_stdin() if word == "-" else (word,):
            if os.path.isdir(name):
                over: Counter[str] = Counter()
                try:
                    inside = [*list_pictures(Path(name), over)]
                except OSError as error:
                    yield name, DataError(f"{name}: expected folders that can be listed, but {error}")
                    continue
                for note in passed_over(over):
                    print(f"linclf: {printable(name)}: {printable(note)}", file=sys.stderr)
                yield from ((str(path), None) for path in inside)
                if not inside:
                    yield name, DataError(f"{name}: expected pictures in this folder, found none")
            elif os.path.exists(name):
                yield name, None
            else:
                yield name, DataError(f"{name or 'an empty name'}: no such file or folder")


def _lines_of_stdin() -> Iterator[str]:
    """The lines of standard input that are not empty."""
    if sys.stdin is None:
        raise ConfigError("expected a list of names on standard input, which is closed")
    for line in sys.stdin.buffer:
        if name := line.rstrip(b"\r\n"):
            yield os.fsdecode(name)


def _text_line(name: str, ranking: Ranking, unit: str) -> str:
    if unit == "probability":
        classes = [f"{class_name} {100 * value:.1f} %" for class_name, value in ranking]
    else:
        classes = [f"{class_name} (score {value:.2f})" for class_name, value in ranking]
    return printable(f"{name}: {', '.join(classes)}")


def _json_line(name: str, ranking: Ranking, unit: str) -> str:
    classes = [{"class": class_name, unit: value} for class_name, value in ranking]
    return json.dumps({"file": name, **classes[0], "top": classes})

"""``linclf predict``: pictures in, a line each out."""

import json
import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from io import TextIOWrapper
from itertools import islice
from pathlib import Path

import numpy as np

from linclf.data.readers.pictures import Found, pictures, prepare_pictures
from linclf.errors import ConfigError, DataError, LinclfError, printable

from .classifier import Classifier, at_a_time, check_pictures

Ranking = list[tuple[str, float]]
"""The first classes of a picture, each with its probability or score."""


def predict(model: str, given: Sequence[str], *, top: int = 2, as_json: bool = False) -> int:
    """Print a line for each picture, in order; the exit status, 1 where a file could not be read.

    Args:
        model: a file that ``Classifier.save`` wrote.
        given: names of picture files and of folders, whose pictures are classified at any depth; "-" is a list of both
            on standard input, a name a line.
        top: how many classes a line names.
        as_json: a JSON object a line, with keys file, class, probability (or score), and top, the list of classes.

    Raises:
        ConfigError, DataError: before any picture is read: a model or a number that is none.
    """
    classifier = Classifier.load(model)
    if top < 1:
        raise ConfigError(f"--top must be a whole number, 1 or more, not {top}")
    check_pictures(classifier.image_shape, pixels=classifier.standardize.of_pixels)
    line = _json_line if as_json else _text_line
    what, failed = "probability" if classifier.has_probabilities else "score", False
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # names of classes may be in any script
    try:
        for file, found in rank(classifier, _files(given), top):
            if isinstance(found, LinclfError):
                failed = True
                print(f"linclf: {found}", file=sys.stderr)
            else:
                print(line(file, found, what))
        sys.stdout.flush()
    except BrokenPipeError:  # of "| head": nobody reads on, and nothing is to be flushed at the end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return int(failed)


def rank(
    classifier: Classifier, files: Iterator[tuple[str, LinclfError | None]], top: int
) -> Iterator[tuple[str, Ranking | LinclfError]]:
    """Each file's name with its ``top`` classes, the likeliest first, or with what is wrong with it."""
    values_of = classifier.predict_proba if classifier.has_probabilities else classifier.scores
    while chunk := [*islice(files, at_a_time(classifier.image_shape))]:
        prepared = iter(
            prepare_pictures([Path(name) for name, error in chunk if error is None], classifier.image_shape)
        )
        found = [(name, error or next(prepared)) for name, error in chunk]
        read = [picture for _, picture in found if not isinstance(picture, LinclfError)]
        values = iter(values_of(np.stack(read)) if read else ())
        for name, picture in found:
            if isinstance(picture, LinclfError):
                yield name, picture
                continue
            own = next(values)
            order = np.argsort(-own, kind="stable")[:top]
            yield name, [(classifier.class_names[k], float(own[k])) for k in order]


def _files(given: Sequence[str]) -> Iterator[tuple[str, LinclfError | None]]:
    """The names of the files, those in folders in order, and what is wrong with a name."""
    for word in given:
        for name in _listed() if word == "-" else (word,):
            if os.path.isdir(name):
                over: Counter[str] = Counter()
                inside = [str(path) for path in pictures(Path(name), over)]
                for note in Found(over=over).note():
                    print(f"linclf: {printable(name)}: {note}", file=sys.stderr)
                yield from ((path, None) for path in inside)
                if not inside:
                    yield name, DataError(f"{name}: expected pictures in this folder, found none")
            elif os.path.exists(name):
                yield name, None
            else:
                yield name, DataError(f"{name or 'an empty name'}: no such file or folder")


def _listed() -> Iterator[str]:
    """The lines of standard input that are not empty."""
    for line in getattr(sys.stdin, "buffer", ()):
        if name := line.rstrip(b"\r\n"):
            yield os.fsdecode(name)


def _text_line(file: str, found: Ranking, what: str) -> str:
    if what == "probability":
        classes = [f"{name} {100 * value:.1f} %" for name, value in found]
    else:
        classes = [f"{name} (score {value:.2f})" for name, value in found]
    return f"{printable(file)}: {', '.join(classes)}"


def _json_line(file: str, found: Ranking, what: str) -> str:
    classes = [{"class": name, what: value} for name, value in found]
    return json.dumps({"file": file, **classes[0], "top": classes})

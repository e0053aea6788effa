"""Labels as numbers 0..C-1, and names of classes that can be shown."""

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

import numpy as np

from linclf.errors import DataError

LONGEST_NAME = 200
MOST_CLASSES = 1000
# Control characters, surrogates, and breaks of lines and paragraphs; and the marks that turn whatever stands beside.
_CANNOT_BE_SHOWN = {"Cc", "Cs", "Zl", "Zp"}
_TURN = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_INVISIBLE = {"Cf", "Zs"}
_WHOLE = re.compile(r"0|-?[1-9][0-9]{0,17}")
_WHOLE_FLOAT = re.compile(r"(0|-?[1-9][0-9]{0,14})\.0")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?")


def checked_names(names: Sequence[str], where: str) -> tuple[str, ...]:
    """The names, :func:`composed`; DataError unless they are 2 to 1,000, all different, and can be shown.

    >>> checked_names(["cafe\u0301", "👩\u200d🌾"], "a folder")[0] == "caf\u00e9"
    True
    """
    forms = tuple(composed(name) for name in names)
    if not 2 <= len(forms) <= MOST_CLASSES:
        found = f"{len(forms):,} ({', '.join(forms)[:99]})"
        raise DataError(f"{where}: expected 2 to {MOST_CLASSES:,} classes, found {found}")
    for name, number in Counter(forms).items():
        if number > 1 or len(name) > LONGEST_NAME or not can_be_shown(name):
            expected = f"a name of its own that can be shown, of at most {LONGEST_NAME} characters"
            raise DataError(f"{where}: expected for each class {expected}, found {name[:LONGEST_NAME]!r}")
    return forms


def composed(name: str) -> str:
    """A name in the one form of those that look alike: composed (NFC), without blanks around it."""
    return unicodedata.normalize("NFC", name).strip()


def can_be_shown(name: str) -> bool:
    """Whether a name has something to see, and nothing that breaks or turns the text around it."""
    kinds = {unicodedata.category(c) for c in name}
    return bool(kinds - _INVISIBLE) and not kinds & _CANNOT_BE_SHOWN and not _TURN & set(name)


def encode_words(words: Sequence[str], where: str) -> tuple[np.ndarray, list[str]]:
    """Labels that are text as int64 0..C-1, and the names of the classes in order.

    Classes are ordered by size if all are whole numbers written in the usual way, else by characters, and are called
    as they are written, but without ".0" if all end so, as pandas writes whole numbers beside missing ones. DataError
    for numbers with other decimals: those are no classes.

    >>> encode_words(["10", "9", "10"], "a table")
    (array([1, 0, 1]), ['9', '10'])
    >>> [encode_words(words, "a table")[1] for words in (["1.0", "2.0"], ["01", "1"], ["1e3", "1000"], ["1_1", "11"])]
    [['1', '2'], ['01', '1'], ['1000', '1e3'], ['11', '1_1']]
    """
    forms = {word: composed(word) for word in {*words}}
    names = {*forms.values()}
    if len(names) > MOST_CLASSES:
        raise DataError(f"{where}: expected labels of at most {MOST_CLASSES:,} classes, found {len(names):,}")
    if all(map(_WHOLE_FLOAT.fullmatch, names)):
        forms = {word: name.removesuffix(".0") for word, name in forms.items()}
        names = {*forms.values()}
    elif all(map(_NUMBER.fullmatch, names)) and (odd := [name for name in names if float(name) % 1]):
        raise DataError(f"{where}: expected labels as whole numbers or text, found {min(odd)[:50]}")
    order = sorted(names, key=int if all(map(_WHOLE.fullmatch, names)) else None)
    codes = {name: i for i, name in enumerate(order)}
    return np.fromiter((codes[forms[word]] for word in words), np.int64, len(words)), order


def encode_labels(
    labels: Sequence[np.ndarray], names: Sequence[str] | None, where: str
) -> tuple[list[np.ndarray], Sequence[str]]:
    """The labels of each part as int64 0..C-1, and the names of the classes.

    Without ``names``, the classes are what the first part, the training images', holds, in order: numbers by size, text
    by its characters, and each is called what it is. With ``names``, a label is the number of its name, from 0;
    labels with gaps or from another start are taken in order where there are as many of them as names.

    Args:
        labels: of each part, (n,): whole numbers of any width, also as floats, booleans or text.
        names: of the classes, or None.
        where: what messages open with, such as the file.

    Raises:
        DataError: labels of another type, or a class that is not among the training images'.
    """
    parts = [_plain(part, where) for part in labels]
    if len({part.dtype.kind == "U" for part in parts}) > 1:
        raise DataError(f"{where}: expected labels of one type in all parts, found text and numbers")
    every = np.unique(np.concatenate(parts))
    if len(every) > MOST_CLASSES:
        raise DataError(f"{where}: expected labels of at most {MOST_CLASSES:,} classes, found {len(every):,}")
    if names is None:
        classes = np.unique(parts[0])
        if len(other := np.setdiff1d(every, classes)):
            raise DataError(f"{where}: expected the classes of the training images, found another: {_name(other[0])}")
        names = [_name(label) for label in classes]
    elif every.dtype.kind == "U":
        classes = np.array([composed(name) for name in names])
    elif every[0] >= 0 and every[-1] < len(names):
        classes = np.arange(len(names))
    else:
        classes = every
    if len(classes) != len(names) or len(np.setdiff1d(every, classes)):
        found = f"{', '.join(map(_name, every[:10]))}{' ...' if len(every) > 10 else ''}"
        raise DataError(f"{where}: expected labels of the {len(names)} classes that are named, found {found}")
    order = np.argsort(classes)
    return [order[np.searchsorted(classes, part, sorter=order)] for part in parts], names


def _plain(labels: np.ndarray, where: str) -> np.ndarray:
    """Labels as int64 or composed text; booleans as text."""
    if labels.dtype.kind == "b":
        return np.where(labels, "True", "False")
    if labels.dtype.kind == "f":
        numbers = labels.astype(np.float64)
        with np.errstate(invalid="ignore"):
            odd = numbers[~(np.abs(numbers) < 2**53) | (numbers % 1 != 0)]
        if odd.size:
            raise DataError(f"{where}: expected labels as whole numbers or text, found {odd[0]:g}")
        return numbers.astype(np.int64)
    if labels.dtype.kind in "iu":
        if labels.dtype == np.uint64 and labels.max(initial=0) >= 2**63:
            raise DataError(f"{where}: expected labels below 2^63, found {labels.max()}")
        return labels.astype(np.int64)
    if labels.dtype.kind == "S":
        try:
            labels = np.char.decode(labels, "utf-8")
        except UnicodeError as error:
            raise DataError(f"{where}: expected labels as text, found {error}") from error
    if labels.dtype.kind == "U":
        distinct, places = np.unique(labels, return_inverse=True)
        return np.array([composed(label) for label in distinct.tolist()], dtype=str)[places.ravel()]
    raise DataError(f"{where}: expected labels as whole numbers or text, found {labels.dtype}; convert them first")


def _name(label: np.generic) -> str:
    return str(label)[: LONGEST_NAME + 1]

"""Tables of features with a column of labels: CSV, tab-separated or Parquet files, through pandas."""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import numpy as np

from linclf.data import dataset
from linclf.data.dataset import Dataset, Option, Reader, as_images, check_size, reading, split_dataset
from linclf.data.inputs import check_precision
from linclf.data.labels import encode_words
from linclf.errors import ConfigError, DataError, printable

_SEPARATORS = {".csv": ",", ".tsv": "\t"}
_PARQUET = (".parquet", ".pq")
_MOST_COLUMNS = 100_000
_LISTS = (np.ndarray, list, dict)  # which a value of a Parquet file may be
_ID = re.compile(
    r"(?i:(?:^|[\W_])(?:u?ids?|idx|index|nr|no|number|rows?|rownames?|record|serial|key|uuid|guid)\W*)$|[a-z](?:Id|ID)s?$"
    r"|^#$|^Unnamed: \d+$"
)
"""Names of columns that are made to tell rows apart."""


def find(path: Path) -> Path | None:
    """``path`` if it is a table by its ending, or None."""
    return path if path.is_file() and path.suffix.lower() in (*_SEPARATORS, *_PARQUET) else None


def load(
    path: Path, source: str, label: str | None = None, drop: Sequence[str] = (), group: str | None = None
) -> Dataset:
    """The feature vectors (n, d), floats, of a table and the labels of its column ``label``; a test set is split off.

    All other columns must hold numbers or booleans, but those of ``drop``, which are left out. Without ``label``, it is
    the one column called label, class, target or y. Rows with a missing value are refused. A column without a name, as
    pandas and R write the names of rows, is passed over, and so is one that tells only which row it is. One that alone
    tells the class is named with a warning. Rows of one value of the column ``group``, which is no input, are
    dealt into one part of every split.

    Raises:
        DataError: naming the column that does not fit.
        ConfigError: pandas, or pyarrow for Parquet, is not installed.
    """
    drop = [drop] if isinstance(drop, str) else [*dict.fromkeys(drop)]
    table, words, column = _read(path, label, drop)
    if not len(table):
        raise DataError(f"{path}: expected rows below the names of the columns, found none")
    missing = [name for name in table.columns[table.isna().any()] if name and name not in drop]
    if missing:
        raise DataError(f"{path}: expected a value in every row, some lack one in {listed(missing)}; fill them in")
    labels, class_names = encode_words(words, f"{path}, column {column}")
    if group is not None and (group == column or group in drop or group not in table.columns):
        raise DataError(f"{path}: expected a column {group} of groups beside {column}, found {listed(table.columns)}")
    features = table.loc[:, [name not in ("", column, group, *drop) for name in table.columns]]
    of_rows = [name for name in features if _tells_the_row(features[name])]
    features = features.drop(columns=of_rows)
    others = [name for name, kind in features.dtypes.items() if getattr(kind, "kind", "O") not in "biuf"]
    if others:
        found = f"{listed(others)}; turn them into numbers, or leave them out (--drop {others[0]})"
        raise DataError(f"{path}: expected numbers in every column but {column}, found text or others in {found}")
    if not len(features.columns):
        raise DataError(f"{path}: expected columns of numbers beside {column}, found none to learn from")
    for name in features:
        check_precision(features[name].to_numpy(), f"{path}, column {name}")
    (X,) = as_images({"the table": features.to_numpy(dtype=_common(features))}, str(path))
    notes = [f"Features: {listed(features.columns)}."]
    if "" in table.columns:
        notes.append(f"Passed over: {sum(not name for name in table.columns)} columns without a name.")
    if of_rows:
        notes.append(f"Passed over, because they tell only the row: {listed(of_rows)}.")
    if drop:
        notes.append(f"Left out: {listed(drop)}.")
    notes += [
        f"Warning: {name} alone tells the class: if it was made from that, leave it out (--drop {name})."
        for name, values in zip(features.columns, X.T, strict=True)
        if _tells_the_class(values, labels)
    ]
    return split_dataset(
        {"train": (X, labels)},
        name=f"{path.stem} (table)",
        source=source,
        layout=f"{path.suffix[1:].lower()} table, labels in column {column}",
        class_names=class_names,
        notes=notes,
        sources={"train": [f"row {i:,}" for i in range(1, len(table) + 1)]},
        groups=None if group is None else (group, table[group].astype(str).to_numpy()),
        feature_names=tuple(features.columns),
    )


def read_table(path: Path) -> Any:
    """All columns of a table as a DataFrame, by name; DataError if it cannot be read, ConfigError without pandas."""
    if not find(path):
        raise DataError(f"{path}: expected {READER.reads}, found {'another file' if path.exists() else 'none'}")
    with reading_table(path):
        if path.suffix.lower() in _PARQUET:
            return _read_parquet(path)
        return _read_csv(path, [name.strip() for name in _first_rows(path)[0]])


@contextmanager
def reading_table(path: Path, what: str = "a table") -> Iterator[None]:
    """As :func:`reading`, also where the text is not in UTF-8; ConfigError without the packages that read tables."""
    with reading(path, what):
        try:
            yield
        except ImportError as error:
            raise ConfigError(f"tables need {error.name}: pip install 'linclf[tables]'") from None
        except UnicodeError as error:
            marked = path.read_bytes()[:2] in (b"\xff\xfe", b"\xfe\xff")
            encoding = "UTF-16" if marked else "another encoding"
            raise DataError(f"{path}: expected a table in UTF-8, found {encoding}; save it as UTF-8") from error


def _read(path: Path, label: str | None, drop: Sequence[str]) -> tuple[Any, list[str], str]:
    """The table, its columns by name (those without one have an empty name), its labels as text, and their column."""
    with reading_table(path):
        if path.suffix.lower() in _PARQUET:
            table = _read_parquet(path)
            column = _label_column(path, [*table.columns], label, drop)
            if isinstance(next(iter(table[column]), None), _LISTS):
                raise DataError(f"{path}, column {column}: expected a label in every row, found lists")
            return table, [text.decode() if isinstance(text, bytes) else str(text) for text in table[column]], column
        names = _checked_names(path, label)
        column = _label_column(path, names, label, drop)
        table = _read_csv(path, names)
        words = _read_csv(path, [column], usecols=[names.index(column)], dtype=str, keep_default_na=False)[column]
        words = words.str.strip()  # as text, since a class may be called NA
        table[column] = words.where(words != "")
    return table, words.tolist(), column


def _read_csv(path: Path, names: Sequence[str], **options: Any) -> Any:
    """The table, its columns called ``names``; ``options`` of ``pandas.read_csv``."""
    import pandas

    table = pandas.read_csv(path, sep=_SEPARATORS[path.suffix.lower()], **options)
    if len(table) and not isinstance(table.index, pandas.RangeIndex):
        found = f"{table.shape[1]} names for {table.shape[1] + table.index.nlevels} columns"
        advice = "end no line with a separator, or name the first"
        raise DataError(f"{path}: expected a name in the first line for each column, found {found}; {advice}")
    table.columns = names
    return table


def _first_rows(path: Path) -> list[list[str]]:
    """The first thousand lines that hold something; DataError where there are none, or too many columns."""
    check_size(str(path), path.stat().st_size, path.stat().st_size)
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = [row for row in islice(csv.reader(file, delimiter=_SEPARATORS[path.suffix.lower()]), 1000) if row]
    if not rows:
        raise DataError(f"{path}: expected a table, could not read it (it is empty)")
    if any("\0" in value for row in rows for value in row):
        found = "NUL bytes, as UTF-16 and files that are no text have them"
        raise DataError(f"{path}: expected a table in UTF-8, found {found}; save it as CSV in UTF-8")
    if len(rows[0]) > _MOST_COLUMNS:
        raise DataError(f"{path}: expected at most {_MOST_COLUMNS:,} columns, found {len(rows[0]):,}")
    return rows


def _checked_names(path: Path, label: str | None) -> list[str]:
    """The names of the columns; DataError where the first line has none."""
    rows, sep = _first_rows(path), _SEPARATORS[path.suffix.lower()]
    names = [name.strip() for name in rows[0]]
    columns = [{row[i].strip() for row in rows[1:] if i < len(row)} for i in range(len(names))]
    labels = _labels_among(names, label)
    numbers = [float(name) for name in names if _is_number(name)]  # as names, such as wavelengths, they rise
    given = len(labels) == 1 and not _is_number(labels[0]) and labels[0] not in columns[names.index(labels[0])]
    given = given and numbers == sorted({*numbers})
    columns_by_name = [(name, values) for name, values in zip(names, columns, strict=True) if name]
    like_values = [name for name, values in columns_by_name if _is_number(name) or name in values]
    if like_values and not given and names != [str(i) for i in range(len(names))]:
        example = sep.join([*(f"x{i}" for i in range(1, min(len(names), 20))), "label"])
        found = f"values ({listed(like_values)}); add a line such as {example}"
        raise DataError(f"{path}: expected the names of the columns in the first line, found {found}")
    if len(names) < 2:
        expected = f"columns of numbers and one of labels, with {'commas' if sep == ',' else 'tabs'} between them"
        raise DataError(f"{path}: expected {expected}, found one alone: {names[0]}")
    return names


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _read_parquet(path: Path) -> Any:
    """The table, its columns by name; what it would take in memory is checked before it is read."""
    from pyarrow import parquet, types

    with parquet.ParquetFile(path) as file:
        about, schema = file.metadata, file.schema_arrow
        chunks = [about.row_group(i).column(j) for i in range(about.num_row_groups) for j in range(about.num_columns)]
        size = sum(max(8 * chunk.num_values, chunk.total_uncompressed_size) for chunk in chunks)
        check_size(str(path), max(size, 8 * about.num_rows * about.num_columns), path.stat().st_size)
    pictures = [
        column.name
        for column in schema
        if "struct<bytes" in str(column.type)  # also in lists
        or (types.is_binary(column.type) and column.name.lower() in ("image", "img", "picture", "photo"))
    ]
    if pictures:
        found = f"pictures in column {pictures[0]}; write them as files, in a folder for each class"
        raise DataError(f"{path}: expected a table of numbers, found {found}")
    texts = [f.name for f in schema if types.is_string(f.type) or types.is_binary(f.type)]
    table = parquet.read_table(path, read_dictionary=texts).to_pandas()  # a text that is repeated is kept once
    table = table.reset_index() if any(table.index.names) else table
    table.columns = [str(name).strip() for name in table.columns]
    if table.shape[1] < 2:
        raise DataError(f"{path}: expected columns of numbers and one of labels, found one alone: {table.columns[0]}")
    return table


def _label_column(path: Path, names: list[str], label: str | None, drop: Sequence[str]) -> str:
    """The name of the column of labels; DataError where there is none, or names that leave a doubt."""
    named = [name for name in names if name]
    if len(set(named)) < len(named):
        raise DataError(f"{path}: expected a name of its own for each column, found {listed(names)}")
    for name in drop:
        if name not in named or name == label:
            found = f"{name}, none of {listed(named)}"
            raise DataError(f"{path}: expected to leave out a column of features, found {found}")
    return label_column(path, [name for name in named if name not in drop], label)


def _labels_among(names: Iterable[str], label: str | None) -> list[str]:
    return [name for name in names if (name.lower() in dataset.USUAL_LABELS if label is None else name == label)]


def label_column(table: Path, names: Iterable[str], label: str | None) -> str:
    """The column ``label`` or, if that is None, the only one with a usual name; DataError without one."""
    if len(labels := _labels_among(names, label)) != 1:
        asked = "the name of the column of labels (--label NAME), one of"
        asked = asked if label is None else f"a column {label}, found"
        raise DataError(f"{table}: expected {asked} {listed(names)}")
    return labels[0]


def _tells_the_row(column: Any) -> bool:
    """Whether a column tells rows apart and nothing else: a counter, an index that was saved, ids.

    That is one of different values which count the rows, in any order, or are whole numbers in order or called an id;
    or which are text with digits, as ids are.
    """
    n = len(column)
    if n < 2 or isinstance(column.iloc[0], _LISTS) or column.nunique() < n:
        return False
    called_so = bool(_ID.search(str(column.name)))
    if getattr(column.dtype, "kind", "O") not in "iuf":
        texts = column.astype(str)
        return called_so or bool(texts.str.fullmatch(r"[A-Za-z]+[-_ ]?\d+|[0-9a-fA-F]{8}[0-9a-fA-F-]{8,}").all())
    values = (column - column.min()).to_numpy(dtype=np.float64)  # float64 does not tell all whole numbers apart
    if not np.isfinite(values).all() or (values % 1).any():
        return False
    steps, span = np.diff(values), np.ptp(values) + 1
    counts = bool((steps == 1).all()) or (n >= 10 and span == n)
    even = n >= 30 and np.ptp(np.diff(np.sort(values))) == 0
    in_order = n >= 30 and bool((steps > 0).all() or (steps < 0).all())
    return counts or even or in_order or called_so or (n >= 100 and span <= 1.5 * n)


def _tells_the_class(values: np.ndarray, labels: np.ndarray) -> bool:
    """Whether thresholds on one column, between classes in the order of their medians, are right for 99 % of each."""
    classes, counts = np.unique(labels, return_counts=True)
    if counts.min() < 5 or len(classes) > 100:
        return False
    order = sorted(classes, key=lambda k: float(np.median(values[labels == k])))
    for low, high in pairwise(order):
        below, above = np.sort(values[labels == low]), np.sort(values[labels == high])
        cut = below[int(np.ceil(0.99 * len(below))) - 1]  # at most 1 % of the lower class lies beyond it
        if np.searchsorted(above, cut, side="right") > 0.01 * len(above):
            return False
    return True


def _common(features: Any) -> Any:
    """The type of floats that holds every column: which numbers are there does not decide whether they are pixels."""
    kinds = [kind.numpy_dtype if hasattr(kind, "numpy_dtype") else kind for kind in features.dtypes]
    return np.result_type(np.float32, *kinds)


def listed(columns: Iterable[Any]) -> str:
    """The names of some columns, in a sentence."""
    names = [str(column)[:50] for column in columns]
    return printable(", ".join(names[:10]) + (" ..." if len(names) > 10 else ""))


_DROP = Option("drop", list, "NAME", "a column to leave out; may be given again", "tables")
_OPTIONS = dataset.LABEL, _DROP, dataset.GROUP
READER = Reader("a table (.csv, .tsv or .parquet)", find, load, _OPTIONS, ("pandas", "pyarrow"), "flowers.csv")

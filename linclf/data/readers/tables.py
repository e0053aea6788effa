"""Tables of features with a column of labels: CSV, tab-separated or Parquet files, through pandas."""

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from linclf.data.dataset import LABEL, USUAL_LABELS, Dataset, Reader, as_images, check_size, split_dataset
from linclf.errors import ConfigError, DataError, printable

_ENDINGS = {".csv": "commas", ".tsv": "tabs", ".parquet": "", ".pq": ""}
"""What parts the columns in files of each ending."""


def find(path: Path) -> Path | None:
    """``path`` if it is a table by its ending, or None."""
    return path if path.is_file() and path.suffix.lower() in _ENDINGS else None


def load(path: Path, source: str, label: str | None = None) -> Dataset:
    """The feature vectors (n, d), floats, of a table and the labels of its column ``label``; a test set is split off.

    All other columns must hold numbers or booleans. Without ``label``, it is the one column called label, class,
    target or y. Rows with a missing value are refused. A column without a name, as pandas and R write the names of
    rows, is passed over, and so is one that counts the rows: where rows are sorted, it would tell the class.

    Raises:
        DataError: naming the column that does not fit.
        ConfigError: pandas, or pyarrow for Parquet, is not installed.
    """
    check_size(str(path), path.stat().st_size, path.stat().st_size)
    table, column = _read(path, label)
    if not len(table):
        raise DataError(f"{path}: expected rows below the names of the columns, found none")
    missing = [name for name in table.columns[table.isna().any()] if name]
    if missing:
        raise DataError(f"{path}: expected a value in every row, some lack one in {_listed(missing)}; fill them in")
    features = table.loc[:, [name not in ("", column) for name in table.columns]]
    others = [name for name, kind in features.dtypes.items() if getattr(kind, "kind", "O") not in "biuf"]
    if others:
        raise DataError(
            f"{path}: expected numbers in every column but {column}, found text or others in {_listed(others)}; turn "
            "them into numbers, or leave them out"
        )
    counting = [name for name in features if _counts_rows(features[name])]
    features = features.drop(columns=counting)
    if not len(features.columns):
        raise DataError(f"{path}: expected columns of numbers beside {column}, found none to learn from")
    (X,) = as_images({"the table": features.to_numpy(dtype=_common(features))}, str(path))
    notes = [f"Features: {printable(_listed(features.columns))}."]
    if "" in table.columns:
        notes.append(f"Passed over: {sum(not name for name in table.columns)} columns without a name.")
    if counting:
        notes.append(f"Passed over, because they count the rows: {printable(_listed(counting))}.")
    layout = f"{path.suffix[1:].lower()} table, labels in column {column}"
    found, name = {"train": (X, _labels(path, table[column]))}, f"{path.stem} (table)"
    sources = {"train": [f"row {i:,}" for i in range(1, len(table) + 1)]}
    data = split_dataset(found, name=name, source=source, layout=layout, notes=notes, sources=sources)
    return replace(data, feature_names=tuple(features.columns))


def _read(path: Path, label: str | None) -> tuple[Any, str]:
    """The table, its columns by name (those without one have an empty name), and which one holds the labels."""
    try:
        import pandas
    except ImportError:
        raise ConfigError("tables need pandas: pip install 'linclf[tables]'") from None
    try:
        if path.suffix.lower() in (".parquet", ".pq"):
            table = pandas.read_parquet(path, engine="pyarrow")
            table = table.reset_index() if any(table.index.names) else table
            names = _stripped(table.columns)
            column = _label_column(path, names, label)
        else:
            how = {"sep": "\t" if path.suffix.lower() == ".tsv" else ","}
            as_text = {"dtype": str, "keep_default_na": False, **how}
            names = _stripped(pandas.read_csv(path, header=None, nrows=1, **as_text).iloc[0])
            column = _label_column(path, names, label)
            table = pandas.read_csv(path, **how)
            if len(table) and not isinstance(table.index, pandas.RangeIndex):
                raise DataError(
                    f"{path}: expected a name in the first line for each column, found {len(names)} names for "
                    f"{table.shape[1] + table.index.nlevels} columns; end no line with a separator, or name the first"
                )
            place = names.index(column)  # as text: a class may be called NA
            labels = pandas.read_csv(path, usecols=[place], **as_text).iloc[:, 0].str.strip()
            table.isetitem(place, labels.where(labels != ""))
    except DataError:
        raise
    except ImportError:
        raise ConfigError("Parquet files need pyarrow: pip install 'linclf[tables]'") from None
    except Exception as error:  # reading hostile bytes can raise nearly anything
        raise DataError(f"{path}: expected a table, could not read it ({error})") from error
    table.columns = names
    return table, column


def _stripped(names: Any) -> list[str]:
    return [str(name).strip() for name in names]


def _label_column(path: Path, names: list[str], label: str | None) -> str:
    """The name of the column of labels; DataError where there is none, or names that leave a doubt."""
    if len(names) < 2:
        between = _ENDINGS[path.suffix.lower()]
        how = f", with {between} between them" if between else ""
        raise DataError(f"{path}: expected columns of numbers and one of labels{how}, found one alone: {names[0]}")
    named = [name for name in names if name]
    if len(set(named)) < len(named):
        raise DataError(f"{path}: expected a name of its own for each column, found {_listed(names)}")
    if label is None:
        usual = [name for name in named if name.lower() in USUAL_LABELS]
        if len(usual) != 1:
            raise DataError(f"{path}: name the column of labels (--label NAME), one of {_listed(named)}")
        return usual[0]
    if label not in named:
        size = "; an image size is for folders of pictures" if label.isdecimal() else ""
        raise DataError(f"{path}: expected a column {label}, found {_listed(named)}{size}")
    return label


def _labels(path: Path, column: Any) -> np.ndarray:
    """Whole numbers where all labels are, else text; 1.0 is 1, which pandas and spreadsheets write so."""
    words = np.array([str(one) for one in column], dtype=str)
    with suppress(ValueError, OverflowError):
        return words.astype(np.int64)
    try:
        numbers = words.astype(np.float64)
    except ValueError:
        return words
    odd = numbers[~(np.abs(numbers) < 2**53) | (numbers % 1 != 0)]
    if odd.size:
        raise DataError(f"{path}: expected labels as whole numbers or text in {column.name}, found {odd[0]:g}")
    return numbers.astype(np.int64)


def _counts_rows(column: Any) -> bool:
    with np.errstate(invalid="ignore"):  # infinity is refused later
        return bool((np.diff(column.to_numpy(dtype=np.float64)) == 1).all())


def _common(features: Any) -> Any:
    """The type of floats that holds every column: which numbers are there does not decide whether they are pixels."""
    kinds = [kind.numpy_dtype if hasattr(kind, "numpy_dtype") else kind for kind in features.dtypes]
    return np.result_type(np.float32, *kinds)


def _listed(columns: Any) -> str:
    return ", ".join(str(column)[:50] for column in list(columns)[:10]) + (" ..." if len(columns) > 10 else "")


READER = Reader(
    "a table (.csv, .tsv or .parquet)", find, load, (LABEL,), imports=("pandas", "pyarrow"), example="flowers.csv"
)

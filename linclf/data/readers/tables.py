"""Tables of features with a column of labels: CSV, tab-separated or Parquet files, through pandas."""

from pathlib import Path
from typing import Any

import numpy as np

from linclf.data.arrays import as_images
from linclf.data.dataset import Dataset
from linclf.data.limits import check_size
from linclf.data.split import split_dataset
from linclf.errors import ConfigError, DataError

_ENDINGS = (".csv", ".tsv", ".parquet", ".pq")
_USUAL = ("label", "class", "target", "y")
"""What a column of labels is called where none is named."""


def find(path: Path) -> Path | None:
    """``path`` if it is a table by its ending, or None."""
    return path if path.is_file() and path.suffix.lower() in _ENDINGS else None


def load(path: Path, source: str, label: str | None = None) -> Dataset:
    """The feature vectors (n, d) of a table and the labels of its column ``label``; a test set is split off.

    All other columns must hold numbers or booleans. Without ``label``, it is the one column called label, class,
    target or y. Rows with a missing value are refused.

    Raises:
        DataError: naming the column that does not fit.
        ConfigError: pandas, or pyarrow for Parquet, is not installed.
    """
    check_size(str(path), path.stat().st_size, path.stat().st_size)
    table = _read(path)
    if table.columns.has_duplicates:
        raise DataError(f"{path}: expected a name of its own for each column, found {_listed(table.columns)}")
    table.columns = [str(column) for column in table.columns]
    column = label or _usual(path, table)
    if column not in table.columns:
        raise DataError(f"{path}: expected a column {column}, found {_listed(table.columns)}")
    missing = table.columns[table.isna().any()]
    if len(missing):
        raise DataError(f"{path}: expected a value in every row, some lack one in {_listed(missing)}; fill them in")
    features = table.drop(columns=column)
    others = [name for name, kind in features.dtypes.items() if getattr(kind, "kind", "O") not in "biuf"]
    if others:
        raise DataError(
            f"{path}: expected numbers in every column but {column}, found text or others in {_listed(others)}; turn "
            "them into numbers, or leave them out"
        )
    (X,) = as_images({"the table": features.to_numpy(dtype=_common(features))}, str(path))
    y = table[column]
    labels = y.to_numpy() if getattr(y.dtype, "kind", "O") in "biu" else np.array([str(one) for one in y], dtype=str)
    layout = f"{path.suffix[1:].lower()} table, labels in column {column}"
    return split_dataset({"train": (X, labels)}, name=f"{path.stem} (table)", source=source, layout=layout)


def _read(path: Path) -> Any:
    try:
        import pandas
    except ImportError:
        raise ConfigError("tables need pandas: pip install 'linclf[tables]'") from None
    try:
        if path.suffix.lower() in (".parquet", ".pq"):
            return pandas.read_parquet(path, engine="pyarrow")
        return pandas.read_csv(path, sep="\t" if path.suffix.lower() == ".tsv" else ",")
    except ImportError:
        raise ConfigError("Parquet files need pyarrow: pip install 'linclf[tables]'") from None
    except Exception as error:  # reading hostile bytes can raise nearly anything
        raise DataError(f"{path}: expected a table, could not read it ({error})") from error


def _usual(path: Path, table: Any) -> str:
    usual = [column for column in table.columns if column.lower() in _USUAL]
    if len(usual) == 1:
        return str(usual[0])
    raise DataError(f"{path}: name the column of labels (--label NAME), one of {_listed(table.columns)}")


def _common(features: Any) -> Any:
    """The type that holds every column: bytes stay bytes."""
    kinds = [kind.numpy_dtype if hasattr(kind, "numpy_dtype") else kind for kind in features.dtypes]
    return np.result_type(*kinds) if kinds else np.dtype(float)


def _listed(columns: Any) -> str:
    return ", ".join(str(column)[:50] for column in list(columns)[:10]) + (" ..." if len(columns) > 10 else "")

"""Raw tables as users have them, brought into one pandas table, and what can be wrong there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from scipy import sparse

from askew.data.arrays import as_array, is_tensor
from askew.data.base import Raw
from askew.errors import InputError

DENSE = 2**27
"""Entries up to which a sparse matrix is written out (1 GiB of float64)."""


def as_table(X: Raw) -> pd.DataFrame:
    """Every kind of table becomes one pandas DataFrame with string names, once.

    Takes numpy arrays with two axes or named fields, lists of rows or of dicts, dicts of columns,
    pandas, polars and pyarrow tables, and sparse matrices of up to `DENSE` entries. Columns
    without names are called ``column_0``, ``column_1`` and so on; row labels are kept.

    Raises
    ------
    InputError: not a table (one axis, three axes, rows of unequal length, complex numbers), or
        two columns of the same name.

    Example
    -------
    >>> as_table([[1.0, "red"], [2.0, "blue"]])
       column_0 column_1
    0       1.0      red
    1       2.0     blue
    """
    return _with_names(_usual(_frame(X)))


def default_names(width: int) -> list[str]:
    """Return the names that columns without names get.

    Example
    -------
    >>> default_names(2)
    ['column_0', 'column_1']
    """
    return [f"column_{i}" for i in range(width)]


def _frame(X: Raw) -> pd.DataFrame:
    if type(X).__name__ == "LazyFrame":
        X = X.collect()
    if hasattr(X, "to_pandas"):  # polars, pyarrow
        X = X.to_pandas()
    if isinstance(X, pd.DataFrame):
        return X
    if sparse.issparse(X):
        return pd.DataFrame(_dense(X))
    if isinstance(X, Mapping):
        return pd.DataFrame({k: as_array(v) if is_tensor(v) else v for k, v in X.items()})
    if isinstance(X, list | tuple):
        return _from_rows(X)
    return _from_array(X if isinstance(X, np.ma.MaskedArray) else as_array(X))


def _usual(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table whose columns are of kinds that pandas can pick rows of and reckon with.

    Numbers in another machine's byte order and arrow's dates and durations become numpy's.
    """
    kinds = {i: _usual_kind(dtype) for i, dtype in enumerate(table.dtypes)}
    if not any(kinds.values()):
        return table
    usual = table.copy(deep=False)
    for i, kind in kinds.items():
        if kind is not None:
            usual.isetitem(i, table.iloc[:, i].astype(kind).array)
    return usual


def _usual_kind(dtype: Any) -> Any:
    """Return what to make of a column of this type; None: it stays."""
    if isinstance(dtype, np.dtype):
        return None if dtype.isnative else dtype.newbyteorder("=")
    if isinstance(dtype, pd.ArrowDtype) and pa.types.is_date(dtype.pyarrow_dtype):
        return "datetime64[us]"
    if isinstance(dtype, pd.ArrowDtype) and pa.types.is_duration(dtype.pyarrow_dtype):
        return "timedelta64[us]"
    return None


def _dense(X: Any) -> NDArray[Any]:
    rows, columns = X.shape
    if rows * columns > DENSE:
        raise InputError(
            f"The sparse matrix has {rows:,} x {columns:,} entries, but at most {DENSE:,} are "
            "written out: reduce its columns first, for example with TruncatedSVD."
        )
    return np.asarray(X.toarray())


def sparse_rows(X: Any, index: NDArray[np.intp]) -> Any:
    """Return rows of a sparse matrix, still sparse."""
    return X.tocsr()[index]


def _from_rows(rows: Sequence[Any]) -> pd.DataFrame:
    if not rows:
        raise InputError("The list of rows is empty: give at least two rows.")
    if all(isinstance(row, Mapping) for row in rows):
        return pd.DataFrame(list(rows))
    if not all(isinstance(row, list | tuple | np.ndarray) for row in rows):
        return _from_array(np.asarray(rows, dtype=object))
    first = len(rows[0])
    for i, row in enumerate(rows):
        if len(row) != first:
            raise InputError(
                f"Row {i} has {len(row)} values but row 0 has {first}: a table needs rows of one "
                "length. For series of unequal length use data=Series()."
            )
    return pd.DataFrame([list(row) for row in rows])


def _from_array(X: NDArray[Any]) -> pd.DataFrame:
    if X.dtype.names is not None and X.ndim == 1:
        return pd.DataFrame(X)
    if X.ndim != 2:
        raise InputError(_axes_advice(X.ndim))
    if np.iscomplexobj(X):
        raise InputError("Complex data not supported: give real and imaginary part as two columns.")
    return pd.DataFrame(X)


def _axes_advice(axes: int) -> str:
    found = f"Expected 2D array (rows, columns), got {axes}D array instead. "
    if axes > 2:
        return found + "For series, (n, length, channels), use data=Series()."
    return found + (
        "Reshape your data with X.reshape(-1, 1) if it is one column, "
        "or X.reshape(1, -1) if it is one row."
    )


def _with_names(table: pd.DataFrame) -> pd.DataFrame:
    names = [str(name) for name in table.columns]
    if table.columns.equals(pd.RangeIndex(len(names))):
        names = default_names(len(names))
    index = pd.Index(names, dtype=object)
    repeated = list(dict.fromkeys(index[index.duplicated()]))
    if repeated:
        raise InputError(
            f"Several columns have the same name ({', '.join(map(repr, repeated))}): "
            "rename them so that each name is used once."
        )
    return table if names == list(table.columns) else table.set_axis(names, axis=1)

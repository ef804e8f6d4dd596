"""Numbers of an array, a list or a table, whoever made them."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from askew.data.arrays import as_array
from askew.data.base import Raw
from askew.errors import InputError

Floats = NDArray[np.float64]


def as_numbers(raw: Raw, what: str) -> Floats:
    """Return numbers as float64, missing ones as NaN.

    Raises ``InputError`` on text, dates and nested lists of unequal length.
    """
    if isinstance(raw, pd.DataFrame):
        columns = [as_numbers(raw.iloc[:, i], column_of(raw, i, what)) for i in range(raw.shape[1])]
        return np.column_stack(columns) if columns else np.empty(raw.shape)
    if isinstance(raw, np.ma.MaskedArray):  # np.asarray would drop the mask without notice
        raw = np.ma.filled(raw.astype(np.float64), np.nan)
    try:
        array = as_array(raw)
        if array.dtype.kind in "biufO":
            return raw_floats(raw, array)
    except (TypeError, ValueError):
        pass  # told below, in the user's words
    if isinstance(raw, pd.Series):
        raise InputError(f"{what}{not_a_number(raw)}, expected numbers. Convert it, or drop it.")
    raise InputError(
        f"{what} holds something that is not a number, or nested lists of unequal length, near "
        f"{str(raw)[:60]!r}: expected numbers. Convert or drop what is not one."
    )


def not_a_number(column: pd.Series[Any]) -> str:
    """Say which cell of a column is the first that is no number.

    Example
    -------
    >>> not_a_number(pd.Series([0.5, "Bad"]))
    ", row 1: found 'Bad'"
    """
    numbers = pd.to_numeric(column.astype(object), errors="coerce")
    bad = (numbers.isna() & column.notna()).to_numpy()
    place = int(bad.argmax())
    return f", row {column.index[place]}: found {str(column.iloc[place])!r}"


def raw_floats(raw: Raw, array: NDArray[Any]) -> Floats:
    """Return an array of numbers as float64; text among them raises ``ValueError``."""
    if isinstance(raw, pd.Series):  # its own way to write a missing value
        return raw.to_numpy(dtype=np.float64, na_value=np.nan)
    if array.dtype.kind == "O" and any(isinstance(value, (str, bytes)) for value in array.flat):
        raise ValueError("text")
    return array.astype(np.float64)


def column_of(frame: pd.DataFrame, index: int, what: str) -> str:
    """Name a column of a table for an error."""
    return f"{what}'s column {frame.columns[index]!r}"


def is_table(X: Raw) -> bool:
    """Say whether this is a pandas, polars or pyarrow table."""
    return isinstance(X, pd.DataFrame) or (hasattr(X, "to_pandas") and hasattr(X, "columns"))


def as_frame(X: Raw) -> pd.DataFrame:
    """Return a table as pandas has it."""
    frame: pd.DataFrame = X if isinstance(X, pd.DataFrame) else X.to_pandas()
    return frame


def is_object_list(X: Raw) -> bool:
    """Say whether this is numpy's way to write a list of arrays of unequal length."""
    return isinstance(X, np.ndarray) and X.dtype == object and X.ndim == 1


def axis_count(item: Raw) -> int:
    """Return how many axes of numbers an item has; negative where it does not hold numbers."""
    if is_table(item):
        return 2
    if isinstance(item, (list, tuple)):
        return 1 + axis_count(item[0]) if item else 1
    if hasattr(item, "ndim"):
        kind = getattr(getattr(item, "dtype", None), "kind", "f")  # torch's dtypes have no kind
        return int(item.ndim) if kind in "biufO" else -9
    return 0 if item is None or isinstance(item, Real) else -9

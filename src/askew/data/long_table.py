"""Long tables: a row for each series and time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from askew.data.numbers import as_numbers
from askew.data.packed import Packed
from askew.errors import InputError

ID_NAMES = ("id", "series", "series_id")
TIME_NAMES = ("time", "timestamp", "t", "step")


def pack_long(frame: pd.DataFrame, id: str | None, time: str | None) -> Packed:
    """Read a table with one row for each series and time, in the order of the time.

    Raises ``InputError`` where columns cannot be found, ids or times are missing, a time occurs
    twice in a series, or a value is not a number.

    Example
    -------
    >>> table = pd.DataFrame({"id": ["b", "a", "b"], "t": [2, 1, 1], "heat": [5.0, 6.0, 7.0]})
    >>> pack_long(table, None, None).values.ravel()
    array([7., 5., 6.])
    """
    id, time = long_columns(frame, id, time)
    series, ids = pd.factorize(frame[id])
    check_no_missing(frame, [id, time])
    moments = moments_of(frame[time])
    order = np.lexsort((moments, series))
    check_no_repeats(series[order], moments[order], frame[time].iloc[order], ids)
    values = frame.drop(columns=[id, time]).iloc[order]
    names = [str(column) for column in values.columns]
    numbers = as_numbers(values, "The table")
    return Packed(numbers, np.bincount(series).astype(np.intp), names)


def long_columns(frame: pd.DataFrame, id: str | None, time: str | None) -> tuple[str, str]:
    """Return the columns of a long table that name the series and the time."""
    if frame.empty:
        raise InputError(
            f"Found a table of {len(frame)} rows and {frame.shape[1]} columns; expected rows of "
            "series id, time and values. Give a table that is not empty."
        )
    id = find_column(frame, id, "id", ID_NAMES)
    time = find_column(frame, time, "time", TIME_NAMES)
    if len(frame.columns) < 3 or id == time:
        raise InputError(
            f"The long table has only the columns {list(frame.columns)}; expected a series id "
            f"({id}), a time ({time}) and at least one column of values. Add what is missing."
        )
    return id, time


def find_column(frame: pd.DataFrame, name: str | None, role: str, usual: Sequence[str]) -> str:
    """Return the column named by the user, or else the first one with a usual name."""
    for column in frame.columns:
        if column == name or (name is None and str(column).lower() in usual):
            return str(column)
    wanted = f"{' or '.join(usual)}" if name is None else repr(name)
    raise InputError(
        f"The table has the columns {list(frame.columns)}; expected {wanted} for the {role} of the "
        f"series. Name the column: Series({role}=...)."
    )


def row_of(index: pd.Index[Any], place: int) -> int:
    """Return the number of a row in its file, of which a table may be a part.

    Example
    -------
    >>> row_of(pd.RangeIndex(100, 200), 5), row_of(pd.Index(["a", "b"]), 1)
    (105, 1)
    """
    return place + int(index[0]) if isinstance(index, pd.RangeIndex) else place


def check_no_missing(frame: pd.DataFrame, columns: Iterable[str]) -> None:
    """Refuse rows that belong to no series or no time."""
    for column in columns:
        missing = frame[column].isna().to_numpy()
        if missing.any():
            row = row_of(frame.index, int(missing.argmax()))
            raise InputError(
                f"Row {row} of the table has no value in {column!r}: expected "
                "one in every row. Fill it in or drop the row."
            )


def moments_of(time: pd.Series[Any]) -> NDArray[Any]:
    """Return times that sort rightly: numbers, dates, or text in ISO 8601 that means either.

    Text is never sorted as text: "10" would come before "9".
    """
    if time.dtype.kind in "biufmM" or isinstance(time.dtype, pd.DatetimeTZDtype):
        return time.to_numpy()
    text = time.astype(str)
    try:
        return pd.to_numeric(text).to_numpy()
    except ValueError:
        pass  # not numbers: dates?
    try:
        return pd.to_datetime(text, format="ISO8601", utc=True).to_numpy()
    except (ValueError, OverflowError) as error:
        raise InputError(
            f"Times such as {text.iloc[0]!r} in {time.name!r} are neither numbers nor dates like "
            "2024-01-31 12:00: expected one of them. Convert the column with pandas.to_datetime."
        ) from error


def check_no_repeats(
    series: NDArray[Any], moments: NDArray[Any], shown: pd.Series[Any], ids: pd.Index[Any]
) -> None:
    """Refuse a time that occurs twice in a series; both are sorted by series, then time."""
    repeats = (series[1:] == series[:-1]) & (moments[1:] == moments[:-1])
    if repeats.any():
        at = int(repeats.argmax()) + 1
        raise InputError(
            f"Series {str(ids[series[at]])!r} has the time {shown.iloc[at]} twice: expected every "
            "time once in a series. Drop or average the repeats, or name the right time column."
        )

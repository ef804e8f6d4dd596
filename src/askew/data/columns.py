"""One column of a table: what kind it is, and its cells as values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api import types

from askew.errors import InputError
from askew.files.layout import CODE

Floats = NDArray[np.float64]

ISO_DATE = r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)?"
OFFSET = r"(?:Z|[+-]\d{2}:?\d{2})?"
MISREAD: Mapping[str, tuple[str, str]] = {
    "dates": (
        r"(?:\d{1,2}[./-]\d{1,2}[./-](?:\d{4}|\d{2})|\d{4}[./]\d{1,2}[./]\d{1,2})(?:[T ].*)?",
        "2024-01-31",
    ),
    "numbers": (r"(?=.*[,%€$£'])[€$£]?\s?[+-]?\d{1,3}(?:[.,' ]?\d)*\s?[%€$£]?", "1234.5"),
}
"""What text may have been meant as, how that looks, and how to write it."""
CYCLES: Mapping[str, float] = {"hour": 1.0, "weekday": 7.0, "day of year": 365.0}
"""The cyclic parts of a date, and the days that one turn takes."""
INFERRED: Mapping[str, str] = {
    "boolean": "boolean",
    "integer": "number",
    "floating": "number",
    "mixed-integer-float": "number",
    "decimal": "number",
    "datetime64": "date",
    "datetime": "date",
    "date": "date",
    "timedelta": "number",
}
"""pandas' name for what a column of objects holds, and the kind of column it makes."""


def kind_of(column: pd.Series[Any]) -> str:
    """A column is numbers, booleans, dates or categories, by its type and then by its cells.

    Text whose every cell reads as a number is numbers, unless one starts with a spare zero (as
    codes do); text whose every cell is an ISO date is dates; other text, mixed objects and
    anything of pandas' categorical type are categories.

    Raises
    ------
    InputError: cells that hold lists or dicts, or complex numbers.

    Example
    -------
    >>> kind_of(pd.Series(["2026-01-05", "2026-01-06 10:30", None]))
    'date'
    """
    dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return "category"
    if types.is_complex_dtype(dtype):
        raise InputError(
            f"Column {column.name!r} holds complex numbers. Complex data not supported."
        )
    if types.is_bool_dtype(dtype):
        return "boolean"
    if types.is_numeric_dtype(dtype) or types.is_timedelta64_dtype(dtype):
        return "number"
    if types.is_datetime64_any_dtype(dtype) or isinstance(dtype, pd.PeriodDtype):
        return "date"
    return _kind_of_objects(column)


def _kind_of_objects(column: pd.Series[Any]) -> str:
    inferred = types.infer_dtype(column.astype(object), skipna=True)
    if inferred in INFERRED:
        return INFERRED[inferred]
    text = as_text(column).dropna().astype(str)
    if text.str.fullmatch(ISO_DATE + OFFSET).all() and _parse_dates(text).notna().all():
        return "date"
    if text.str.fullmatch(CODE).any() or pd.to_numeric(text, errors="coerce").isna().any():
        return "category"
    return "number"


def misread(text: pd.Series[Any]) -> str:
    """Say that words look like dates or numbers in another form, and how to write them; or nothing.

    Example
    -------
    >>> misread(pd.Series(["31/01/2024", "01/02/2024", None]))
    "looks like dates ('31/01/2024'): write them as 2024-01-31"
    """
    known = text.dropna()
    for meant, (form, better) in MISREAD.items():
        alike = known.str.fullmatch(form)
        if alike.mean() > 0.9:
            return f"looks like {meant} ({known[alike].iloc[0]!r}): write them as {better}"
    return ""


def as_text(column: pd.Series[Any]) -> pd.Series[Any]:
    """Each cell becomes the text that names its level; missing and blank cells become None.

    ``1`` and ``1.0`` give the same text, since a missing neighbour turns integers into floats.

    Raises
    ------
    InputError: cells that hold lists or dicts.

    Example
    -------
    >>> as_text(pd.Series(["a", 1.0, 1, True, "", None], dtype=object)).tolist()
    ['a', '1', '1', 'True', None, None]
    """
    codes, distinct = _distinct(column)
    texts = np.array([*(_text(cell, column.name) for cell in distinct), None], dtype=object)
    return pd.Series(texts[codes], index=column.index, name=column.name, dtype=object)


def _distinct(column: pd.Series[Any]) -> tuple[NDArray[np.intp], Any]:
    """Return codes and distinct cells, -1 where missing; among objects every cell is distinct.

    Objects are not compared, since 1, 1.0 and True are equal but have different texts.
    """
    if types.is_object_dtype(column.dtype):
        return np.arange(len(column)), column
    codes, distinct = pd.factorize(column)
    return codes, distinct


def _text(cell: Any, name: object) -> str | None:
    if isinstance(cell, str):
        return None if cell.strip() in ("", "nan", "NaN") else cell
    if isinstance(cell, list | tuple | dict | set | np.ndarray):
        raise InputError(
            f"Column {name!r} holds a {type(cell).__name__} in a cell, but a cell of a table is "
            "one value: spread it over columns."
        )
    if cell is None or cell is pd.NA or cell is pd.NaT or cell != cell:
        return None
    return level_name(cell)


def level_name(cell: Any) -> str:
    """Return what a level or label is called: 1 and 1.0 are the same one.

    Example
    -------
    >>> level_name(1.0), level_name(1), level_name("C")
    ('1', '1', 'C')
    """
    whole = isinstance(cell, float | np.floating) and float(cell).is_integer()
    return str(int(cell)) if whole else str(cell)


def as_numbers(column: pd.Series[Any]) -> Floats:
    """Return a column as float64, NaN where a cell is missing; durations in seconds.

    Raises
    ------
    InputError: a cell that is not a number, or infinite, by column, row and value.

    Example
    -------
    >>> as_numbers(pd.Series(["1.5", None, "2"])).tolist()
    [1.5, nan, 2.0]
    """
    if types.is_timedelta64_dtype(column.dtype):
        return np.asarray(column.dt.total_seconds(), dtype=np.float64)
    if is_plain(column.dtype):
        return _finite(column.to_numpy(dtype=np.float64), column)
    if types.is_numeric_dtype(column.dtype) and not isinstance(column.dtype, pd.CategoricalDtype):
        return _finite(column.to_numpy(dtype=np.float64, na_value=np.nan), column)
    if types.infer_dtype(column, skipna=True) == "timedelta":
        return as_numbers(pd.to_timedelta(column))
    text = as_text(column)
    numbers = pd.to_numeric(text, errors="coerce").to_numpy(dtype=np.float64)
    booleans = text.map({"True": 1.0, "False": 0.0}).to_numpy(dtype=np.float64)
    numbers = np.asarray(np.where(np.isnan(numbers), booleans, numbers), dtype=np.float64)
    _refuse(np.isnan(numbers) & text.notna().to_numpy(), column, "a number")
    return _finite(numbers, column)


def is_plain(dtype: Any) -> bool:
    """Say whether a column of this type needs no conversion."""
    return isinstance(dtype, np.dtype) and dtype.kind in "biuf"


def _refuse(bad: NDArray[np.bool_], column: pd.Series[Any], expected: str) -> None:
    if bad.any():
        row = int(np.argmax(bad))
        raise InputError(
            f"Column {column.name!r}, row {column.index[row]}: found {str(column.iloc[row])!r}, "
            f"expected {expected}. Correct the cell, or leave it empty if it is unknown."
        )


def _finite(numbers: Floats, column: pd.Series[Any]) -> Floats:
    infinite = np.isinf(numbers)
    if infinite.any():
        row = int(np.argmax(infinite))
        raise InputError(
            f"Column {column.name!r}, row {column.index[row]}: found {numbers[row]}, but "
            "numbers must be finite. Replace infinite values, or leave the cell empty."
        )
    return numbers


def as_booleans(column: pd.Series[Any]) -> Floats:
    """Return a column of yes and no as 1 and 0, NaN where a cell is missing.

    Raises
    ------
    InputError: a cell that is neither, by column, row and value.

    Example
    -------
    >>> as_booleans(pd.Series([True, None, "false", 1], dtype=object)).tolist()
    [1.0, nan, 0.0, 1.0]
    """
    if types.is_bool_dtype(column.dtype) and not isinstance(column.dtype, pd.CategoricalDtype):
        return np.asarray(column.to_numpy(dtype=np.float64, na_value=np.nan))
    text = as_text(column)
    words = {"true": 1.0, "1": 1.0, "false": 0.0, "0": 0.0}
    values: Floats = np.array(text.astype(str).str.lower().map(words), dtype=np.float64)
    _refuse(np.isnan(values) & text.notna().to_numpy(), column, "true or false")
    return values


def as_dates(column: pd.Series[Any]) -> pd.Series[Any]:
    """Return a column as dates on the clock of their own time zone, NaT where missing.

    The clock on the wall is kept and the zone dropped: what repeats is eight in the morning there.

    Raises
    ------
    InputError: a cell that is not a date, by column, row and value.

    Example
    -------
    >>> as_dates(pd.Series(["2026-01-05 08:00+02:00"])).dt.hour.tolist()
    [8]
    """
    if isinstance(column.dtype, pd.PeriodDtype):
        return pd.Series(column.dt.to_timestamp())
    if types.is_datetime64_any_dtype(column.dtype):
        return pd.Series(column.dt.tz_localize(None))
    text = as_text(column)
    dates = _parse_dates(text)
    _refuse((dates.isna() & text.notna()).to_numpy(), column, "a date such as 2026-01-31 08:30")
    return dates


def _parse_dates(text: pd.Series[Any]) -> pd.Series[Any]:
    clock = text.astype(str).str.extract(f"^({ISO_DATE}){OFFSET}$", expand=False)
    return pd.to_datetime(clock, format="ISO8601", errors="coerce")


def turns(dates: pd.Series[Any], part: str) -> Floats:
    """Return how much of its cycle a part of each date has gone through, in [0, 1).

    Example
    -------
    >>> turns(pd.Series(pd.to_datetime(["2026-01-05 18:00"])), "hour").tolist()
    [0.75]
    """
    clock = dates.dt
    if part == "hour":
        turn = (clock.hour + clock.minute / 60 + clock.second / 3600) / 24
    elif part == "weekday":
        turn = clock.day_of_week / 7
    else:
        turn = (clock.day_of_year - 1) / 366
    return np.asarray(turn, dtype=np.float64)

"""Tables brought into the columns of training."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence

import pandas as pd

from askew.data.table import default_names
from askew.errors import InputError


def aligned(table: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Return the columns of training, in their order; tables without names go by position.

    Further columns are ignored with a warning.

    Raises
    ------
    InputError: a column is missing, or a table without names is not as wide.

    Example
    -------
    >>> aligned(pd.DataFrame({"b": [1], "a": [2]}), ["a", "b"]).columns.tolist()
    ['a', 'b']
    """
    names = list(table.columns)
    if names == columns:
        return table
    if unnamed(names) or unnamed(columns):
        return _by_position(table, columns)
    _refuse_missing(names, columns)
    further = [name for name in names if name not in set(columns)]
    if further:
        warnings.warn(
            f"Columns that were not in training are ignored: {listed(further)}. "
            "Feature names unseen at fit time: leave them out, or train with them.",
            UserWarning,
            stacklevel=3,
        )
    return table[columns]


def unnamed(names: Iterable[str]) -> bool:
    """Say whether these are the names that columns without names get."""
    names = list(names)
    return names == default_names(len(names))


def listed(names: Sequence[str], most: int = 10) -> str:
    """Write names out for a message, the first few of many.

    Example
    -------
    >>> listed(["a", "b", "c"], most=2)
    "'a', 'b' and 1 more"
    """
    shown = ", ".join(repr(name) for name in names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most:,} more"


def _by_position(table: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    if table.shape[1] != len(columns):
        raise InputError(
            f"X has {table.shape[1]} features, but Tabular is expecting {len(columns)} features "
            f"as input: {listed(columns)}."
        )
    found, trained = (
        ("does not have valid", "with") if unnamed(table.columns) else ("has", "without")
    )
    warnings.warn(
        f"X {found} feature names, but Tabular was fitted {trained} feature names: columns are "
        "taken by their position.",
        UserWarning,
        stacklevel=4,
    )
    return table.set_axis(columns, axis=1)


def _refuse_missing(names: Sequence[str], columns: Sequence[str]) -> None:
    missing = [name for name in columns if name not in set(names)]
    if missing:
        raise InputError(
            f"Columns are missing: {listed(missing)}. The table has {listed(names)}; give all "
            f"{len(columns)} columns of training, with empty cells where unknown. (Feature names "
            "seen at fit time, yet now missing.)"
        )

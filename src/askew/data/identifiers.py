"""Columns that say which row it is, not what it is like."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

LEAST_NUMBERED = 50
"""Rows from which a column of running whole numbers is taken for row numbers."""
DISTINCT = 0.9
"""Share of distinct values from which a text column is taken for an identifier."""
LEAST_NAMED = 10
"""Distinct values from which a text column may be one."""


def why_row_numbers(column: pd.Series[Any]) -> str:
    """Say why whole numbers that run through, each once, are left out; or nothing."""
    if column.dtype.kind not in "iu" or len(column) < LEAST_NUMBERED or not column.is_unique:
        return ""
    if int(column.max()) - int(column.min()) >= 2 * len(column):
        return ""
    return "numbers the rows: whole numbers that run through, none of them twice"


def why_identifier(text: pd.Series[Any]) -> str:
    """Say that texts name their rows, or that text among numbers made it look so; or nothing.

    Example
    -------
    >>> why_identifier(pd.Series([f"pump {i}" for i in range(20)]))
    'has 20 different texts in 20 rows, like an identifier'
    """
    known = text.dropna()
    distinct = known.nunique()
    if distinct <= DISTINCT * len(known) or distinct < LEAST_NAMED:
        return ""
    worded = pd.to_numeric(known, errors="coerce").isna()
    if worded.mean() < 0.5 and worded.any():
        row = known.index[int(np.argmax(worded))]
        return f"mixes numbers with text (row {row}: {known[worded].iloc[0]!r})"
    return f"has {distinct:,} different texts in {len(known):,} rows, like an identifier"

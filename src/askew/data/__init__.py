"""The data types, and which one raw input looks like."""

from __future__ import annotations

from askew.data.base import DataType, Fold, Raw
from askew.data.series import Series
from askew.data.tabular import Tabular
from askew.data.windows import Windows

__all__ = ["DataType", "Fold", "Raw", "Series", "Tabular", "Windows", "TYPES", "guess"]

TYPES = ("Series", "Tabular", "Windows")
"""Names of the data types."""


def guess(X: Raw) -> DataType:
    """Name the data type that raw input looks like.

    One or two axes, or anything with columns, is a table; a list of arrays, or three axes, is a
    set of series.

    Example
    -------
    >>> import numpy as np
    >>> guess(np.zeros((5, 3)))
    Tabular()
    """
    return Series() if getattr(X, "ndim", None) == 3 or Series.looks_like(X) else Tabular()

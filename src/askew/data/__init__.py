"""The data types, and which one raw input looks like."""

from __future__ import annotations

from askew.data.base import DataType, Fold, Raw
from askew.data.images import Images
from askew.data.series import Series
from askew.data.tabular import Tabular
from askew.data.text import Text
from askew.data.windows import Windows

__all__ = [
    "DataType",
    "Fold",
    "Images",
    "Raw",
    "Series",
    "Tabular",
    "Text",
    "Windows",
    "TYPES",
    "guess",
]

TYPES = ("Images", "Series", "Tabular", "Text", "Windows")
"""Names of the data types."""


def guess(X: Raw) -> DataType:
    """Name the data type that raw input looks like.

    One or two axes, or anything with columns, is a table; a list of arrays, or three axes, is a
    set of series; four axes are images; a list or column of strings is texts.

    Example
    -------
    >>> import numpy as np
    >>> guess(np.zeros((5, 3)))
    Tabular()
    """
    if getattr(X, "ndim", None) == 4:
        return Images()
    if Text.looks_like(X):
        return Text()
    return Series() if getattr(X, "ndim", None) == 3 or Series.looks_like(X) else Tabular()

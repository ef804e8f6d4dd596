"""The data types, and which one raw input looks like."""

from __future__ import annotations

from askew.data.base import Batch, DataType, Fold, Raw
from askew.data.graphs import Graphs
from askew.data.images import Images
from askew.data.nodes import Nodes
from askew.data.series import Series
from askew.data.tabular import Tabular
from askew.data.text import Text
from askew.data.windows import Windows

__all__ = [
    "Batch",
    "DataType",
    "Fold",
    "Graphs",
    "Images",
    "Nodes",
    "Raw",
    "Series",
    "Tabular",
    "Text",
    "Windows",
    "TYPES",
    "guess",
]

TYPES = ("Graphs", "Images", "Nodes", "Series", "Tabular", "Text", "Windows")
"""Names of the data types."""


def guess(X: Raw) -> DataType:
    """Name the data type that raw input looks like.

    One or two axes, or anything with columns, is a table; a list of arrays, or three axes, is a
    set of series; four axes are images; a list or column of strings is texts; a list of graphs is
    what it is, and of a single graph the nodes are meant.

    Example
    -------
    >>> import numpy as np
    >>> guess(np.zeros((5, 3)))
    Tabular()
    """
    if Graphs.looks_like(X):
        return Graphs()
    if Nodes.looks_like(X):
        return Nodes()
    if getattr(X, "ndim", None) == 4:
        return Images()
    if Text.looks_like(X):
        return Text()
    return Series() if getattr(X, "ndim", None) == 3 or Series.looks_like(X) else Tabular()

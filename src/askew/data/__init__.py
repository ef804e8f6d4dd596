"""The data types, and which one raw input looks like."""

from __future__ import annotations

from os import PathLike

from askew.data.base import DataType, Fold, Raw
from askew.data.entries import Batch
from askew.data.graphs import Graphs
from askew.data.images import Images
from askew.data.nodes import Nodes
from askew.data.series import Series
from askew.data.tabular import Tabular
from askew.data.text import Text
from askew.data.windows import Windows
from askew.errors import InputError

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
    set of series; four axes, a folder, or a list of image files are images; a list or column of
    other strings is texts; a list of graphs is what it is, and of a single graph the nodes are
    meant.

    Raises
    ------
    InputError: the name of a file was given instead of what is in it.

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
    if Images.looks_like(X):
        return Images()
    if isinstance(X, (str, PathLike)):
        raise InputError(
            f"{str(X)!r} is no folder, and files are not opened here: read a table with pandas, or "
            "use the command askew."
        )
    if Text.looks_like(X):
        return Text()
    return Series() if getattr(X, "ndim", None) == 3 or Series.looks_like(X) else Tabular()

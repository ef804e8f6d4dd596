"""Series: many whole series, in a ``.ts`` file, a long table, arrays, or a table each."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from askew.cli.kinds.base import Kind, Part, as_truth, head
from askew.data import Series
from askew.data.base import DataType
from askew.data.long_table import ID_NAMES, TIME_NAMES
from askew.errors import InputError
from askew.files.arrays import load_arrays, main_array
from askew.files.series import read_series, tables_in

if TYPE_CHECKING:
    from askew.cli.source import Source


class SeriesFiles(Kind):
    """Files and folders of whole series."""

    def why(self, path: Path, id: str | None, time: str | None) -> str | None:
        """Claim folders of tables, ``.ts`` files, arrays with three axes, and long tables."""
        suffix = path.suffix.lower()
        if path.is_dir():
            return "a folder, one table a series"
        if suffix == ".ts":
            return "a .ts file"
        if suffix in (".npy", ".npz"):
            return arrays_of_series(path)
        pair = long_pair(path, id, time)
        if pair is None:
            return None
        return f"a long table: {pair[0]!r} repeats and {pair[1]!r} puts its rows in order"

    def data_type(self) -> DataType:
        """Return the data type, in the order in which `read_series` gives axes."""
        return Series(layout="time-first")

    def whole(self, source: Source, path: Path, *, labels: bool) -> Part:
        """Return all series."""
        # Where no labels are asked for, a long table's label column must still not become a
        # channel: it is named if the file has it.
        label = source.label if labels or source.has_labels(path) else None
        file = read_series(path, layout=source.layout, id=source.id, time=source.time, label=label)
        if labels and file.labels is None:
            raise InputError(f"{path.name} has no labels of series: leave --label out.")
        frames = [pd.DataFrame(values, columns=file.channels) for values in file.series]
        truth = as_truth(file.labels, source.label) if labels and file.labels is not None else None
        return Part(frames, np.array(file.ids, dtype=object), truth)

    def heads(self, source: Source, path: Path) -> list[pd.DataFrame]:
        """Return the first rows of a long table, or of a folder's first table."""
        if path.is_dir():
            return [head(table) for table in tables_in(path)[:1]]
        return [] if path.suffix.lower() in (".ts", ".npy", ".npz") else [head(path)]

    def describes(self, data: DataType) -> dict[str, Any] | None:
        """Take over how a data type made in Python names columns and axes."""
        if not isinstance(data, Series):
            return None
        return {"id": data.id, "time": data.time, "layout": data.layout}


def arrays_of_series(path: Path) -> str | None:
    """Say why an array file holds series, if it does."""
    arrays = load_arrays(path)
    if "lengths" in arrays:
        return "arrays with lengths"
    axes = main_array({name: a for name, a in arrays.items() if name != "y"}).ndim
    return f"an array with {axes} axes" if axes == 3 else None


def long_pair(path: Path, id: str | None, time: str | None) -> tuple[str, str] | None:
    """Return the columns that name series and time, where the first rows look like a long table.

    Both have usual names or are named by the user, and ids repeat: rows that each have an id of
    their own, and a time, are a plain table.
    """
    rows = head(path)
    ids = [c for c in rows.columns if c == id or (id is None and str(c).lower() in ID_NAMES)]
    times = [
        c for c in rows.columns if c == time or (time is None and str(c).lower() in TIME_NAMES)
    ]
    if ids and times and len(rows) > 2 * rows[ids[0]].nunique():
        return str(ids[0]), str(times[0])
    return None

"""Tables: one item a row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from askew.cli.kinds.base import Kind, Part, as_truth, column, head
from askew.data import Tabular
from askew.data.base import DataType
from askew.files.arrays import load_arrays, main_array
from askew.files.tables import chunks, codes, read_table

if TYPE_CHECKING:
    from askew.cli.source import Source


class TabularFiles(Kind):
    """CSV, TSV, Parquet, Feather, JSON lines, arrays with two axes."""

    def why(self, path: Path, id: str | None, time: str | None) -> str | None:
        """Take every table that nothing else claims."""
        if path.is_dir():
            return None
        if path.suffix.lower() in (".npy", ".npz"):
            arrays = load_arrays(path)
            axes = main_array({name: a for name, a in arrays.items() if name != "y"}).ndim
            return f"an array with {axes} axes"
        return "a table, one item a row"

    def data_type(self) -> DataType:
        """Return the data type."""
        return Tabular()

    def parts(self, source: Source, path: Path, *, labels: bool) -> Iterator[Part]:
        """Yield a bounded number of rows at a time."""
        first = 0
        for frame in chunks(path, verbatim=source.verbatim, words=words(source, path)):
            yield rows(source, frame, first, labels)
            first += len(frame)

    def whole(self, source: Source, path: Path, *, labels: bool) -> Part:
        """Return all rows."""
        return rows(source, read_table(path, source.verbatim, words(source, path)), 0, labels)

    def heads(self, source: Source, path: Path) -> list[pd.DataFrame]:
        """Return the first rows."""
        return [head(path)]


def words(source: Source, path: Path) -> Sequence[str]:
    """Return the columns to be read as words: those of the model, or those that hold codes."""
    return codes(path) if source.words is None else source.words


def rows(source: Source, frame: pd.DataFrame, first: int, labels: bool) -> Part:
    """Set ids and labels apart from the other columns; rows are numbered from ``first``."""
    frame = frame.set_axis(pd.RangeIndex(first, first + len(frame)), axis=0)
    truth = as_truth(column(frame, source.label, "label"), source.label) if labels else None
    named = source.id is not None and source.id in frame
    ids = frame[source.id].astype(str).to_numpy(dtype=object) if named else frame.index.to_numpy()
    apart = [name for name in (source.id, source.label) if name in frame]
    return Part(frame.drop(columns=apart), ids, truth)

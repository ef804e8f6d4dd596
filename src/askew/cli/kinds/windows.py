"""Windows: recordings, a table or array each, scored at every time step."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from askew.cli.kinds.base import Kind, Part, as_truth, column, head
from askew.data import Windows
from askew.data.base import DataType
from askew.data.long_table import check_no_missing
from askew.data.recording import CLOCK_NAMES, Stretch, clock_column, ticks_of
from askew.errors import InputError
from askew.files.series import TABLES, tables_in
from askew.files.tables import chunks, read_table

if TYPE_CHECKING:
    from askew.cli.source import Source

REPEATED = 0.5
"""Different ids a row, up to which they name recordings and not steps."""
SAFE = 200
"""Rows from which a table with a clock is taken for a recording unasked."""


class WindowFiles(Kind):
    """Tables with a row for each time step, and folders of such tables."""

    def why(self, path: Path, id: str | None, time: str | None) -> str | None:
        """Claim a table of numbers beside a clock that ticks evenly; nothing else is safe.

        Folders stay with whole series, and so do tables with a column of ids; rows at uneven
        times, such as orders or visits, are a plain table.
        """
        if path.is_dir() or path.suffix.lower() in (".ts", ".npy", ".npz") or id is not None:
            return None
        rows = head(path)
        names = [c for c in rows.columns if str(c).lower() in CLOCK_NAMES or c == time]
        if len(names) != 1 or len(rows) < SAFE or rows.shape[1] < 2:
            return None
        return f"{names[0]!r} ticks evenly beside numbers" if ticks(rows, names[0]) else None

    def data_type(self) -> DataType:
        """Return the data type."""
        return Windows()

    def whole(self, source: Source, path: Path, *, labels: bool) -> Part:
        """Return all recordings; each time step has its time for an id.

        Where most values of the column that --id names repeat, it says which recording a row is of.
        Steps then come recording by recording.
        """
        tables = tables_in(path) if path.is_dir() else [path]
        if not tables:
            raise InputError(
                f"The folder {path.name} has no tables ({', '.join(TABLES)}); expected one a "
                "recording. Name the folder that holds them."
            )
        read = [recordings(source, table, labels, prefixed=path.is_dir()) for table in tables]
        parts = [part for several in read for part in several]
        truths = [part.labels for part in parts if part.labels is not None]
        return Part(
            [part.items for part in parts],
            np.concatenate([part.ids for part in parts]),
            np.concatenate(truths) if truths else None,
        )

    def parts(self, source: Source, path: Path, *, labels: bool) -> Iterator[Part]:
        """Yield a long recording in stretches, so that memory does not grow with it.

        A folder, and a table of several recordings, are read whole.
        """
        if path.is_dir() or source.id is not None or not source.reach:
            yield self.whole(source, path, labels=labels)
            return
        for rows, first, before, count in stretches(chunks(path), source.reach):
            with named(path):
                whole = recording(source, rows, labels, "")
            inner = slice(before, before + count)
            truth = None if whole.labels is None else whole.labels[inner]
            yield Part(Stretch(whole.items, first), whole.ids[inner], truth, before)

    def heads(self, source: Source, path: Path) -> list[pd.DataFrame]:
        """Return the first rows of a table, or of a folder's first."""
        if path.is_dir():
            return [head(table) for table in tables_in(path)[:1]]
        return [head(path)]

    def describes(self, data: DataType) -> dict[str, Any] | None:
        """Take over how a data type made in Python names its clock."""
        return {"time": data.time} if isinstance(data, Windows) else None


def stretches(
    frames: Iterable[pd.DataFrame], reach: int
) -> Iterator[tuple[pd.DataFrame, int, int, int]]:
    """Cut a table that comes in parts into stretches that can be judged one by one.

    Yields
    ------
    Rows of a stretch; how many rows of the table come before them; how many of them were in the
    stretch before, or lie in reach of what comes first; and how many then count. Further ones only
    lie in reach.

    Example
    -------
    >>> table = pd.DataFrame({"heat": range(10)})
    >>> found = stretches([table[:6], table[6:]], reach=2)
    >>> [(rows["heat"].tolist(), first, before, count) for rows, first, before, count in found]
    [([0, 1, 2, 3, 4, 5], 0, 0, 4), ([2, 3, 4, 5, 6, 7, 8, 9], 2, 2, 6)]
    """
    held, first, done = pd.DataFrame(), 0, 0
    for frame in frames:
        ready = (first + len(held) - reach) // reach * reach  # of a table that goes on
        if ready > done:
            yield held, first, done - first, ready - done
            done, kept = ready, max(0, ready - reach)
            held, first = held.iloc[kept - first :], kept
        held = pd.concat([held, frame]) if len(held) else frame
    yield held, first, done - first, first + len(held) - done


def ticks(rows: pd.DataFrame, clock: str) -> bool:
    """Say whether a column is a clock that ticks evenly, and the others are numbers."""
    numbers = rows.drop(columns=[clock]).select_dtypes(["number", "bool"])
    if numbers.shape[1] < 0.8 * (rows.shape[1] - 1) or rows[clock].isna().any():
        return False
    try:
        steps = ticks_of(rows[clock])
    except InputError:
        return False
    return bool((steps > 0).all() and np.mean(np.isclose(steps, np.median(steps), rtol=0.1)) > 0.9)


def recordings(source: Source, path: Path, labels: bool, *, prefixed: bool) -> list[Part]:
    """Read the recordings of a table: one, or one for each id where most of them repeat."""
    frame, stem = read_table(path, source.verbatim), path.stem if prefixed else ""
    if source.id is not None and source.id not in frame:
        said = f"{path.name} has no column {source.id!r}: its rows are taken for one recording."
        warnings.warn(said, UserWarning, stacklevel=2)
    with named(path):
        return [
            recording(source, one, labels, " ".join(filter(None, [stem, name])))
            for name, one in by_name(frame, source.id)
        ]


@contextmanager
def named(path: Path) -> Iterator[None]:
    """Put a file's name before what is wrong with it."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{path.name}: {error}") from error


def by_name(frame: pd.DataFrame, id: str | None) -> list[tuple[str, pd.DataFrame]]:
    """Cut a table into its recordings, in the order in which they begin.

    Example
    -------
    >>> table = pd.DataFrame({"machine": ["a", "b", "a", "b"], "load": [1.0, 2.0, 3.0, 4.0]})
    >>> [(name, list(one["load"])) for name, one in by_name(table, "machine")]
    [('a', [1.0, 3.0]), ('b', [2.0, 4.0])]
    """
    if id is None or id not in frame or frame[id].nunique() > REPEATED * len(frame):
        return [("", frame)]
    check_no_missing(frame, [id])
    rows = frame.drop(columns=[id])
    return [(str(name), one) for name, one in rows.groupby(frame[id], sort=False)]


def recording(source: Source, frame: pd.DataFrame, labels: bool, name: str) -> Part:
    """Take one recording apart: labels and ids are set apart from its channels."""
    clock = clock_column(frame, source.time)
    truth = as_truth(column(frame, source.label, "label"), source.label) if labels else None
    named = source.id if source.id in frame else clock
    ids: NDArray[Any] = frame.index.to_numpy() if named is None else frame[named].to_numpy()
    if name:
        ids = np.array([f"{name} {one}" for one in ids], dtype=object)
    elif named is not None:
        ids = frame[named].astype(str).to_numpy(dtype=object)
    apart = [one for one in (source.id, source.label) if one in frame]
    return Part(frame.drop(columns=apart), ids, truth)

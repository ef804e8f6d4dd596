"""Files of whole series: long tables, folders with one table a series, NumPy arrays, ``.ts``."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from askew.data.long_table import ID_NAMES, TIME_NAMES, find_column, pack_long
from askew.data.numbers import as_numbers
from askew.data.packed import Packed, in_order
from askew.data.packing import LAYOUTS, pack_array
from askew.errors import InputError
from askew.files.arrays import load_arrays, main_array
from askew.files.series_file import SeriesFile
from askew.files.tables import chunks, read_table
from askew.files.ts import read_ts
from askew.parameters import check_known

TABLES = (".csv", ".tsv", ".parquet", ".feather", ".jsonl")
"""Files of a folder that hold one series each."""


def read_series(
    path: str | PathLike[str],
    *,
    layout: str | None = None,
    id: str | None = None,
    time: str | None = None,
    label: str | None = None,
) -> SeriesFile:
    """Read whole series from a ``.ts`` file, a long table, NumPy arrays or a folder of tables.

    Parameters
    ----------
    path: ``.ts`` of the UEA archive; a table with one row for each series and time; ``.npy`` or
        ``.npz`` with an array ``X`` of two or three axes, or with ``X (all steps, channels)`` and
        ``lengths``; a folder of tables, each a series named after its file.
    layout: "time-first" or "channels-first" for arrays of three axes, which cannot say themselves.
    id, time: columns of a long table, and ``time`` of a table in a folder; see `Series`.
    label: column that holds one label for each series; ``.ts`` and ``y`` of ``.npz`` need none.

    Raises ``InputError`` where the file is missing, damaged, or does not hold series.

    Example
    -------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "two.ts"
    ...     _ = path.write_text("@classLabel true a b\\n@data\\n1,2:3,4:a\\n5,?,6:7,8,9:b\\n")
    ...     file = read_series(path)
    >>> file.labels, [values.shape for values in file.series]
    (['a', 'b'], [(2, 2), (3, 2)])
    """
    path = Path(path)
    check_known(f"layout={layout!r}", layout, [*LAYOUTS, None])
    try:
        if path.is_dir():
            return read_folder(path, time, label)
        if path.suffix.lower() == ".ts":
            return read_ts(path)
        if path.suffix.lower() in (".npz", ".npy"):
            return read_arrays(path, layout)
        id = id or id_column(path)
        return from_long(read_table(path, [id]), id, time, label)
    except InputError as error:
        raise error if path.name in str(error) else InputError(f"{path.name}: {error}") from error


# Long tables, and folders of tables.


def id_column(path: Path) -> str:
    """Return the column of a long table that names its series, by its usual name."""
    return find_column(next(chunks(path, rows=1)), None, "id", ID_NAMES)


def from_long(
    frame: pd.DataFrame, id: str | None, time: str | None, label: str | None
) -> SeriesFile:
    """Take a long table apart; series keep the order in which they first appear."""
    id = find_column(frame, id, "id", ID_NAMES)
    values = frame if label is None else frame.drop(columns=find_column(frame, label, "label", ()))
    packed = pack_long(values, id, time)
    ids = [str(name) for name in frame[id].unique()]
    return from_packed(packed, ids, None if label is None else labels_of(frame, id, label))


def labels_of(frame: pd.DataFrame, id: str, label: str) -> list[str]:
    """Return the one label of each series.

    Raises ``InputError`` naming a series with several.
    """
    by_series = frame.groupby(id, sort=False)[label]
    several = by_series.nunique(dropna=False) > 1
    if several.any():
        raise InputError(
            f"Series {several.idxmax()!r} has more than one label in {label!r}; expected the same "
            "in all of its rows. For labels of single steps, leave the column out."
        )
    return [str(value) for value in by_series.agg(lambda rows: rows.iloc[0])]


def tables_in(folder: Path) -> list[Path]:
    """Return the tables of a folder in the order of their names."""
    found = (p for p in folder.iterdir() if p.suffix.lower() in TABLES and p.is_file())
    return sorted(p for p in found if not p.name.startswith("."))  # hidden ones are no data


def read_folder(folder: Path, time: str | None, label: str | None) -> SeriesFile:
    """Read each table of a folder as one series, in the order of the file names."""
    paths = tables_in(folder)
    if not paths:
        raise InputError(
            f"The folder {folder.name} has no tables ({', '.join(TABLES)}); expected one a series. "
            "Name the folder that holds them."
        )
    files = [read_one(path, time, label) for path in paths]
    first = files[0].channels
    for path, file in zip(paths, files, strict=True):
        if sorted(file.channels) != sorted(first):
            raise InputError(
                f"{path.name} has the channels {file.channels} but {paths[0].name} has {first}; "
                "expected the same in every file. Rename or drop columns."
            )
    series = [in_order(file.series[0], file.channels, first) for file in files]
    labels = None if label is None else [one for file in files for one in file.labels or []]
    return SeriesFile(series, [path.stem for path in paths], labels, first)


def read_one(path: Path, time: str | None, label: str | None) -> SeriesFile:
    """Read one series from a table: its rows are steps, sorted by the time if there is one."""
    frame = read_table(path)
    timed = time is not None or any(str(name).lower() in TIME_NAMES for name in frame.columns)
    frame = frame.assign(**{"(series)": path.stem})
    if not timed:
        frame, time = frame.assign(**{"(step)": range(len(frame))}), "(step)"
    try:
        return from_long(frame, "(series)", time, label)
    except InputError as error:
        raise InputError(f"{path.name}: {error}") from error


def from_packed(packed: Packed, ids: Sequence[str], labels: list[str] | None) -> SeriesFile:
    """Cut packed steps into series.

    Raises ``InputError`` where there is none.
    """
    if not len(packed.lengths):
        raise InputError("Found no series: expected at least one. Give a file that is not empty.")
    channels = [packed.channel(i) for i in range(packed.values.shape[1])]
    return SeriesFile(np.split(packed.values, packed.starts[1:]), list(ids), labels, channels)


# NumPy arrays.


def read_arrays(path: Path, layout: str | None) -> SeriesFile:
    """Read ``.npy`` or ``.npz`` without pickle; series are named by their position."""
    arrays = load_arrays(path)
    lengths = arrays.pop("lengths", arrays.pop("len", None))
    labels = arrays.pop("y", None)
    values = as_numbers(main_array(arrays), "The array")
    packed = pack_array(values, layout) if lengths is None else pack_ragged(values, lengths)
    if labels is not None and labels.shape != packed.lengths.shape:
        raise InputError(
            f"y has the shape {labels.shape} for {len(packed.lengths)} series; expected one label "
            "for each. Correct or leave out y."
        )
    ids = [str(i) for i in range(len(packed.lengths))]
    return from_packed(packed, ids, None if labels is None else [str(one) for one in labels])


def pack_ragged(values: NDArray[np.float64], lengths: NDArray[Any]) -> Packed:
    """Pair steps that stand one after the other with the lengths of their series."""
    values = values[:, None] if values.ndim == 1 else values
    whole = lengths.dtype.kind in "iu" and lengths.ndim == 1 and (lengths > 0).all()
    if not whole or values.ndim != 2 or lengths.sum() != len(values):
        raise InputError(
            f"X has the shape {values.shape} and lengths sum to {lengths.sum()}; expected X "
            "(all steps, channels) and positive whole lengths that sum to its steps. Correct one."
        )
    return Packed(values, lengths.astype(np.intp))

"""What a user calls DATA: which file it is, and which of its columns only name or label items."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from askew.cli.failures import say
from askew.data import Series, Tabular
from askew.data.base import DataType, Raw
from askew.data.packed import ID_NAMES, TIME_NAMES
from askew.errors import InputError
from askew.read import chunks, read_table
from askew.read_series import TABLES, load_arrays, main_array, read_series

if TYPE_CHECKING:
    from askew.detector import Detector

TYPES = ("tabular", "series")

LABELS = {
    "0": 0,
    "0.0": 0,
    "false": 0,
    "normal": 0,
    "1": 1,
    "1.0": 1,
    "true": 1,
    "anomaly": 1,
}
"""What a label column may say, in small letters: 0 is normal, 1 is an anomaly."""


@dataclass(frozen=True)
class Part:
    """Some items of a file, apart from what names and labels them.

    Attributes
    ----------
    items: raw, as the data type takes them.
    ids: what the user calls them; row numbers from 0 where nothing else names them, ``(n,)``.
    labels: 0 normal, 1 anomalous, ``(n,)``; None where none were asked for.
    """

    items: Raw
    ids: NDArray[Any]
    labels: NDArray[np.int64] | None

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, kw_only=True)
class Source:
    """How files of one model are read: the same way when it is fitted and when it scores.

    ``askew fit`` keeps it with the model as ``source_``, a plain dictionary of these fields, so
    that nobody has to name the columns again.

    Attributes
    ----------
    type: ``"tabular"`` or ``"series"``.
    id: column that names items; in a long table the one that names series.
    label: column with the truth about items, never learned from.
    time, layout: of series; see `askew.data.Series`.
    name: of the file the model was fitted on.
    fitted: when, and by which version of askew.
    """

    type: str
    id: str | None = None
    label: str | None = None
    time: str | None = None
    layout: str | None = None
    name: str = ""
    fitted: str = ""

    @classmethod
    def of(cls, detector: Detector) -> Self:
        """Return how a model's files are read; one fitted in Python is asked for its data type."""
        kept = getattr(detector, "source_", None)
        if kept is not None:
            return cls(**kept)
        data = detector.data_
        if isinstance(data, Series):
            return cls(type="series", id=data.id, time=data.time, layout=data.layout)
        return cls(type="tabular")

    def keep(self, detector: Detector) -> None:
        """Leave it with a detector, to be saved as ``source_``."""
        setattr(detector, "source_", asdict(self))  # noqa: B010 (a fact of this command line)

    def labelled(self, label: str | None) -> Self:
        """Return the same source with another label column, where one is named."""
        return self if label is None else replace(self, label=label)

    def data_type(self) -> DataType:
        """Return the data type for such files, not fitted yet."""
        if self.type == "tabular":
            return Tabular()
        return Series(layout="time-first")  # the order in which `read_series` gives axes

    def parts(self, path: Path, *, labels: bool = False) -> Iterator[Part]:
        """Yield a file in parts of bounded size; all series at once.

        Parameters
        ----------
        path: of the file.
        labels: whether the label column must be there, to be returned.

        Raises
        ------
        InputError: the file or one of its columns is not what it should be.
        """
        if self.type == "series":
            yield self._series(path, labels)
            return
        first = 0
        for frame in chunks(path):
            yield self._table(frame, first, labels)
            first += len(frame)

    def whole(self, path: Path, *, labels: bool = False) -> Part:
        """Return all items of a file; see `parts`."""
        if self.type == "series":
            return self._series(path, labels)
        return self._table(read_table(path), 0, labels)

    def _series(self, path: Path, labels: bool) -> Part:
        # Where no labels are asked for, a long table's label column must still not become a
        # channel: it is named if the file has it.
        label = self.label if labels or self.has_labels(path) else None
        file = read_series(path, layout=self.layout, id=self.id, time=self.time, label=label)
        if labels and file.labels is None:
            raise InputError(f"{path.name} has no labels of series: leave --label out.")
        frames = [pd.DataFrame(values, columns=file.channels) for values in file.series]
        truth = as_truth(file.labels, self.label) if labels and file.labels is not None else None
        return Part(frames, np.array(file.ids, dtype=object), truth)

    def heads(self, path: Path) -> list[pd.DataFrame]:
        """Return the first rows where columns have names: of a file, or a folder's first."""
        if path.is_dir():
            return [head(table) for table in sorted(path.iterdir()) if table.suffix in TABLES][:1]
        nameless = self.type == "series" and path.suffix.lower() in (".ts", ".npy", ".npz")
        return [] if nameless else [head(path)]

    def has_labels(self, path: Path) -> bool:
        """Say whether a file has the label column, where there is one."""
        return self.label is not None and any(self.label in frame for frame in self.heads(path))

    def _table(self, frame: pd.DataFrame, first: int, labels: bool) -> Part:
        frame = frame.set_axis(pd.RangeIndex(first, first + len(frame)), axis=0)
        truth = as_truth(column(frame, self.label, "label"), self.label) if labels else None
        named = self.id is not None and self.id in frame
        ids = frame[self.id].astype(str).to_numpy(dtype=object) if named else frame.index.to_numpy()
        apart = [name for name in (self.id, self.label) if name in frame]
        return Part(frame.drop(columns=apart), ids, truth)


def column(frame: pd.DataFrame, name: str | None, role: str) -> pd.Series[Any]:
    """Return a column that the user named.

    Raises
    ------
    InputError: no column was named, or the table does not have it.
    """
    if name is None or name not in frame:
        known = ", ".join(map(str, frame.columns[:20]))
        raise InputError(
            f"There is no column {name!r} for --{role}: the file has {known}"
            f"{', ...' if frame.shape[1] > 20 else ''}."
        )
    found: pd.Series[Any] = frame[name]
    return found


def as_truth(values: Any, name: str | None) -> NDArray[np.int64]:
    """Return labels as 0 normal and 1 anomalous, ``(n,)``.

    Raises
    ------
    InputError: a label says something else, or nothing.

    Example
    -------
    >>> as_truth(["normal", "Anomaly", 0, True], "label").tolist()
    [0, 1, 0, 1]
    """
    said = pd.Series(values, dtype=object).map(lambda value: str(value).strip().lower())
    truth = said.map(LABELS)
    unknown = truth.isna().to_numpy()
    if unknown.any():
        found = str(list(values)[int(unknown.argmax())])
        raise InputError(
            f"Label {found!r} in {name!r} is not known: expected "
            "0, false or normal, and 1, true or anomaly. Replace the others, or leave --label out."
        )
    return np.asarray(truth, dtype=np.int64)


def guess(path: Path, id: str | None, time: str | None) -> str:
    """Return the type a file seems to have, and say why on stderr.

    Example
    -------
    >>> guess(Path("recordings.ts"), None, None)
    'series'
    """
    kind, why = _guess(path, id, time)
    other = next(name for name in TYPES if name != kind)
    say(f"{path.name}: read as {kind} ({why}); if it is not, give --type {other}")
    return kind


def _guess(path: Path, id: str | None, time: str | None) -> tuple[str, str]:
    suffix = path.suffix.lower()
    if path.is_dir():
        return "series", "a folder, one table a series"
    if suffix == ".ts":
        return "series", "a .ts file"
    if suffix in (".npy", ".npz"):
        return _guess_arrays(path)
    pair = long_pair(path, id, time)
    if pair is not None:
        return "series", f"a long table: {pair[0]!r} repeats and {pair[1]!r} puts its rows in order"
    return "tabular", "a table, one item a row"


def _guess_arrays(path: Path) -> tuple[str, str]:
    arrays = load_arrays(path)
    if "lengths" in arrays:
        return "series", "arrays with lengths"
    axes = main_array({name: a for name, a in arrays.items() if name != "y"}).ndim
    return ("series" if axes == 3 else "tabular"), f"an array with {axes} axes"


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


def head(path: Path) -> pd.DataFrame:
    """Return the first rows of a table file."""
    return next(chunks(path, rows=1000), pd.DataFrame())

"""What the command line needs to know of a type of data: how its files look and are read."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from askew.data.base import DataType, Raw
from askew.errors import InputError
from askew.files.tables import chunks

if TYPE_CHECKING:
    from askew.cli.source import Source

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
    before: scores of ``items`` before the first that counts; there may be further ones at the end.
    """

    items: Raw
    ids: NDArray[Any]
    labels: NDArray[np.int64] | None
    before: int = 0

    def __len__(self) -> int:
        return len(self.ids)

    def inner(self, scores: NDArray[Any]) -> NDArray[Any]:
        """Return those of the scores of ``items`` that count, ``(n,)``."""
        return scores[self.before : self.before + len(self)]


class Kind(ABC):
    """A type of data, as its files are."""

    @abstractmethod
    def why(self, path: Path, id: str | None, time: str | None) -> str | None:
        """Say what makes a file look like this type; None where it does not."""

    @abstractmethod
    def data_type(self) -> DataType:
        """Return the data type for such files, not fitted yet."""

    @abstractmethod
    def whole(self, source: Source, path: Path, *, labels: bool) -> Part:
        """Return all items of a file, with the truth about them where ``labels`` asks for it."""

    def parts(self, source: Source, path: Path, *, labels: bool) -> Iterator[Part]:
        """Yield a file in parts of bounded size; all of it at once unless a kind can do better."""
        yield self.whole(source, path, labels=labels)

    def heads(self, source: Source, path: Path) -> list[pd.DataFrame]:
        """Return the first rows where columns have names: of a file, or a folder's first."""
        return []

    def describes(self, data: DataType) -> dict[str, Any] | None:
        """Return how a source names what a data type fitted in Python reads; None: not its own."""
        return {} if type(data) is type(self.data_type()) else None


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
        found = list(values)[int(unknown.argmax())]
        shown = "An empty label" if pd.isna(found) else f"Label {str(found)!r}"
        raise InputError(
            f"{shown} in {name!r} is not known: expected "
            "0, false or normal, and 1, true or anomaly. Replace the others, or leave --label out."
        )
    return np.asarray(truth, dtype=np.int64)


def head(path: Path) -> pd.DataFrame:
    """Return the first rows of a table file."""
    return next(chunks(path, rows=1000), pd.DataFrame())

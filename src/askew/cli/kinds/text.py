"""Texts: one a line of a ``.txt`` file, or one a row of a table with a column of texts."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unicodedata import category

import numpy as np
import pandas as pd

from askew.cli.kinds.base import Kind, Part, as_truth, column, head
from askew.data import Text
from askew.data.base import DataType
from askew.errors import InputError
from askew.files.tables import chunks
from askew.wording import count_of

if TYPE_CHECKING:
    from askew.cli.source import Source

TEXT_NAMES = ("text", "texts", "message", "sentence", "document", "body")
"""Names under which a column of texts is looked for, best first."""

LONG = 20
"""Letters from which, on average, strings are texts and no categories."""

LINES = 4096
"""Lines of a ``.txt`` file, or rows of a table, in one part."""


class TextFiles(Kind):
    """Files of texts."""

    def why(self, path: Path, id: str | None, time: str | None) -> str | None:
        """Claim ``.txt`` files of words, and tables whose one column is long strings."""
        if path.is_dir() or path.suffix.lower() in (".npy", ".npz", ".ts"):
            return None
        if path.suffix.lower() == ".txt":
            return "one text a line" if wordy(next(lines(path, 100), [])) else None
        rows = head(path)
        apart = [name for name in (id, "label") if name in rows]
        found = rows.drop(columns=apart)
        if found.shape[1] != 1 or not is_text(found.iloc[:, 0]):
            return None
        return f"a table with one column of texts, {found.columns[0]!r}"

    def data_type(self) -> DataType:
        """Return the data type."""
        return Text()

    def parts(self, source: Source, path: Path, *, labels: bool) -> Iterator[Part]:
        """Yield a bounded number of lines or rows at a time; empty lines are no texts."""
        if path.suffix.lower() == ".txt":
            yield from line_parts(path, labels)
            return
        first = 0
        for frame in chunks(path, rows=LINES, verbatim=source.verbatim):
            yield rows(source, frame, first, labels)
            first += len(frame)

    def whole(self, source: Source, path: Path, *, labels: bool) -> Part:
        """Return all texts."""
        parts = list(self.parts(source, path, labels=labels))
        if not parts:
            raise InputError(f"{path} has no texts: give a file with at least two.")
        truths = [part.labels for part in parts if part.labels is not None]
        return Part(
            [text for part in parts for text in part.items],
            np.concatenate([part.ids for part in parts]),
            np.concatenate(truths) if truths else None,
        )

    def describes(self, data: DataType) -> dict[str, Any] | None:
        """Take over which column a data type made in Python looks at."""
        return {"column": data.column} if isinstance(data, Text) else None

    def heads(self, source: Source, path: Path) -> list[pd.DataFrame]:
        """Return the first rows of a table."""
        return [] if path.suffix.lower() == ".txt" else [head(path)]


def lines(path: Path, most: int) -> Iterator[list[str]]:
    """Yield the lines of a text file, ``most`` at a time."""
    part: list[str] = []
    try:
        with path.open(encoding="utf-8-sig") as file:
            for line in file:
                part.append(line.rstrip("\n"))
                if len(part) == most:
                    yield part
                    part = []
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 text ({error}): save it as UTF-8.") from error
    if part:
        yield part


def wordy(part: list[str]) -> bool:
    """Say whether lines are sentences rather than rows of numbers.

    Example
    -------
    >>> wordy(["The pump is leaking again."]), wordy(["1.5 2.5 3", "4 5 6"]), wordy(["red,no"])
    (True, False, False)
    """
    words = "\n".join(part).split()
    written = sum(any(letter.isalpha() for letter in word) for word in words)
    filled = sum(bool(line.strip()) for line in part)
    return written > 0.5 * len(words) and len(words) >= 3 * filled


def line_parts(path: Path, labels: bool) -> Iterator[Part]:
    """Yield the lines that are not empty; an id is the number of the line, from 0."""
    if labels:
        raise InputError(f"{path.name} has one text a line and no labels: leave --label out.")
    first = 0
    for part in lines(path, LINES):
        kept = [i for i, line in enumerate(part) if not blank(line)]
        if kept:
            yield Part([part[i] for i in kept], first + np.array(kept), None)
        first += len(part)


def rows(source: Source, frame: pd.DataFrame, first: int, labels: bool) -> Part:
    """Set the column of texts, ids and labels apart; rows are numbered from ``first``."""
    truth = as_truth(column(frame, source.label, "label"), source.label) if labels else None
    named = source.id is not None and source.id in frame
    numbers = np.arange(first, first + len(frame))
    ids = frame[source.id].astype(str).to_numpy(dtype=object) if named else numbers
    found = frame[text_column(frame, source)]
    missing = found.isna().to_numpy() | np.array([blank(str(text)) for text in found], dtype=bool)
    if missing.any():
        row, there = ids[int(missing.argmax())], ~missing
        if source.unreadable != "skip":
            raise InputError(
                f"Row {row} has no text in {found.name!r}: leave such rows out with "
                "--skip-unreadable."
            )
        told = f"{count_of(missing.sum(), 'row')} without text left out, the first: {row}."
        warnings.warn(told, stacklevel=2)
        found, ids = found[there], ids[there]
        truth = None if truth is None else truth[there]
    return Part(found.astype(str).tolist(), ids, truth)


def blank(text: str) -> bool:
    """Say whether a text is made of spaces and of marks that control how others are shown.

    Example
    -------
    >>> blank(" \\u200b"), blank("...")
    (True, False)
    """
    return all(letter.isspace() or category(letter) in ("Cc", "Cf", "Cs") for letter in text)


def text_column(frame: pd.DataFrame, source: Source) -> str:
    """Return the name of the column of texts.

    Raises
    ------
    InputError: none has a usual name, and there are several or none that could be it.
    """
    others = [str(name) for name in frame.columns if name not in (source.id, source.label)]
    if source.column is not None:
        column(frame, source.column, "set data__column")  # must be there
        return source.column
    usual = [name for known in TEXT_NAMES for name in others if name.lower() == known]
    likely = usual[:1] or [name for name in others if is_text(frame[name])]
    if len(likely) == 1:
        return likely[0]
    raise InputError(
        f"Which column holds the texts? The file has {', '.join(others[:20])}: name it with "
        "--set data__column=NAME."
    )


def is_text(values: pd.Series[str]) -> bool:
    """Say whether a column holds strings too long to be categories.

    Example
    -------
    >>> is_text(pd.Series(["red", "blue"])), is_text(pd.Series(["The pump is leaking again."]))
    (False, True)
    """
    there = values.dropna()
    strings = len(there) > 0 and all(isinstance(value, str) for value in there)
    return strings and float(there.str.len().mean()) >= LONG

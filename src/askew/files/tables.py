"""Files of tables: whole as one DataFrame, or streamed a bounded number of rows at a time."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from askew.errors import InputError
from askew.files import arrays, arrow, records, separated
from askew.files.opening import PACKED, existing, explained, no_rows, suffix

ROWS = 65_536
"""Rows of a chunk, unless told otherwise."""


def read_table(
    path: str | os.PathLike[str], verbatim: Sequence[str] = (), words: Sequence[str] = ()
) -> pd.DataFrame:
    """Read a table as people have it, by the end of its name.

    ``.csv``, ``.tsv``, ``.txt`` (separator and decimal comma found by looking), ``.jsonl``,
    ``.ndjson``, ``.json`` (records, or one a line), each also packed as ``.gz``, ``.bz2``, ``.xz``
    or ``.zip``;
    ``.parquet``, ``.feather``; ``.npy``, ``.npz`` (one array with two axes, or ``X`` and perhaps
    ``y``, which becomes the column ``label``). Text without a header line, and arrays, get the
    names ``column_0``, ``column_1`` and so on. Nothing in a file is ever executed.

    Parameters
    ----------
    path: of the file.
    verbatim: columns, ids say, whose cells stay as they are written: ``007`` is no number there.
        Of text with separators; the other formats say themselves what is text.
    words: columns that hold no numbers, whatever their cells look like: ``007`` stays, but ``NA``
        and an empty cell are missing. Of text with separators, too; see `codes`.

    Raises
    ------
    InputError: the file is missing, empty, cut off, damaged or of an unknown kind.

    Example
    -------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "two.csv"
    ...     _ = path.write_text("size,color\\n1,red\\n2,blue\\n")
    ...     read_table(path)
       size color
    0     1   red
    1     2  blue
    """
    path = existing(path)
    with explained(path):
        table = _format(path, verbatim, words).whole(path)
    if table.empty:
        raise InputError(no_rows(path))
    return table


def chunks(
    path: str | os.PathLike[str],
    rows: int = ROWS,
    verbatim: Sequence[str] = (),
    words: Sequence[str] = (),
) -> Iterator[pd.DataFrame]:
    """Yield a file's table in parts of at most ``rows`` rows, labelled on from part to part.

    Text, JSON lines, Parquet, Feather and ``.npy`` are streamed, so memory does not grow with the
    file; ``.npz`` and a ``.json`` list are read whole first. Types of columns are those of each
    part: a part whose numbers are all whole has integers. For ``verbatim`` and ``words`` see
    `read_table`.

    Raises
    ------
    InputError: as `read_table`; damage further down only when the reader gets there.

    Example
    -------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "five.csv"
    ...     _ = path.write_text("size\\n1\\n2\\n3\\n4\\n5\\n")
    ...     [len(part) for part in chunks(path, rows=2)]
    [2, 2, 1]
    """
    if rows < 1:
        raise InputError(f"rows={rows}: a chunk needs at least 1 row.")
    path = existing(path)
    found = False
    with explained(path):
        for part in _format(path, verbatim, words).parts(path, rows):
            found = True
            yield part
    if not found:
        raise InputError(no_rows(path))


def codes(path: str | os.PathLike[str]) -> list[str]:
    """Return the columns that hold codes, digits with a spare zero before them: words, not numbers.

    Of text with separators; the other formats say themselves what is text. The first 65,536 rows
    are looked at.

    Raises
    ------
    InputError: as `read_table`.

    Example
    -------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "two.csv"
    ...     _ = path.write_text("size,zip\\n1,01067\\n2,10115\\n")
    ...     codes(path)
    ['zip']
    """
    path = existing(path)
    with explained(path):
        return separated.codes(path) if FORMATS.get(suffix(path)) is TEXT else []


def count_rows(path: str | os.PathLike[str]) -> int:
    """Return the number of rows, without reading their values where the file allows it.

    Parquet and NumPy files say it at once; text is run through, keeping one column.

    Raises
    ------
    InputError: as `read_table`.

    Example
    -------
    >>> import tempfile
    >>> import numpy as np
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "three.npy"
    ...     np.save(path, np.zeros((3, 2)))
    ...     count_rows(path)
    3
    """
    path = existing(path)
    with explained(path):
        return _format(path).count(path)


class Format(NamedTuple):
    """How one kind of file is read whole, in parts, and counted."""

    whole: Callable[[Path], pd.DataFrame]
    parts: Callable[[Path, int], Iterator[pd.DataFrame]]
    count: Callable[[Path], int]


TEXT = Format(separated.whole, separated.parts_of, separated.count)
JSON = Format(records.whole, records.parts_of, records.count)
FORMATS: Mapping[str, Format] = {
    ".csv": TEXT,
    ".tsv": TEXT,
    ".txt": TEXT,
    ".jsonl": JSON,
    ".ndjson": JSON,
    ".json": JSON,
    ".parquet": Format(arrow.parquet_whole, arrow.parquet_parts, arrow.parquet_count),
    ".feather": Format(arrow.feather_whole, arrow.feather_parts, arrow.feather_count),
    ".npy": Format(arrays.npy_whole, arrays.npy_parts, arrays.npy_count),
    ".npz": Format(arrays.npz_whole, arrays.npz_parts, arrays.npz_count),
}
"""The kinds of file, by the end of the name."""


def _format(path: Path, verbatim: Sequence[str] = (), words: Sequence[str] = ()) -> Format:
    end = suffix(path)
    if end not in FORMATS:
        raise InputError(
            f"{path} ends in {end or 'nothing'!r}, which says no known kind of table: use one "
            f"of {', '.join(FORMATS)}; text and JSON also with {', '.join(PACKED)}."
        )
    if path.suffix.lower() in PACKED and FORMATS[end] not in (TEXT, JSON):
        raise InputError(f"{path} is packed, which {end} files do not need: unpack it first.")
    if FORMATS[end] is TEXT:
        return TEXT._replace(
            whole=partial(separated.whole, verbatim=verbatim, words=words),
            parts=partial(separated.parts_of, verbatim=verbatim, words=words),
        )
    return FORMATS[end]

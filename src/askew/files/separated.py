"""Text with separators: what separates the values is found by looking."""

from __future__ import annotations

import csv
import itertools
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple

import pandas as pd

from askew.errors import InputError
from askew.files.opening import PACKED, no_rows, open_text, suffix

SEPARATORS = ",;\t| "
"""What may stand between the values of a line, most usual first."""
LOOK = 20
"""Lines looked at to find the separator and the header."""
NUMBER = re.compile(r"\s*[+-]?(\d+[.,]?\d*|[.,]\d+)(e[+-]?\d+)?\s*", re.IGNORECASE)
"""What is taken for a number when looking, with a point or a comma before its fraction."""
MARK = "="
"""Stands before cells that are to stay as they are written, while pandas reads them."""
COUNTED = 65_536
"""Rows looked at together, to count them."""


class Layout(NamedTuple):
    """How a text file separates its values, and where its names are.

    names: those of columns without a header line, or None.
    labels: the position of a column of row labels (one without a name, as pandas writes), or None.
    decimal: what stands before the fraction of a number: a point, or a comma.
    """

    separator: str
    names: list[str] | None
    labels: int | None
    decimal: str


def _layout(path: Path) -> Layout:
    """Look at the first lines for the separator, the header and row labels."""
    with open_text(path) as file:
        lines = [line for line in itertools.islice(file, LOOK) if line.strip()]
    if not lines:
        raise InputError(no_rows(path))
    separator = "\t" if suffix(path) == ".tsv" else _separator(lines)
    decimal = _decimal(lines, separator)
    header = next(csv.reader(lines[:1], delimiter=separator))
    if _is_data([value.replace(decimal, ".") for value in header]):
        return Layout(separator, [f"column_{i}" for i in range(len(header))], None, decimal)
    labelled = len(header) > 1 and not header[0].strip() and all(header[1:])
    return Layout(separator, None, 0 if labelled else None, decimal)


def _separator(lines: list[str]) -> str:
    """Return the separator that cuts all lines into equally many values, more than one.

    Where several do, ``1,5;2,5`` say, the one that leaves nothing but numbers.
    """
    cut = {separator: _cut(lines, separator) for separator in SEPARATORS}
    even = {
        separator: all(NUMBER.fullmatch(value) for row in rows for value in row)
        for separator, rows in cut.items()
        if len({len(row) for row in rows}) == 1 and len(rows[0]) > 1
    }
    if even:
        return max(even, key=lambda separator: even[separator])  # on a draw the most usual
    return max(",;\t|", key=lines[0].count)  # on a draw the first: a comma


def _cut(lines: list[str], separator: str) -> list[list[str]]:
    """Return the values of lines; none where one is too long to be a value of any table."""
    try:
        return [row for row in csv.reader(lines, delimiter=separator) if row]
    except csv.Error:
        return []


def _decimal(lines: list[str], separator: str) -> str:
    """Return a comma where numbers are written with one, and none with a point: ``23,6;52,0``."""
    cells = [cell.strip() for row in csv.reader(lines, delimiter=separator) for cell in row]
    commas = any(re.fullmatch(r"[+-]?\d+,\d+", cell) for cell in cells)
    points = any(re.fullmatch(r"[+-]?\d+\.\d+", cell) for cell in cells)
    return "," if commas and not points and separator != "," else "."


def _is_data(header: list[str]) -> bool:
    """Whether the first line is already data: all numbers, and not just 0, 1, 2, ... as names."""
    try:
        numbers = [float(value) for value in header]
    except ValueError:
        return False
    return len(numbers) < 2 or numbers != list(range(len(numbers)))


def _parse(path: Path, file: IO[str], **options: Any) -> Any:
    """Return what pandas reads: a DataFrame, or with ``chunksize`` a context of many."""
    layout = _layout(path)
    _refuse_cut_line(path, layout)
    read: Any = pd.read_csv
    return read(
        file,
        sep=layout.separator,
        header=None if layout.names else 0,
        names=layout.names,
        index_col=layout.labels,
        decimal=layout.decimal,
        skipinitialspace=True,
        low_memory=False,
        **options,
    )


def _refuse_cut_line(path: Path, layout: Layout) -> None:
    """A last line that is too short and has no end is a file cut off; pandas would fill it up."""
    if path.suffix.lower() in PACKED:
        return  # these notice it themselves
    with path.open("rb") as file:
        first = file.readline()
        file.seek(-min(path.stat().st_size, 2**16), os.SEEK_END)
        tail = file.read()
    last = tail.rsplit(b"\n", 1)[-1]
    if last.strip() and b'"' not in tail and b"\n" in tail:
        separator = layout.separator.encode()
        if last.count(separator) < first.count(separator):
            raise InputError(
                f"{path} is cut off: its last line has {last.count(separator) + 1} values and no "
                f"end, its first {first.count(separator) + 1}. Write or copy it again."
            )


def _marked(cell: str) -> str:
    """Return a cell as it is written; marked, because pandas would take ``NA`` for nothing."""
    return MARK + cell.strip()


def _unmarked(table: pd.DataFrame, verbatim: Sequence[str]) -> pd.DataFrame:
    """Return the table with the cells of these columns as they are written, empty ones missing."""
    for name in set(verbatim) & set(table.columns):
        cells = [cell.removeprefix(MARK) for cell in table[name]]
        table[name] = pd.Series([cell or None for cell in cells], index=table.index, dtype="str")
    return table


def whole(path: Path, verbatim: Sequence[str] = ()) -> pd.DataFrame:
    """Return all of a file's table; cells of ``verbatim`` columns as they are written."""
    with open_text(path) as file:
        table: pd.DataFrame = _parse(path, file, converters=dict.fromkeys(verbatim, _marked))
        return _unmarked(table, verbatim)


def parts_of(path: Path, rows: int, verbatim: Sequence[str] = ()) -> Iterator[pd.DataFrame]:
    """Yield a file's table in parts of at most ``rows`` rows."""
    options = {"chunksize": rows, "converters": dict.fromkeys(verbatim, _marked)}
    with open_text(path) as file, _parse(path, file, **options) as parts:
        yield from (_unmarked(part, verbatim) for part in parts if len(part))


def count(path: Path) -> int:
    """Return the number of rows."""
    with open_text(path) as file, _parse(path, file, chunksize=COUNTED, usecols=[0]) as parts:
        return sum(len(part) for part in parts)

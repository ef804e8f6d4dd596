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
from pandas.api.types import is_numeric_dtype

from askew.errors import InputError
from askew.files.opening import PACKED, no_rows, open_text, suffix
from askew.wording import count_of

SEPARATORS = ",;\t| "
"""What may stand between the values of a line, most usual first."""
LOOK = 20
"""Lines looked at to find the separator and the header."""
LOOK_FOR_COMMAS = 1000
"""Lines looked at to find what stands before fractions: numbers may be whole for a while."""
NUMBER = re.compile(r"\s*[+-]?(\d+[.,]?\d*|[.,]\d+)(e[+-]?\d+)?\s*", re.IGNORECASE)
"""What is taken for a number when looking, with a point or a comma before its fraction."""
SAID = re.compile(r"sep=(.)", re.IGNORECASE)
"""A line above the header that says the separator, as Excel reads it."""
WITH_COMMA = re.compile(r"[+-]?\d+,\d+")
WITH_POINT = re.compile(r"[+-]?\d+\.\d+")
NUMBER_WITH_POINT = r"[+-]?\d+(?:\.\d+)?"
IN_GROUPS = r"[+-]?\d{1,3}(?:\.\d{3})*(?:,\d+)?"
"""Numbers with a decimal comma and points between thousands."""
CODE = r"[+-]?0\d+"
"""Digits with a spare zero before them: a code, and no number."""
SPARE = "(after the last separator)"
"""What the column is called that lines make which end in a separator."""
MARK = "="
"""Stands before cells that are to stay as they are written, while pandas reads them."""
COUNTED = 65_536
"""Rows looked at together, to count them."""


class Layout(NamedTuple):
    """How a text file separates its values, and where its names are.

    width: names in the header, or values in the first line where there is none.
    names: those of columns without a header line, or None.
    labels: the position of a column of row labels (one without a name, as pandas writes), or None.
    decimal: what stands before the fraction of a number: a point, or a comma.
    skipped: lines above the header.
    trailing: whether lines of values end in a separator, after which nothing comes.
    """

    separator: str
    width: int
    names: list[str] | None
    labels: int | None
    decimal: str
    skipped: int
    trailing: bool


def _layout(path: Path) -> Layout:
    """Look at the first lines for the separator, the header and row labels."""
    with open_text(path) as file:
        read = list(itertools.islice(file, LOOK_FOR_COMMAS))
    lines = [line for line in read if line.strip()]
    if not lines:
        raise InputError(no_rows(path))
    said = SAID.fullmatch(lines[0].strip())
    skipped = read.index(lines[0]) + 1 if said else 0
    lines = lines[1:] if said else lines
    first = lines[:LOOK]
    guess = "\t" if suffix(path) == ".tsv" else _separator(first)
    separator = said[1] if said else guess
    decimal = _decimal(lines, separator)
    header, *rows = _cut(first, separator) or [[]]
    trailing = _trailing(path, header, rows)
    unnamed = _is_data([value.replace(decimal, ".") for value in header])
    labelled = len(header) > 1 and not header[0].strip() and all(header[1:])
    return Layout(
        separator,
        len(header),
        [f"column_{i}" for i in range(len(header))] if unnamed else None,
        0 if labelled and not unnamed else None,
        decimal,
        skipped,
        trailing,
    )


def _trailing(path: Path, header: list[str], rows: list[list[str]]) -> bool:
    """Say whether lines of values end in a separator that the header has not got.

    Raises ``InputError`` where they have more values than there are names: pandas would take the
    first for row labels, and all others for their neighbours.
    """
    longer = [row for row in rows if len(row) > len(header)]
    for row in longer:
        if len(row) > len(header) + 1 or row[-1].strip():
            raise InputError(
                f"{path} has lines that do not fit its header: it has "
                f"{count_of(len(header), 'value')}, a line below {len(row)} "
                f"({', '.join(row)[:60]}). The first line must name every column; put quotes "
                "around values that contain the separator."
            )
    return bool(longer)


def _separator(lines: list[str]) -> str:
    """Return the separator that cuts all lines into equally many values, more than one.

    Where several do, ``1,5;2,5`` say, the one that leaves nothing but numbers.
    """
    even = _even(lines, SEPARATORS)
    even = even or _even(lines[1:], SEPARATORS.rstrip())  # below a title, which is refused later
    if not even:
        return max(",;\t|", key=lines[0].count)  # on a draw the first: a comma
    words = {
        separator: [v for row in rows for v in row if not NUMBER.fullmatch(v)]
        for separator, rows in even.items()
    }

    def unlikely(separator: str) -> tuple[bool, int]:
        """Whether there are words, and how many hold another separator that cuts evenly."""
        others = set(even) - {separator, " "}
        glued = [word for word in words[separator] if others & set(word)]
        return bool(words[separator]), len(glued)

    return min(even, key=unlikely)  # on a draw the most usual


def _even(lines: list[str], separators: str) -> dict[str, list[list[str]]]:
    """Return the separators that cut lines into equally many values, more than one, and those."""
    cut = {separator: _cut(lines, separator) for separator in separators}
    return {
        separator: rows
        for separator, rows in cut.items()
        if len({len(row) for row in rows}) == 1 and len(rows[0]) > 1
    }


def _cut(lines: list[str], separator: str) -> list[list[str]]:
    """Return the values of lines; none where one is too long to be a value of any table."""
    try:
        return [row for row in csv.reader(lines, delimiter=separator) if row]
    except csv.Error:
        return []


def _decimal(lines: list[str], separator: str) -> str:
    """Return a comma where a column has numbers written with one, and none with a point.

    Other columns may hold numbers with a point: versions, say.
    """
    if separator == ",":
        return "."
    columns = itertools.zip_longest(*_cut(lines, separator), fillvalue="")
    for column in columns:
        cells = [cell.strip() for cell in column]
        commas = any(map(WITH_COMMA.fullmatch, cells))
        if commas and not any(map(WITH_POINT.fullmatch, cells)):
            return ","
    return "."


def _is_data(header: list[str]) -> bool:
    """Whether the first line is already data: all numbers, and not 0, 1, 2 or years as names.

    Two whole numbers, one after the other, may well be values, unless they are 0 and 1.
    """
    try:
        numbers = [float(value) for value in header]
    except ValueError:
        return False
    if not numbers:
        return False
    counted = len(numbers) > 1 and all(b == a + 1 for a, b in itertools.pairwise(numbers))
    return not counted or not numbers[0].is_integer() or (len(numbers) < 3 and numbers[0] != 0)


def _parse(path: Path, file: IO[str], layout: Layout, **options: Any) -> Any:
    """Return what pandas reads: a DataFrame, or with ``chunksize`` a context of many."""
    _refuse_cut_line(path, layout)
    read: Any = pd.read_csv
    form = {"sep": layout.separator, "skiprows": layout.skipped, "skipinitialspace": True}
    names = layout.names
    if layout.trailing:
        with open_text(path) as first:
            known = names or [str(name) for name in read(first, nrows=0, index_col=False, **form)]
        names = [*known, SPARE]
    return read(
        file,
        header=None if layout.names else 0,
        names=names,
        index_col=False if layout.labels is None else layout.labels,
        decimal=layout.decimal,
        low_memory=False,
        **form,
        **options,
    )


def _refuse_cut_line(path: Path, layout: Layout) -> None:
    """A last line that is too short and has no end is a file cut off; pandas would fill it up."""
    if path.suffix.lower() in PACKED:
        return  # these notice it themselves
    with path.open("rb") as file:
        file.seek(-min(path.stat().st_size, 2**16), os.SEEK_END)
        tail = file.read()
    last = tail.rsplit(b"\n", 1)[-1]
    if last.strip() and b'"' not in tail and b"\n" in tail:
        values = last.count(layout.separator.encode()) + 1
        if values < layout.width:
            raise InputError(
                f"{path} is cut off: its last line has {count_of(values, 'value')} and no end, its "
                f"first {layout.width}. Write or copy it again."
            )


def _marked(cell: str) -> str:
    """Return a cell as it is written; marked, because pandas would take ``NA`` for nothing."""
    return MARK + cell.strip()


def _cleaned(
    path: Path, layout: Layout, table: pd.DataFrame, verbatim: Sequence[str], words: Sequence[str]
) -> pd.DataFrame:
    """Return the table that was meant: marks gone, numbers read that pandas took for text."""
    if layout.trailing:
        _refuse_values(path, table.pop(SPARE))
    for name in table.columns:
        column = table[name]
        if name in verbatim:
            cells = [cell.removeprefix(MARK) or None for cell in column]
            table[name] = pd.Series(cells, index=table.index, dtype="str")
        elif isinstance(column, pd.Series) and not is_numeric_dtype(column):
            text = column.str.rstrip() if column.dtype == "str" else column
            grouped = layout.decimal == "," and name not in words
            table[name] = _pointed(text) if grouped else text
    return table


def _refuse_values(path: Path, spare: pd.Series[Any]) -> None:
    if spare.notna().any():
        row = int(spare.notna().to_numpy().argmax())
        raise InputError(
            f"{path}, row {spare.index[row]}: {str(spare.iloc[row])!r} stands after the last named "
            "column: the first line must name every column."
        )


def _pointed(column: pd.Series[Any]) -> pd.Series[Any]:
    """Return numbers with points in a file with decimal commas: 1.002 is a thousand and two.

    Where points do not stand before groups of three digits, they stand before fractions.
    """
    known = column.dropna().astype(str)
    if not known.str.contains(".", regex=False).any():
        return column
    if known.str.fullmatch(IN_GROUPS).all():
        whole = column.str.replace(".", "", regex=False)
        return pd.to_numeric(whole.str.replace(",", ".", regex=False))
    return pd.to_numeric(column) if known.str.fullmatch(NUMBER_WITH_POINT).all() else column


def codes(path: Path) -> list[str]:
    """Return the columns that hold numbers with a spare zero: codes, to be read as words."""
    layout = _layout(path)
    with open_text(path) as file:
        table: pd.DataFrame = _parse(path, file, layout, nrows=COUNTED, dtype="str")
    return [str(name) for name in table if table[name].str.fullmatch(CODE).any()]


def _options(verbatim: Sequence[str], words: Sequence[str]) -> dict[str, Any]:
    return {
        "converters": dict.fromkeys(verbatim, _marked),
        "dtype": dict.fromkeys(set(words) - set(verbatim), "str"),
    }


def whole(path: Path, verbatim: Sequence[str] = (), words: Sequence[str] = ()) -> pd.DataFrame:
    """Return all of a file's table; cells of ``verbatim`` columns as they are written."""
    layout = _layout(path)
    with open_text(path) as file:
        table: pd.DataFrame = _parse(path, file, layout, **_options(verbatim, words))
        return _cleaned(path, layout, table, verbatim, words)


def parts_of(
    path: Path, rows: int, verbatim: Sequence[str] = (), words: Sequence[str] = ()
) -> Iterator[pd.DataFrame]:
    """Yield a file's table in parts of at most ``rows`` rows."""
    layout, options = _layout(path), _options(verbatim, words)
    with open_text(path) as file, _parse(path, file, layout, chunksize=rows, **options) as parts:
        yield from (_cleaned(path, layout, p, verbatim, words) for p in parts if len(p))


def count(path: Path) -> int:
    """Return the number of rows."""
    options = {"chunksize": COUNTED, "usecols": [0]}
    with open_text(path) as file, _parse(path, file, _layout(path), **options) as parts:
        return sum(len(part) for part in parts)

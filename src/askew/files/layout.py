"""How text with separators is laid out: found by looking at its first lines."""

from __future__ import annotations

import csv
import itertools
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from askew.errors import InputError
from askew.files.opening import no_rows, open_text, suffix
from askew.wording import count_of

BLANKS = r"\s+"
"""Any number of blanks between values, none of which is missing, as pandas says it."""
SEPARATORS = (",", ";", "\t", "|", BLANKS, " ")
"""What may stand between the values of a line, most usual first."""
LOOK = 20
"""Lines looked at to find the separator and the header."""
LOOK_FOR_COMMAS = 1000
"""Lines looked at to find what stands before fractions: numbers may be whole for a while."""
NUMBER = re.compile(r"\s*[+-]?(\d+[.,]?\d*|[.,]\d+)(e[+-]?\d+)?\s*", re.IGNORECASE)
"""What is taken for a number when looking, with a point or a comma before its fraction."""
SAID = re.compile(r"sep=(.)\1*", re.IGNORECASE)
"""A line above the header that says the separator, as Excel reads it."""
CODE = r"[+-]?0\d+"
"""Digits with a spare zero before them: a code, and no number."""
WITH_COMMA = re.compile(r"[+-]?\d*,\d+(e[+-]?\d+)?", re.IGNORECASE)
WITH_POINT = re.compile(r"[+-]?\d*\.\d+(e[+-]?\d+)?", re.IGNORECASE)


class Layout(NamedTuple):
    """How a text file separates its values, and where its names are.

    header: names as they stand in the header, or values in the first line where there is none;
        what comes after a last separator is none.
    names: those of columns without a header line, or None.
    labels: the position of a column of row labels (one without a name, as pandas writes), or None.
    decimal: what stands before the fraction of a number: a point, or a comma.
    skipped: lines above the header.
    trailing: whether lines of values end in a separator, after which nothing comes.
    """

    separator: str
    header: list[str]
    names: list[str] | None
    labels: int | None
    decimal: str
    skipped: int
    trailing: bool


def layout_of(path: Path) -> Layout:
    """Look at the first lines for the separator, the header and row labels.

    Raises
    ------
    InputError: there are no lines, or some have more values than the header.
    """
    lines, skipped, said = _first_lines(path)
    separator = said or ("\t" if suffix(path) == ".tsv" else _separator(lines[:LOOK]))
    decimal = _decimal(lines, separator)
    header, *rows = _cut(lines[:LOOK], separator) or [[]]
    last = ["".join(row[len(header) - 1 :]).strip() for row in (header, *rows)]
    shortened = len(header) > 1 and not any(last)  # it ends in a separator, after which is nothing
    header = header[:-1] if shortened else header
    trailing = _trailing(path, header, rows) or shortened
    unnamed = _is_data([value.replace(decimal, ".") for value in header])
    labelled = len(header) > 1 and not header[0].strip() and all(header[1:])
    return Layout(
        separator,
        header,
        [f"column_{i}" for i in range(len(header))] if unnamed else None,
        0 if labelled and not unnamed else None,
        decimal,
        skipped,
        trailing,
    )


def _first_lines(path: Path) -> tuple[list[str], int, str]:
    """Return the first lines that are not blank, how many stand above, and the separator said."""
    with open_text(path) as file:
        read = list(itertools.islice(file, LOOK_FOR_COMMAS))
    lines = [line for line in read if line.strip()]
    said = SAID.fullmatch(lines[0].strip(" \r\n")) if lines else None
    below = lines[1:] if said else lines
    if not below:
        raise InputError(no_rows(path))
    return below, read.index(lines[0]) + 1 if said else 0, said[1] if said else ""


def _trailing(path: Path, header: list[str], rows: list[list[str]]) -> bool:
    """Say whether lines of values end in a separator, after which nothing comes.

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
    even = even or _even(lines[1:], SEPARATORS[:4])  # below a title, which is refused later
    if not even:
        return max(",;\t|", key=lines[0].count)  # on a draw the first: a comma
    words = {
        separator: [v for row in rows for v in row if not NUMBER.fullmatch(v)]
        for separator, rows in even.items()
    }

    def unlikely(separator: str) -> tuple[bool, int]:
        """Whether there are words, and how many hold another separator that cuts evenly."""
        others = set(even) - {separator, BLANKS, " "}
        glued = [word for word in words[separator] if others & set(word)]
        return bool(words[separator]), len(glued)

    return min(even, key=unlikely)  # on a draw the most usual


def _even(lines: list[str], separators: Sequence[str]) -> dict[str, list[list[str]]]:
    """Return the separators that cut lines into equally many values, more than one, and those."""
    cut = {separator: _cut(lines, separator) for separator in separators}
    return {
        separator: rows
        for separator, rows in cut.items()
        if len({len(row) for row in rows}) == 1 and len(rows[0]) > 1
    }


def _cut(lines: list[str], separator: str) -> list[list[str]]:
    """Return the values of lines; none where one is too long to be a value of any table."""
    blanks = separator == BLANKS
    form: dict[str, Any] = {"delimiter": " " if blanks else separator}
    try:
        read = csv.reader(
            [line.strip() for line in lines] if blanks else lines,
            skipinitialspace=separator != " ",
            **form,
        )
        return [row for row in read if row]
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

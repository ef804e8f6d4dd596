"""Text with separators, read as `askew.files.layout` finds it laid out."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import pandas as pd
from pandas.api.types import is_numeric_dtype

from askew.errors import InputError
from askew.files.layout import BLANKS, CODE, Layout, layout_of
from askew.files.opening import PACKED, open_text
from askew.wording import count_of

NUMBER_WITH_POINT = r"[+-]?\d+(?:\.\d+)?"
THOUSANDS = r"[+-]?(?:\d+|[1-9]\d{0,2}\.\d{3})"
"""Numbers whose points may stand before fractions, or between thousands."""
SPARE = "(after the last separator)"
"""What the column is called that lines make which end in a separator."""
MARK = "="
"""Stands before cells that are to stay as they are written, while pandas reads them."""
COUNTED = 65_536
"""Rows looked at together, to count them."""


def _parse(path: Path, file: IO[str], layout: Layout, **options: Any) -> Any:
    """Return what pandas reads: a DataFrame, or with ``chunksize`` a context of many."""
    _refuse_cut_line(path, layout)
    read: Any = pd.read_csv
    names = layout.names
    if layout.trailing:
        names = [*_names(path, layout)[: len(layout.header)], SPARE]
    return read(
        file,
        header=None if layout.names else 0,
        names=names,
        index_col=False if layout.labels is None else layout.labels,
        decimal=layout.decimal,
        low_memory=False,
        **_form(layout),
        **options,
    )


def _form(layout: Layout) -> dict[str, Any]:
    return {
        "sep": layout.separator,
        "skiprows": layout.skipped,
        "skipinitialspace": layout.separator != " ",
    }


def _names(path: Path, layout: Layout) -> list[str]:
    """Return the names of all columns as pandas has them: those it made up or numbered, too."""
    if layout.names:
        return layout.names
    read: Any = pd.read_csv
    with open_text(path) as file:
        return [str(name) for name in read(file, nrows=0, index_col=False, **_form(layout))]


def _refuse_cut_line(path: Path, layout: Layout) -> None:
    """A last line that is too short and has no end is a file cut off; pandas would fill it up."""
    if path.suffix.lower() in PACKED:
        return  # these notice it themselves
    with path.open("rb") as file:
        file.seek(-min(path.stat().st_size, 2**16), os.SEEK_END)
        tail = file.read()
    last = tail.rsplit(b"\n", 1)[-1]
    if last.strip() and b'"' not in tail and b"\n" in tail:
        blanks = layout.separator == BLANKS
        values = len(last.split()) if blanks else last.count(layout.separator.encode()) + 1
        if values < len(layout.header):
            raise InputError(
                f"{path} is cut off: its last line has {count_of(values, 'value')} and no end, its "
                f"first {len(layout.header)}. Write or copy it again."
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
    stripped = [str(name).strip() for name in table.columns]
    table.columns = pd.Index(stripped if len(set(stripped)) == len(stripped) else table.columns)
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
    """Return numbers with points in a file with decimal commas: other programs wrote these.

    Points always stand before fractions, or the same cell would mean another number beside others.
    """
    known = column.dropna().astype(str)
    if not len(known) or not known.str.fullmatch(NUMBER_WITH_POINT).all():
        return column
    pointed = known[known.str.contains(".", regex=False)]
    if len(pointed) and known.str.fullmatch(THOUSANDS).all():
        warnings.warn(
            f"Column {column.name!r}: {pointed.iloc[0]!r} is read as a fraction, though other "
            "columns have decimal commas: write thousands without points.",
            UserWarning,
            stacklevel=2,
        )
    return pd.to_numeric(column)


def codes(path: Path) -> list[str]:
    """Return the columns that hold numbers with a spare zero: codes, to be read as words."""
    layout = layout_of(path)
    with open_text(path) as file:
        table: pd.DataFrame = _parse(path, file, layout, nrows=COUNTED, dtype="str")
    found = [name for name in table if table[name].str.strip().str.fullmatch(CODE).any()]
    return [str(name).strip() for name in found]


def _options(names: list[str], verbatim: Sequence[str], words: Sequence[str]) -> dict[str, Any]:
    """Return how pandas is to read columns, by its names for them, with their blanks."""
    ids = [name for name in names if name.strip() in verbatim]
    text = [name for name in names if name.strip() in words and name not in ids]
    return {"converters": dict.fromkeys(ids, _marked), "dtype": dict.fromkeys(text, "str")}


def whole(path: Path, verbatim: Sequence[str] = (), words: Sequence[str] = ()) -> pd.DataFrame:
    """Return all of a file's table; cells of ``verbatim`` columns as they are written."""
    layout = layout_of(path)
    with open_text(path) as file:
        table: pd.DataFrame = _parse(
            path, file, layout, **_options(_names(path, layout), verbatim, words)
        )
        return _cleaned(path, layout, table, verbatim, words)


def parts_of(
    path: Path, rows: int, verbatim: Sequence[str] = (), words: Sequence[str] = ()
) -> Iterator[pd.DataFrame]:
    """Yield a file's table in parts of at most ``rows`` rows."""
    layout = layout_of(path)
    options = _options(_names(path, layout), verbatim, words)
    with open_text(path) as file, _parse(path, file, layout, chunksize=rows, **options) as parts:
        yield from (_cleaned(path, layout, p, verbatim, words) for p in parts if len(p))


def count(path: Path) -> int:
    """Return the number of rows."""
    options = {"chunksize": COUNTED, "usecols": [0]}
    with open_text(path) as file, _parse(path, file, layout_of(path), **options) as parts:
        return sum(len(part) for part in parts)

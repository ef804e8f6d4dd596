"""The scored file: one row an item, in CSV, Parquet or JSON lines, written part by part."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Protocol

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from askew.errors import InputError
from askew.whole import check_place, whole


class Rows(Protocol):
    """Takes a part of the scored rows."""

    def write(self, part: pd.DataFrame) -> None:
        """Append rows."""


class CsvRows:
    """Comma-separated, with one line of names."""

    def __init__(self, file: IO[str]) -> None:
        self.file, self.started = file, False

    def write(self, part: pd.DataFrame) -> None:
        """Append rows."""
        part.to_csv(self.file, index=False, header=not self.started, lineterminator="\n")
        self.started = True


class JsonRows:
    """One JSON object a line; what is not a number is null."""

    def __init__(self, file: IO[str]) -> None:
        self.file = file

    def write(self, part: pd.DataFrame) -> None:
        """Append rows."""
        known = part.astype(object).where(part.notna(), None)
        for row in known.to_dict(orient="records"):
            self.file.write(json.dumps(row, ensure_ascii=False) + "\n")


class ParquetRows:
    """Parquet, a row group for each part."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.writer: Any = None

    def write(self, part: pd.DataFrame) -> None:
        """Append rows; the first part decides the columns' types."""
        content = pa.Table.from_pandas(part, preserve_index=False)
        if self.writer is None:
            self.writer = pq.ParquetWriter(self.path, content.schema)
        self.writer.write_table(content)

    def close(self) -> None:
        """Finish the file."""
        if self.writer is not None:
            self.writer.close()


@contextmanager
def _csv(path: Path) -> Iterator[Rows]:
    with path.open("w", encoding="utf-8", newline="") as file:
        yield CsvRows(file)


@contextmanager
def _json(path: Path) -> Iterator[Rows]:
    with path.open("w", encoding="utf-8") as file:
        yield JsonRows(file)


@contextmanager
def _parquet(path: Path) -> Iterator[Rows]:
    rows = ParquetRows(path)
    try:
        yield rows
    finally:
        rows.close()


FORMATS: Mapping[str, Any] = {".csv": _csv, ".parquet": _parquet, ".jsonl": _json}
"""File endings and what writes them."""


def check(out: Path, data: Path) -> None:
    """Refuse a place or format for scored rows before any work is done.

    Raises
    ------
    InputError: an unknown ending, a folder that is not there, or the data itself.
    """
    if out.suffix.lower() not in FORMATS:
        raise InputError(
            f"--out {out.name}: the ending {out.suffix!r} is not known; end the name in "
            f"{' or '.join(FORMATS)}."
        )
    check_place(out)
    if out.exists() and data.exists() and out.samefile(data):
        raise InputError(f"--out {out} is the data itself: choose another name.")


@contextmanager
def written(out: Path) -> Iterator[Rows]:
    """Yield what takes scored rows; the file appears when all of them are written."""
    with whole(out) as fresh, FORMATS[out.suffix.lower()](fresh) as rows:
        yield rows

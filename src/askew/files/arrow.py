"""Parquet and Feather."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from askew.files.opening import labels_from


def _from_arrow(table: Any, start: int) -> pd.DataFrame:
    """Return a pandas table; row labels that have a name become a column, as in other files."""
    part: pd.DataFrame = table.to_pandas()
    if any(name is not None for name in part.index.names):
        part = part.reset_index()
    if isinstance(part.index, pd.RangeIndex):
        part.index = labels_from(start, len(part))
    return part


def _joined(batches: Iterator[Any], rows: int) -> Iterator[pd.DataFrame]:
    """Cut record batches of any size into parts of at most ``rows``."""
    start = 0
    for batch in batches:
        for offset in range(0, batch.num_rows, rows):
            piece = batch.slice(offset, rows)
            yield _from_arrow(piece, start)
            start += piece.num_rows


def parquet_whole(path: Path) -> pd.DataFrame:
    """Return all of a file's table."""
    return _from_arrow(pq.ParquetFile(path).read(use_threads=False), 0)


def parquet_parts(path: Path, rows: int) -> Iterator[pd.DataFrame]:
    """Yield a file's table in parts of at most ``rows`` rows."""
    # Left to itself, Arrow keeps every row group it has read: 1 MiB of each column is enough.
    with pq.ParquetFile(path, pre_buffer=False, buffer_size=2**20) as file:
        yield from _joined(file.iter_batches(batch_size=rows, use_threads=False), rows)


def parquet_count(path: Path) -> int:
    """Return the number of rows."""
    with pq.ParquetFile(path) as file:
        return int(file.metadata.num_rows)


def feather_batches(path: Path) -> Iterator[Any]:
    """Yield a file's record batches, as long as they were written."""
    with pa.memory_map(str(path)) as source:
        file = pa.ipc.open_file(source)
        for i in range(file.num_record_batches):
            yield file.get_batch(i)


def feather_whole(path: Path) -> pd.DataFrame:
    """Return all of a file's table."""
    with pa.memory_map(str(path)) as source:
        return _from_arrow(pa.ipc.open_file(source).read_all(), 0)


def feather_parts(path: Path, rows: int) -> Iterator[pd.DataFrame]:
    """Yield a file's table in parts of at most ``rows`` rows."""
    return _joined(feather_batches(path), rows)


def feather_count(path: Path) -> int:
    """Return the number of rows."""
    return sum(batch.num_rows for batch in feather_batches(path))

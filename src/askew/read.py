"""Files of tables: whole as one DataFrame, or streamed a bounded number of rows at a time."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import itertools
import json
import lzma
import os
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from askew.errors import InputError

ROWS = 65_536
"""Rows of a chunk, unless told otherwise."""
SEPARATORS = ",;\t| "
"""What may stand between the values of a line, most usual first."""
LOOK = 20
"""Lines looked at to find the separator and the header."""
PACKED = (".gz", ".bz2", ".xz", ".zip")
"""Ends of the names of packed text."""
DAMAGE = (EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, pa.ArrowInvalid, OSError)
"""What the readers raise when a file is cut off or not what its name says."""


def read_table(path: str | os.PathLike[str], verbatim: Sequence[str] = ()) -> pd.DataFrame:
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
    path = _existing(path)
    with _explained(path):
        table = _format(path, verbatim).whole(path)
    return _with_rows(table, path)


def chunks(
    path: str | os.PathLike[str], rows: int = ROWS, verbatim: Sequence[str] = ()
) -> Iterator[pd.DataFrame]:
    """Yield a file's table in parts of at most ``rows`` rows, labelled on from part to part.

    Text, JSON lines, Parquet, Feather and ``.npy`` are streamed, so memory does not grow with the
    file; ``.npz`` and a ``.json`` list are read whole first. Types of columns are those of each
    part: a part whose numbers are all whole has integers. For ``verbatim`` see `read_table`.

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
    path = _existing(path)
    found = False
    with _explained(path):
        for part in _format(path, verbatim).parts(path, rows):
            found = True
            yield part
    if not found:
        raise InputError(_no_rows(path))


def count_rows(path: str | os.PathLike[str]) -> int:
    """Return the number of rows, without reading their values where the file allows it.

    Parquet and NumPy files say it at once; text is run through, keeping one column.

    Raises
    ------
    InputError: as `read_table`.

    Example
    -------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "three.npy"
    ...     np.save(path, np.zeros((3, 2)))
    ...     count_rows(path)
    3
    """
    path = _existing(path)
    with _explained(path):
        return _format(path).count(path)


# --- errors --------------------------------------------------------------------------------------


def _existing(path: str | os.PathLike[str]) -> Path:
    path = Path(path)
    if path.is_dir():
        raise InputError(f"{path} is a folder, but a table is one file: name the file in it.")
    if not path.exists():
        raise InputError(f"There is no file {path}: check the name and the folder.")
    if path.stat().st_size == 0:
        raise InputError(f"{path} is empty (0 bytes): give a file with rows in it.")
    return path


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn what readers raise into one sentence that names the file and what is wrong with it."""
    try:
        yield
    except InputError:
        raise
    except PermissionError as error:
        raise InputError(f"{path} may not be read: change its permissions.") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(
            f"{path} is not UTF-8 text ({error}): save it as UTF-8, or name it after what it is."
        ) from error
    except pd.errors.EmptyDataError as error:
        raise InputError(_no_rows(path)) from error
    except pd.errors.ParserError as error:
        raise InputError(
            f"{path} has lines that do not fit its header ({_sentence(error)}): correct that line, "
            "or put quotes around values that contain the separator."
        ) from error
    except (*DAMAGE, ValueError) as error:
        raise InputError(
            f"{path} is cut off, damaged, or not the {_suffix(path)} file that its name says "
            f"({_sentence(error)}): write or copy it again."
        ) from error


def _sentence(error: Exception) -> str:
    text = str(error).strip().splitlines()
    return (
        text[0].removeprefix("Error tokenizing data. ").rstrip(". ")
        if text
        else type(error).__name__
    )


def _no_rows(path: Path) -> str:
    return f"{path} has no rows: give a file with rows below its header."


def _with_rows(table: pd.DataFrame, path: Path) -> pd.DataFrame:
    if table.empty:
        raise InputError(_no_rows(path))
    return table


# --- opening -------------------------------------------------------------------------------------


def _suffix(path: Path) -> str:
    """Return the end of the name that says what is inside: ``.csv`` for ``a.csv.gz``."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in PACKED:
        suffixes.pop()
    return suffixes[-1] if suffixes else ""


def _open_bytes(path: Path) -> Any:
    openers: Mapping[str, Callable[[Path], Any]] = {
        ".gz": gzip.open,
        ".bz2": bz2.open,
        ".xz": lzma.open,
        ".zip": _open_zip,
    }
    opener = openers.get(path.suffix.lower())
    return path.open("rb") if opener is None else opener(path)


def _open_text(path: Path) -> IO[str]:
    return io.TextIOWrapper(_open_bytes(path), encoding="utf-8-sig", newline="")


def _open_zip(path: Path) -> IO[bytes]:
    archive = zipfile.ZipFile(path)
    names = [name for name in archive.namelist() if not name.endswith("/")]
    if len(names) != 1:
        raise InputError(f"{path} holds {len(names)} files, but one table was expected: unpack it.")
    return archive.open(names[0])


# --- text with separators ------------------------------------------------------------------------


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
    with _open_text(path) as file:
        lines = [line for line in itertools.islice(file, LOOK) if line.strip()]
    if not lines:
        raise InputError(_no_rows(path))
    separator = "\t" if _suffix(path) == ".tsv" else _separator(lines)
    decimal = _decimal(lines, separator)
    header = next(csv.reader(lines[:1], delimiter=separator))
    if _is_data([value.replace(decimal, ".") for value in header]):
        return Layout(separator, [f"column_{i}" for i in range(len(header))], None, decimal)
    labelled = len(header) > 1 and not header[0].strip() and all(header[1:])
    return Layout(separator, None, 0 if labelled else None, decimal)


def _separator(lines: list[str]) -> str:
    """Return the separator that cuts all lines into equally many values, more than one."""
    for separator in SEPARATORS:
        widths = {len(row) for row in csv.reader(lines, delimiter=separator) if row}
        if len(widths) == 1 and widths != {1}:
            return separator
    return max(",;\t|", key=lines[0].count)  # on a draw the first: a comma


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


def _as_written(cell: str) -> Any:
    return cell.strip() or np.nan


def _text_whole(path: Path, verbatim: Sequence[str] = ()) -> pd.DataFrame:
    with _open_text(path) as file:
        table: pd.DataFrame = _parse(path, file, converters=dict.fromkeys(verbatim, _as_written))
        return table


def _text_parts(path: Path, rows: int, verbatim: Sequence[str] = ()) -> Iterator[pd.DataFrame]:
    options = {"chunksize": rows, "converters": dict.fromkeys(verbatim, _as_written)}
    with _open_text(path) as file, _parse(path, file, **options) as parts:
        yield from (part for part in parts if len(part))


def _text_count(path: Path) -> int:
    with _open_text(path) as file, _parse(path, file, chunksize=ROWS, usecols=[0]) as parts:
        return sum(len(part) for part in parts)


# --- JSON ----------------------------------------------------------------------------------------


def _records(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the objects of a file: one a line, or the items of one list."""
    with _open_text(path) as file:
        start = file.read(4096).lstrip()[:1]
    if start == "[":
        yield from _listed_records(path)
        return
    with _open_text(path) as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                yield _record(line, number, path)


def _listed_records(path: Path) -> Iterator[dict[str, Any]]:
    with _open_text(path) as file:
        try:
            items = json.load(file)
        except json.JSONDecodeError as error:
            raise InputError(
                f"{path} is cut off or not JSON ({error}): write or copy it again."
            ) from error
    for number, item in enumerate(items):
        yield _object(item, f"item {number}", path)


def _record(line: str, number: int, path: Path) -> dict[str, Any]:
    try:
        item = json.loads(line)
    except json.JSONDecodeError as error:
        raise InputError(
            f"{path}, line {number} is cut off or not JSON ({error.msg}): give one object a line, "
            "or one list of objects."
        ) from error
    return _object(item, f"line {number}", path)


def _object(item: Any, place: str, path: Path) -> dict[str, Any]:
    if isinstance(item, dict):
        return item
    raise InputError(
        f"{path}, {place} is a {type(item).__name__}, but an object such as "
        '{"size": 1, "color": "red"} was expected.'
    )


def _json_whole(path: Path) -> pd.DataFrame:
    return pd.DataFrame(list(_records(path)))


def _json_parts(path: Path, rows: int) -> Iterator[pd.DataFrame]:
    """Yield parts that all have the columns seen so far: a value left out is a missing cell."""
    records, names, start = _records(path), dict[str, None](), 0
    while batch := list(itertools.islice(records, rows)):
        names |= dict.fromkeys(name for record in batch for name in record)
        yield pd.DataFrame(batch, index=_labels(start, len(batch)), columns=list(names))
        start += len(batch)


def _json_count(path: Path) -> int:
    return sum(1 for _ in _records(path))


# --- Arrow ---------------------------------------------------------------------------------------


def _labels(start: int, count: int) -> pd.RangeIndex:
    return pd.RangeIndex(start, start + count)


def _from_arrow(table: Any, start: int) -> pd.DataFrame:
    """Return a pandas table; row labels that have a name become a column, as in other files."""
    part: pd.DataFrame = table.to_pandas()
    if any(name is not None for name in part.index.names):
        part = part.reset_index()
    if isinstance(part.index, pd.RangeIndex):
        part.index = _labels(start, len(part))
    return part


def _joined(batches: Iterator[Any], rows: int) -> Iterator[pd.DataFrame]:
    """Cut record batches of any size into parts of at most ``rows``."""
    start = 0
    for batch in batches:
        for offset in range(0, batch.num_rows, rows):
            piece = batch.slice(offset, rows)
            yield _from_arrow(piece, start)
            start += piece.num_rows


def _parquet_whole(path: Path) -> pd.DataFrame:
    return _from_arrow(pq.ParquetFile(path).read(use_threads=False), 0)


def _parquet_parts(path: Path, rows: int) -> Iterator[pd.DataFrame]:
    # Left to itself, Arrow keeps every row group it has read: 1 MiB of each column is enough.
    with pq.ParquetFile(path, pre_buffer=False, buffer_size=2**20) as file:
        yield from _joined(file.iter_batches(batch_size=rows, use_threads=False), rows)


def _parquet_count(path: Path) -> int:
    with pq.ParquetFile(path) as file:
        return int(file.metadata.num_rows)


def _feather_batches(path: Path) -> Iterator[Any]:
    with pa.memory_map(str(path)) as source:
        file = pa.ipc.open_file(source)
        for i in range(file.num_record_batches):
            yield file.get_batch(i)


def _feather_whole(path: Path) -> pd.DataFrame:
    with pa.memory_map(str(path)) as source:
        return _from_arrow(pa.ipc.open_file(source).read_all(), 0)


def _feather_parts(path: Path, rows: int) -> Iterator[pd.DataFrame]:
    return _joined(_feather_batches(path), rows)


def _feather_count(path: Path) -> int:
    return sum(batch.num_rows for batch in _feather_batches(path))


# --- NumPy ---------------------------------------------------------------------------------------


def _array_table(array: NDArray[Any], path: Path, start: int = 0) -> pd.DataFrame:
    if array.dtype.names is not None and array.ndim == 1:
        return pd.DataFrame(np.array(array), index=_labels(start, len(array)))
    if array.ndim != 2:
        raise InputError(
            f"{path} holds an array of shape {array.shape}, but a table has two axes, (rows, "
            "columns). Series, (n, length, channels), are another type: say --type series."
        )
    names = [f"column_{i}" for i in range(array.shape[1])]
    return pd.DataFrame(np.array(array), index=_labels(start, len(array)), columns=names)


def _array(path: Path) -> NDArray[Any]:
    """Open an ``.npy`` file without reading it; objects are refused, since they can run code."""
    array: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    return array


def _npy_whole(path: Path) -> pd.DataFrame:
    return _array_table(_array(path), path)


def _npy_parts(path: Path, rows: int) -> Iterator[pd.DataFrame]:
    array = _array(path)
    for start in range(0, len(array), rows):
        yield _array_table(array[start : start + rows], path, start)


def _npy_count(path: Path) -> int:
    return len(_array(path))


def _npz_whole(path: Path) -> pd.DataFrame:
    with np.load(path, allow_pickle=False) as arrays:
        key = _npz_key(path, arrays.files)
        table = _array_table(arrays[key], path)
        if "y" in arrays.files and key != "y":
            table["label"] = _npz_labels(path, arrays["y"], len(table))
    return table


def _npz_key(path: Path, names: list[str]) -> str:
    if "X" in names:
        return "X"
    if len(names) == 1:
        return names[0]
    raise InputError(
        f"{path} holds {len(names)} arrays ({', '.join(names)}): a table is one array, or one "
        "named X, with labels named y."
    )


def _npz_labels(path: Path, labels: NDArray[Any], rows: int) -> NDArray[Any]:
    if labels.size != rows:
        raise InputError(
            f"{path} has {rows} rows in X but {labels.size} labels in y: give one label a row."
        )
    return labels.reshape(rows)


def _npz_parts(path: Path, rows: int) -> Iterator[pd.DataFrame]:
    table = _npz_whole(path)
    for start in range(0, len(table), rows):
        yield table.iloc[start : start + rows]


def _npz_count(path: Path) -> int:
    return len(_npz_whole(path))


# --- all formats ---------------------------------------------------------------------------------


class Format(NamedTuple):
    """How one kind of file is read whole, in parts, and counted."""

    whole: Callable[[Path], pd.DataFrame]
    parts: Callable[[Path, int], Iterator[pd.DataFrame]]
    count: Callable[[Path], int]


TEXT = Format(_text_whole, _text_parts, _text_count)
JSON = Format(_json_whole, _json_parts, _json_count)
FORMATS: Mapping[str, Format] = {
    ".csv": TEXT,
    ".tsv": TEXT,
    ".txt": TEXT,
    ".jsonl": JSON,
    ".ndjson": JSON,
    ".json": JSON,
    ".parquet": Format(_parquet_whole, _parquet_parts, _parquet_count),
    ".feather": Format(_feather_whole, _feather_parts, _feather_count),
    ".npy": Format(_npy_whole, _npy_parts, _npy_count),
    ".npz": Format(_npz_whole, _npz_parts, _npz_count),
}
"""The kinds of file, by the end of the name."""


def _format(path: Path, verbatim: Sequence[str] = ()) -> Format:
    suffix = _suffix(path)
    if suffix not in FORMATS:
        raise InputError(
            f"{path} ends in {suffix or 'nothing'!r}, which says no known kind of table: use one "
            f"of {', '.join(FORMATS)}; text and JSON also with {', '.join(PACKED)}."
        )
    if path.suffix.lower() in PACKED and FORMATS[suffix] not in (TEXT, JSON):
        raise InputError(f"{path} is packed, which {suffix} files do not need: unpack it first.")
    if FORMATS[suffix] is TEXT:
        return TEXT._replace(
            whole=partial(_text_whole, verbatim=verbatim),
            parts=partial(_text_parts, verbatim=verbatim),
        )
    return FORMATS[suffix]

"""NumPy's files, read without pickle: what was saved as objects could run code."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from askew.errors import InputError
from askew.files.opening import labels_from

UNREADABLE = (
    OSError,
    ValueError,
    EOFError,
    KeyError,
    MemoryError,
    OverflowError,
    RuntimeError,
    SyntaxError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)
"""What NumPy and zipfile raise on a damaged archive, depending on the damaged byte."""


def load_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Return the arrays of a file by name; the one of ``.npy`` is called X."""
    try:
        loaded = np.load(path, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return {"X": loaded}
        with loaded:
            return {name: loaded[name] for name in loaded.files}
    except UNREADABLE as error:
        raise InputError(
            f"{path.name} cannot be read ({error}); expected NumPy arrays of numbers, saved whole "
            "and without pickle. Save it again with numpy.savez."
        ) from error


def main_array(arrays: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
    """Return the array that holds the items: ``X``, or the only one."""
    if "X" in arrays or len(arrays) == 1:
        return arrays.get("X", next(iter(arrays.values())))
    raise InputError(
        f"Found the arrays {list(arrays)}; expected one called X, or a single one. Save the series "
        "as X, and their lengths as lengths if they differ."
    )


def _array_table(array: NDArray[Any], path: Path, start: int = 0) -> pd.DataFrame:
    if array.dtype.names is not None and array.ndim == 1:
        return pd.DataFrame(np.array(array), index=labels_from(start, len(array)))
    if array.ndim != 2:
        raise InputError(
            f"{path} holds an array of shape {array.shape}, but a table has two axes, (rows, "
            "columns). Series, (n, length, channels), are another type: say --type series."
        )
    names = [f"column_{i}" for i in range(array.shape[1])]
    return pd.DataFrame(np.array(array), index=labels_from(start, len(array)), columns=names)


def _array(path: Path) -> NDArray[Any]:
    """Open an ``.npy`` file without reading it; objects are refused, since they can run code."""
    array: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    return array


def npy_whole(path: Path) -> pd.DataFrame:
    """Return all of a file's table."""
    return _array_table(_array(path), path)


def npy_parts(path: Path, rows: int) -> Iterator[pd.DataFrame]:
    """Yield a file's table in parts of at most ``rows`` rows."""
    array = _array(path)
    for start in range(0, len(array), rows):
        yield _array_table(array[start : start + rows], path, start)


def npy_count(path: Path) -> int:
    """Return the number of rows."""
    return len(_array(path))


def npz_whole(path: Path) -> pd.DataFrame:
    """Return all of a file's table."""
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


def npz_parts(path: Path, rows: int) -> Iterator[pd.DataFrame]:
    """Yield a file's table in parts of at most ``rows`` rows."""
    table = npz_whole(path)
    for start in range(0, len(table), rows):
        yield table.iloc[start : start + rows]


def npz_count(path: Path) -> int:
    """Return the number of rows."""
    return len(npz_whole(path))

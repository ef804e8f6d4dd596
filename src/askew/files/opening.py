"""Open files of tables, packed or not, and say in one sentence what is wrong with them."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import lzma
import os
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pandas as pd
import pyarrow as pa

from askew.errors import InputError

PACKED = (".gz", ".bz2", ".xz", ".zip")
"""Ends of the names of packed text."""
DAMAGE = (EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, pa.ArrowInvalid, OSError)
"""What the readers raise when a file is cut off or not what its name says."""


def existing(path: str | os.PathLike[str]) -> Path:
    """Return the path of a file that is there and not empty, or raise `InputError`."""
    path = Path(path)
    if path.is_dir():
        raise InputError(f"{path} is a folder, but a table is one file: name the file in it.")
    if path.exists() and not path.is_file():
        raise InputError(f"{path} is a stream, but a table is read more than once: save it first.")
    if not path.exists():
        raise InputError(f"There is no file {path}: check the name and the folder.")
    if path.stat().st_size == 0:
        raise InputError(f"{path} is empty (0 bytes): give a file with rows in it.")
    return path


@contextmanager
def explained(path: Path) -> Iterator[None]:
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
        raise InputError(no_rows(path)) from error
    except pd.errors.ParserError as error:
        raise InputError(
            f"{path} has lines that do not fit its header ({_sentence(error)}): correct that line, "
            "or put quotes around values that contain the separator."
        ) from error
    except (*DAMAGE, ValueError) as error:
        raise InputError(
            f"{path} is cut off, damaged, or not the {suffix(path)} file that its name says "
            f"({_sentence(error)}): write or copy it again."
        ) from error


def _sentence(error: Exception) -> str:
    text = str(error).strip().splitlines()
    return (
        text[0].removeprefix("Error tokenizing data. ").rstrip(". ")
        if text
        else type(error).__name__
    )


def no_rows(path: Path) -> str:
    """Return the sentence about a file without rows."""
    return f"{path} has no rows: give a file with rows below its header."


def suffix(path: Path) -> str:
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


def open_text(path: Path) -> IO[str]:
    """Open text in UTF-8, packed or not."""
    return io.TextIOWrapper(_open_bytes(path), encoding="utf-8-sig", newline="")


def _open_zip(path: Path) -> IO[bytes]:
    archive = zipfile.ZipFile(path)
    names = [name for name in archive.namelist() if not name.endswith("/")]
    if len(names) != 1:
        raise InputError(f"{path} holds {len(names)} files, but one table was expected: unpack it.")
    return archive.open(names[0])


def labels_from(start: int, count: int) -> pd.RangeIndex:
    """Return the labels of the rows of a part that begins at this row."""
    return pd.RangeIndex(start, start + count)

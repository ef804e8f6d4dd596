"""JSON: one object a line, or one list of objects."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from askew.errors import InputError
from askew.files.opening import labels_from, open_text


def _records(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the objects of a file: one a line, or the items of one list."""
    with open_text(path) as file:
        start = file.read(4096).lstrip()[:1]
    if start == "[":
        yield from _listed_records(path)
        return
    with open_text(path) as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                yield _record(line, number, path)


def _listed_records(path: Path) -> Iterator[dict[str, Any]]:
    with open_text(path) as file:
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


def whole(path: Path) -> pd.DataFrame:
    """Return all of a file's table."""
    return pd.DataFrame(list(_records(path)))


def parts_of(path: Path, rows: int) -> Iterator[pd.DataFrame]:
    """Yield parts that all have the columns seen so far: a value left out is a missing cell."""
    records, names, start = _records(path), dict[str, None](), 0
    while batch := list(itertools.islice(records, rows)):
        names |= dict.fromkeys(name for record in batch for name in record)
        yield pd.DataFrame(batch, index=labels_from(start, len(batch)), columns=list(names))
        start += len(batch)


def count(path: Path) -> int:
    """Return the number of rows."""
    return sum(1 for _ in _records(path))

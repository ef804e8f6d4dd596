"""Files of whole series: ``.ts``, long tables, NumPy arrays, folders with one table a series."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from askew.data.packed import (
    ID_NAMES,
    LAYOUTS,
    TIME_NAMES,
    Packed,
    as_numbers,
    check_word,
    find_column,
    in_order,
    pack_array,
    pack_long,
)
from askew.errors import InputError
from askew.read import read_table

Floats = NDArray[np.float64]

TABLES = (".csv", ".tsv", ".parquet", ".feather", ".jsonl")
"""Files of a folder that hold one series each."""

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

TRUTH = {"true": True, "false": False}


@dataclass(frozen=True)
class SeriesFile:
    """Whole series as a file holds them; `Series` reads ``series`` with ``layout="time-first"``.

    Shapes
    ------
    ``series``: n arrays ``(steps, C)``; ``ids`` and, where known, ``labels``: n; ``channels``: C
    """

    series: list[Floats]
    ids: list[str]
    labels: list[str] | None
    channels: list[str]


def read_series(
    path: str | PathLike[str],
    *,
    layout: str | None = None,
    id: str | None = None,
    time: str | None = None,
    label: str | None = None,
) -> SeriesFile:
    """Read whole series from a ``.ts`` file, a long table, NumPy arrays or a folder of tables.

    Parameters
    ----------
    path: ``.ts`` of the UEA archive; a table with one row for each series and time; ``.npy`` or
        ``.npz`` with an array ``X`` of two or three axes, or with ``X (all steps, channels)`` and
        ``lengths``; a folder of tables, each a series named after its file.
    layout: "time-first" or "channels-first" for arrays of three axes, which cannot say themselves.
    id, time: columns of a long table, and ``time`` of a table in a folder; see `Series`.
    label: column that holds one label for each series; ``.ts`` and ``y`` of ``.npz`` need none.

    Raises ``InputError`` where the file is missing, damaged, or does not hold series.

    Example
    -------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "two.ts"
    ...     _ = path.write_text("@classLabel true a b\\n@data\\n1,2:3,4:a\\n5,?,6:7,8,9:b\\n")
    ...     file = read_series(path)
    >>> file.labels, [values.shape for values in file.series]
    (['a', 'b'], [(2, 2), (3, 2)])
    """
    path = Path(path)
    check_word("layout", layout, [*LAYOUTS, None])
    try:
        if path.is_dir():
            return read_folder(path, time, label)
        if path.suffix.lower() == ".ts":
            return read_ts(path)
        if path.suffix.lower() in (".npz", ".npy"):
            return read_arrays(path, layout)
        return from_long(read_table(path, [id] if id else []), id, time, label)
    except InputError as error:
        raise error if path.name in str(error) else InputError(f"{path.name}: {error}") from error


# Long tables, and folders of tables.


def from_long(
    frame: pd.DataFrame, id: str | None, time: str | None, label: str | None
) -> SeriesFile:
    """Take a long table apart; series keep the order in which they first appear."""
    id = find_column(frame, id, "id", ID_NAMES)
    values = frame if label is None else frame.drop(columns=find_column(frame, label, "label", ()))
    packed = pack_long(values, id, time)
    ids = [str(name) for name in frame[id].unique()]
    return from_packed(packed, ids, None if label is None else labels_of(frame, id, label))


def labels_of(frame: pd.DataFrame, id: str, label: str) -> list[str]:
    """Return the one label of each series.

    Raises ``InputError`` naming a series with several.
    """
    by_series = frame.groupby(id, sort=False)[label]
    several = by_series.nunique(dropna=False) > 1
    if several.any():
        raise InputError(
            f"Series {several.idxmax()!r} has more than one label in {label!r}; expected the same "
            "in all of its rows. For labels of single steps, leave the column out."
        )
    return [str(value) for value in by_series.agg(lambda rows: rows.iloc[0])]


def read_folder(folder: Path, time: str | None, label: str | None) -> SeriesFile:
    """Read each table of a folder as one series, in the order of the file names."""
    paths = sorted(p for p in folder.iterdir() if p.suffix.lower() in TABLES and p.is_file())
    if not paths:
        raise InputError(
            f"The folder {folder.name} has no tables ({', '.join(TABLES)}); expected one a series. "
            "Name the folder that holds them."
        )
    files = [read_one(path, time, label) for path in paths]
    first = files[0].channels
    for path, file in zip(paths, files, strict=True):
        if sorted(file.channels) != sorted(first):
            raise InputError(
                f"{path.name} has the channels {file.channels} but {paths[0].name} has {first}; "
                "expected the same in every file. Rename or drop columns."
            )
    series = [in_order(file.series[0], file.channels, first) for file in files]
    labels = None if label is None else [one for file in files for one in file.labels or []]
    return SeriesFile(series, [path.stem for path in paths], labels, first)


def read_one(path: Path, time: str | None, label: str | None) -> SeriesFile:
    """Read one series from a table: its rows are steps, sorted by the time if there is one."""
    frame = read_table(path)
    timed = time is not None or any(str(name).lower() in TIME_NAMES for name in frame.columns)
    frame = frame.assign(**{"(series)": path.stem})
    if not timed:
        frame, time = frame.assign(**{"(step)": range(len(frame))}), "(step)"
    try:
        return from_long(frame, "(series)", time, label)
    except InputError as error:
        raise InputError(f"{path.name}: {error}") from error


def from_packed(packed: Packed, ids: Sequence[str], labels: list[str] | None) -> SeriesFile:
    """Cut packed steps into series.

    Raises ``InputError`` where there is none.
    """
    if not len(packed.lengths):
        raise InputError("Found no series: expected at least one. Give a file that is not empty.")
    channels = [packed.channel(i) for i in range(packed.values.shape[1])]
    return SeriesFile(np.split(packed.values, packed.starts[1:]), list(ids), labels, channels)


# NumPy arrays.


def read_arrays(path: Path, layout: str | None) -> SeriesFile:
    """Read ``.npy`` or ``.npz`` without pickle; series are named by their position."""
    arrays = load_arrays(path)
    lengths = arrays.pop("lengths", arrays.pop("len", None))
    labels = arrays.pop("y", None)
    values = as_numbers(main_array(arrays), "The array")
    packed = pack_array(values, layout) if lengths is None else pack_ragged(values, lengths)
    if labels is not None and labels.shape != packed.lengths.shape:
        raise InputError(
            f"y has the shape {labels.shape} for {len(packed.lengths)} series; expected one label "
            "for each. Correct or leave out y."
        )
    ids = [str(i) for i in range(len(packed.lengths))]
    return from_packed(packed, ids, None if labels is None else [str(one) for one in labels])


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
    """Return the array that holds the series: ``X``, or the only one."""
    if "X" in arrays or len(arrays) == 1:
        return arrays.get("X", next(iter(arrays.values())))
    raise InputError(
        f"Found the arrays {list(arrays)}; expected one called X, or a single one. Save the series "
        "as X, and their lengths as lengths if they differ."
    )


def pack_ragged(values: Floats, lengths: NDArray[Any]) -> Packed:
    """Pair steps that stand one after the other with the lengths of their series."""
    values = values[:, None] if values.ndim == 1 else values
    whole = lengths.dtype.kind in "iu" and lengths.ndim == 1 and (lengths > 0).all()
    if not whole or values.ndim != 2 or lengths.sum() != len(values):
        raise InputError(
            f"X has the shape {values.shape} and lengths sum to {lengths.sum()}; expected X "
            "(all steps, channels) and positive whole lengths that sum to its steps. Correct one."
        )
    return Packed(values, lengths.astype(np.intp))


# The .ts format of the UEA archive.


@dataclass(frozen=True)
class Header:
    """What the head of a ``.ts`` file promises; None where it does not say."""

    channels: int | None = None
    length: int | None = None
    labelled: bool = False
    classes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Line:
    """A line with content, and where it stands, so that errors can say so."""

    number: int
    text: str

    def refuse(self, found: str, advice: str) -> InputError:
        """Return the error that names this line."""
        return InputError(f"Line {self.number}: {found}. {advice}")


def read_ts(path: Path) -> SeriesFile:
    """Read the ``.ts`` format: a header of @-lines, then a series a line.

    Channels are split by colons, values by commas; ``?`` and ``NaN`` are missing; the class label,
    if there is one, stands last. Lines that begin with ``#`` or ``%`` are comments.
    """
    try:
        text = path.read_text(encoding="utf-8-sig", errors="replace")  # old comments are Latin-1
    except OSError as error:
        raise InputError(
            f"{path.name} cannot be read: {error.strerror}. Check the path."
        ) from error
    head, body = split_ts(text)
    header = read_header(head)
    cases = [read_case(line, header) for line in body]
    series, labels = [values for values, _ in cases], [label for _, label in cases]
    check_channels(body, series)
    channels = [f"channel {i}" for i in range(series[0].shape[1])]
    ids = [str(i) for i in range(len(series))]
    return SeriesFile(series, ids, labels if header.labelled else None, channels)


def split_ts(text: str) -> tuple[list[Line], list[Line]]:
    """Return the lines before and after ``@data``, without comments and empty lines.

    Raises ``InputError`` where either part is missing: the file may be cut off.
    """
    lines = [Line(i, line.strip()) for i, line in enumerate(text.split("\n"), start=1)]
    lines = [line for line in lines if line.text and line.text[0] not in "#%"]
    starts = [i for i, line in enumerate(lines) if line.text.lower() == "@data"]
    if not starts or starts[0] + 1 == len(lines):
        found = "no @data line" if not starts else "no series after @data"
        raise InputError(
            f"The .ts file has {found}; expected a header, @data, then a series a line. It may be "
            "cut off: fetch it again."
        )
    return lines[: starts[0]], lines[starts[0] + 1 :]


def read_header(lines: Sequence[Line]) -> Header:
    """Collect what the @-lines say; tags that do not matter here are passed over."""
    header, equal = Header(), True
    for line in lines:
        tag, *words = line.text.split()
        if not tag.startswith("@"):
            raise line.refuse(
                f"found {line.text[:40]!r} before @data", "Expected tags such as @classLabel."
            )
        if tag.lower() == "@equallength":
            equal = truth(line, words)
        elif tag.lower() in TAGS:
            header = TAGS[tag.lower()](header, line, words)
    return header if equal else replace(header, length=None)


def truth(line: Line, words: Sequence[str]) -> bool:
    """Read the first word after a tag as true or false."""
    if words and words[0].lower() in TRUTH:
        return TRUTH[words[0].lower()]
    raise line.refuse(f"found {line.text[:40]!r}", "Expected true or false after the tag.")


def whole_number(line: Line, words: Sequence[str]) -> int:
    """Read the first word after a tag as a positive whole number."""
    if words and words[0].isascii() and words[0].isdigit() and 0 < len(words[0]) < 10:
        return int(words[0])
    raise line.refuse(f"found {line.text[:40]!r}", "Expected a whole number after the tag.")


def refuse_times(header: Header, line: Line, words: Sequence[str]) -> Header:
    """Refuse the variant of the format in which every value carries its time."""
    if truth(line, words):
        raise line.refuse(
            "the file stores a time with every value (@timeStamps true), which is not read",
            "Expected values only: convert it to a table with columns id, time and values.",
        )
    return header


def read_univariate(header: Header, line: Line, words: Sequence[str]) -> Header:
    """Read whether there is only one channel."""
    return replace(header, channels=1) if truth(line, words) else header


def read_dimensions(header: Header, line: Line, words: Sequence[str]) -> Header:
    """Read the number of channels."""
    return replace(header, channels=whole_number(line, words))


def read_length(header: Header, line: Line, words: Sequence[str]) -> Header:
    """Read the number of steps."""
    return replace(header, length=whole_number(line, words))


def read_classes(header: Header, line: Line, words: Sequence[str]) -> Header:
    """Read whether series are labelled, and with what."""
    return replace(header, labelled=truth(line, words), classes=tuple(words[1:]))


def read_target(header: Header, line: Line, words: Sequence[str]) -> Header:
    """Read whether series have a number to predict: a label like any other."""
    return replace(header, labelled=truth(line, words))


TAGS: Mapping[str, Callable[[Header, Line, Sequence[str]], Header]] = {
    "@timestamps": refuse_times,
    "@univariate": read_univariate,
    "@dimension": read_dimensions,
    "@dimensions": read_dimensions,
    "@serieslength": read_length,
    "@classlabel": read_classes,
    "@targetlabel": read_target,
}


def read_case(line: Line, header: Header) -> tuple[Floats, str]:
    """Read one series ``(steps, channels)`` and its label, empty where files have none.

    Raises ``InputError`` where the line breaks what the header promised.
    """
    fields = line.text.split(":")
    label = read_label(line, fields.pop(), header) if header.labelled else ""
    channels = [read_channel(line, i, field) for i, field in enumerate(fields)]
    if not channels or (header.channels or len(channels)) != len(channels):
        raise line.refuse(
            f"found {len(channels)} channels; the header says {header.channels or 'at least 1'}",
            "The file may be cut off or its header wrong.",
        )
    steps = {len(channel) for channel in channels}
    if len(steps) > 1 or (header.length or len(channels[0])) not in steps:
        raise line.refuse(
            f"found channels of {', '.join(map(str, sorted(steps)))} steps; expected "
            f"{header.length or 'as many in each channel'}",
            "The file may be cut off; mark missing values with '?'.",
        )
    return np.array(channels, dtype=np.float64).T, label


def read_label(line: Line, field: str, header: Header) -> str:
    """Read the class label at the end of a line."""
    label = field.strip()
    if not label or (header.classes and label not in header.classes):
        known = ", ".join(header.classes) or "any word"
        raise line.refuse(
            f"found {label[:40]!r} where the class label stands; expected one of: {known}",
            "The line may be cut off, or the header's list of classes wrong.",
        )
    return label


def read_channel(line: Line, index: int, field: str) -> list[float]:
    """Read the values of one channel; ``?`` and ``NaN`` are missing."""
    try:
        return [float(value) for value in field.replace("?", "nan").split(",")]
    except ValueError as error:
        raise line.refuse(
            f"channel {index} holds a value that is not a number ({error})",
            "Expected numbers split by commas, and '?' for missing ones.",
        ) from error


def check_channels(lines: Sequence[Line], series: Sequence[Floats]) -> None:
    """Refuse a series whose channels are not as many as those of the first."""
    first = series[0].shape[1]
    for line, values in zip(lines, series, strict=True):
        if values.shape[1] != first:
            raise line.refuse(
                f"found {values.shape[1]} channels; line {lines[0].number} has {first}",
                "Expected the same number in all: the line may be cut off.",
            )

"""The ``.ts`` format of the UEA archive."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from askew.errors import InputError
from askew.files.series_file import SeriesFile

Floats = NDArray[np.float64]

TRUTH = {"true": True, "false": False}


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

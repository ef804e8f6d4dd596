"""Raw series as users have them, brought into one array of steps, and what can be wrong there."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from numbers import Real
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from askew.data.arrays import as_array
from askew.data.base import Raw
from askew.errors import InputError
from askew.wording import count_of

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

LAYOUTS: Mapping[str, Callable[[Floats], Floats]] = {
    "time-first": lambda a: a,
    "channels-first": lambda a: a.swapaxes(-1, -2),
}
"""How an array is laid out, and what brings its last two axes to (steps, channels)."""

ID_NAMES = ("id", "series", "series_id")
TIME_NAMES = ("time", "timestamp", "t", "step")

SHORTEST = 4  # steps: what the encoder's last convolution covers; fewer have no shape to learn
HUGE = 1e100  # beyond it, squares overflow when the spread is measured


class Tick(NamedTuple):
    """The usual time from one step to the next, by a clock of dates or of numbers."""

    size: float
    unit: str


@dataclass(frozen=True)
class Packed:
    """Many series in one array: all their steps one after the other, and how long each is.

    No padding and no loop over series: what is done to steps is done to all at once.

    Shapes
    ------
    ``values (S, C)`` with ``S = lengths.sum()``; ``lengths (n,)``; ``names``: those of the C
    channels, where the user gave any; ``ticks``: of each series whose clock was read, see `Tick`.

    Example
    -------
    >>> Packed(np.zeros((5, 1)), np.array([2, 3])).step
    array([0, 1, 0, 1, 2])
    """

    values: Floats
    lengths: Ints
    names: list[str] | None = None
    ticks: tuple[Tick, ...] = ()

    @property
    def starts(self) -> Ints:
        """Row at which each series begins, ``(n,)``."""
        return np.cumsum(self.lengths) - self.lengths

    @property
    def owner(self) -> Ints:
        """Series to which each row belongs, ``(S,)``."""
        return np.repeat(np.arange(len(self.lengths)), self.lengths)

    @property
    def step(self) -> Ints:
        """Place of each row within its series, ``(S,)``."""
        return np.arange(len(self.values)) - np.repeat(self.starts, self.lengths)

    def channel(self, index: int) -> str:
        """Name a channel: as the user does, or counted from 0."""
        return channel_name(self.names, index)


def pack(X: Raw, *, layout: str | None, id: str | None, time: str | None) -> Packed:
    """Read any accepted form of series; see `Series` for the forms.

    Raises ``InputError`` where the form, its layout or its columns cannot be told.

    Example
    -------
    >>> pack([[1, 2], [3, 4, 5]], layout=None, id=None, time=None).lengths
    array([2, 3])
    """
    if is_table(X):
        return pack_long(as_frame(X), id, time)
    check_list(X)
    if isinstance(X, (list, tuple)) or is_object_list(X):
        return pack_list(list(X), layout)
    return pack_array(as_numbers(X, "The array"), layout)


def pack_array(array: Floats, layout: str | None) -> Packed:
    """Lay the series of one array, all of the same length, one after the other.

    Shapes
    ------
    ``(n, L)``, ``(n, L, C)`` or ``(n, C, L)`` ``-> values (n * L, C)``
    """
    if array.ndim == 2:
        array = array[:, :, None]
    elif array.ndim == 3:
        array = steps_first(array, layout)
    else:
        raise InputError(
            f"Found an array of shape {array.shape}; expected two axes (series, steps) or three. "
            "Put a single series into a list."
        )
    series, steps, channels = array.shape
    return Packed(array.reshape(-1, channels), np.full(series, steps, dtype=np.intp))


def pack_list(items: Sequence[Raw], layout: str | None) -> Packed:
    """Lay the series of a list, arrays or tables, one after the other.

    Raises ``InputError`` naming two series whose channels differ.
    """
    if not items:
        raise InputError("Found no series: the list is empty. Give at least one series.")
    names = [list(map(str, as_frame(item).columns)) if is_table(item) else None for item in items]
    series = [
        as_numbers(as_frame(item), f"Series {i}") if is_table(item) else one_series(item, i, layout)
        for i, item in enumerate(items)
    ]
    series = same_channels(series, names)
    lengths = np.array([len(values) for values in series], dtype=np.intp)
    return Packed(np.concatenate(series), lengths, names[0])


def one_series(item: Raw, index: int, layout: str | None) -> Floats:
    """Return one series of a list as ``(steps, channels)``."""
    values = as_numbers(item, f"Series {index}")
    if values.ndim == 1:
        return values[:, None]
    if values.ndim == 2:
        return steps_first(values, layout)
    raise InputError(
        f"Series {index} has the shape {values.shape}; expected (steps,) or two axes, steps and "
        "channels. Give each series as an array of its own."
    )


def steps_first(array: Floats, layout: str | None) -> Floats:
    """Bring the last two axes to (steps, channels).

    Raises ``InputError`` where the layout was not said: a wrong guess would train without notice.
    """
    if layout is None:
        before, (steps, channels) = array.shape[:-2], array.shape[-2:]
        series = "series, " if before else ""
        raise InputError(
            f"Found the shape {array.shape}, which may be ({series}steps, channels) or "
            f"({series}channels, steps). Say which: Series(layout='time-first') reads {steps} "
            f"steps of {channels} channels, Series(layout='channels-first') {channels} steps of "
            f"{steps}."
        )
    return LAYOUTS[layout](array)


def same_channels(series: list[Floats], names: list[list[str] | None]) -> list[Floats]:
    """Bring the named channels of all series into the order of the first.

    Raises ``InputError`` naming the first two series that do not have the same channels.
    """
    first, known = series[0], names[0]
    for i, (values, own) in enumerate(zip(series, names, strict=True)):
        if values.shape[1] != first.shape[1]:
            raise InputError(
                f"Series 0 has {count_of(first.shape[1], 'channel')} but series {i} has "
                f"{values.shape[1]}: all must have the same channels. If the axes are swapped, "
                "say so with Series(layout=...)."
            )
        if known is not None and own is not None and sorted(known) != sorted(own):
            raise InputError(
                f"Series 0 has the channels {known} but series {i} has {own}: all must have the "
                "same channels. Rename or drop columns."
            )
    return [in_order(values, own, known) for values, own in zip(series, names, strict=True)]


def in_order(values: Floats, names: list[str] | None, wanted: list[str] | None) -> Floats:
    """Return the columns as ``wanted`` orders them; unnamed ones stay where they are."""
    if names is None or wanted is None or names == wanted:
        return values
    return values[:, [names.index(name) for name in wanted]]


def pack_long(frame: pd.DataFrame, id: str | None, time: str | None) -> Packed:
    """Read a table with one row for each series and time, in the order of the time.

    Raises ``InputError`` where columns cannot be found, ids or times are missing, a time occurs
    twice in a series, or a value is not a number.

    Example
    -------
    >>> table = pd.DataFrame({"id": ["b", "a", "b"], "t": [2, 1, 1], "heat": [5.0, 6.0, 7.0]})
    >>> pack_long(table, None, None).values.ravel()
    array([7., 5., 6.])
    """
    id, time = long_columns(frame, id, time)
    series, ids = pd.factorize(frame[id])
    check_no_missing(frame, [id, time])
    moments = moments_of(frame[time])
    order = np.lexsort((moments, series))
    check_no_repeats(series[order], moments[order], frame[time].iloc[order], ids)
    values = frame.drop(columns=[id, time]).iloc[order]
    names = [str(column) for column in values.columns]
    numbers = as_numbers(values, "The table")
    return Packed(numbers, np.bincount(series).astype(np.intp), names)


def long_columns(frame: pd.DataFrame, id: str | None, time: str | None) -> tuple[str, str]:
    """Return the columns of a long table that name the series and the time."""
    if frame.empty:
        raise InputError(
            f"Found a table of {len(frame)} rows and {frame.shape[1]} columns; expected rows of "
            "series id, time and values. Give a table that is not empty."
        )
    id = find_column(frame, id, "id", ID_NAMES)
    time = find_column(frame, time, "time", TIME_NAMES)
    if len(frame.columns) < 3 or id == time:
        raise InputError(
            f"The long table has only the columns {list(frame.columns)}; expected a series id "
            f"({id}), a time ({time}) and at least one column of values. Add what is missing."
        )
    return id, time


def find_column(frame: pd.DataFrame, name: str | None, role: str, usual: Sequence[str]) -> str:
    """Return the column named by the user, or else the first one with a usual name."""
    for column in frame.columns:
        if column == name or (name is None and str(column).lower() in usual):
            return str(column)
    wanted = f"{' or '.join(usual)}" if name is None else repr(name)
    raise InputError(
        f"The table has the columns {list(frame.columns)}; expected {wanted} for the {role} of the "
        f"series. Name the column: Series({role}=...)."
    )


def check_no_missing(frame: pd.DataFrame, columns: Iterable[str]) -> None:
    """Refuse rows that belong to no series or no time."""
    for column in columns:
        missing = frame[column].isna().to_numpy()
        if missing.any():
            raise InputError(
                f"Row {int(missing.argmax())} of the table has no value in {column!r}: expected "
                "one in every row. Fill it in or drop the row."
            )


def moments_of(time: pd.Series[Any]) -> NDArray[Any]:
    """Return times that sort rightly: numbers, dates, or text in ISO 8601 that means either.

    Text is never sorted as text: "10" would come before "9".
    """
    if time.dtype.kind in "biufmM" or isinstance(time.dtype, pd.DatetimeTZDtype):
        return time.to_numpy()
    text = time.astype(str)
    try:
        return pd.to_numeric(text).to_numpy()
    except ValueError:
        pass  # not numbers: dates?
    try:
        return pd.to_datetime(text, format="ISO8601", utc=True).to_numpy()
    except (ValueError, OverflowError) as error:
        raise InputError(
            f"Times such as {text.iloc[0]!r} in {time.name!r} are neither numbers nor dates like "
            "2024-01-31 12:00: expected one of them. Convert the column with pandas.to_datetime."
        ) from error


def check_no_repeats(
    series: NDArray[Any], moments: NDArray[Any], shown: pd.Series[Any], ids: pd.Index[Any]
) -> None:
    """Refuse a time that occurs twice in a series; both are sorted by series, then time."""
    repeats = (series[1:] == series[:-1]) & (moments[1:] == moments[:-1])
    if repeats.any():
        at = int(repeats.argmax()) + 1
        raise InputError(
            f"Series {ids[series[at]]!r} has the time {shown.iloc[at]} twice: expected every time "
            "once in a series. Drop or average the repeats, or name the right time column."
        )


def is_table(X: Raw) -> bool:
    """Say whether this is a pandas, polars or pyarrow table."""
    return isinstance(X, pd.DataFrame) or (hasattr(X, "to_pandas") and hasattr(X, "columns"))


def as_frame(X: Raw) -> pd.DataFrame:
    """Return a table as pandas has it."""
    frame: pd.DataFrame = X if isinstance(X, pd.DataFrame) else X.to_pandas()
    return frame


def as_numbers(raw: Raw, what: str) -> Floats:
    """Return numbers as float64, missing ones as NaN.

    Raises ``InputError`` on text, dates and nested lists of unequal length.
    """
    if isinstance(raw, pd.DataFrame):
        columns = [as_numbers(raw.iloc[:, i], column_of(raw, i, what)) for i in range(raw.shape[1])]
        return np.column_stack(columns) if columns else np.empty(raw.shape)
    if isinstance(raw, np.ma.MaskedArray):  # np.asarray would drop the mask without notice
        raw = np.ma.filled(raw.astype(np.float64), np.nan)
    try:
        array = as_array(raw)
        if array.dtype.kind in "biufO":
            return raw_floats(raw, array)
    except (TypeError, ValueError):
        pass  # told below, in the user's words
    raise InputError(
        f"{what} holds something that is not a number, or nested lists of unequal length, near "
        f"{str(raw)[:60]!r}: expected numbers. Convert or drop what is not one."
    )


def raw_floats(raw: Raw, array: NDArray[Any]) -> Floats:
    """Return an array of numbers as float64; text among them raises ``ValueError``."""
    if isinstance(raw, pd.Series):  # its own way to write a missing value
        return raw.to_numpy(dtype=np.float64, na_value=np.nan)
    if array.dtype.kind == "O" and any(isinstance(value, (str, bytes)) for value in array.flat):
        raise ValueError("text")
    return array.astype(np.float64)


def column_of(frame: pd.DataFrame, index: int, what: str) -> str:
    """Name a column of a table for an error."""
    return f"{what}'s column {frame.columns[index]!r}"


def is_object_list(X: Raw) -> bool:
    """Say whether this is numpy's way to write a list of arrays of unequal length."""
    return isinstance(X, np.ndarray) and X.dtype == object and X.ndim == 1


def axis_count(item: Raw) -> int:
    """Return how many axes of numbers an item has; negative where it does not hold numbers."""
    if is_table(item):
        return 2
    if isinstance(item, (list, tuple)):
        return 1 + axis_count(item[0]) if item else 1
    if hasattr(item, "ndim"):
        kind = getattr(getattr(item, "dtype", None), "kind", "f")  # torch's dtypes have no kind
        return int(item.ndim) if kind in "biufO" else -9
    return 0 if item is None or isinstance(item, Real) else -9


# Refusals.


def check_list(X: Raw) -> None:
    """Refuse what cannot be a set of series."""
    listed = isinstance(X, (list, tuple)) or (hasattr(X, "__array__") and np.ndim(X) > 0)
    if not listed:
        raise InputError(
            f"Found {type(X).__name__}; expected many series: an array with two or three axes, a "
            "list of arrays or tables, or one long table. Put a single series into a list."
        )


def check_values(packed: Packed, what: str = "Series") -> None:
    """Refuse series without steps or channels, and infinite values, naming where they are."""
    if not len(packed.lengths) or not packed.lengths.all() or not packed.values.shape[1]:
        empty = int(np.argmin(packed.lengths)) if len(packed.lengths) else 0
        raise InputError(
            f"{what} {empty} is empty (or there is none): expected at least one step and one "
            "channel in each. Drop the empty ones."
        )
    huge = np.abs(packed.values) > HUGE  # NaN compares false
    if huge.any():
        row, channel = np.argwhere(huge)[0]
        raise InputError(
            f"{what} {packed.owner[row]} holds {packed.values[row, channel]} in "
            f"{packed.channel(channel)}, step {packed.step[row]}: expected finite values below "
            f"{HUGE:g}. Replace it, or make it NaN to have it filled in."
        )


def warn_of_hardly_recorded(packed: Packed) -> None:
    """Say which series are too short, or too empty, for their score to mean anything."""
    recorded = np.bincount(
        packed.owner, ~np.isnan(packed.values).all(axis=1), minlength=len(packed.lengths)
    )
    poor = np.flatnonzero(recorded < SHORTEST)
    if len(poor):
        warnings.warn(
            f"{len(poor)} of {len(recorded)} series have fewer than {SHORTEST} recorded steps (the "
            f"first: series {poor[0]}): their scores say little; look at them by hand.",
            UserWarning,
            stacklevel=4,
        )


def check_learnable(packed: Packed) -> None:
    """Refuse training series from which nothing can be learned."""
    if len(packed.lengths) < 2:
        raise InputError(
            "Found 1 series; expected at least two to learn what is normal. If it is one long "
            "recording, cut it into many."
        )
    if packed.lengths.max() < SHORTEST:
        raise InputError(
            f"The longest series has {count_of(int(packed.lengths.max()), 'step')}; expected at "
            f"least {SHORTEST}. Treat so few as the columns of a table: data=Tabular()."
        )
    unseen = np.isnan(packed.values).all(axis=0)
    if unseen.any():
        raise InputError(
            f"{packed.channel(int(unseen.argmax()))} has no value in any series: expected at least "
            "one. Drop the channel."
        )


def check_length(packed: Packed, length: int, source: str) -> None:
    """Refuse series that do not fit the networks."""
    longest = int(packed.lengths.argmax())
    if packed.lengths[longest] > length:
        raise InputError(
            f"Series {longest} has {packed.lengths[longest]} steps; expected at most {length}, "
            f"from {source}. Cut it, or fit with Series(length={packed.lengths[longest]}) or more."
        )


SWAPPED = "If the axes are swapped, say so with Series(layout=...)."


def match_channels(
    packed: Packed, names: list[str] | None, count: int, advice: str = SWAPPED
) -> Packed:
    """Bring channels into the order of training.

    Raises ``InputError`` where other channels were found; ``advice`` ends what it says of numbers.
    """
    if packed.names and names and sorted(packed.names) != sorted(names):
        raise InputError(
            f"Found the channels {packed.names}; expected those of training, {names}. Rename, add "
            "or drop columns."
        )
    if packed.values.shape[1] != count:
        raise InputError(
            f"Found {count_of(packed.values.shape[1], 'channel')}; expected {count}, as in "
            f"training. {advice}"
        )
    return replace(packed, values=in_order(packed.values, packed.names, names), names=names)


def check_word(
    parameter: str, value: object, words: Iterable[object], owner: str = "Series"
) -> None:
    """Refuse a word that is not on the list."""
    if value not in words:
        known = ", ".join(repr(word) for word in words)
        raise InputError(f"{owner}({parameter}={value!r}) is not known: choose one of {known}.")


def check_at_least(parameter: str, value: int | None, least: int, owner: str = "Series") -> None:
    """Refuse sizes that no network can have; None is left to be found from the data."""
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if value is not None and not (whole and value >= least):
        raise InputError(
            f"{owner}({parameter}={value!r}) is impossible: choose a whole number, {least} or more."
        )


def channel_name(names: list[str] | None, index: int) -> str:
    """Name a channel: as the user does, or counted from 0."""
    return f"channel {index}" if names is None else names[index]

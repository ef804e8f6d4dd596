"""Raw recordings as users have them: brought into one array of steps, and their clocks checked."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from askew.data.base import Raw
from askew.data.long_table import TIME_NAMES, check_no_missing, moments_of, row_of
from askew.data.numbers import as_frame, as_numbers, axis_count, is_object_list, is_table
from askew.data.packed import Floats, Ints, Packed, Tick, check_values, in_order, warn_of_further
from askew.errors import InputError
from askew.wording import count_of

CLOCK_NAMES = (*TIME_NAMES, "datetime", "date")
"""Usual names of a column that tells the time, in small letters."""

GAP = 1.5  # usual steps: a longer one is a gap
HOUR, SELDOM = 3600.0, 0.01  # by how much, and for what share of steps, clocks are put back
IN_A_SECOND = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}
UNEVEN, OFTEN = 0.1, 0.05  # a share of the usual step; a share of all steps


@dataclass(frozen=True)
class Stretch:
    """Part of a recording: a table of its rows, and how many steps come before the first."""

    rows: pd.DataFrame
    first: int

    def __len__(self) -> int:
        return len(self.rows)


def as_recordings(X: Raw) -> list[Raw]:
    """Return raw input as a list of recordings, each an array or a table.

    Raises ``InputError`` where there is none, or it is nothing of the kind.

    Example
    -------
    >>> len(as_recordings(np.zeros((9, 2)))), len(as_recordings(np.zeros((3, 9, 2))))
    (1, 3)
    """
    if is_table(X) or isinstance(X, Stretch):
        return [X]
    several = isinstance(X, (list, tuple)) or is_object_list(X)
    if several and len(X) and all(axis_count(one) > 0 for one in X):
        return list(X)
    array = X if hasattr(X, "shape") else np.asarray(X, dtype=object)
    if len(array.shape) == 3:
        return list(array)
    if len(array.shape) not in (1, 2) or not len(array):
        raise InputError(
            f"Found {type(X).__name__} of shape {tuple(array.shape)}; expected a recording, "
            "(steps,) or (steps, channels), a table with a row for each step, or a list of them. "
            "Give at least one step."
        )
    return [X]


def lengths_of(X: Raw) -> Ints:
    """Return the steps of each recording without reading its values, ``(r,)``."""
    return np.array([len(one) for one in as_recordings(X)], dtype=np.intp)


def pack_recordings(X: Raw, time: str | None, wanted: list[str] | None = None) -> Packed:
    """Lay the steps of all recordings one after the other.

    Where tables have all of the ``wanted`` columns, others are left out, with a warning.

    Raises ``InputError`` where a clock runs backwards or stands still, channels differ, or values
    are not finite numbers; warns of gaps and of irregular clocks.

    Example
    -------
    >>> pack_recordings([np.zeros((5, 2)), np.ones((3, 2))], None).lengths
    array([5, 3])
    """
    read = [_one(raw, i, time, wanted) for i, raw in enumerate(as_recordings(X))]
    _same_channels(read)
    first = read[0].names
    values = [in_order(one.values, one.names, first) for one in read]
    packed = Packed(
        values[0] if len(values) == 1 else np.concatenate(values),
        np.array([len(one) for one in values], dtype=np.intp),
        first,
        tuple(tick for one in read for tick in one.ticks),
        read[0].first,
    )
    check_values(packed, "Recording")
    return packed


def clock_column(
    frame: pd.DataFrame, time: str | None, wanted: list[str] | None = None
) -> str | None:
    """Return the column that tells the time: the named one, or one with a usual name.

    Where no name is usual and the index tells none, it is the first column of dates, other than the
    ``wanted`` channels, that mostly goes forward.

    Raises ``InputError`` where the named one is missing.
    """
    if time is not None and time not in frame:
        raise InputError(
            f"The table has the columns {list(map(str, frame.columns))[:20]}; there is no "
            f"{time!r} for Windows(time=...). Name the column that tells the time."
        )
    if time is not None:
        return time
    usual = [c for c in frame.columns if str(c).lower() in CLOCK_NAMES]
    if usual or isinstance(frame.index, pd.DatetimeIndex):
        return usual[0] if usual else None
    names = list(frame.columns)
    single = [i for i, c in enumerate(names) if names.count(c) == 1 and c not in (wanted or ())]
    return next((names[i] for i in single if _are_dates(frame.iloc[:, i])), None)


def _are_dates(values: pd.Series[Any]) -> bool:
    """Say whether a column holds dates that mostly go forward.

    Example
    -------
    >>> days = pd.Series(["2026-01-31", "2026-02-01"])
    >>> _are_dates(days), _are_dates(days[::-1]), _are_dates(pd.Series([20260131, 20260201]))
    (True, False, False)
    """
    if values.dtype.kind in "biufc" or len(values) < 2 or values.isna().any():
        return False
    try:
        return _tells_dates(values) and float(np.median(ticks_of(values))) > 0
    except InputError:
        return False


def _one(raw: Raw, place: int, time: str | None, wanted: list[str] | None) -> Packed:
    """Return one recording, its values not yet checked."""
    name = f"Recording {place}"
    if isinstance(raw, Stretch):
        return replace(_one(raw.rows, place, time, wanted), first=raw.first)
    if is_table(raw):
        frame, clock = as_frame(raw), None
        column = clock_column(frame, time, wanted)
        if column is not None:
            clock = frame[column]
            frame = frame.drop(columns=[column])
        elif isinstance(frame.index, pd.DatetimeIndex):
            clock = frame.index.to_series(name="the index")
        if clock is not None:
            check_clock(clock, name)
        ticks = () if clock is None else usual_ticks(clock)
        frame = _chosen(frame.set_axis([str(c) for c in frame.columns], axis=1), wanted)
        length = np.array([len(frame)], dtype=np.intp)
        return Packed(as_numbers(frame, name), length, list(frame.columns), ticks)
    values = as_numbers(raw, name)
    if values.ndim not in (1, 2):
        raise InputError(
            f"{name} has the shape {values.shape}; expected (steps,) or (steps, channels)."
        )
    return Packed(values.reshape(len(values), -1), np.array([len(values)], dtype=np.intp))


def _chosen(frame: pd.DataFrame, wanted: list[str] | None) -> pd.DataFrame:
    """Leave out columns that were not in training, where all that were are there."""
    if wanted is None or not set(wanted) <= set(frame.columns):
        return frame
    further = [name for name in frame.columns if name not in wanted]
    if further:
        warn_of_further(further)
    names = list(frame.columns)
    return frame.iloc[:, [names.index(one) for one in wanted]]


def _same_channels(read: Sequence[Packed]) -> None:
    """Refuse recordings that do not have the same channels."""
    first, *others = read
    known = first.names
    for i, one in enumerate(others, start=1):
        names = one.names
        renamed = bool(known and names) and sorted(known or []) != sorted(names or [])
        if one.values.shape[1] != first.values.shape[1] or renamed:
            own, its = names or f"{one.values.shape[1]}", known or f"{first.values.shape[1]}"
            raise InputError(
                f"Recording 0 has the channels {its} but recording {i} has {own}: all must have "
                "the same. Rename or drop columns."
            )


def check_clock(time: pd.Series[Any], name: str) -> None:
    """Refuse a clock that runs backwards or stands still; warn of gaps and irregular steps.

    Example
    -------
    >>> check_clock(pd.Series([0, 1, 1], name="t"), "Recording 0")
    Traceback (most recent call last):
    ...
    askew.errors.InputError: Recording 0 has the time 1 twice, in rows 1 and 2 ...
    """
    check_no_missing(time.to_frame(), [time.name])  # type: ignore[list-item]
    steps = ticks_of(time)
    wrong = np.flatnonzero(steps <= 0)
    if len(wrong):
        _refuse_clock(time, steps, wrong, name)
    if len(steps):
        _warn_of_gaps(time, steps, name)


def usual_ticks(time: pd.Series[Any]) -> tuple[Tick, ...]:
    """Return the usual step of a clock; nothing of a single moment.

    Example
    -------
    >>> usual_ticks(pd.Series([0, 5, 10])), usual_ticks(pd.Series(["2026-01-01", "2026-01-02"]))
    ((Tick(size=5.0, unit='units'),), (Tick(size=86400.0, unit='seconds'),))
    """
    if len(time) < 2:
        return ()
    unit = "seconds" if _tells_dates(time) else "units"
    return (Tick(float(np.median(ticks_of(time))), unit),)


def _tells_dates(time: pd.Series[Any]) -> bool:
    """Say whether a clock tells dates and not numbers, going by its first moment."""
    return moments_of(time.iloc[:1]).dtype.kind in "OM"


def _refuse_clock(time: pd.Series[Any], steps: Floats, wrong: NDArray[np.intp], name: str) -> None:
    """Say where a clock does not go forward, and what may be the reason."""
    row = int(wrong[0])
    before, after = time.iloc[row], time.iloc[row + 1]
    counted = row_of(time.index, row)
    said = (
        f"has the time {after} twice, in rows {counted} and {counted + 1}"
        if steps[row] == 0
        else f"goes back from {before} to {after} in row {counted + 1}"
    )
    advice = "Sort the rows and drop or average repeats, or name the right column."
    if not _tells_dates(time) and steps[row] < 0:
        advice = "Where a count starts again another recording begins: give a list of recordings."
    elif (steps[wrong] >= -HOUR).all() and len(wrong) <= SELDOM * len(time):
        advice = (
            "If clocks were put back an hour there, write the times in UTC or with their offset; "
            f"else: {advice}"
        )
    raise InputError(
        f"{name} {said} of {time.name!r}: expected times that only go forward. {advice}"
    )


def ticks_of(time: pd.Series[Any]) -> Floats:
    """Return how far each time is from the one before, in seconds if dates, ``(steps - 1,)``.

    Example
    -------
    >>> ticks_of(pd.Series(["2026-01-01 00:00", "2026-01-01 00:01", "2026-01-01 00:03"])).argmax()
    np.int64(1)
    """
    moments = moments_of(time)
    if moments.dtype.kind in "OM":  # dates, with or without a zone
        index = pd.DatetimeIndex(moments)
        return np.diff(index.asi8) / IN_A_SECOND[index.unit]
    return np.diff(moments.astype(np.float64))


def _warn_of_gaps(time: pd.Series[Any], sizes: Floats, name: str) -> None:
    """Say where a clock jumps, and whether its steps are even."""
    usual = float(np.median(sizes))
    gaps = sizes > GAP * usual
    if gaps.any():
        at = int(np.argmax(sizes))
        warnings.warn(
            f"{name} has {count_of(int(gaps.sum()), 'gap')} in time, the longest from "
            f"{time.iloc[at]} to {time.iloc[at + 1]}, {sizes[at] / usual:.3g} usual steps: windows "
            "across a gap may look strange for that reason alone.",
            UserWarning,
            stacklevel=4,
        )
    uneven = float(np.mean(np.abs(sizes[~gaps] - usual) > UNEVEN * usual))
    if uneven > OFTEN:
        warnings.warn(
            f"{name} has an irregular clock: {uneven:.0%} of its steps are more than "
            f"{UNEVEN:.0%} off the usual one. Windows count steps, not time: resample it first.",
            UserWarning,
            stacklevel=4,
        )

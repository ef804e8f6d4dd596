"""Raw series as users have them, arrays, lists or tables, brought into one array of steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from askew.data.base import Raw
from askew.data.long_table import pack_long
from askew.data.numbers import as_frame, as_numbers, is_object_list, is_table
from askew.data.packed import Floats, Packed, in_order
from askew.errors import InputError
from askew.wording import count_of

LAYOUTS: Mapping[str, Callable[[Floats], Floats]] = {
    "time-first": lambda a: a,
    "channels-first": lambda a: a.swapaxes(-1, -2),
}
"""How an array is laid out, and what brings its last two axes to (steps, channels)."""


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


def check_list(X: Raw) -> None:
    """Refuse what cannot be a set of series."""
    listed = isinstance(X, (list, tuple)) or (hasattr(X, "__array__") and np.ndim(X) > 0)
    if not listed:
        raise InputError(
            f"Found {type(X).__name__}; expected many series: an array with two or three axes, a "
            "list of arrays or tables, or one long table. Put a single series into a list."
        )

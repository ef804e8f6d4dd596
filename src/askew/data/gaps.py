"""From packed steps to a batch: gaps filled, lengths made equal, and what was recorded told."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from askew.data.packed import Floats, Ints, Packed


def fill_gaps(packed: Packed, mean: Floats) -> Floats:
    """Draw a straight line across missing values, from the last value before to the first after.

    Before the first value of a series and after its last, the nearest one is held; a channel of
    which a series has nothing gets its ``mean`` in training.

    Shapes
    ------
    ``values (S, C)``, ``mean (C,)`` ``-> (S, C)`` without NaN

    Example
    -------
    >>> gaps = np.array([[np.nan], [1.0], [np.nan], [np.nan], [4.0]])
    >>> fill_gaps(Packed(gaps, np.array([5])), np.zeros(1)).ravel()
    array([1., 1., 2., 3., 4.])
    """
    values, missing = packed.values, np.isnan(packed.values)
    if not missing.any():
        return values
    before, after, nothing = neighbours(missing, packed)
    left, right = (np.take_along_axis(values, row, axis=0) for row in (before, after))
    here = np.arange(len(values))[:, None]
    share = (here - before) / np.maximum(after - before, 1)  # 0 / 1 where a value is there
    lines = left + share * (right - left)
    return np.where(nothing, mean, np.where(missing, lines, values))


def neighbours(missing: NDArray[np.bool_], packed: Packed) -> tuple[Ints, Ints, NDArray[np.bool_]]:
    """Return the rows of the values before and after each entry, and where a series has none.

    An entry that is there is its own neighbour; one without a neighbour on one side has the other
    on both. All ``(S, C)``.
    """
    rows = len(missing)
    here = np.arange(rows)[:, None]
    before = np.maximum.accumulate(np.where(missing, -1, here), axis=0)
    after = np.minimum.accumulate(np.where(missing, rows, here)[::-1], axis=0)[::-1]
    first = np.repeat(packed.starts, packed.lengths)[:, None]
    last = np.repeat(packed.starts + packed.lengths, packed.lengths)[:, None] - 1
    none_before, none_after = before < first, after > last
    left, right = np.where(none_before, after, before), np.where(none_after, before, after)
    return left.clip(0, rows - 1), right.clip(0, rows - 1), none_before & none_after


def presence(packed: Packed) -> Floats:
    """Return the share of channels recorded at each step, ``(S,)``: 1 all, 0 none.

    After padding it is 0 where a series has ended, so a network can tell the end of a series, and
    values that were filled in, from values that happen to be there.
    """
    share: Floats = np.mean(~np.isnan(packed.values), axis=1)
    return share


def pad(values: Floats, packed: Packed, length: int) -> NDArray[np.float32]:
    """Give every series the same length, with zeros at the end.

    Shapes
    ------
    ``values (S, C) -> (n, C, length)``, float32

    Example
    -------
    >>> two = Packed(np.array([[1.0], [2.0], [3.0]]), np.array([1, 2]))
    >>> pad(two.values, two, 2).tolist()
    [[[1.0, 0.0]], [[2.0, 3.0]]]
    """
    batch = np.zeros((len(packed.lengths), values.shape[1], length), dtype=np.float32)
    batch[packed.owner, :, packed.step] = values
    return batch

"""Many series in one array of steps, and what can be wrong with them."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from askew.errors import InputError
from askew.wording import count_of

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

SHORTEST = 4  # steps: what the encoder's last convolution covers; fewer have no shape to learn
HUGE = 1e100  # beyond it, squares overflow when the spread is measured
SWAPPED = "If the axes are swapped, say so with Series(layout=...)."


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
    channels, where the user gave any; ``ticks``: of each series whose clock was read, see `Tick`;
    ``first``: steps that come before those of the first series, which is part of a longer one.

    Example
    -------
    >>> Packed(np.zeros((5, 1)), np.array([2, 3])).step
    array([0, 1, 0, 1, 2])
    """

    values: Floats
    lengths: Ints
    names: list[str] | None = None
    ticks: tuple[Tick, ...] = ()
    first: int = 0

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


def channel_name(names: list[str] | None, index: int) -> str:
    """Name a channel: as the user does, or counted from 0."""
    return f"channel {index}" if names is None else names[index]


def in_order(values: Floats, names: list[str] | None, wanted: list[str] | None) -> Floats:
    """Return the columns as ``wanted`` orders them; unnamed ones stay where they are."""
    if names is None or wanted is None or names == wanted:
        return values
    return values[:, [names.index(name) for name in wanted]]


def match_channels(
    packed: Packed, names: list[str] | None, count: int, advice: str = SWAPPED
) -> Packed:
    """Bring channels into the order of training; further ones are ignored with a warning.

    Raises ``InputError`` where other channels were found; ``advice`` ends what it says of numbers.
    """
    own, known = packed.names or [], names or []
    if own and not set(known) <= set(own):
        raise InputError(
            f"Found the channels {own}; expected those of training, {known}. Rename, add or drop "
            "columns."
        )
    further = [name for name in own if known and name not in known]
    if further:
        warn_of_further(further)
    elif packed.values.shape[1] != count:
        raise InputError(
            f"Found {count_of(packed.values.shape[1], 'channel')}; expected {count}, as in "
            f"training. {advice}"
        )
    return replace(packed, values=in_order(packed.values, packed.names, names), names=names)


def warn_of_further(channels: list[str]) -> None:
    """Say which channels were not in training."""
    shown = ", ".join(map(repr, channels))
    message = f"Channels that were not in training are ignored: {shown}."
    warnings.warn(message, UserWarning, stacklevel=2)


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
            f"{packed.channel(channel)}, step {packed.step[row] + packed.first}: expected finite "
            f"values below {HUGE:g}. Replace it, or make it NaN to have it filled in."
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

"""Series: many whole series, of equal or unequal length, with one channel or many."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any, Self

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn

from askew.data.base import DataType, Raw
from askew.errors import InputError
from askew.nets.conv import SeriesEncoder, SeriesViews, halvings_for

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

LAYOUTS: Mapping[str, Callable[[Floats], Floats]] = {
    "time-first": lambda a: a,
    "channels-first": lambda a: a.swapaxes(-1, -2),
}
"""How an array is laid out, and what brings its last two axes to (steps, channels)."""

SCALINGS: Mapping[str, Callable[[Floats, Floats], tuple[Floats, Floats]]] = {
    "none": lambda mean, std: (np.zeros_like(mean), np.ones_like(std)),
    "standard": lambda mean, std: (mean, std),
}
"""From mean and standard deviation of each channel: what is subtracted, and what divides."""

ID_NAMES = ("id", "series", "series_id")
TIME_NAMES = ("time", "timestamp", "t", "step")

SHORTEST = 4  # steps: what the encoder's last convolution covers; fewer have no shape to learn
DEEPEST = 6  # halvings: each doubles the width, and a seventh alone would be 15 million weights
SPANS = 16  # per channel in an explanation: enough to point, few enough to try one by one
HUGE = 1e100  # beyond it, squares overflow when the spread is measured
FAR = 1e12  # typical distances from the mean: farther, float32 networks would overflow


@dataclass(frozen=True)
class Packed:
    """Many series in one array: all their steps one after the other, and how long each is.

    No padding and no loop over series: what is done to steps is done to all at once.

    Shapes
    ------
    ``values (S, C)`` with ``S = lengths.sum()``; ``lengths (n,)``; ``names``: those of the C
    channels, where the user gave any.

    Example
    -------
    >>> Packed(np.zeros((5, 1)), np.array([2, 3])).step
    array([0, 1, 0, 1, 2])
    """

    values: Floats
    lengths: Ints
    names: list[str] | None = None

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


@dataclass(kw_only=True, eq=False, repr=False)
class Series(DataType):
    """Many whole series: each one is an item, normal or not.

    A batch is ``(B, C, L)``: scaled channels, padded at the end with zeros to a common length.
    Missing values are bridged by straight lines. Where training series differ in length or have
    missing values, one more channel says how much of each step was really recorded, so that the
    networks can tell padding from zeros; see `presence`.

    Raw input: arrays ``(n, steps, channels)`` or ``(n, channels, steps)``; arrays ``(n, steps)`` of
    one channel; lists of arrays ``(steps, channels)``, ``(channels, steps)`` or ``(steps,)`` of
    unequal length; lists of tables (rows are steps, columns are channels); one long table (pandas,
    polars, pyarrow) with a column that names the series, one for the time, and a column a channel.
    The series of a long table keep the order in which they first appear.

    Parameters
    ----------
    layout: "time-first" for (steps, channels) or "channels-first" for (channels, steps), required
        where an array has both axes: it cannot be guessed safely. Tables and single-channel series
        need none.
    length: steps of a batch; None takes the longest training series. Longer series are refused.
    scaling: "standard" brings each channel to mean 0 and standard deviation 1 of all recorded
        training steps; "none" leaves values as they are.
    id, time: columns of a long table; None looks for id, series or series_id, and for time,
        timestamp, t or step.
    width: channels after the encoder's first block.
    blocks: blocks that halve the length; None takes as many as leave at most four steps, up to six.

    Source: Qiu et al., ICML 2021, for the networks.

    Example
    -------
    >>> rng = np.random.default_rng(0)
    >>> data = Series(layout="time-first").fit([rng.normal(size=(n, 2)) for n in (20, 30, 25)])
    >>> data.describe()
    '3 series: 20-30 steps, 2 channels'
    >>> data.encode([np.zeros((12, 2))]).shape
    torch.Size([1, 3, 30])
    """

    layout: str | None = None
    length: int | None = None
    scaling: str = "standard"
    id: str | None = None
    time: str | None = None
    width: int = 32
    blocks: int | None = None

    def fit(self, X: Raw) -> Self:
        """Learn length, typical values and spread of each channel from at least two series.

        Raises ``InputError`` where ``X`` holds fewer than two series, series without steps, of
        unequal channels or longer than ``length``, infinite values, or a channel never recorded.
        """
        self._check_parameters()
        packed = self._pack(X)
        check_learnable(packed)
        self.length_ = int(packed.lengths.max()) if self.length is None else self.length
        check_length(packed, self.length_, "Series(length=...)")
        self.mean_, self.std_ = typical(packed.values)
        self.center_, self.scale_ = SCALINGS[self.scaling](self.mean_, self.std_)
        self.channels_ = packed.names
        self.lengths_ = [int(packed.lengths.min()), int(packed.lengths.max())]
        self.present_ = self.lengths_[0] < self.lengths_[1] or bool(np.isnan(packed.values).any())
        self.count_ = len(packed.lengths)
        return self

    def count(self, X: Raw) -> int:
        """Return the number of series."""
        if is_table(X):
            frame = as_frame(X)
            return int(frame[find_column(frame, self.id, "id", ID_NAMES)].nunique())
        check_list(X)
        return len(X)

    def take(self, X: Raw, index: NDArray[np.intp]) -> Raw:
        """Return the series at these positions; those of a long table as a list of tables."""
        if is_table(X):
            packed = self._pack(X)
            parts = np.split(packed.values, packed.starts[1:])
            return [pd.DataFrame(parts[i], columns=packed.names) for i in index]
        check_list(X)
        return [X[i] for i in index] if isinstance(X, (list, tuple)) else X[index]

    def encode(self, X: Raw) -> Tensor:
        """Return series as one batch ``(n, C, length_)``; each depends on itself alone.

        Raises ``InputError`` where channels differ from training or a series is too long.
        """
        check_is_fitted(self)
        packed = match_channels(self._pack(X), self.channels_, len(self.mean_))
        check_length(packed, self.length_, "the longest training series")
        values = (fill_gaps(packed, self.mean_) - self.center_) / self.scale_
        values = np.clip(values, -FAR, FAR)
        if self.present_:
            values = np.column_stack([values, presence(packed)])
        return torch.from_numpy(pad(values, packed, self.length_))

    def encoder(self, dim: int, *, bias: bool) -> nn.Module:
        """Return a residual convolutional network ``(B, C, L) -> (B, dim)``."""
        blocks = min(halvings_for(self.length_), DEEPEST) if self.blocks is None else self.blocks
        return SeriesEncoder(
            self._batch_channels, self.length_, dim, width=self.width, blocks=blocks, bias=bias
        )

    def transform(self, views: int, kind: str, *, bias: bool) -> nn.Module:
        """Return convolutional views ``(B, C, L) -> (B * views, C, L)``."""
        return SeriesViews(self._batch_channels, views, kind=kind, bias=bias)

    def features(self) -> nn.Module:
        """Return all steps of all channels side by side, ``(B, C * L)``."""
        return nn.Flatten()

    def alter(self, x: Tensor, generator: torch.Generator) -> Mapping[str, Tensor]:
        """Return copies that are scaled, reversed, shuffled, pushed in one channel, or noise.

        Padding stays zero, and the channel of `presence` goes with its steps.
        """
        recorded = recorded_steps(x)  # (B, 1, L)
        middle, spread = self._in_batch(self.mean_ - self.center_, x), self._in_batch(self.std_, x)
        values = x[:, : len(self.mean_)]
        noise = middle + spread * draw(torch.randn, values.shape, x.device, generator)
        moved = values + 6 * spread * pushed_entries(values, recorded, generator)
        return {
            "scaled": self._with_presence(x, middle + 3 * (values - middle), recorded),
            "reversed": reorder(x, reversed_order(recorded)),
            "shuffled": reorder(x, shuffled_order(recorded, generator)),
            "pushed": self._with_presence(x, moved, recorded),
            "noise": self._with_presence(x, noise, recorded),
        }

    def groups(self, x: Tensor) -> tuple[list[str], Tensor]:
        """Return one group for each channel and span of steps, like 'channel 3, steps 10-14'.

        Channels and steps count from 0, and the last step belongs to the span. A group also covers
        the channel of `presence` over its span: what is recorded and whether it is go together.

        Shapes
        ------
        ``(B, C, L) -> G names, masks (G, C, L)`` with ``G <= 16`` for each channel of the user.
        """
        channels, edges = len(self.mean_), span_edges(self.length_)
        names = [
            f"{channel_name(self.channels_, c)}, {span_name(first, last)}"
            for c in range(channels)
            for first, last in zip(edges[:-1], edges[1:] - 1, strict=True)
        ]
        step = torch.arange(self.length_)
        first, last = torch.from_numpy(edges[:-1, None]), torch.from_numpy(edges[1:, None])
        in_span = (first <= step) & (step < last)  # (spans, L)
        in_channel = torch.eye(channels, self._batch_channels, dtype=torch.bool)
        in_channel[:, channels:] = True
        masks = in_channel[:, None, :, None] & in_span[None, :, None, :]
        return names, masks.flatten(0, 1).to(x.device)

    def point_map(self, contributions: NDArray[np.float64]) -> NDArray[np.float64]:
        """Spread each group's contribution evenly over its steps: ``(G,) -> (length_, C)``."""
        edges = span_edges(self.length_)
        sizes = np.diff(edges)
        per_step = np.asarray(contributions).reshape(len(self.mean_), len(sizes)) / sizes
        return np.repeat(per_step, sizes, axis=1).T

    def describe(self) -> str:
        """Return a line such as '151 series: 30 steps, 6 channels'."""
        shortest, longest = self.lengths_
        steps = f"{longest}" if shortest == longest else f"{shortest}-{longest}"
        channels = len(self.mean_)
        return f"{self.count_} series: {steps} steps, {channels} channel{'s' * (channels > 1)}"

    @staticmethod
    def looks_like(X: Raw) -> bool:
        """Say whether untyped input must be series: a list of numbers, ragged or with two axes.

        Rows of equal length may as well be a table, so they, and tables, are left to `Tabular`.

        Example
        -------
        >>> Series.looks_like([[1.0, 2.0, 3.0], [4.0, 5.0]]), Series.looks_like([[1.0], [2.0]])
        (True, False)
        """
        if not (isinstance(X, (list, tuple)) or is_object_list(X)) or len(X) == 0:
            return False
        axes = {axis_count(item) for item in X}
        return axes == {2} or (axes == {1} and len({len(item) for item in X}) > 1)

    @property
    def _batch_channels(self) -> int:
        return len(self.mean_) + self.present_

    def _pack(self, X: Raw) -> Packed:
        packed = pack(X, layout=self.layout, id=self.id, time=self.time)
        check_values(packed)
        return packed

    def _in_batch(self, per_channel: Floats, x: Tensor) -> Tensor:
        """Return differences in the user's units as a batch has them, ``(C, 1)``."""
        return torch.from_numpy(per_channel / self.scale_).to(x)[:, None]

    def _with_presence(self, x: Tensor, values: Tensor, recorded: Tensor) -> Tensor:
        return torch.cat([values * recorded, x[:, len(self.mean_) :]], dim=1)

    def _check_parameters(self) -> None:
        check_word("layout", self.layout, [*LAYOUTS, None])
        check_word("scaling", self.scaling, SCALINGS)
        check_at_least("length", self.length, SHORTEST)
        check_at_least("width", self.width, 1)
        check_at_least("blocks", self.blocks, 0)


# From raw input to packed steps.


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
        array = np.asarray(raw)
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


def check_values(packed: Packed) -> None:
    """Refuse series without steps or channels, and infinite values, naming where they are."""
    if not len(packed.lengths) or not packed.lengths.all() or not packed.values.shape[1]:
        empty = int(np.argmin(packed.lengths)) if len(packed.lengths) else 0
        raise InputError(
            f"Series {empty} is empty (or there is none): expected at least one step and one "
            "channel in each. Drop the empty ones."
        )
    huge = np.abs(packed.values) > HUGE  # NaN compares false
    if huge.any():
        row, channel = np.argwhere(huge)[0]
        raise InputError(
            f"Series {packed.owner[row]} holds {packed.values[row, channel]} in "
            f"{packed.channel(channel)}, step {packed.step[row]}: expected finite values below "
            f"{HUGE:g}. Replace it, or make it NaN to have it filled in."
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


def match_channels(packed: Packed, names: list[str] | None, count: int) -> Packed:
    """Bring channels into the order of training.

    Raises ``InputError`` where other channels were found.
    """
    if packed.names and names and sorted(packed.names) != sorted(names):
        raise InputError(
            f"Found the channels {packed.names}; expected those of training, {names}. Rename, add "
            "or drop columns."
        )
    if packed.values.shape[1] != count:
        raise InputError(
            f"Found series of {count_of(packed.values.shape[1], 'channel')}; expected {count}, as "
            "in training. If the axes are swapped, say so with Series(layout=...)."
        )
    return Packed(in_order(packed.values, packed.names, names), packed.lengths, names)


def check_word(parameter: str, value: object, words: Iterable[object]) -> None:
    """Refuse a word that is not on the list."""
    if value not in words:
        known = ", ".join(repr(word) for word in words)
        raise InputError(f"Series({parameter}={value!r}) is not known: choose one of {known}.")


def check_at_least(parameter: str, value: int | None, least: int) -> None:
    """Refuse sizes that no network can have; None is left to be found from the data."""
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if value is not None and not (whole and value >= least):
        raise InputError(
            f"Series({parameter}={value!r}) is impossible: choose a whole number, {least} or more."
        )


def count_of(number: int, thing: str) -> str:
    """Return '1 step' or '3 steps'."""
    return f"{number} {thing}{'' if number == 1 else 's'}"


def channel_name(names: list[str] | None, index: int) -> str:
    """Name a channel: as the user does, or counted from 0."""
    return f"channel {index}" if names is None else names[index]


# From packed steps to a batch.


def typical(values: Floats) -> tuple[Floats, Floats]:
    """Return mean and standard deviation of each channel over all steps ever recorded.

    A channel that never changes gets 1, so that it is left as it is; what rounding makes of a
    constant counts as one.

    Shapes
    ------
    ``(S, C) -> (C,), (C,)``

    Example
    -------
    >>> typical(np.array([[1.0, 7.0], [3.0, np.nan]]))
    (array([2., 7.]), array([1., 1.]))
    """
    mean, std = np.nanmean(values, axis=0), np.nanstd(values, axis=0)
    rounding = 10 * np.finfo(np.float64).eps * np.nanmax(np.abs(values), axis=0)
    return mean, np.where(std <= rounding, 1.0, std)


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


# Altered copies and explained groups.


def recorded_steps(x: Tensor) -> Tensor:
    """Return True up to the last step that is not all zeros, ``(B, C, L) -> (B, 1, L)``."""
    filled = (x != 0).any(dim=1, keepdim=True)
    return filled.flip(-1).cummax(dim=-1).values.flip(-1)


def reversed_order(recorded: Tensor) -> Tensor:
    """Return the steps of each series from its last to its first, then its padding, ``(B, L)``."""
    step = torch.arange(recorded.shape[-1], device=recorded.device)
    steps = recorded.sum(dim=-1)  # (B, 1)
    return torch.where(step < steps, steps - 1 - step, step)


def shuffled_order(recorded: Tensor, generator: torch.Generator) -> Tensor:
    """Return the steps of each series in random order, then its padding, ``(B, L)``."""
    inside = recorded[:, 0]
    keys = draw(torch.rand, inside.shape, inside.device, generator)
    return keys.masked_fill(~inside, 2.0).argsort(dim=-1, stable=True)


def reorder(x: Tensor, order: Tensor) -> Tensor:
    """Return the steps of each series in this order, all channels together."""
    return x.gather(2, order[:, None, :].expand(x.shape))


def pushed_entries(values: Tensor, recorded: Tensor, generator: torch.Generator) -> Tensor:
    """Return True for one random channel over a random quarter of each series, ``(B, C, L)``."""
    items, channels, length = values.shape
    where, which = draw(torch.rand, (2, items, 1), values.device, generator)  # (B, 1) each
    steps = recorded.sum(dim=-1)
    quarter = (steps // 4).clamp(min=1)
    start = (where * (steps - quarter + 1)).long()
    step = torch.arange(length, device=values.device)
    in_span = torch.logical_and(start <= step, step < start + quarter)  # (B, L)
    channel = torch.arange(channels, device=values.device)
    in_channel = torch.eq((which * channels).long(), channel)  # (B, C)
    return torch.logical_and(in_channel[:, :, None], in_span[:, None, :])


def draw(
    of: Callable[..., Tensor],
    shape: Sequence[int],
    device: torch.device,
    generator: torch.Generator,
) -> Tensor:
    """Return random numbers made where the generator is: the same ones on every device."""
    drawn = of(tuple(shape), generator=generator, device=generator.device)
    return drawn.to(device)


def span_edges(length: int) -> Ints:
    """Return where at most `SPANS` spans of about the same size begin, and the end.

    Example
    -------
    >>> span_edges(3).tolist(), len(span_edges(50))
    ([0, 1, 2, 3], 17)
    """
    spans = min(SPANS, length)
    return np.arange(spans + 1) * length // spans


def span_name(first: int, last: int) -> str:
    """Name a span of steps by its first and last."""
    return f"step {first}" if first == last else f"steps {first}-{last}"

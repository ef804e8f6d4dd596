"""Series: many whole series, of equal or unequal length, with one channel or many."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from askew.data.base import Raw
from askew.data.curves import Curves, span_edges
from askew.data.gaps import fill_gaps, pad
from askew.data.long_table import ID_NAMES, find_column
from askew.data.numbers import as_frame, axis_count, is_object_list, is_table
from askew.data.packed import (
    SHORTEST,
    Packed,
    check_learnable,
    check_length,
    check_values,
    match_channels,
    warn_of_hardly_recorded,
)
from askew.data.packing import LAYOUTS, check_list, pack
from askew.parameters import check_least, check_numbers, check_word
from askew.wording import count_of


@dataclass(kw_only=True, eq=False, repr=False)
class Series(Curves):
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
    length: steps of a batch; longer series are refused. None takes the longest training series,
        and a quarter more where they differ in length, because others may be longer still.
    jitter: spread of the noise on training series, in encoded units: a few series of many steps
        are soon known by heart.
    presence: where training series differ in length or have missing values, add a channel that
        tells padding and gaps from values.
    values: distances compare the values of each channel by size too, not only step by step: most
        series do not start at the same moment.
    scaling: "standard" brings each channel to mean 0 and standard deviation 1 of all recorded
        training steps; "none" leaves values as they are.
    id, time: columns of a long table; None looks for id, series or series_id, and for time,
        timestamp, t or step.
    encoder_kind, width, widest: blocks of the encoder, "plain" or, as in the paper, "residual";
        channels after the first and most channels of any (1024 in the paper).
    inner: most channels inside of learned views; None takes as many as the series has.
    blocks: blocks that halve the length; None takes as many as leave at most four steps, up to six.

    Source: Qiu et al., ICML 2021, for the networks.

    Example
    -------
    >>> rng = np.random.default_rng(0)
    >>> data = Series(layout="time-first").fit([rng.normal(size=(n, 2)) for n in (20, 30, 25)])
    >>> data.describe()
    '3 series: 20-30 steps, 2 channels'
    >>> data.encode([np.zeros((12, 2))]).shape
    torch.Size([1, 3, 38])
    """

    layout: str | None = None
    length: int | None = None
    id: str | None = None
    time: str | None = None

    def fit(self, X: Raw) -> Self:
        """Learn length, typical values and spread of each channel from at least two series.

        Raises ``InputError`` where ``X`` holds fewer than two series, series without steps, of
        unequal channels or longer than ``length``, infinite values, or a channel never recorded.
        """
        self._check_parameters()
        packed = self._pack(X)
        check_learnable(packed)
        self.lengths_ = [int(packed.lengths.min()), int(packed.lengths.max())]
        length = room(*self.lengths_) if self.length is None else self.length
        check_length(packed, length, "Series(length=...)")
        self._learn(packed, length, uneven=self.lengths_[0] < length)
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
        warn_of_hardly_recorded(packed)
        self._warn_of_missing_ends(packed)
        values = self._scaled(packed, fill_gaps(packed, self.mean_))
        return torch.from_numpy(pad(values, packed, self.length_))

    def _warn_of_missing_ends(self, packed: Packed) -> None:
        short = int((packed.lengths < self.length_).sum())
        if short and min(self.lengths_) >= self.length_:
            warnings.warn(
                f"{short} of {len(packed.lengths)} series are shorter than all of training, "
                f"{self.length_} steps: their missing ends count as zeros. Fit with shorter ones, "
                "too, if they are normal.",
                UserWarning,
                stacklevel=3,
            )

    def placed(self, names: list[list[str]], X: Raw) -> list[list[str]]:
        """Say of spans of steps that a series is too short for that they come after its end."""
        begins = np.tile(span_edges(self.length_)[:-1], len(self.mean_))
        first = dict(zip(self._span_names(0), begins, strict=True))
        return [
            [part + ", after its end" * bool(first[part] >= length) for part in parts]
            for parts, length in zip(names, self._pack(X).lengths, strict=True)
        ]

    def describe(self) -> str:
        """Return a line such as '151 series: 30 steps, 6 channels'."""
        shortest, longest = self.lengths_
        steps = f"{longest}" if shortest == longest else f"{shortest}-{longest}"
        channels = count_of(len(self.mean_), "channel")
        return f"{self.count_} series: {steps} steps, {channels}"

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

    def _pack(self, X: Raw) -> Packed:
        packed = pack(X, layout=self.layout, id=self.id, time=self.time)
        check_values(packed)
        return packed

    def _check_parameters(self) -> None:
        check_numbers(self)
        check_word(self, "layout", [*LAYOUTS, None])
        check_least(self, SHORTEST, "length")
        self._check_shared()


def room(shortest: int, longest: int) -> int:
    """Return the steps to provide for series of these lengths.

    Example
    -------
    >>> room(30, 30), room(20, 30)
    (30, 38)
    """
    return longest if shortest == longest else math.ceil(1.25 * longest)

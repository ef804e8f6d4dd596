"""Series: many whole series, of equal or unequal length, with one channel or many."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn

from askew.data.base import DataType, Raw
from askew.data.packed import (
    ID_NAMES,
    LAYOUTS,
    SHORTEST,
    Floats,
    Ints,
    Packed,
    as_frame,
    axis_count,
    channel_name,
    check_at_least,
    check_learnable,
    check_length,
    check_list,
    check_values,
    check_word,
    find_column,
    is_object_list,
    is_table,
    match_channels,
    pack,
    warn_of_hardly_recorded,
)
from askew.errors import InputError
from askew.nets.conv import (
    Around,
    Jitter,
    SeriesDecoder,
    SeriesEncoder,
    SeriesViews,
    StepsAndValues,
    halvings_for,
)
from askew.seeding import draw

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from askew.explain import Explanation

SCALINGS: Mapping[str, Callable[[Floats, Floats], tuple[Floats, Floats]]] = {
    "none": lambda mean, std: (np.zeros_like(mean), np.ones_like(std)),
    "standard": lambda mean, std: (mean, std),
}
"""From mean and standard deviation of each channel: what is subtracted, and what divides."""

DEEPEST = 6  # halvings: each doubles the width, and a seventh alone would be 15 million weights
AROUND = 4  # steps before and after that tell what happens at one
SPANS = 16  # per channel in an explanation: enough to point, few enough to try one by one
FAR = 1e12  # typical distances from the mean: farther, float32 networks would overflow


@dataclass(kw_only=True, eq=False, repr=False)
class Curves(DataType):
    """What whole series and windows of a recording share once they are batches ``(B, C, L)``.

    Parameters
    ----------
    scaling, presence, values, jitter, encoder_kind, width, widest, blocks, inner: see `Series`.
    """

    scaling: str = "standard"
    encoder_kind: str = "plain"
    width: int = 32
    widest: int = 64
    blocks: int | None = None
    presence: bool = True
    values: bool = True
    jitter: float = 0.3
    inner: int | None = None

    def encoder(self, dim: int, *, bias: bool) -> nn.Module:
        """Return a convolutional network ``(B, C, L) -> (B, dim)``."""
        return SeriesEncoder(
            self._batch_channels,
            self.length_,
            dim,
            width=self.width,
            widest=self.widest,
            blocks=self._halvings,
            kind=self.encoder_kind,
            bias=bias,
        )

    def decoder(self, dim: int, *, outputs: int = 1, bias: bool) -> nn.Module:
        """Return a network that doubles steps as the encoder halves them.

        ``(B, dim) -> (B, outputs, C, L)``
        """
        return SeriesDecoder(
            dim,
            outputs,
            self._batch_channels,
            self.length_,
            width=self.width,
            widest=self.widest,
            blocks=self._halvings,
            bias=bias,
        )

    def transform(self, views: int, kind: str, *, bias: bool) -> nn.Module:
        """Return convolutional views ``(B, C, L) -> (views * B, C, L)``."""
        return SeriesViews(self._batch_channels, views, kind=kind, bias=bias, inner=self.inner)

    def noise(self) -> nn.Module:
        """Return normal noise of spread `jitter` on every step, in training only."""
        return Jitter(self.jitter)

    def affine(self, x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
        """Return ``x * scale + shift`` where something was recorded; `presence` stays as it is."""
        channels = len(self.mean_)
        values = x[:, :channels] * scale[:, :channels] + shift[:, :channels]
        return self._with_presence(x, values, recorded_steps(x))

    def signs(self, x: Tensor) -> Tensor:
        """Return signs that stay for a while in each channel, ``(B, C, L)``.

        How often they change is drawn for each series: never, at every other step, or between.
        """
        often = 0.5 * torch.rand_like(x[:, :1, :1]) ** 2
        changes = torch.rand_like(x) < often
        first = torch.randint_like(x[..., :1], 2)
        return 1 - 2 * ((first + changes.cumsum(dim=2)) % 2)

    def error(self, x: Tensor, restored: Tensor) -> Tensor:
        """Return squared differences of values, ``(B, L, C)``; 0 in the padding of ``x``."""
        squared = (x - restored).square()[:, : len(self.mean_)]
        return (squared * recorded_steps(x)).transpose(1, 2)

    def pool(self, points: Tensor, x: Tensor, how: str = "mean") -> Tensor:
        """Sum up points of recorded steps, ``(B, L, ...) -> (B,)``; padding has no say."""
        recorded = recorded_steps(x).transpose(1, 2)  # (B, L, 1)
        by_step = points.flatten(2) if points.ndim > 2 else points.unsqueeze(2)
        if how == "max":
            return by_step.masked_fill(~recorded, -torch.inf).flatten(1).amax(1)
        steps = recorded.sum(dim=(1, 2)).clamp(min=1)
        return (by_step * recorded).sum(dim=(1, 2)) / (steps * by_step.shape[2])

    def local_features(self) -> nn.Module:
        """Return each step with the `AROUND` before and after it, ``(B, C, L) -> (B, L, D)``."""
        return Around(AROUND)

    def features(self) -> nn.Module:
        """Return all steps of all channels side by side, and their `values`; ``(B, C * 2 L)``."""
        return StepsAndValues() if self.values else nn.Flatten()

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

    def point_map(self, contributions: NDArray[np.float64], x: Tensor) -> NDArray[np.float64]:
        """Spread each group's contribution evenly over its steps: ``(G,) -> (length_, C)``."""
        edges = span_edges(self.length_)
        sizes = np.diff(edges)
        per_step = np.asarray(contributions).reshape(len(self.mean_), len(sizes)) / sizes
        return np.repeat(per_step, sizes, axis=1).T

    def picture(self, X: Raw, explanation: Explanation) -> tuple[Figure, str]:
        """Draw the scaled curves of a series, with the spans that made its score in red."""
        from askew import plot

        steps, channels = explanation.points.shape
        curves = self.encode(X)[0, :channels].T.double().numpy()
        names = self.channels_ or [channel_name(None, c) for c in range(channels)]
        recorded = max(1, steps - int(np.argmax((curves != 0).any(1)[::-1])))  # without padding
        drawn = plot.series(curves[:recorded], explanation.points[:recorded], names)
        return drawn, "Scaled curves of the series; red spans made its score."

    @property
    def _halvings(self) -> int:
        return min(halvings_for(self.length_), DEEPEST) if self.blocks is None else self.blocks

    @property
    def _batch_channels(self) -> int:
        return len(self.mean_) + self.present_

    def _learn(self, packed: Packed, length: int, *, uneven: bool) -> None:
        """Learn typical values and spread of each channel, and what a batch looks like."""
        self.length_ = length
        self.mean_, self.std_ = typical(packed.values)
        self.center_, self.scale_ = SCALINGS[self.scaling](self.mean_, self.std_)
        self.channels_ = packed.names
        self.present_ = self.presence and (uneven or bool(np.isnan(packed.values).any()))

    def _scaled(self, packed: Packed, filled: Floats) -> Floats:
        """Return what networks see of each step: scaled channels, and `presence` if wanted."""
        values = np.clip((filled - self.center_) / self.scale_, -FAR, FAR)
        return np.column_stack([values, presence(packed)]) if self.present_ else values

    def _in_batch(self, per_channel: Floats, x: Tensor) -> Tensor:
        """Return differences in the user's units as a batch has them, ``(C, 1)``."""
        return torch.from_numpy(per_channel / self.scale_).to(x)[:, None]

    def _with_presence(self, x: Tensor, values: Tensor, recorded: Tensor) -> Tensor:
        return torch.cat([values * recorded, x[:, len(self.mean_) :]], dim=1)

    def _check_shared(self) -> None:
        owner = type(self).__name__
        check_word("scaling", self.scaling, SCALINGS, owner)
        if not 0 <= self.jitter < math.inf:
            raise InputError(f"{owner}(jitter={self.jitter}) is impossible: choose 0 or more.")
        check_word("encoder_kind", self.encoder_kind, ["plain", "residual"], owner)
        check_at_least("width", self.width, 1, owner)
        check_at_least("widest", self.widest, self.width, owner)
        check_at_least("blocks", self.blocks, 0, owner)
        check_at_least("inner", self.inner, 1, owner)


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
        self._learn(packed, length, uneven=self.lengths_[0] < self.lengths_[1])
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
        values = self._scaled(packed, fill_gaps(packed, self.mean_))
        return torch.from_numpy(pad(values, packed, self.length_))

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

    def _pack(self, X: Raw) -> Packed:
        packed = pack(X, layout=self.layout, id=self.id, time=self.time)
        check_values(packed)
        return packed

    def _check_parameters(self) -> None:
        check_word("layout", self.layout, [*LAYOUTS, None])
        check_at_least("length", self.length, SHORTEST)
        self._check_shared()


# From packed steps to a batch.


def room(shortest: int, longest: int) -> int:
    """Return the steps to provide for series of these lengths.

    Example
    -------
    >>> room(30, 30), room(20, 30)
    (30, 38)
    """
    return longest if shortest == longest else math.ceil(1.25 * longest)


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

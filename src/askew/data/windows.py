"""Windows: one long recording, or several, scored at every time step."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from askew.data.base import Fold, Raw
from askew.data.curves import Curves
from askew.data.cuts import Cut, block_places, covering, mean_by_step, starts_of, unshared
from askew.data.gaps import fill_gaps
from askew.data.packed import SHORTEST, Floats, Ints, Packed, Tick, match_channels
from askew.data.recording import Stretch, lengths_of, pack_recordings
from askew.errors import InputError
from askew.parameters import check_least, check_numbers
from askew.wording import count_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from askew.explain import Explanation

CHUNK_NUMBERS = 2**23
"""Numbers in windows encoded at a time when scoring: 32 MB."""

BLOCKS = 8
"""Blocks, spread over time, that a held-out part has where the recording is long enough."""

LEAST = 2
"""Windows below which nothing can be learned."""

OTHER_TICK = 1.5
"""How many times longer or shorter the usual step must be to be told."""

ROOMY = 4
"""Least length of such a block, in windows that share nothing."""


@dataclass(kw_only=True, eq=False, repr=False)
class Windows(Curves):
    """Recordings, scored at every time step by the windows that cover it.

    An item is a window of ``length`` steps; a batch is ``(B, C, length)``, scaled channels, and
    one more that tells bridged gaps from values where training recordings miss some. Scores are
    laid out as the user knows them, one for each step; those of several recordings follow each
    other. Held-out parts are blocks of time, and no window is learned from that overlaps them.
    Scores of neighbouring steps share windows, so p-values hold for each step on its own, and
    alerts come in runs.

    Raw input: an array (steps, channels), or (steps,) of one channel; a table (pandas, polars,
    pyarrow) with a row for each step, with or without a column that tells the time; a list of
    these, all with the same channels. The last window of a recording is aligned with its end.

    Parameters
    ----------
    length: steps of a window; about one period, or as long as what should be told apart.
    stride: steps from one window to the next, at most ``length``; None for 1, or as few more as
        ``most`` allows.
    most: training windows. Detectors keep all training windows in memory, so the stride, of
        training and scoring, grows until there are no more than that. It ends at ``length``, where
        windows hold every step once and take no more memory than the recording.
    values: distances compare the values of each channel by size too. Windows begin at every moment,
        so that a comparison step by step finds its like; off unless asked for.
    look_ahead: whether a step is judged by all windows that cover it (their mean), or only by the
        last one that ends at or before it, as it must be where scores are wanted at once. Then
        the first steps of a recording, before a window is full, bear the score of its first.
    time: column of a table that tells the time; None looks for time, timestamp, t, step, datetime
        or date, an index of dates, or the first column of dates. It orders nothing: a clock that
        runs backwards is refused, and gaps are told.
    inner: most channels inside of learned views: recordings may have dozens of channels, and the
        paper's views, as wide as those, would take minutes.
    scaling, presence, jitter, encoder_kind, width, widest, blocks: see `Series`.

    Example
    -------
    >>> steps = np.arange(1000)
    >>> data = Windows(length=50).fit(np.column_stack([np.sin(steps / 8), np.cos(steps / 8)]))
    >>> data.describe()
    'a recording of 1,000 steps, 2 channels: 951 windows of 50'
    >>> data.encode(np.zeros((120, 2))).shape
    torch.Size([71, 2, 50])
    """

    length: int = 50
    stride: int | None = None
    most: int = 5000
    look_ahead: bool = True
    time: str | None = None
    values: bool = False
    inner: int | None = 16

    def fit(self, X: Raw) -> Self:
        """Learn typical values and spread of each channel from the steps that windows cover.

        Raises ``InputError`` where a recording is shorter than a window, its clock does not go
        forward, channels differ, values are infinite, or a channel was never recorded.
        """
        self._check_parameters()
        cut = self._cut(X, stride=None)
        if not len(cut):
            raise InputError("Found no windows to learn from: give a longer recording.")
        covered = covering(cut.starts, cut.length, len(cut.packed.values)) > 0
        values = cut.packed.values[covered]
        packed = Packed(values, np.array([len(values)], dtype=np.intp), cut.packed.names)
        self.ticks_ = [list(tick) for tick in cut.packed.ticks[:1]]
        unseen = np.isnan(values).all(axis=0)
        if unseen.any():
            raise InputError(
                f"{packed.channel(int(unseen.argmax()))} has no value in what is learned from: "
                "expected at least one. Drop the channel."
            )
        self._learn(packed, self.length, uneven=False)
        self.stride_ = cut.stride
        self.count_ = len(cut)
        self.lengths_ = cut.packed.lengths.tolist()
        return self

    def count(self, X: Raw) -> int:
        """Return the number of windows."""
        return len(X) if isinstance(X, Cut) else len(self._starts(lengths_of(X)))

    def take(self, X: Raw, index: NDArray[np.intp]) -> Raw:
        """Return the windows at these positions, to be encoded; they have no steps of their own."""
        cut = self._cut(X, stride=getattr(self, "stride_", None))
        return Cut(cut.packed, cut.starts[index], cut.length, cut.stride)

    def folds(
        self, X: Raw, count: int, share: float, most: int, generator: torch.Generator
    ) -> list[Fold]:
        """Hold out blocks of time, and learn from no window that overlaps one of them.

        Each part has a few blocks spread over all of the recordings, where they are long enough.

        Raises ``InputError`` where nothing would be left to learn from.
        """
        lengths = lengths_of(X)
        starts = self._starts(lengths)
        size = min(int(share * len(starts)), most)
        apart = math.ceil(self.length / self._stride(lengths))
        blocks = int(np.clip(size // (ROOMY * apart), 1, BLOCKS))
        of_part = block_places(len(starts), count, size, blocks, generator)
        folds = [Fold(unshared(starts, held, self.length), held) for held in of_part]
        if not all(len(fold.learned) >= LEAST for fold in folds):
            raise InputError(
                f"The recording has {count_of(len(starts), 'window')} of {self.length} steps: too "
                "few to hold some out and learn from others that share no step with them. Give a "
                "longer recording, choose a shorter length, or fit with held_out=0."
            )
        return folds

    def encode(self, X: Raw) -> Tensor:
        """Return all windows as one batch ``(n, C, length)``; each depends on its recording alone.

        A gap at the edge of a window is bridged with the values outside it.

        Raises ``InputError`` where channels differ from training or a recording is too short.
        """
        check_is_fitted(self)
        count = self.count(X)
        items = torch.empty(count, self._batch_channels, self.length, dtype=torch.float32)
        first = 0
        for chunk in self.chunks(X, count):
            items[first : first + len(chunk)] = chunk
            first += len(chunk)
        return items

    def chunks(self, X: Raw, most: int) -> Iterator[Tensor]:
        """Yield windows in order, encoded, at most ``most`` and `CHUNK_NUMBERS` numbers a time."""
        check_is_fitted(self)
        cut = self._cut(X, stride=self.stride_)
        packed = self._matched(cut.packed)
        filled = fill_gaps(packed, self.mean_)
        size = max(1, min(most, CHUNK_NUMBERS // (self._batch_channels * self.length)))
        for first in range(0, len(cut), size):
            yield self._encoded(packed, filled, cut.starts[first : first + size])

    def restore(
        self, scores: NDArray[np.float64], X: Raw, index: NDArray[np.intp] | None = None
    ) -> NDArray[np.float64]:
        """Return one score for each step from those of windows, or of their points.

        Shapes
        ------
        ``(n,) -> (S,)``; ``(n, length) -> (S,)``; ``(n, length, C) -> (S, C)``, S steps; those that
        none of the windows at ``index`` speaks for are left out
        """
        if isinstance(X, Cut):
            return scores
        lengths = lengths_of(X)
        starts = self._starts(lengths)
        starts = starts if index is None else starts[index]
        if not self.look_ahead:
            return self._latest(scores, lengths, starts)
        return mean_by_step(self._pointwise(scores), starts, self.length, int(lengths.sum()))

    def speakers(self, X: Raw, places: NDArray[np.intp]) -> NDArray[np.intp]:
        """Return the window in whose middle each step is, or without look-ahead the last before."""
        if isinstance(X, Cut):
            return places
        lengths = lengths_of(X)
        starts = self._starts(lengths)
        if not self.look_ahead:
            return self._speaking(lengths, starts)[places]
        middle = starts + self.length / 2
        owner = np.repeat(np.arange(len(lengths)), lengths)[places]
        offsets = np.cumsum(lengths) - lengths
        first, last = np.searchsorted(starts, [offsets, offsets + lengths])
        after = np.searchsorted(middle, places)
        left = np.clip(after - 1, first[owner], last[owner] - 1)
        right = np.clip(after, first[owner], last[owner] - 1)
        nearer = np.abs(middle[right] - places) < np.abs(middle[left] - places)
        return np.where(nearer, right, left)

    def moments(self, X: Raw) -> NDArray[np.float64] | None:
        """Return the step of each score in windows; those of different recordings are far apart."""
        if isinstance(X, Cut):
            return None
        lengths = lengths_of(X)
        owner = np.repeat(np.arange(len(lengths)), lengths)
        before = X.first if isinstance(X, Stretch) else 0
        return (before + np.arange(len(owner))) / self.length + owner

    def reach(self) -> int:
        """Return how many steps further on can matter to a step's score, and the other way.

        Stretches of a recording that begin at multiples of it are cut as the whole recording is.
        """
        return self.stride_ * math.ceil((self.length + self.stride_) / self.stride_)

    def placed(self, names: list[list[str]], X: Raw) -> list[list[str]]:
        """Count the steps of windows from the beginning of their recordings."""
        cut, inside = self._cut(X, stride=self.stride_), self._span_names(0)
        several, renamed = len(cut.packed.lengths) > 1, []
        for window, parts in enumerate(names):
            owner, first = cut.within(window)
            outside = dict(zip(inside, self._span_names(first), strict=True))
            of = f"recording {owner}, " if several else ""
            renamed.append([of + outside[part] for part in parts])
        return renamed

    def whereabouts(self, X: Raw) -> str:
        """Return words such as 'the window of steps 100 to 199'."""
        if not isinstance(X, Cut) or not len(X):
            return ""
        owner, first = X.within(0)
        several = f" of recording {owner}" if len(X.packed.lengths) > 1 else ""
        return f"the window of steps {first} to {first + X.length - 1}{several}"

    def picture(self, X: Raw, explanation: Explanation) -> tuple[Figure, str]:
        """Draw the scaled curves of a window, with the spans that made its score in red."""
        drawn = self._drawn(X, explanation, self._cut(X, stride=self.stride_).within(0)[1])
        return drawn, f"Scaled curves of {self.whereabouts(X)}; red spans made its score."

    def apart(self) -> int:
        """Return how many windows further one shares no step with this one."""
        return math.ceil(self.length_ / self.stride_)

    def overview(
        self, X: Raw, scores: NDArray[np.float64], threshold: float, labels: NDArray[Any] | None
    ) -> tuple[Figure | str, str] | None:
        """Draw the recording above its scores; alerts are marked."""
        from askew import plot

        if isinstance(X, Cut):
            return None
        packed = self._matched(pack_recordings(X, self.time, self.channels_))
        scaled = (fill_gaps(packed, self.mean_) - self.mean_) / self.std_
        names = [packed.channel(i) for i in range(len(self.mean_))]
        drawn = plot.recording(scaled, scores, names, threshold=threshold, labels=labels)
        return drawn, (
            "Scaled channels, those that vary most where the score is high, above the score of "
            "each step; steps above the threshold are marked."
        )

    def _matched(self, packed: Packed) -> Packed:
        """Bring channels into the order of training, or say that they are others.

        Warns where a channel has no value at all, or steps are of another length.
        """
        advice = "The axes of an array are (steps, channels)."
        matched = match_channels(packed, self.channels_, len(self.mean_), advice)
        self._warn_of_difference(matched)
        return matched

    def _warn_of_difference(self, packed: Packed) -> None:
        for recording, values in enumerate(np.split(packed.values, packed.starts[1:])):
            unseen = np.flatnonzero(np.isnan(values).all(axis=0))
            if len(unseen):
                names = ", ".join(packed.channel(int(channel)) for channel in unseen)
                warnings.warn(
                    f"Recording {recording} has no value of {names}: its steps are judged without.",
                    UserWarning,
                    stacklevel=5,
                )
        for known in getattr(self, "ticks_", []):  # models of before they were kept have none
            for tick in packed.ticks:
                self._warn_of_tick(tick, *known)

    @staticmethod
    def _warn_of_tick(tick: Tick, size: float, unit: str) -> None:
        if tick.unit == unit and not 1 / OTHER_TICK < tick.size / size < OTHER_TICK:
            warnings.warn(
                f"Steps are {tick.size:.4g} {unit} apart and were {size:.4g} in training: windows "
                "count steps, so resample to those of training.",
                UserWarning,
                stacklevel=6,
            )

    def describe(self) -> str:
        """Return a line such as 'a recording of 1,000 steps, 2 channels: 951 windows of 50'."""
        many, channels = len(self.lengths_), len(self.mean_)
        what = "a recording" if many == 1 else f"{many} recordings"
        return (
            f"{what} of {count_of(sum(self.lengths_), 'step')}, {count_of(channels, 'channel')}: "
            f"{self.count_:,} windows of {self.length_}"
        )

    # How it is done.

    def _cut(self, X: Raw, *, stride: int | None) -> Cut:
        """Return all windows of raw input; chosen ones as they are."""
        if isinstance(X, Cut):
            if X.length != self.length:
                raise InputError(f"Windows of {X.length} steps do not fit length={self.length}.")
            return X
        known = None if stride is None else self.channels_
        packed = pack_recordings(X, self.time, known)
        stride = stride or self._new_stride(packed.lengths)
        return Cut(packed, starts_of(packed.lengths, self.length, stride), self.length, stride)

    def _starts(self, lengths: Ints) -> Ints:
        return starts_of(lengths, self.length, self._stride(lengths))

    def _stride(self, lengths: Ints) -> int:
        """Return the stride learned with, or the one to learn with."""
        return getattr(self, "stride_", None) or self._new_stride(lengths)

    def _new_stride(self, lengths: Ints) -> int:
        """Return the stride asked for, or a coarser one that gives no more than ``most``."""
        self._check_parameters()
        return min(self.length, max(self.stride or 1, math.ceil(int(lengths.sum()) / self.most)))

    def _encoded(self, packed: Packed, filled: Floats, starts: Ints) -> Tensor:
        """Return windows of a few recordings' steps, float32: only the rows they cover are read."""
        first, end = int(starts.min()), int(starts.max()) + self.length
        here = Packed(packed.values[first:end], np.array([end - first], dtype=np.intp))
        values = self._scaled(here, filled[first:end]).astype(np.float32)
        windows = sliding_window_view(values, self.length, axis=0)  # (S - L + 1, C, L)
        return torch.from_numpy(windows[starts - first])

    def _pointwise(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Repeat scores of windows, ``(n,) -> (n, L)``, without a copy; those of points stay."""
        if scores.ndim > 1:
            return scores
        return np.broadcast_to(scores[:, None], (len(scores), self.length))

    def _latest(
        self, scores: NDArray[np.float64], lengths: Ints, starts: Ints
    ) -> NDArray[np.float64]:
        """Give each step the score that the last window ending by then has at its end."""
        every = self._starts(lengths)
        speaking = self._speaking(lengths, every)
        place = np.searchsorted(starts, every[speaking]).clip(max=len(starts) - 1)
        known = starts[place] == every[speaking] if len(starts) else np.zeros(len(place), bool)
        return np.asarray(self._pointwise(scores)[:, -1][place[known]], dtype=np.float64)

    def _speaking(self, lengths: Ints, starts: Ints) -> Ints:
        """Return for each step the last window that ends at or before it, ``(S,)``."""
        offsets = np.cumsum(lengths) - lengths
        first = np.searchsorted(starts, offsets)
        ends = starts + self.length - 1
        latest = np.searchsorted(ends, np.arange(int(lengths.sum())), side="right") - 1
        return np.maximum(latest, np.repeat(first, lengths))

    def _check_parameters(self) -> None:
        check_numbers(self)
        check_least(self, SHORTEST, "length")
        check_least(self, 1, "stride")
        check_least(self, 2, "most")
        if self.stride is not None and self.stride > self.length:
            raise InputError(
                f"Windows(stride={self.stride}, length={self.length}) would skip steps: choose a "
                "stride of at most the length."
            )
        self._check_shared()

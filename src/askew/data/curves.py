"""What whole series and windows of a recording share: scales, networks, changes, spans."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from askew.data.base import DataType, Raw
from askew.data.gaps import presence
from askew.data.packed import Floats, Ints, Packed, channel_name
from askew.data.series_changes import (
    pushed_entries,
    recorded_steps,
    reorder,
    reversed_order,
    shuffled_order,
)
from askew.nets.conv import (
    Around,
    Jitter,
    SeriesDecoder,
    SeriesEncoder,
    SeriesViews,
    StepsAndValues,
    halvings_for,
)
from askew.parameters import check_least, check_word
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

        ``(B, dim), (B, C, L) -> (B, outputs, C, L)``
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
        return self._with_presence(x, values, self._recorded(x))

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
        return (squared * self._recorded(x)).transpose(1, 2)

    def pool(self, points: Tensor, x: Tensor, how: str = "mean") -> Tensor:
        """Sum up points of recorded steps, ``(B, L, ...) -> (B,)``; padding has no say."""
        recorded = self._recorded(x).transpose(1, 2)  # (B, L, 1)
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
        recorded = self._recorded(x)  # (B, 1, L)
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
        step = torch.arange(self.length_)
        first, last = torch.from_numpy(edges[:-1, None]), torch.from_numpy(edges[1:, None])
        in_span = (first <= step) & (step < last)  # (spans, L)
        in_channel = torch.eye(channels, self._batch_channels, dtype=torch.bool)
        in_channel[:, channels:] = True
        masks = in_channel[:, None, :, None] & in_span[None, :, None, :]
        return self._span_names(0), masks.flatten(0, 1).to(x.device)

    def _span_names(self, start: int) -> list[str]:
        """Name each channel's spans of steps, the first of which is counted as ``start``."""
        edges = span_edges(self.length_) + start
        return [
            f"{channel_name(self.channels_, c)}, {span_name(first, last)}"
            for c in range(len(self.mean_))
            for first, last in zip(edges[:-1], edges[1:] - 1, strict=True)
        ]

    def masked(self, x: Tensor, masks: NDArray[np.float64]) -> tuple[list[str], Floats]:
        """Return how much views change each step, ``(K, C, L) -> (K, L)``, mean over channels."""
        return [], np.abs(masks).mean(1)

    def point_map(self, contributions: NDArray[np.float64], x: Tensor) -> NDArray[np.float64]:
        """Spread each group's contribution evenly over its steps: ``(G,) -> (length_, C)``."""
        edges = span_edges(self.length_)
        sizes = np.diff(edges)
        per_step = np.asarray(contributions).reshape(len(self.mean_), len(sizes)) / sizes
        return np.repeat(per_step, sizes, axis=1).T

    def picture(self, X: Raw, explanation: Explanation) -> tuple[Figure, str]:
        """Draw the scaled curves of a series, with the spans that made its score in red."""
        return self._drawn(
            X, explanation, 0
        ), "Scaled curves of the series; red spans made its score."

    def _drawn(self, X: Raw, explanation: Explanation, first: int) -> Figure:
        """Draw scaled curves whose steps count from ``first``."""
        from askew import plot

        channels = explanation.points.shape[1]
        x = self.encode(X)
        curves = x[0, :channels].T.double().numpy()
        names = self.channels_ or [channel_name(None, c) for c in range(channels)]
        recorded = max(1, int(self._recorded(x).sum()))
        return plot.series(curves[:recorded], explanation.points[:recorded], names, first)

    def _recorded(self, x: Tensor) -> Tensor:
        """Return which steps are no padding, ``(B, C, L) -> (B, 1, L)``.

        Where training had no padding, zeros are values: a sensor may fall silent. The missing end
        of a series that is shorter than all of training then counts as zeros.
        """
        if min(self.lengths_) >= self.length_:
            return torch.ones_like(x[:, :1], dtype=torch.bool)
        return recorded_steps(x)

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
        check_word(self, "scaling", SCALINGS)
        check_word(self, "encoder_kind", ["plain", "residual"])
        check_least(self, 1, "width", "inner")
        check_least(self, self.width, "widest")
        check_least(self, 0, "blocks", "jitter")


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

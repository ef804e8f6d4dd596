"""Convolutions over series: an encoder, and K learned views in one batched call."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor, nn

from askew.nets.parts import Decoder
from askew.nets.stacked_conv import StackedConv
from askew.nets.transform import Transform


class SeriesEncoder(nn.Sequential):
    """Blocks that halve a series until a last convolution covers all that is left.

    Each block after the first two doubles the channels, up to ``widest``. Blocks are added until
    at most four steps remain. ``"residual"`` blocks, before which one keeps the length, and no
    limit to their width make the paper's networks for its five sets; ``"plain"`` ones are a single
    convolution, several times faster.

    Parameters
    ----------
    channels, length: of one series.
    dim: width of the embedding.
    width: channels of the first block.
    widest: most channels of any block.
    blocks: number of halvings; ``None`` for the rule above.
    kind: ``"plain"`` or ``"residual"``.
    bias: whether all convolutions have biases. The last one always has.

    Shapes
    ------
    ``(B, channels, length) -> (B, dim)``

    Source: Qiu et al., ICML 2021, appendix, for the residual kind.

    Example
    -------
    >>> paper = {"width": 32, "widest": 1024, "blocks": None, "kind": "residual", "bias": False}
    >>> net = SeriesEncoder(24, 51, 64, **paper)
    >>> sum(weight.numel() for weight in net.parameters())
    337216
    """

    def __init__(
        self,
        channels: int,
        length: int,
        dim: int,
        *,
        width: int,
        widest: int,
        blocks: int | None,
        kind: str,
        bias: bool,
    ) -> None:
        halvings = halvings_for(length) if blocks is None else blocks
        widths = [min(width * 2**i, widest) for i in range(halvings)]
        if kind == "residual":
            layers: list[nn.Module] = [Block(channels, width, stride=1, bias=bias)]
            pairs = pairwise([width, *widths])
            layers += [Block(inner, outer, stride=2, bias=bias) for inner, outer in pairs]
        else:
            layers = []
            for inner, outer in pairwise([channels, *widths]):
                layers += [nn.Conv1d(inner, outer, 3, 2, 1, bias=bias), nn.ReLU()]
        last = widths[-1] if widths else (width if kind == "residual" else channels)
        left = math.ceil(length / 2**halvings)
        super().__init__(*layers, nn.Conv1d(last, dim, left), nn.Flatten())


def halvings_for(length: int) -> int:
    """Return how often a length is halved, rounding up, until at most four steps remain.

    Example
    -------
    >>> [halvings_for(n) for n in (4, 30, 51, 182, 206)]
    [0, 3, 4, 6, 6]
    """
    return max(0, math.ceil(math.log2(length / 4)))


class SeriesDecoder(Decoder):
    """What `SeriesEncoder` does, backwards: a few steps, doubled by blocks until all are there.

    A block repeats each step and smooths by a convolution over three: unlike transposed
    convolutions, this leaves no comb in the output.

    Parameters
    ----------
    dim: width of the embedding.
    outputs: series made from an embedding.
    channels, length: of each of them.
    width, widest, blocks: as the encoder has them.
    bias: whether there are biases.

    Shapes
    ------
    ``(B, dim), (B, ...) -> (B, outputs, channels, length)``

    Example
    -------
    >>> sizes = {"width": 32, "widest": 64, "blocks": 3, "bias": True}
    >>> SeriesDecoder(8, 2, 6, 30, **sizes)(torch.zeros(5, 8), torch.zeros(5, 6, 30)).shape
    torch.Size([5, 2, 6, 30])
    """

    def __init__(
        self,
        dim: int,
        outputs: int,
        channels: int,
        length: int,
        *,
        width: int,
        widest: int,
        blocks: int,
        bias: bool,
    ) -> None:
        widths = [min(width * 2**i, widest) for i in range(blocks + 1)][::-1]
        steps = [math.ceil(length / 2**i) for i in range(blocks + 1)][::-1]
        layers: list[nn.Module] = [
            nn.Linear(dim, widths[0] * steps[0], bias=bias),
            nn.Unflatten(1, (widths[0], steps[0])),
            nn.ReLU(),
        ]
        for (inner, outer), longer in zip(pairwise(widths), steps[1:], strict=True):
            layers += [
                nn.Upsample(size=longer),
                nn.Conv1d(inner, outer, 3, 1, 1, bias=bias),
                nn.ReLU(),
            ]
        layers.append(nn.Conv1d(widths[-1], outputs * channels, 3, 1, 1, bias=bias))
        super().__init__(*layers, nn.Unflatten(1, (outputs, channels)))


class Around(nn.Module):
    """Each step with those before and after it, side by side; beyond the ends, the last one again.

    Shapes
    ------
    ``(B, C, L) -> (B, L, C * (2 * reach + 1))``

    Example
    -------
    >>> Around(1)(torch.tensor([[[1.0, 2.0, 3.0]]]))
    tensor([[[1., 1., 2.],
             [1., 2., 3.],
             [2., 3., 3.]]])
    """

    def __init__(self, reach: int) -> None:
        super().__init__()
        self.reach = reach

    def forward(self, x: Tensor) -> Tensor:
        padded = nn.functional.pad(x, (self.reach, self.reach), mode="replicate")
        return padded.unfold(2, 2 * self.reach + 1, 1).transpose(1, 2).flatten(2)


class Jitter(nn.Module):
    """Add normal noise in training; like dropout, nothing when scoring.

    Shapes
    ------
    ``(B, ...) -> (B, ...)``
    """

    def __init__(self, spread: float) -> None:
        super().__init__()
        self.spread = spread

    def forward(self, x: Tensor) -> Tensor:
        return x + self.spread * torch.randn_like(x) if self.training and self.spread else x


class StepsAndValues(nn.Module):
    """The steps of a series as they come, and beside them the values of each channel by size.

    The distance between two series' values by size is how far their distributions of values are
    apart (Wasserstein-1): it sees a rare level whenever it occurs, where a comparison step by
    step needs series that start at the same moment. Values by size count twice, because their
    differences are the smallest that any order of the steps would give.

    Shapes
    ------
    ``(B, C, L) -> (B, C * 2 L)``

    Example
    -------
    >>> StepsAndValues()(torch.tensor([[[3.0, 1.0, 2.0]]]))
    tensor([[3., 1., 2., 2., 4., 6.]])
    """

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x, 2 * x.sort(dim=-1).values], dim=-1).flatten(1)


class Block(nn.Module):
    """Two 1-wide and one 3-wide convolution beside a 3-wide shortcut.

    Shapes
    ------
    ``(B, inputs, L) -> (B, outputs, ceil(L / stride))``
    """

    def __init__(self, inputs: int, outputs: int, *, stride: int, bias: bool) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv1d(inputs, inputs, 1, bias=bias),
            nn.ReLU(),
            nn.Conv1d(inputs, inputs, 3, stride, 1, bias=bias),
            nn.ReLU(),
            nn.Conv1d(inputs, outputs, 1, bias=bias),
        )
        self.shortcut = nn.Conv1d(inputs, outputs, 3, stride, 1, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.body(x) + self.shortcut(x))


class StackedInstanceNorm(nn.Module):
    """Bring every channel of every item to mean 0 and variance 1 over time.

    Shapes
    ------
    ``(K, C, B, L) -> (K, C, B, L)``
    """

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.layer_norm(x, x.shape[-1:])


class StackedBlock(nn.Module):
    """K residual blocks of two normalised convolutions: ``(K, C, B, L) -> (K, C, B, L)``."""

    def __init__(self, stack: int, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            StackedConv(stack, channels, channels, bias=False),
            StackedInstanceNorm(),
            nn.ReLU(),
            StackedConv(stack, channels, channels, bias=False),
            StackedInstanceNorm(),
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(x + self.body(x))


class SeriesViews(Transform):
    """K convolutional residual networks over the steps of a series.

    Only the last convolution may have a bias: the others are followed by a norm that removes it.
    Inside they have as many channels as the series, as in the paper, or at most ``inner``: the
    time that wide series take grows with the square of it.

    Shapes
    ------
    ``(B, channels, L) -> (views * B, channels, L)``

    Source: Qiu et al., ICML 2021, appendix.

    Example
    -------
    >>> views = SeriesViews(24, 11, kind="multiplicative", bias=False)
    >>> sum(p.numel() for p in views.parameters())
    152064
    """

    def __init__(
        self, channels: int, views: int, *, kind: str, bias: bool, inner: int | None = None
    ) -> None:
        super().__init__(views, kind)
        inner = channels if inner is None else min(inner, channels)
        self.stack = nn.Sequential(
            StackedConv(views, channels, inner, bias=False),
            StackedInstanceNorm(),
            nn.ReLU(),
            *(StackedBlock(views, inner) for _ in range(3)),
            StackedConv(views, inner, channels, bias=bias),
        )

    def networks(self, x: Tensor) -> Tensor:
        shared = x.transpose(0, 1).expand(self.views, -1, -1, -1)
        out: Tensor = self.stack(shared)
        return out.transpose(1, 2)

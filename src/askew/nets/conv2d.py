"""Convolutions over images: an encoder, a decoder, and K learned views in one call."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from askew.nets.parts import Decoder
from askew.nets.transform import Transform

GRID, PIXELS = 16, 4
"""Most cells on a side on which networks work, and pixels on a side of a cell of small images."""

SMALLEST = 8
"""Cells on a side that need no more halving."""

WIDTH, WIDEST = 32, 64
"""Channels of the encoder's first layer, and most of any."""


def block_of(size: tuple[int, int]) -> int:
    """Return the side of the blocks of pixels that are one cell of the grid.

    A grid has two cells on a side at least: edges are reflected.

    Example
    -------
    >>> block_of((8, 8)), block_of((28, 28)), block_of((320, 128))
    (2, 4, 20)
    """
    block = max(min(PIXELS, max(size) // 4), math.ceil(max(size) / GRID))
    return min(block, max(1, min(size) // 2))


class Blocks(nn.Module):
    """Cut images into blocks, whose pixels become channels of one cell.

    A few pixels more or less are then one step of a convolution, and its products are large enough
    for a processor. The last row and column are repeated until blocks cover the image.

    Shapes
    ------
    ``(B, C, H, W) -> (B, C block^2, h, w)``, channels last
    """

    def __init__(self, size: tuple[int, int]) -> None:
        super().__init__()
        self.block = block_of(size)
        self.below, self.right = (-side % self.block for side in size)

    def forward(self, x: Tensor) -> Tensor:
        if self.below or self.right:
            x = F.pad(x, (0, self.right, 0, self.below), mode="replicate")
        cut = F.pixel_unshuffle(x, self.block)
        return cut.contiguous(memory_format=torch.channels_last)


class ImageEncoder(nn.Sequential):
    """Convolutions over blocks of pixels that halve their grid, then one layer over all the rest.

    The grid is halved, and the channels doubled, until at most 8 cells remain on a side. No
    norm: the outcome for an image never depends on others.

    Parameters
    ----------
    channels: of one image.
    size: its height and width.
    dim: width of the embedding.
    bias: whether layers have biases.

    Shapes
    ------
    ``(B, channels, H, W) -> (B, dim)``

    Source: after the LeNets of Ruff et al., Deep One-Class Classification, ICML 2018, with blocks
    and strides in place of pooling.

    Example
    -------
    >>> ImageEncoder(1, (28, 28), 32, bias=True)(torch.zeros(5, 1, 28, 28)).shape
    torch.Size([5, 32])
    """

    def __init__(self, channels: int, size: tuple[int, int], dim: int, *, bias: bool) -> None:
        blocks, widths = Blocks(size), widths_for(size)
        first = nn.Conv2d(channels * blocks.block**2, widths[0], 3, 1, 1, bias=bias)
        layers: list[nn.Module] = [blocks, first, nn.LeakyReLU(0.1)]
        for inner, outer in pairwise(widths):
            layers += [nn.Conv2d(inner, outer, 3, 2, 1, bias=bias), nn.LeakyReLU(0.1)]
        rows, columns = (cells(side, blocks.block, len(widths) - 1) for side in size)
        last = nn.Linear(widths[-1] * rows * columns, dim, bias=bias)
        super().__init__(*layers, nn.Flatten(), last)


class ImageDecoder(Decoder):
    """From an embedding to images: a small grid, enlarged step by step, each cell a block at last.

    Parameters
    ----------
    channels, size: of one image.
    dim: width of the embedding.
    outputs: images to make of each embedding.
    bias: whether layers have biases.

    Shapes
    ------
    ``(B, dim), (B, ...) -> (B, outputs, channels, H, W)``

    Example
    -------
    >>> decoder = ImageDecoder(3, (32, 30), 16, outputs=2, bias=True)
    >>> decoder(torch.zeros(5, 16), torch.zeros(5, 3, 32, 30)).shape
    torch.Size([5, 2, 3, 32, 30])
    """

    def __init__(
        self, channels: int, size: tuple[int, int], dim: int, *, outputs: int, bias: bool
    ) -> None:
        block, widths = block_of(size), widths_for(size)[::-1]
        halvings = len(widths) - 1
        rows, columns = (cells(side, block, halvings) for side in size)
        layers: list[nn.Module] = [
            nn.Linear(dim, widths[0] * rows * columns, bias=bias),
            nn.LeakyReLU(0.1),
            nn.Unflatten(1, (widths[0], rows, columns)),
        ]
        for step, (inner, outer) in enumerate(pairwise(widths), start=1):
            grid = tuple(cells(side, block, halvings - step) for side in size)
            layers += [nn.Upsample(grid), nn.Conv2d(inner, outer, 3, padding=1, bias=bias)]
            layers += [nn.LeakyReLU(0.1)]
        made = outputs * channels
        layers += [nn.Conv2d(widths[-1], made * block**2, 3, padding=1, bias=bias)]
        super().__init__(
            *layers, nn.PixelShuffle(block), Crop(size), nn.Unflatten(1, (outputs, channels))
        )


def widths_for(size: tuple[int, int]) -> list[int]:
    """Return the channels of the encoder's layers, one for each size of the grid.

    Example
    -------
    >>> widths_for((28, 28)), widths_for((64, 64))
    ([32], [32, 64])
    """
    side = max(cells(side, block_of(size), 0) for side in size)
    halvings = max(0, math.ceil(math.log2(side / SMALLEST)))
    return [min(WIDTH * 2**i, WIDEST) for i in range(halvings + 1)]


def cells(side: int, block: int, halvings: int) -> int:
    """Return how many blocks cover a side, after so many halvings.

    Example
    -------
    >>> cells(50, 4, 0), cells(50, 4, 1)
    (13, 7)
    """
    return math.ceil(math.ceil(side / block) / (1 << halvings))


class Crop(nn.Module):
    """Keep the upper left of images: ``(B, C, h, w) -> (B, C, H, W)``."""

    def __init__(self, size: tuple[int, int]) -> None:
        super().__init__()
        self.size = size

    def forward(self, x: Tensor) -> Tensor:
        return x[..., : self.size[0], : self.size[1]]


class ImageViews(Transform):
    """K networks of three convolutions over blocks of pixels, in one call.

    In the end each cell becomes a block of pixels again. The first convolution is one for all K,
    as all see the same image; the others are grouped, with channels last. Edges are reflected. No
    norm, so no image depends on another.

    Parameters
    ----------
    channels, size: of one image.
    views: K.
    width: channels of each network inside.

    Shapes
    ------
    ``(B, channels, H, W) -> (views * B, channels, H, W)``

    Example
    -------
    >>> views = ImageViews(1, (28, 28), 11, width=8, kind="bounded", bias=True)
    >>> views(torch.zeros(5, 1, 28, 28)).shape
    torch.Size([55, 1, 28, 28])
    """

    def __init__(
        self, channels: int, size: tuple[int, int], views: int, *, width: int, kind: str, bias: bool
    ) -> None:
        super().__init__(views, kind)
        self.size, self.blocks = size, Blocks(size)
        cell, hidden = channels * self.blocks.block**2, views * width
        self.first = nn.Conv2d(cell, hidden, 3, bias=bias)
        self.middle = nn.Conv2d(hidden, hidden, 3, groups=views, bias=bias)
        self.last = nn.Conv2d(hidden, views * cell, 3, groups=views, bias=bias)

    def networks(self, x: Tensor) -> Tensor:
        hidden = torch.relu(self.first(reflected(self.blocks(x))))
        hidden = torch.relu(self.middle(reflected(hidden)))
        out = self.last(reflected(hidden)).unflatten(1, (self.views, -1)).transpose(0, 1)
        images = F.pixel_shuffle(out.flatten(0, 1), self.blocks.block)
        cut = images[..., : self.size[0], : self.size[1]]
        stacked: Tensor = cut.unflatten(0, (self.views, len(x)))
        return stacked


def reflected(x: Tensor) -> Tensor:
    """Add a mirrored row or column of cells on each side: ``(B, C, h, w) -> (B, C, h+2, w+2)``."""
    return F.pad(x, (1, 1, 1, 1), mode="reflect")

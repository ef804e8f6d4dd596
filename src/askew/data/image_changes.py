"""Images altered at random: shuffled, spotted, moved smoothly."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from askew.seeding import draw

COARSE = (1, 2, 4, 8, 16)
"""Cells on a side of the grids between whose random numbers `smooth` goes over."""


def shuffled(x: Tensor, generator: torch.Generator) -> Tensor:
    """Return images with their blocks in random order, or features exchanged.

    A grid of 4 x 4 blocks; rows and columns beyond the last whole block stay.
    """
    if x.ndim == 2:
        keys = draw(torch.rand, x.shape, x.device, generator)
        return x.gather(1, keys.argsort(1))
    high, wide = (max(1, side // 4) for side in x.shape[-2:])
    rows, columns = x.shape[-2] // high, x.shape[-1] // wide
    inner = x[..., : rows * high, : columns * wide]
    blocks = F.unfold(inner, (high, wide), stride=(high, wide))  # (B, numbers, blocks)
    order = draw(torch.rand, (len(x), blocks.shape[2]), x.device, generator).argsort(1)
    mixed = blocks.gather(2, order[:, None].expand(blocks.shape))
    out = x.clone()
    out[..., : rows * high, : columns * wide] = F.fold(
        mixed, inner.shape[-2:], (high, wide), stride=(high, wide)
    )
    return out


def spotted(x: Tensor, generator: torch.Generator) -> Tensor:
    """Return True on a quarter of each side at a random place, ``(B, 1, H, W)``."""
    lines = []
    for side in x.shape[-2:]:
        long = max(1, side // 4)
        start = draw(torch.rand, (len(x), 1), x.device, generator) * (side - long + 1)
        place = torch.arange(side, device=x.device)
        lines.append((start.long() <= place) & (place < start.long() + long))
    return lines[0][:, None, :, None] & lines[1][:, None, None, :]


def smooth(x: Tensor) -> Tensor:
    """Return normal random numbers that are alike at neighbouring pixels, ``(B, C, H, W)``.

    Drawn for the cells of a grid, and interpolated between them. How fine a grid, is drawn for
    each image: one number for all of it, or up to 16 on a side. Between the cells' middles numbers
    are smaller, so their spread is about 0.8 in all; each channel has its own. From torch's own
    generator.
    """
    grids = [n for n in COARSE if n == 1 or 2 * n <= max(x.shape[-2:])]
    chosen = torch.randint(len(grids), (len(x), 1, 1, 1), device=x.device)
    out = torch.zeros_like(x)
    for i, cells in enumerate(grids):
        drawn = torch.randn(*x.shape[:2], cells, cells, device=x.device)
        large = F.interpolate(drawn, x.shape[-2:], mode="bilinear")
        out = torch.where(chosen == i, large, out)
    return out

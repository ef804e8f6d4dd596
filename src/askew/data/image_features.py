"""Fixed networks from encoded images to features for distances: nothing in them is learned."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

Floats = NDArray[np.float64]


class Directions(nn.Module):
    """A backbone's features of an image, unscaled and brought to length 1, for cosine distances.

    Shapes
    ------
    ``(B, D)`` or ``(B, D, h, w) -> (B, D)``
    """

    center: Tensor
    scale: Tensor

    def __init__(self, center: Floats, scale: Floats) -> None:
        super().__init__()
        self.register_buffer("center", torch.from_numpy(np.array(center)).float())
        self.register_buffer("scale", torch.from_numpy(np.array(scale)).float())

    def forward(self, x: Tensor) -> Tensor:
        """Return unit vectors."""
        whole = x.flatten(2).mean(2) if x.ndim == 4 else x
        return F.normalize(whole * self.scale + self.center, dim=1)


class Smoothing(nn.Module):
    """Means over squares of pixels, edges repeated: ``(B, C, H, W) -> (B, C, H, W)``."""

    def __init__(self, window: int) -> None:
        super().__init__()
        self.window = window

    def forward(self, x: Tensor) -> Tensor:
        """Return smoothed images."""
        half = self.window // 2
        return F.avg_pool2d(F.pad(x, (half,) * 4, mode="replicate"), self.window, 1)


class Places(nn.Module):
    """The features of each place: ``(B, D, h, w) -> (B, h * w, D)``."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the same numbers, place by place."""
        return x.flatten(2).transpose(1, 2)


class Patches(nn.Module):
    """Pixels of blocks and of the blocks around them, edges repeated.

    Shapes
    ------
    ``(B, C, H, W) -> (B, h * w, 9 C block^2)``, with ``h, w`` the blocks that cover the image
    """

    def __init__(self, block: int) -> None:
        super().__init__()
        self.block = block

    def forward(self, x: Tensor) -> Tensor:
        """Return overlapping patches."""
        block = self.block
        below, right = (-side % block for side in x.shape[-2:])
        padded = F.pad(x, (block, block + right, block, block + below), mode="replicate")
        return F.unfold(padded, 3 * block, stride=block).transpose(1, 2)

"""Parts of images: the bands that explanations name, and maps laid out as pixels."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

Floats = NDArray[np.float64]

PATCHES = 7  # on a side of an explanation: enough to point, few enough to try one by one
FEATURE_GROUPS = 16  # of a whole image's features in an explanation
BLUR = 4 / 224  # of maps of places, as a share of the image: PatchCore's


def edges(side: int, most: int = PATCHES) -> NDArray[np.intp]:
    """Return where at most so many bands of about the same size begin, and the end.

    Example
    -------
    >>> edges(28).tolist(), edges(5).tolist()
    ([0, 4, 8, 12, 16, 20, 24, 28], [0, 1, 2, 3, 4, 5])
    """
    count = min(most, side)
    return np.arange(count + 1) * side // count


def bands(side: int) -> Tensor:
    """Return a mask for each band of rows or columns, ``(bands, side)``."""
    limits = torch.from_numpy(edges(side))
    place = torch.arange(side)
    return (limits[:-1, None] <= place) & (place < limits[1:, None])


def feature_groups(count: int, device: torch.device) -> tuple[list[str], Tensor]:
    """Return blocks of a whole image's features, and their masks ``(G, D)``."""
    limits = edges(count, FEATURE_GROUPS)
    names = [f"features {a}-{b - 1}" for a, b in pairwise(limits)]
    place, borders = torch.arange(count), torch.from_numpy(limits)
    masks = (borders[:-1, None] <= place) & (place < borders[1:, None])
    return names, masks.to(device)


def enlarged(maps: Floats, size: Sequence[int]) -> Floats:
    """Return maps of places as pixels, smoothed; those of pixels as they are."""
    if maps.shape[1:] == tuple(size):
        return maps
    from scipy.ndimage import gaussian_filter

    height, width = (int(side) for side in size)
    flat = torch.from_numpy(maps)[:, None]
    large = F.interpolate(flat, (height, width), mode="bilinear", align_corners=False)
    sigma = BLUR * max(size)
    smooth: Floats = gaussian_filter(large[:, 0].numpy(), (0, sigma, sigma))
    return smooth

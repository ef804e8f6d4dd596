"""Means and spreads of images' channels, and what is made of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

Floats = NDArray[np.float64]

SCALINGS: Mapping[str, Callable[[Floats, Floats], tuple[Floats, Floats]]] = {
    "none": lambda mean, std: (np.zeros_like(mean), np.ones_like(std)),
    "standard": lambda mean, std: (mean, std),
}
"""From mean and standard deviation of each channel: what is subtracted, and what divides."""

VECTOR_SCALINGS: Mapping[str, Callable[[Floats, Floats], tuple[Floats, Floats]]] = {
    "none": SCALINGS["none"],
    "standard": lambda mean, std: (
        np.zeros_like(mean),
        np.full_like(std, np.sqrt(np.mean(std**2))),
    ),
}
"""The same for features of whole images: one scale for all, and 0 stays 0.

Where it means that something was not seen, learned views find more than around a mean.
"""


class Moments:
    """Mean and standard deviation of each channel, from a few images at a time."""

    def __init__(self) -> None:
        self.count, self.total, self.squares = 0, np.zeros(1), np.zeros(1)

    def add(self, block: Tensor) -> None:
        """Count images ``(b, C, ...)`` in."""
        values = block.double().flatten(2) if block.ndim > 2 else block.double()[..., None]
        self.count += values.shape[0] * values.shape[2]
        self.total = self.total + values.sum((0, 2)).numpy()
        self.squares = self.squares + values.square().sum((0, 2)).numpy()

    def mean_and_std(self) -> tuple[Floats, Floats]:
        """Return both, ``(C,)`` each; a channel that never changes counts as spread by 1."""
        mean = self.total / self.count
        variance = np.clip(self.squares / self.count - mean**2, 0, None)
        constant = variance <= 1e-10 * np.maximum(mean**2, 1e-10)
        return mean, np.where(constant, 1.0, np.sqrt(variance))

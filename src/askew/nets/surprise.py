"""Bring scores of different origin to one scale: how surprising each is for normal items."""

from __future__ import annotations

import torch
from torch import Tensor, nn

EQUAL = 5e-7
"""Scores that differ by less than this share of themselves are the same: a few float32 steps."""


class Surprise(nn.Module):
    """Minus the logarithm of how often normal items score this high.

    ``t(a) = -log[ (#{r_i >= a} + 1) / (n + 1) ]`` for reference scores ``r_i``, in straight lines
    between them. Beyond the largest it grows by ``excess / scale``, with the mean excess over the
    median as scale: as if the tail were exponential. Below the smallest it falls in the same way.

    Shapes
    ------
    ``(B,) -> (B,)`` in float64.

    Example
    -------
    >>> surprise = Surprise()
    >>> surprise.measure(torch.arange(99.0))
    >>> surprise(torch.tensor([0.0, 90.0, 98.0, 990.0])).round(decimals=1)
    tensor([ 0.0000,  2.3000,  3.9000, 40.3000], dtype=torch.float64)
    """

    knots: Tensor
    values: Tensor
    scale: Tensor

    MOST = 2000
    """Reference scores kept."""

    def __init__(self) -> None:
        super().__init__()
        for name in ("knots", "values", "scale"):
            self.register_buffer(name, torch.zeros(1, dtype=torch.float64))

    def measure(self, scores: Tensor) -> None:
        """Take reference scores ``(n,)`` of items that were not learned from."""
        ordered = scores.double().sort().values
        ordered = ordered[:: max(1, len(ordered) // self.MOST)]
        knots, counts = _distinct(ordered)
        at_least = len(ordered) - counts.cumsum(0) + counts
        self.knots = knots
        self.values = -((at_least.double() + 1) / (len(ordered) + 1)).log()
        upper = ordered[len(ordered) // 2 :]
        self.scale = (upper - upper[0]).mean().clamp_min(1e-9 + 1e-6 * upper[0].abs())[None]

    def crossed(self, scores: Tensor, among: Tensor, folds: int = 20) -> Tensor:
        """Return the surprise of each score among the reference scores of other items.

        What a new normal item would get: among all of them, itself included, it would be smaller.

        Parameters
        ----------
        scores, among: a score and a reference score of the same items, ``(n,)`` each; often alike.

        Returns
        -------
        ``(n,)``
        """
        fold = torch.arange(len(scores), device=scores.device) % min(folds, len(scores))
        values = torch.empty(len(scores), dtype=torch.float64, device=scores.device)
        for i in range(int(fold.max()) + 1):
            others = Surprise().to(scores.device)
            others.measure(among[fold != i])
            values[fold == i] = others(scores[fold == i])
        return values

    def forward(self, scores: Tensor) -> Tensor:
        """Return the surprise of each score."""
        scores = scores.double()
        low, high = self.knots[0], self.knots[-1]
        right = torch.searchsorted(self.knots, scores).clamp(1, max(1, len(self.knots) - 1))
        left = right - 1
        right = right.clamp(max=len(self.knots) - 1)
        width = (self.knots[right] - self.knots[left]).clamp_min(1e-300)
        share = ((scores - self.knots[left]) / width).clamp(0, 1)
        inside = torch.lerp(self.values[left], self.values[right], share)
        above = (scores - high).clamp_min(0) / self.scale
        below = (low - scores).clamp_min(0) / self.scale
        return inside + above - below


def _distinct(ordered: Tensor) -> tuple[Tensor, Tensor]:
    """Return the lowest of each run of all but equal scores, and how many are in it.

    Equal items score alike but for rounding, which depends on the batch: between two knots that
    only rounding separates, surprise would leap.
    """
    size = ordered.abs()
    apart = ordered.diff() > EQUAL * torch.maximum(size[1:], size[:-1])
    run = torch.cat([apart.new_zeros(1, dtype=torch.long), apart.long().cumsum(0)])
    first = torch.cat([apart.new_ones(1, dtype=torch.bool), apart])
    return ordered[first], run.bincount()

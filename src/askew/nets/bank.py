"""Remember training items, and say how far a new one is from them."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Bank(nn.Module):
    """A bounded memory of feature vectors.

    Parameters
    ----------
    power: 2 for Euclidean distances; 1 for sums of absolute differences, which a few odd entries
        among many do not dominate.

    Shapes
    ------
    ``items``: ``(M, D)``; a call takes ``(B, D)`` and returns distances ``(B,)``.

    Example
    -------
    >>> bank = Bank()
    >>> bank.fill(torch.tensor([[0.0], [1.0], [5.0]]), most=10, generator=torch.Generator())
    >>> bank.distance(torch.tensor([[2.0]]), neighbors=2)
    tensor([2.])
    """

    items: Tensor

    def __init__(self, power: float = 2.0) -> None:
        super().__init__()
        self.power = power
        self.register_buffer("items", torch.empty(0, 0))

    def fill(self, features: Tensor, *, most: int, generator: torch.Generator) -> None:
        """Keep these vectors ``(n, D)``, or a random ``most`` of them."""
        if len(features) > most:
            keep = torch.randperm(len(features), generator=generator)[:most].sort().values
            features = features[keep.to(features.device)]
        self.items = features.detach().clone()

    def nearest(self, x: Tensor, neighbors: int) -> tuple[Tensor, Tensor]:
        """Return distances to the nearest vectors, ascending, and their positions: ``(B, k)`` each.

        ``k`` is ``neighbors``, or the size of the bank where that is smaller.
        """
        k = min(neighbors, len(self.items))
        near = torch.cdist(x, self.items, p=self.power).topk(k, dim=1, largest=False).indices
        # Distances come from a matrix product, whose rounding depends on the batch: those of the
        # neighbours are taken anew, so that copies are at distance 0 whatever stands beside them.
        exact = (x.unsqueeze(1) - self.items[near]).norm(p=self.power, dim=-1)
        ordered = exact.sort(dim=1)
        return ordered.values, near.gather(1, ordered.indices)

    def distance(self, x: Tensor, neighbors: int) -> Tensor:
        """Return the distance to the ``neighbors``-th nearest vector, ``(B,)``."""
        return self.nearest(x, neighbors)[0][:, -1]

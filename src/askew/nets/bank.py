"""Remember training items, and say how far a new one is from them."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from askew.pieces import pieces

EQUAL = 1e-6
"""Vectors closer than this share of their size are one: only rounding separates them."""


class Bank(nn.Module):
    """A bounded memory of feature vectors.

    Parameters
    ----------
    power: 2 for Euclidean distances; 1 for sums of absolute differences, which a few odd entries
        among many do not dominate.
    itself: whether a remembered vector that equals ``x`` counts as a neighbour of it. Where it does
        not, items that the bank holds are as far from it as new ones that lie where they do.

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
    power: Tensor
    itself: Tensor

    def __init__(self, power: float = 2.0, *, itself: bool = True) -> None:
        super().__init__()
        self.register_buffer("items", torch.empty(0, 0))
        self.register_buffer("power", torch.tensor(power))
        self.register_buffer("itself", torch.tensor(itself))

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
        k, power = min(neighbors, len(self.items)), float(self.power)
        near = torch.cdist(x, self.items, p=power).topk(k, dim=1, largest=False).indices
        # Distances come from a matrix product, whose rounding depends on the batch: those of the
        # neighbours are taken anew, so that copies are at distance 0 whatever stands beside them.
        exact = (x.unsqueeze(1) - self.items[near]).norm(p=power, dim=-1)
        ordered = exact.sort(dim=1)
        return ordered.values, near.gather(1, ordered.indices)

    def distance(self, x: Tensor, neighbors: int) -> Tensor:
        """Return the distance to the ``neighbors``-th nearest vector, ``(B,)``."""
        if self.itself:
            return self.nearest(x, neighbors)[0][:, -1]
        found = self.nearest(x, neighbors + 1)[0]
        return self._beside(found, self._same(found, x), neighbors)

    def distance_without(self, known: Tensor, x: Tensor, neighbors: int) -> Tensor:
        """Return the same, ``(B,)``, where the i-th of ``known (B, D)`` is no neighbour of x's."""
        found, places = self.nearest(x, neighbors + 1)
        apart = (self.items[places] - known.unsqueeze(1)).norm(p=float(self.power), dim=-1)
        return self._beside(found, self._same(apart, known), neighbors)

    def _same(self, apart: Tensor, x: Tensor) -> Tensor:
        """Say which vectors so far from x are x, ``(B, k)``."""
        same: Tensor = apart <= EQUAL * x.norm(p=float(self.power), dim=-1, keepdim=True)
        return same

    @staticmethod
    def _beside(found: Tensor, same: Tensor, neighbors: int) -> Tensor:
        """Return the ``neighbors``-th of ascending distances beside the one that does not count.

        Only where nothing else is remembered does it count.
        """
        place = neighbors - 1 + same[:, :neighbors].any(1).long()
        return found.gather(1, place.clamp(max=found.shape[1] - 1).unsqueeze(1)).squeeze(1)


RECALLED = 20
"""Items looked through to fill a bank and to find the middle, as a multiple of the bank's size."""


class Middle(nn.Module):
    """The middle of all items: the median of each feature, which a few odd items do not move.

    Of an even number of items it is the lower of the two in the middle.

    Parameters
    ----------
    power: of the distance, as of a `Bank`.

    Shapes
    ------
    ``center``: ``(D,)``; a call takes ``(B, D)`` and returns distances ``(B,)``.

    Example
    -------
    >>> middle = Middle(power=1.0)
    >>> middle.measure(torch.tensor([[0.0, 1.0], [1.0, 2.0], [50.0, 3.0]]))
    >>> middle.distance(torch.tensor([[1.0, 5.0]]))
    tensor([3.])
    """

    center: Tensor
    power: Tensor

    def __init__(self, power: float = 2.0) -> None:
        super().__init__()
        self.register_buffer("center", torch.empty(0))
        self.register_buffer("power", torch.tensor(power))

    def measure(self, features: Tensor) -> None:
        """Find the middle of these vectors ``(n, D)``."""
        self.center = features.detach().median(dim=0).values

    def distance(self, x: Tensor) -> Tensor:
        """Return the distance to the middle, ``(B,)``."""
        apart: Tensor = (x - self.center).norm(p=float(self.power), dim=-1)
        return apart


def remember(
    bank: Bank,
    middle: Middle,
    features: nn.Module,
    items: Tensor,
    *,
    most: int,
    generator: torch.Generator,
) -> None:
    """Fill a bank with features of distinct items, and find the middle of all of them.

    Copies would take the place of rarer items in the bank.
    """
    order = torch.randperm(len(items), generator=generator).to(items.device)
    some = items[order[: RECALLED * most]]
    found = torch.cat([features(x) for x in pieces(some, most=4096)])
    middle.measure(found)
    bank.fill(torch.unique(found, dim=0), most=most, generator=generator)


def core_set(
    features: Tensor, size: int, generator: torch.Generator, *, widest: int = 128
) -> Tensor:
    """Pick vectors that cover all others best: each next one is the farthest from those picked.

    Greedy k-centre: the largest distance of any vector to the nearest picked is at most twice the
    smallest possible. Copies of a picked vector come last.

    Parameters
    ----------
    features: ``(n, D)``; where wider than ``widest``, a random projection to that is compared.
    size: how many to pick.

    Returns
    -------
    Positions in the order in which they were picked, ``(size,)``. The first is the nearest to the
    mean, so that the rest does not depend on chance.

    Source: Roth et al., CVPR 2022; Sener and Savarese, ICLR 2018.

    Example
    -------
    >>> line = torch.tensor([[0.0], [4.0], [5.0], [9.0]])
    >>> core_set(line, 3, torch.Generator()).tolist()
    [1, 3, 0]
    """
    if features.shape[1] > widest:
        drawn = torch.randn(features.shape[1], widest, generator=generator) / widest**0.5
        features = features @ drawn.to(features)
    picked = torch.empty(min(size, len(features)), dtype=torch.long, device=features.device)
    picked[0] = (features - features.mean(0)).square().sum(1).argmin()
    nearest = torch.full_like(features[:, 0], torch.inf)
    for i in range(len(picked)):
        if i:
            picked[i] = nearest.argmax()
        away = (features - features[picked[i]]).square().sum(1)
        nearest = torch.minimum(nearest, away)
        nearest[picked[i]] = -1.0  # never again, not even where all are copies
    return picked

"""Memory bank: places in an item, compared with the most different places of training items."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from askew.data import DataType, Fold
from askew.detector import Detector
from askew.nets.bank import Bank, core_set
from askew.nets.parts import Parts
from askew.parameters import check_least
from askew.train import History

COMPARED = 2**22
"""Pairs of places compared at a time, when scoring."""


@dataclass(kw_only=True, eq=False, repr=False)
class MemoryBank(Detector):
    """An item is as strange as its strangest place: the one least like any place of normal items.

    Features of places, such as a window of a series or a patch of an image, go
    into a bank, wherever in an item they stood. Where there are too many, those are kept that
    cover the rest best: each next one is the farthest from all kept (greedy k-centre, in a random
    projection where features are wide). A place scores its distance to the ``neighbors``-th
    nearest of the bank, an item the largest of its places.

    A row of a table is one place, so there this is the nearest neighbour's distance.

    Parameters
    ----------
    neighbors: which nearest place counts, at least 1. Places that were remembered are their own
        nearest: where the items that were learned from are to be judged, as nodes often are, 2.
    most: places remembered. Keeping is a product of this and of `candidates`.
    candidates: places of training items that are looked at; a random choice where there are more.

    References
    ----------
    Roth, Pemula, Zepeda, Schoelkopf, Brox, Gehler. Towards total recall in industrial anomaly
    detection (PatchCore). CVPR 2022. Not in it, as not in its released code: weighting an item's
    score by the neighbourhood of the place found.

    Example
    -------
    >>> import numpy as np
    >>> rows = np.random.default_rng(0).normal(size=(100, 2))
    >>> int(MemoryBank().fit(rows).decision_function([[0, 0], [9, 9]]).argmax())
    1
    """

    neighbors: int = 1
    most: int = 2000
    candidates: int = 20_000

    def build(self, data: DataType) -> Parts:
        """Return the features of places, those of items for explanations, and an empty bank."""
        return Parts(local=data.local_features(), features=data.features(), bank=Bank())

    def learn(
        self, net: Parts, items: Tensor, folds: list[Fold], generator: torch.Generator
    ) -> History:
        """Look at places of the items, as many as `candidates`, and remember the core of them."""
        places = self._places(net, items[folds[0].learned], generator)
        if len(places) > self.most:
            places = places[core_set(places, self.most, generator)]
        net.bank.fill(places, most=self.most, generator=generator)
        return History()

    def _places(self, net: Parts, items: Tensor, generator: torch.Generator) -> Tensor:
        """Return features of at most `candidates` places, ``(N, D)``, as many of every item."""
        each = net.local(items[:1]).flatten(1, -2).shape[1]
        order = torch.randperm(len(items), generator=generator).to(items.device)
        items = items[order[: self.candidates]]  # at least a place of each
        share = max(1, self.candidates // len(items))
        found = []
        for x in items.split(256):
            places = net.local(x).flatten(1, -2)  # (B, P, D)
            if share < each:
                some = torch.rand(places.shape[:2], generator=generator).topk(share, 1).indices
                places = places.take_along_dim(some.to(places.device)[..., None], 1)
            found.append(places.flatten(0, 1))
        return torch.cat(found)

    def points(self, net: Parts, x: Tensor) -> Tensor:
        """Return each place's distance to the bank, ``(B, *P)``."""
        places = net.local(x)
        at_a_time = max(1, COMPARED // len(net.bank.items))
        found = [
            net.bank.distance(part, self.neighbors)
            for part in places.flatten(0, -2).split(at_a_time)
        ]
        return torch.cat(found).view(places.shape[:-1])

    def scores(self, net: Parts, x: Tensor) -> Tensor:
        """Return the largest distance of an item's places, ``(B,)``."""
        return self.data_.pool(self.points(net, x), x, "max").double()

    def check(self) -> None:
        """Raise `InputError` where a parameter makes no sense."""
        super().check()
        check_least(self, 1, "neighbors", "most", "candidates")

"""Neighbours: how far an item is from training items, alone or against how far those are."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from askew.data import DataType
from askew.methods.shallow import ShallowDetector
from askew.nets.bank import Bank
from askew.nets.parts import Parts
from askew.parameters import check_least

EMPTY = 1e-10
"""Added to mean distances: the density of copies is large, not infinite (as in scikit-learn)."""


@dataclass(kw_only=True, eq=False, repr=False)
class NeighborDetector(ShallowDetector):
    """A detector that looks at the nearest training items.

    Parameters
    ----------
    neighbors: k, at least 1.
    """

    neighbors: int = 5

    def check(self) -> None:
        """Raise `InputError` where a parameter makes no sense."""
        super().check()
        check_least(self, 1, "neighbors")


@dataclass(kw_only=True, eq=False, repr=False)
class KNN(NeighborDetector):
    """Far from the nearest training items is strange.

    The score is the distance to the ``neighbors``-th nearest training item, in the features of
    the data type.

    Parameters
    ----------
    neighbors: k, at least 1.
    most: training items remembered; a random choice where there are more.

    References
    ----------
    Ramaswamy, Rastogi, Shim. Efficient algorithms for mining outliers from large data sets. 2000.

    Example
    -------
    >>> import numpy as np
    >>> rows = np.random.default_rng(0).normal(size=(100, 2))
    >>> int(KNN().fit(rows).decision_function([[0, 0], [9, 9]]).argmax())
    1
    """

    def build(self, data: DataType) -> Parts:
        """Return the features and a memory of them."""
        return Parts(features=data.features(), bank=Bank())

    def learn_features(self, net: Parts, features: Tensor, generator: torch.Generator) -> None:
        """Remember the features."""
        net.bank.fill(features, most=len(features), generator=generator)

    def scores_of(self, net: Parts, features: Tensor) -> Tensor:
        """Return the distance to the k-th neighbour, ``(B,)``."""
        distance: Tensor = net.bank.distance(features, self.neighbors)
        return distance


@dataclass(kw_only=True, eq=False, repr=False)
class LOF(NeighborDetector):
    """Lying in a thinner region than one's neighbours is strange.

    The local outlier factor: the mean density around an item's neighbours over the density
    around itself; about 1 for normal items. Densities are those of training items only.

    Parameters
    ----------
    neighbors: k, at least 1.
    most: training items remembered; a random choice where there are more.

    References
    ----------
    Breunig, Kriegel, Ng, Sander. LOF: identifying density-based local outliers. SIGMOD 2000.
    """

    neighbors: int = 20

    def build(self, data: DataType) -> Parts:
        """Return the features, and a memory of them with their densities."""
        return Parts(features=data.features(), bank=DensityBank())

    def learn_features(self, net: Parts, features: Tensor, generator: torch.Generator) -> None:
        """Measure the density around each training item."""
        net.bank.fill(features, most=len(features), generator=generator)
        k = min(self.neighbors, len(features) - 1)
        found = [net.bank.nearest(x, k + 1) for x in features.split(1000)]
        distances = torch.cat([values[:, 1:] for values, _ in found])  # the first is the item
        index = torch.cat([places[:, 1:] for _, places in found])
        net.bank.reach = distances[:, -1]
        net.bank.density = 1 / (torch.maximum(distances, net.bank.reach[index]).mean(1) + EMPTY)

    def scores_of(self, net: Parts, features: Tensor) -> Tensor:
        """Return the local outlier factor, ``(B,)``."""
        k = min(self.neighbors, len(net.bank.items) - 1)
        distances, index = net.bank.nearest(features, k)
        reach = torch.maximum(distances, net.bank.reach[index]).mean(1)
        factor: Tensor = net.bank.density[index].mean(1) * (reach + EMPTY)
        return factor


class DensityBank(Bank):
    """A bank that also knows each item's distance to its k-th neighbour and its density."""

    reach: Tensor
    density: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("reach", torch.empty(0))
        self.register_buffer("density", torch.empty(0))

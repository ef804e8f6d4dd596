"""What the shallow methods share: they look once at a data type's features."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor

from askew.data import Fold
from askew.detector import Detector
from askew.nets.parts import Parts
from askew.parameters import check_least
from askew.pieces import pieces
from askew.train import History


@dataclass(kw_only=True, eq=False, repr=False)
class ShallowDetector(Detector):
    """A detector that learns from all features at once, without gradient steps.

    Where scikit-learn fits, what it found is kept as tensors, so a saved model holds no code, and
    scores are computed from those.

    Parameters
    ----------
    most: training items learned from; a random choice where there are more.
    """

    most: int = 10_000

    @abstractmethod
    def learn_features(self, net: Parts, features: Tensor, generator: torch.Generator) -> None:
        """Learn from features ``(n, D)`` in float64; what is learned goes into buffers of net."""

    @abstractmethod
    def scores_of(self, net: Parts, features: Tensor) -> Tensor:
        """Return how strange features ``(B, D)`` in float64 are, ``(B,)``."""

    def learn(
        self, net: Parts, items: Tensor, folds: list[Fold], generator: torch.Generator
    ) -> History:
        """Learn from the features of all items, or of a random choice of `most`."""
        items = items[folds[0].learned]
        if len(items) > self.most:
            items = items[torch.randperm(len(items), generator=generator)[: self.most]]
        features = torch.cat([net.features(x) for x in pieces(items, most=4096)])
        self.learn_features(net, features.double(), generator)
        return History()

    def scores(self, net: Parts, x: Tensor) -> Tensor:
        """Return how strange each item of a batch is, ``(B,)``."""
        return self.scores_of(net, net.features(x).double())

    def check(self) -> None:
        """Raise `InputError` where a parameter makes no sense."""
        super().check()
        check_least(self, 1, "most")

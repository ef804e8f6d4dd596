"""The distance to training items, beside what a network says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from askew.data import DataType, Fold
from askew.detector import LEAST_SETTLED
from askew.errors import InputError
from askew.nets.bank import Bank, remember
from askew.nets.parts import Parts
from askew.nets.surprise import Surprise
from askew.pieces import pieces
from askew.trained import TrainedDetector


@dataclass(kw_only=True, eq=False, repr=False)
class DistanceDetector(TrainedDetector):
    """A detector whose networks' scores can be joined by the distance to remembered items.

    Both are turned into how surprising they are among held-out items, and added. A remembered item
    is no neighbour of itself: those that were learned from get scores as new ones do. The network
    has the parts ``features``, ``bank`` and ``distance``, as `distance_parts` gives them.

    Parameters
    ----------
    neighbors: the distance to this many-th nearest other training item is added to the score;
        0: not.
    bank: most training items remembered for the distance.
    """

    neighbors: int = 2
    bank: int = 5000

    @staticmethod
    def distance_parts(data: DataType) -> dict[str, nn.Module]:
        """Return an empty bank and the surprise of its distances."""
        return {"bank": Bank(data.distance_power, itself=False), "distance": Surprise()}

    def remember(self, net: Parts, items: Tensor, generator: torch.Generator) -> None:
        """Remember items for the distance, where it is asked for."""
        if self.neighbors:
            remember(net.bank, net.features, items, most=self.bank, generator=generator)

    def settled(
        self,
        net: Parts,
        own: Surprise,
        scores_of: Iterable[Callable[[Tensor], Tensor]],
        items: Tensor,
        folds: list[Fold],
    ) -> list[Tensor]:
        """Measure how large both parts of the score usually are; returns as `settle` does.

        How surprising a distance is, is measured in the features of all training items. Where those
        are whitened, that draws the items together: distances then count the more beside the
        networks, the fewer items there are for the numbers. What is returned, for p-values, is not
        drawn together: it is measured in the features of what each network learned from.

        Parameters
        ----------
        own: the surprise of what networks say.
        scores_of: for each fold, the scores ``(B,)`` by the network that learned from it.
        """
        few = sum(len(fold.held) for fold in folds) < LEAST_SETTLED
        if few:  # hardly any were held out: the learned ones must do
            folds = [Fold(fold.learned, fold.learned) for fold in folds]
        held = [items[fold.held] for fold in folds]
        scores = torch.cat(
            [
                torch.cat([of_batch(x) for x in pieces(part, most=256)])
                for of_batch, part in zip(scores_of, held, strict=True)
            ]
        )
        if self.neighbors:
            known = [items[fold.learned] for fold in folds]
            drawn = self._all_distances([net.features] * len(folds), known, held)
            found = [self.data_.features_from(x) for x in known]
            alone = [of.to(items.device) for of in found if of is not None]
            apart = self._all_distances(alone, known, held) if alone else drawn
            own.measure(scores)
            net.distance.measure(drawn)
            scores = own.crossed(scores, scores) + net.distance.crossed(apart, drawn)
        sizes = [0 if few else len(part) for part in held]
        return list(scores[: sum(sizes)].split(sizes))

    def with_distance(self, net: Parts, own: Surprise, scores: Tensor, x: Tensor) -> Tensor:
        """Return what networks say, or how surprising that and the distance are, ``(B,)``."""
        if not self.neighbors:
            return scores
        distances = net.bank.distance(net.features(x), self.neighbors)
        both: Tensor = own(scores) + net.distance(distances)
        return both

    def _all_distances(
        self,
        features: Sequence[nn.Module],
        learned: Sequence[Tensor],
        held: Sequence[Tensor],
    ) -> Tensor:
        """Return how far held-out items are from what was learned in their fold, ``(n,)``."""
        found = []
        for of, known, new in zip(features, learned, held, strict=True):
            bank = Bank(self.data_.distance_power, itself=False)
            generator = torch.Generator().manual_seed(self.seed)
            remember(bank, of, known, most=self.bank, generator=generator)
            found += [bank.distance(of(x), self.neighbors) for x in pieces(new, most=256)]
        return torch.cat(found)

    def check(self) -> None:
        """Raise `InputError` where a parameter makes no sense."""
        super().check()
        if self.neighbors < 0:
            raise InputError(f"neighbors={self.neighbors}: expected 0 (no distance) or more.")
        if self.bank <= 0:
            raise InputError(f"bank={self.bank}: expected more than 0.")

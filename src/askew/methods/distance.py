"""The distance to training items, beside what a network says."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from askew.data import Fold
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

    Both are turned into how surprising they are among held-out items, and added. The network has
    the parts ``features``, ``bank`` and ``distance``, as `distance_parts` gives them.

    Parameters
    ----------
    neighbors: the distance to this many-th nearest training item is added to the score; 0: not.
    bank: most training items remembered for the distance.
    """

    neighbors: int = 2
    bank: int = 5000

    @staticmethod
    def distance_parts() -> dict[str, torch.nn.Module]:
        """Return an empty bank and the surprise of its distances."""
        return {"bank": Bank(power=1.0), "distance": Surprise()}

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

        Parameters
        ----------
        own: the surprise of what networks say.
        scores_of: for each fold, the scores ``(B,)`` by the network that learned from it.
        """
        itself = int(sum(len(fold.held) for fold in folds) < LEAST_SETTLED)
        if itself:  # hardly any were held out: the learned ones must do, each near itself
            folds = [Fold(fold.learned, fold.learned) for fold in folds]
        held = [items[fold.held] for fold in folds]
        scores = torch.cat(
            [
                torch.cat([of_batch(x) for x in pieces(part, most=256)])
                for of_batch, part in zip(scores_of, held, strict=True)
            ]
        )
        if self.neighbors:
            distances = torch.cat(
                [
                    self._distances(
                        items[fold.learned], part, self.neighbors + itself, net.bank.power
                    )
                    for fold, part in zip(folds, held, strict=True)
                ]
            )
            own.measure(scores)
            net.distance.measure(distances)
            scores = own.crossed(scores) + net.distance.crossed(distances)
        sizes = [0 if itself else len(part) for part in held]
        return list(scores[: sum(sizes)].split(sizes))

    def with_distance(self, net: Parts, own: Surprise, scores: Tensor, x: Tensor) -> Tensor:
        """Return what networks say, or how surprising that and the distance are, ``(B,)``."""
        if not self.neighbors:
            return scores
        distances = net.bank.distance(net.features(x), self.neighbors)
        both: Tensor = own(scores) + net.distance(distances)
        return both

    def _distances(self, learned: Tensor, held: Tensor, neighbors: int, power: float) -> Tensor:
        """Return how far held-out items are from those of their fold, ``(held,)``."""
        bank, features = Bank(power=power), self.data_.features_from(learned).to(learned.device)
        generator = torch.Generator().manual_seed(self.seed)
        remember(bank, features, learned, most=self.bank, generator=generator)
        near = [bank.distance(features(x), neighbors) for x in pieces(held, most=256)]
        return torch.cat(near)

    def check(self) -> None:
        """Raise `InputError` where a parameter makes no sense."""
        super().check()
        if self.neighbors < 0:
            raise InputError(f"neighbors={self.neighbors}: expected 0 (no distance) or more.")
        if self.bank <= 0:
            raise InputError(f"bank={self.bank}: expected more than 0.")

"""The distance to training items, beside what networks say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from askew.data import DataType, Fold
from askew.detector import LEAST_SETTLED
from askew.errors import InputError
from askew.methods.ensemble import EnsembleDetector
from askew.nets.bank import Bank, Middle, remember
from askew.nets.parts import Parts
from askew.nets.surprise import Surprise
from askew.parameters import check_least
from askew.pieces import pieces
from askew.train import History


@dataclass(kw_only=True, eq=False, repr=False)
class DistanceDetector(EnsembleDetector):
    """An ensemble whose score can be joined by the distance to remembered items.

    Both are turned into how surprising they are among held-out items, and added. A remembered item
    is no neighbour of itself: those that were learned from get scores as new ones do. Where items
    lie around one middle, the distance to that has half of the distance's say: anomalies that were
    learned from may lie near each other, but they lie far out. Where a share of contamination is
    given, so many of the items, those that the networks find strangest, are not remembered.

    Parameters
    ----------
    neighbors: the distance to this many-th nearest other training item is added to the score;
        0: no distance is.
    middle: whether the distance to the median of the training items has half of its say; None: as
        suits the type of data.
    bank: most training items remembered for the distance.
    """

    neighbors: int = 2
    middle: bool | None = None
    bank: int = 5000

    def build(self, data: DataType) -> Parts:
        """Return the networks, the memory for the distance, and a surprise for each of the two."""
        net = super().build(data)
        return Parts(
            members=net.members,
            features=net.features,
            own=Surprise(),
            bank=Bank(data.distance_power, itself=False),
            distance=Surprise(),
            middle=Middle(data.distance_power),
            from_middle=Surprise(),
        )

    def learn(
        self, net: Parts, items: Tensor, folds: list[Fold], generator: torch.Generator
    ) -> History:
        """Train the networks, then remember items for the distance, where it is asked for."""
        history = super().learn(net, items, folds, generator)
        if self.neighbors:
            known = net.bank, net.middle
            trusted = items[self._trusted(net, items, folds)] if self.contamination else items
            remember(*known, net.features, trusted, most=self.bank, generator=generator)
        return history

    def settle(self, net: Parts, items: Tensor, folds: list[Fold]) -> list[Tensor]:
        """Measure how large both parts of the score usually are.

        How surprising a distance is, is measured in the features of all training items. Where those
        are whitened, that draws the items together: distances then count the more beside the
        networks, the fewer items there are for the numbers. What is returned, for p-values, is not
        drawn together: it is measured in the features of what each network learned from.
        """
        trusted = self._trusted(net, items, folds)
        few = sum(len(fold.held) for fold in folds) < LEAST_SETTLED
        if few:  # hardly any were held out: the learned ones must do
            folds = [Fold(fold.learned, fold.learned) for fold in folds]
        scores = torch.cat(super().settle(net, items, folds))
        if self.neighbors:
            held = [items[fold.held] for fold in folds]
            known = [items[fold.learned[trusted[fold.learned]]] for fold in folds]
            drawn = self._all_distances([net.features] * len(folds), known, held)
            found = [self.data_.features_from(x) for x in known]
            alone = [of.to(items.device) for of in found if of is not None]
            apart = self._all_distances(alone, known, held) if alone else drawn
            net.own.measure(scores)
            crossed = []
            for surprise, ours, among in zip(self._kinds(net), apart.T, drawn.T, strict=True):
                surprise.measure(among)
                crossed.append(surprise.crossed(ours, among))
            scores = net.own.crossed(scores, scores) + torch.stack(crossed).mean(0)
        sizes = [0 if few else len(fold.held) for fold in folds]
        return list(scores[: sum(sizes)].split(sizes))

    def scores(self, net: Parts, x: Tensor) -> Tensor:
        """Return what networks say, or how surprising that and the distance are, ``(B,)``."""
        if not self.neighbors:
            return super().scores(net, x)
        features = net.features(x)
        near = net.bank.distance(features, self.neighbors)
        return self._both(net, x, self._kinds_of_distance(near, net.middle, features))

    def scores_of_copies(self, net: Parts, copies: Tensor, originals: Tensor) -> Tensor:
        """Return the scores of altered copies, whose originals are no neighbours of theirs."""
        if not self.neighbors:
            return super().scores_of_copies(net, copies, originals)
        features, known = net.features(copies), net.features(originals)
        near = net.bank.distance_without(known, features, self.neighbors)
        return self._both(net, copies, self._kinds_of_distance(near, net.middle, features))

    def _both(self, net: Parts, x: Tensor, distances: Tensor) -> Tensor:
        """Add how surprising what networks say and the distances ``(B, kinds)`` are, ``(B,)``."""
        surprises = [of(each) for of, each in zip(self._kinds(net), distances.T, strict=True)]
        both: Tensor = net.own(super().scores(net, x)) + torch.stack(surprises).mean(0)
        return both

    def _trusted(self, net: Parts, items: Tensor, folds: list[Fold]) -> NDArray[np.bool_]:
        """Return which items are remembered: all but the share that networks find strangest.

        What a network held out looks stranger to it than what it learned, so the share is taken of
        each fold's held-out items, and of those that all networks learned.
        """
        trusted = np.ones(len(items), dtype=bool)
        if not (self.contamination and self.neighbors):
            return trusted
        with torch.no_grad():
            scores = self.mapped(partial(super().scores, net), items).cpu().numpy()
        standing = np.zeros(len(items), dtype=np.intp)
        for number, fold in enumerate(folds, start=1):
            standing[fold.held] = number
        for number in np.unique(standing):
            alike = standing == number
            trusted[alike] = scores[alike] <= np.quantile(scores[alike], 1 - self.contamination)
        return trusted

    @property
    def _has_middle(self) -> bool:
        return self.data_.has_middle if self.middle is None else self.middle

    def _kinds(self, net: Parts) -> list[Surprise]:
        """Return how surprising each kind of distance is."""
        return [net.distance, net.from_middle] if self._has_middle else [net.distance]

    def _kinds_of_distance(self, near: Tensor, middle: Middle, features: Tensor) -> Tensor:
        """Return how far items are from neighbours, and from the middle, ``(B, kinds)``."""
        kinds = [near, middle.distance(features)] if self._has_middle else [near]
        return torch.stack(kinds, dim=1)

    def _all_distances(
        self,
        features: Sequence[nn.Module],
        learned: Sequence[Tensor],
        held: Sequence[Tensor],
    ) -> Tensor:
        """Return how far held-out items are from what their fold learned from, ``(n, kinds)``."""
        found, power = [], self.data_.distance_power
        for of, known, new in zip(features, learned, held, strict=True):
            bank, middle = Bank(power, itself=False), Middle(power)
            generator = torch.Generator().manual_seed(int(self.seed))
            remember(bank, middle, of, known, most=self.bank, generator=generator)
            for x in pieces(new, most=256):
                near = bank.distance(of(x), self.neighbors)
                found.append(self._kinds_of_distance(near, middle, of(x)))
        return torch.cat(found)

    def check(self) -> None:
        """Raise `InputError` where a parameter makes no sense."""
        super().check()
        check_least(self, 0, "neighbors")
        check_least(self, 1, "bank")
        if self.middle and not self.neighbors:
            raise InputError("middle=True with neighbors=0: there is no distance to share with.")

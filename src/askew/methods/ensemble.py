"""A few independent networks, each trained without a part that then judges it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from askew.data import DataType, Fold
from askew.nets.parts import Parts
from askew.parameters import check_least
from askew.pieces import pieces
from askew.train import History
from askew.trained import TrainedDetector


@dataclass(kw_only=True, eq=False, repr=False)
class EnsembleDetector(TrainedDetector):
    """A detector that trains a few networks and averages what they say.

    A method fills in `member` and `member_scores`, and `member_losses` where training lowers
    something else.

    Parameters
    ----------
    nets: independent networks; each learns from all training items but a held-out part of its own.
    """

    nets: int = 3

    @abstractmethod
    def member(self, data: DataType) -> nn.Module:
        """Return the parts of one network."""

    @abstractmethod
    def member_scores(self, member: Parts, x: Tensor) -> Tensor:
        """Return how strange one network finds each item, ``(B,)``."""

    def member_losses(self, member: Parts, x: Tensor) -> Tensor:
        """Return what training lowers, ``(B,)``; the scores unless a method says otherwise."""
        return self.member_scores(member, x)

    def before_training(self, member: Parts, items: Tensor) -> None:
        """Measure what training needs to know of untrained networks; nothing here."""

    def after_training(self, member: Parts, items: Tensor) -> None:
        """Measure what scores need to know of learned items; nothing here."""

    def build(self, data: DataType) -> Parts:
        """Return the networks, and the features for explanations."""
        members = nn.ModuleList([self.member(data) for _ in range(self.nets)])
        return Parts(members=members, features=data.features())

    @property
    def learners(self) -> int:
        """Each network learns on its own, from a fold of its own."""
        return self.nets

    @torch.no_grad()
    def prepare(self, net: Parts, items: Tensor, folds: list[Fold]) -> None:
        """Let `before_training` see each network and what it will learn from."""
        net.eval()
        for member, fold in zip(net.members, folds, strict=True):
            self.before_training(member, items[fold.learned])

    def learn(
        self, net: Parts, items: Tensor, folds: list[Fold], generator: torch.Generator
    ) -> History:
        """Train each network on its fold."""
        histories = []
        for member, fold in zip(net.members, folds, strict=True):
            learned = items[fold.learned]
            histories.append(self.train(member, learned, self.member_losses, generator))
            with torch.no_grad():
                self.after_training(member, learned)
        return History.mean(histories)

    def settle(self, net: Parts, items: Tensor, folds: list[Fold]) -> list[Tensor]:
        """Let each network score what was held out from it."""
        return [
            self.mapped(partial(self.member_scores, member), items[fold.held])
            for member, fold in zip(net.members, folds, strict=True)
        ]

    def losses(self, net: Parts, x: Tensor) -> Tensor:
        """Return the networks' mean loss, ``(B,)``."""
        return torch.stack([self.member_losses(member, x) for member in net.members]).mean(0)

    def scores(self, net: Parts, x: Tensor) -> Tensor:
        """Return the networks' mean score, ``(B,)``."""
        each = [self.member_scores(member, x).double() for member in net.members]
        return torch.stack(each).mean(0)

    def check(self) -> None:
        """Raise `InputError` where a parameter makes no sense."""
        super().check()
        check_least(self, 1, "nets")

    @staticmethod
    def mapped(of_batch: Callable[[Tensor], Tensor], items: Tensor) -> Tensor:
        """Return ``of_batch`` of all items, a few hundred at a time."""
        return torch.cat([of_batch(x) for x in pieces(items, most=256)])

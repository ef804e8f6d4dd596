"""NeuTraL AD: learned transformations, told apart by what they keep of an item."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from askew.data import DataType, Fold, Raw
from askew.detector import LEAST_SETTLED, Scores, TrainedDetector
from askew.errors import InputError
from askew.losses import SIMILARITIES, contrast, prediction, simclr
from askew.nets.bank import Bank
from askew.nets.parts import Parts
from askew.nets.surprise import Surprise
from askew.nets.transform import KINDS
from askew.train import History

LOSSES = ("contrastive", "prediction", "simclr")

RECALLED = 20
"""Learned items looked through for the bank, as a multiple of its size."""


@dataclass(kw_only=True, eq=False, repr=False)
class NeuTraLAD(TrainedDetector):
    """Learned views of an item should stay close to it yet differ from each other.

    K transformations and an encoder are trained together so that each view of a normal item is
    recognised as that item's (close to it) and not as another of its views (different). On items
    unlike the training ones the learned views fail at this, and the loss itself is the score:

    ``l(x) = - sum_k log[ h(z_k, z_0) / (h(z_k, z_0) + sum_{l != k} h(z_k, z_l)) ]``,
    ``h = exp(sim / temperature)``, ``z_0 = f(x)``, ``z_k = f(T_k(x))``.

    The paper's networks have no biases and so, with residual or forward views and cosine
    similarity, cannot see the size of a row. The default differs from the paper in what mends
    this and lets one setting serve all data: biases, bounded views, a few networks averaged, and
    the distance to the nearest training items, added to the loss when both have been turned into
    how surprising they are among held-out items. The paper's settings are in the tables of
    benchmarks/.

    Parameters
    ----------
    views: K, at least 2; from about 10 on the results are flat.
    kind: how a network alters an item: ``"bounded"``, ``"residual"``, ``"multiplicative"`` or
        ``"forward"``; see `askew.nets.transform.Transform`.
    dim: width D of the embedding.
    temperature: positive; how sharply similarities are compared.
    similarity: ``"cosine"`` or ``"euclidean"``.
    bias: whether networks have biases.
    nets: independent networks, whose losses are averaged; each learns from all training items but
        a held-out part of its own.
    neighbors: the distance to this many-th nearest training item is added to the score; 0: not.
    bank: most training items remembered for the distance.
    loss: what training lowers: ``"contrastive"``, or for comparison ``"prediction"`` (which view
        is it? also the score) or ``"simclr"`` (two views find each other in the batch; items are
        scored by the contrastive loss, because SimCLR's needs neighbours).

    References
    ----------
    Qiu, Pfrommer, Kloft, Mandt, Rudolph. Neural Transformation Learning for Deep Anomaly
    Detection Beyond Images. ICML 2021. Extended: Qiu et al., TPAMI 47(3), 2025.

    Example
    -------
    >>> import numpy as np
    >>> rows = np.random.default_rng(0).normal(size=(200, 4))
    >>> detector = NeuTraLAD(steps=50).fit(rows)
    >>> bool(detector.decision_function(rows + 9).mean() > detector.decision_scores_.mean())
    True
    """

    views: int = 11
    kind: str = "bounded"
    dim: int = 32
    temperature: float = 0.1
    similarity: str = "cosine"
    bias: bool = True
    nets: int = 3
    neighbors: int = 2
    bank: int = 5000
    loss: str = "contrastive"

    def build(self, data: DataType) -> Parts:
        """Return the member networks, and the memory for the distance."""
        dim = self.views if self.loss == "prediction" else self.dim
        members = [
            data.embedding(self.views, self.kind, dim, bias=self.bias) for _ in range(self.nets)
        ]
        return Parts(
            members=nn.ModuleList(members),
            noise=data.noise(),
            features=data.features(),
            bank=Bank(power=1.0),
            contrast=Surprise(),
            distance=Surprise(),
        )

    @property
    def learners(self) -> int:
        """Each network learns on its own, from a fold of its own."""
        return self.nets

    def losses(self, net: Parts, x: Tensor) -> Tensor:
        """Return the networks' mean objective, ``(B,)``; 1 when all views are alike."""
        return torch.stack([self._loss(member, net.noise(x)) for member in net.members]).mean(0)

    def learn(
        self, net: Parts, items: Tensor, folds: list[Fold], generator: torch.Generator
    ) -> History:
        """Train the networks, then remember items for the distance."""
        histories = [
            self.train(
                member,
                items[fold.learned],
                lambda network, x: self._loss(network, net.noise(x)),
                generator,
            )
            for member, fold in zip(net.members, folds, strict=True)
        ]
        if self.neighbors:
            self._remember(net, net.bank, items, generator)
        return History.mean(histories)

    def settle(self, net: Parts, items: Tensor, folds: list[Fold]) -> list[Tensor]:
        """Measure how large both parts of the score usually are."""
        itself = int(sum(len(fold.held) for fold in folds) < LEAST_SETTLED)
        if itself:  # hardly any were held out: the learned ones must do, each near itself
            folds = [Fold(fold.learned, fold.learned) for fold in folds]
        held = [items[fold.held] for fold in folds]
        contrasts = torch.cat(
            [
                torch.cat([self._contrast([member], x) for x in part.split(256)])
                for member, part in zip(net.members, held, strict=True)
            ]
        )
        if self.neighbors:
            distances = torch.cat(
                [
                    self._distances(net, items[fold.learned], part, self.neighbors + itself)
                    for fold, part in zip(folds, held, strict=True)
                ]
            )
            net.contrast.measure(contrasts)
            net.distance.measure(distances)
            contrasts = net.contrast.crossed(contrasts) + net.distance.crossed(distances)
        sizes = [0 if itself else len(part) for part in held]
        return list(contrasts[: sum(sizes)].split(sizes))

    def _remember(self, net: Parts, bank: Bank, items: Tensor, generator: torch.Generator) -> None:
        """Fill a bank with distinct items: copies would only take the place of rarer ones."""
        order = torch.randperm(len(items), generator=generator).to(items.device)
        some = items[order[: RECALLED * self.bank]]
        features = torch.cat([net.features(x) for x in some.split(4096)])
        bank.fill(torch.unique(features, dim=0), most=self.bank, generator=generator)

    def _distances(self, net: Parts, learned: Tensor, held: Tensor, neighbors: int) -> Tensor:
        """Return how far held-out items are from those of their fold, ``(held,)``."""
        bank = Bank(power=net.bank.power)
        self._remember(net, bank, learned, torch.Generator().manual_seed(self.seed))
        return torch.cat([bank.distance(net.features(x), neighbors) for x in held.split(256)])

    def scores(self, net: Parts, x: Tensor) -> Tensor:
        """Return the contrastive loss, or how surprising it and the distance are, ``(B,)``."""
        contrasts = self._contrast(net.members, x)
        if not self.neighbors:
            return contrasts
        distances = net.bank.distance(net.features(x), self.neighbors)
        both: Tensor = net.contrast(contrasts) + net.distance(distances)
        return both

    def view_terms(self, net: Parts, x: Tensor) -> Tensor:
        """Return the terms ``l_k`` of all networks' views, ``(B, nets * K)``."""
        return self._view_terms(net.members, x)

    def view_scores(self, X: Raw) -> Scores:
        """Return how strange each view finds each item, ``(n, nets * K)``."""
        return self._collect(X, self.view_terms)

    def check(self) -> None:
        """Raise `InputError` where a parameter makes no sense."""
        super().check()
        if self.views < 2:
            raise InputError(f"views={self.views}: with fewer than 2 the loss is 0 whatever x is.")
        if self.loss == "simclr" and self.views != 2:
            raise InputError(f"views={self.views}: loss='simclr' compares exactly 2 views.")
        for name, allowed in {"kind": KINDS, "similarity": SIMILARITIES, "loss": LOSSES}.items():
            if getattr(self, name) not in allowed:
                raise InputError(
                    f"{name}={getattr(self, name)!r} is not known: choose one of "
                    f"{', '.join(allowed)}."
                )
        if self.neighbors < 0:
            raise InputError(f"neighbors={self.neighbors}: expected 0 (no distance) or more.")
        for name in ("dim", "temperature", "nets", "bank"):
            if getattr(self, name) <= 0:
                raise InputError(f"{name}={getattr(self, name)}: expected more than 0.")

    def _loss(self, member: nn.Module, x: Tensor) -> Tensor:
        """Return what training lowers, ``(B,)``, in units of its value when all views are alike."""
        return self._terms(member(x), self.loss).mean(-1) / math.log(self.views)

    def _contrast(self, members: Iterable[nn.Module], x: Tensor) -> Tensor:
        return self._view_terms(members, x).mean(-1) / math.log(self.views)

    def _view_terms(self, members: Iterable[nn.Module], x: Tensor) -> Tensor:
        loss = "prediction" if self.loss == "prediction" else "contrastive"
        return torch.cat([self._terms(member(x), loss) for member in members], dim=-1)

    def _terms(self, embedded: tuple[Tensor, Tensor], loss: str) -> Tensor:
        reference, views = embedded
        if loss == "prediction":
            return prediction(views)
        if loss == "simclr":
            return simclr(views[:, 0], views[:, 1], self.temperature)[:, None]
        return contrast(reference, views, self.temperature, self.similarity)

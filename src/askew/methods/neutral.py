"""NeuTraL AD: learned transformations, told apart by what they keep of an item."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from askew.data import DataType, Raw
from askew.detector import Scores, TrainedDetector
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
    nets: independent networks, whose losses are averaged.
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
            Parts(
                transform=data.transform(self.views, self.kind, bias=self.bias),
                encoder=data.encoder(dim, bias=self.bias),
            )
            for _ in range(self.nets)
        ]
        return Parts(
            members=nn.ModuleList(members),
            noise=data.noise(),
            features=data.features(),
            bank=Bank(power=1.0),
            contrast=Surprise(),
            distance=Surprise(),
        )

    def losses(self, net: Parts, x: Tensor) -> Tensor:
        """Return the objective, ``(B,)``, in units of its value when all views are alike."""
        x = net.noise(x)
        terms = [self._terms(*embed(member, x), self.loss).mean(-1) for member in net.members]
        return torch.stack(terms).sum(0) / math.log(self.views)

    def learn(self, net: Parts, items: Tensor, generator: torch.Generator) -> History:
        """Train the networks, then remember items for the distance."""
        history = super().learn(net, items, generator)
        if self.neighbors:
            order = torch.randperm(len(items), generator=generator).to(items.device)
            some = items[order[: RECALLED * self.bank]]
            features = torch.cat([net.features(x) for x in some.split(4096)])
            # Copies would only take the place of rarer items.
            distinct = torch.unique(features, dim=0)
            net.bank.fill(distinct, most=self.bank, generator=generator)
        return history

    def settle(self, net: Parts, items: Tensor, *, learned: bool) -> Tensor | None:
        """Measure how large both parts of the score usually are."""
        if not self.neighbors:
            return None
        itself = int(learned)  # a learned item's nearest neighbour is itself
        parts = items.split(256)
        contrasts = torch.cat([self._contrast(net, x) for x in parts])
        distances = torch.cat(
            [net.bank.distance(net.features(x), self.neighbors + itself) for x in parts]
        )
        net.contrast.measure(contrasts)
        net.distance.measure(distances)
        both: Tensor = net.contrast.crossed(contrasts) + net.distance.crossed(distances)
        return both

    def scores(self, net: Parts, x: Tensor) -> Tensor:
        """Return the contrastive loss, or how surprising it and the distance are, ``(B,)``."""
        contrasts = self._contrast(net, x)
        if not self.neighbors:
            return contrasts
        distances = net.bank.distance(net.features(x), self.neighbors)
        both: Tensor = net.contrast(contrasts) + net.distance(distances)
        return both

    def _contrast(self, net: Parts, x: Tensor) -> Tensor:
        return self.view_terms(net, x).mean(-1) / math.log(self.views)

    def view_terms(self, net: Parts, x: Tensor) -> Tensor:
        """Return the terms ``l_k`` of all networks' views, ``(B, nets * K)``."""
        loss = "prediction" if self.loss == "prediction" else "contrastive"
        return torch.cat([self._terms(*embed(m, x), loss) for m in net.members], dim=-1)

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

    def _terms(self, reference: Tensor, views: Tensor, loss: str) -> Tensor:
        if loss == "prediction":
            return prediction(views)
        if loss == "simclr":
            return simclr(views[:, 0], views[:, 1], self.temperature)[:, None]
        return contrast(reference, views, self.temperature, self.similarity)


def embed(member: Parts, x: Tensor) -> tuple[Tensor, Tensor]:
    """Return embeddings of items and of their views: ``(B, D)`` and ``(B, K, D)``."""
    views = member.transform(x)
    together = member.encoder(torch.cat([x, views])).unflatten(0, (-1, len(x)))
    return together[0], together[1:].transpose(0, 1)

"""NeuTraL AD: learned transformations, told apart by what they keep of an item."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from askew.data import DataType, Raw
from askew.detector import Masks, Scores
from askew.errors import InputError
from askew.losses import SIMILARITIES, contrast, prediction, simclr
from askew.methods.distance import DistanceDetector
from askew.nets.parts import Parts
from askew.nets.transform import KINDS
from askew.parameters import check_above, check_least, check_word

LOSSES = ("contrastive", "prediction", "simclr")


@dataclass(kw_only=True, eq=False, repr=False)
class NeuTraLAD(DistanceDetector):
    """Learned views of an item should stay close to it yet differ from each other.

    K transformations and an encoder are trained together so that each view of a normal item is
    recognised as that item's (close to it) and not as another of its views (different). On items
    unlike the training ones the learned views fail at this, and the loss itself is the score:

    ``l(x) = - sum_k log[ h(z_k, z_0) / (h(z_k, z_0) + sum_{l != k} h(z_k, z_l)) ]``,
    ``h = exp(sim / temperature)``, ``z_0 = f(x)``, ``z_k = f(T_k(x))``.

    The paper's networks have no biases and so, with residual or forward views and cosine
    similarity, cannot see the size of a row. The default differs from the paper in what mends
    this and lets one setting serve all data: biases, bounded views, a few networks averaged, and
    the distances to the nearest training items and to the middle of all, added to the loss when
    all have been turned into how surprising they are among held-out items. The paper's settings are
    in the tables of benchmarks/.

    Parameters
    ----------
    views: K, at least 2; from about 10 on the results are flat.
    kind: how a network alters an item: ``"bounded"``, ``"residual"``, ``"multiplicative"`` or
        ``"forward"``, see `askew.nets.transform.Transform`; None: as suits the type of data.
    dim: width D of the embedding.
    temperature: positive; how sharply similarities are compared.
    similarity: ``"cosine"`` or ``"euclidean"``.
    bias: whether networks have biases.
    nets: independent networks, whose losses are averaged; each learns from all training items but
        a held-out part of its own.
    neighbors: the distance to this many-th nearest other training item is added to the score;
        0: no distance is.
    middle: whether the distance to the median of the training items has half of its say; None: as
        suits the type of data.
    bank: most training items remembered for the distance.
    contamination: share of the items, in [0, 0.5], that is taken for anomalies where they are
        learned from too: those that fit least take no step, and are not remembered.
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
    kind: str | None = None
    dim: int = 32
    temperature: float = 0.1
    similarity: str = "cosine"
    bias: bool = True
    loss: str = "contrastive"

    def member(self, data: DataType) -> nn.Module:
        """Return one network's views and encoder, and the noise that it meets in training."""
        dim = self.views if self.loss == "prediction" else self.dim
        member = data.embedding(self.views, self.kind or data.view_kind, dim, bias=self.bias)
        member.add_module("noise", data.noise())
        return member

    def member_losses(self, member: Parts, x: Tensor) -> Tensor:
        """Return the objective, ``(B,)``, in units of its value when all views are alike."""
        return self._terms(member(member.noise(x)), self.loss).mean(-1) / math.log(self.views)

    def member_scores(self, member: Parts, x: Tensor) -> Tensor:
        """Return the contrastive loss of one network's views, ``(B,)``, in the same units."""
        return self._view_terms([member], x).mean(-1) / math.log(self.views)

    def view_terms(self, net: Parts, x: Tensor) -> Tensor:
        """Return the terms ``l_k`` of all networks' views, ``(B, nets * K)``."""
        return self._view_terms(net.members, x)

    def masks(self, x: Tensor) -> Masks | None:
        """Return what the first network's views do to an encoded item, where they alter it."""
        transform = getattr(self.net_.members[0], "transform", None)
        if transform is None:
            return None
        with torch.no_grad():
            values = transform.masks(x.to(self._device()))[0].double().cpu().numpy()
        return Masks(values, transform.kind == "multiplicative")

    def view_scores(self, X: Raw) -> Scores:
        """Return how strange each view finds each item, ``(n, nets * K)``."""
        self._check_fitted()
        terms = self._joined(self.view_terms, self.in_batches(X))
        return np.stack([self.data_.restore(of_view, X) for of_view in terms.T], axis=1)

    def check(self) -> None:
        """Raise `InputError` where a parameter makes no sense."""
        super().check()
        if self.views < 2:
            raise InputError(f"views={self.views}: with fewer than 2 the loss is 0 whatever x is.")
        if self.loss == "simclr" and self.views != 2:
            raise InputError(f"views={self.views}: loss='simclr' compares exactly 2 views.")
        check_word(self, "kind", [*KINDS, None])
        check_word(self, "similarity", SIMILARITIES)
        check_word(self, "loss", LOSSES)
        check_least(self, 1, "dim")
        check_above(self, 0, "temperature")

    def _view_terms(self, members: Iterable[nn.Module], x: Tensor) -> Tensor:
        loss = "prediction" if self.loss == "prediction" else "contrastive"
        return torch.cat([self._terms(member(x), loss) for member in members], dim=-1)

    def _terms(self, z: Tensor, loss: str) -> Tensor:
        if loss == "prediction":
            return prediction(z[:, 1:])
        if loss == "simclr":
            return simclr(z[:, 1], z[:, 2], self.temperature)[:, None]
        return contrast(z, self.temperature, self.similarity)

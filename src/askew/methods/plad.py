"""PLAD: normal items told from perturbed ones, by a classifier and a perturbator in agreement."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from askew.data import Batch, DataType
from askew.errors import InputError
from askew.health import Check
from askew.methods.distance import DistanceDetector
from askew.nets.parts import Parts
from askew.parameters import check_least

COLLAPSED = 0.95
"""Cross-entropies over those of a classifier that cannot tell, from which nothing was learned."""

LARGEST = 10.0
"""Logarithm of the largest variance that a perturbator draws with."""

ONE_SIDED = 0.5
"""Mean displacement over its usual size, from which perturbed items lie on one side only."""


@dataclass(kw_only=True, eq=False, repr=False)
class PLAD(DistanceDetector):
    """Normal items, slightly perturbed, are what anomalies look like.

    A perturbator gives every item a scale ``a`` and a shift ``b`` for each of its entries. A
    classifier ``f`` tells items from perturbed ones ``x~ = a x + b``; both lower one loss,

    ``BCE(f(x), 0) + BCE(f(x~), 1) + strength * mean((a - 1)^2 + b^2)``,

    to which the sampled perturbator adds its divergence from the normal distribution. The score is
    the logit ``f(x)``; the perturbator has no part in it.

    Read plainly, both agree on the cheapest way to be told apart: one shift for all items, in the
    direction in which they vary least. What lies on the other side, or far out in a direction in
    which they vary, then looks more normal than normal items. By default, therefore, the entries of
    the displacement ``x~ - x`` get random signs, and a share of the perturbed items is displaced
    at random instead: along directions in which items differ, or as the data type scatters, by
    small and by large amounts. The data type says which entries go together. Neither is in the
    paper; ``surround=False, random=0`` is its form. The health check says where nothing is
    displaced any more, or only to one side.

    Parameters
    ----------
    strength: lambda; how dear displacements are. The paper sums the squares over d entries where
        this is their mean, so that one value serves all widths: its lambda times d is this.
    latent: numbers from which the sampled perturbator (a variational autoencoder, as in the
        paper's experiments) makes ``a`` and ``b``; 0: a plain network from the item to them.
    divergence: weight of the sampled perturbator's divergence.
    surround: whether the perturbator's displacements get random signs.
    random: share of the perturbed items, in [0, 1], that are displaced without the perturbator.
    bias: whether networks have biases.
    neighbors: the distance to this many-th nearest other item learned from is added, when both
        have been turned into how surprising they are; 0: the logit alone.
    middle: whether the distance to the median of the training items has half of its say; None: as
        suits the type of data.
    bank: most training items remembered for the distance.
    contamination: share of the items, in [0, 0.5], that is taken for anomalies where they are
        learned from too: those that fit least take no step, and are not remembered.
    nets: independent networks; each learns from all training items but a held-out part of its own.

    References
    ----------
    Cai, Fan. Perturbation learning based anomaly detection. NeurIPS 2022.

    Example
    -------
    >>> import numpy as np
    >>> rows = np.random.default_rng(0).normal(size=(200, 4))
    >>> detector = PLAD(nets=1).fit(rows)
    >>> bool(detector.decision_function(rows + 9).mean() > detector.decision_scores_.mean())
    True
    """

    strength: float = 0.03
    latent: int = 16
    divergence: float = 1.0
    surround: bool = True
    random: float = 0.5
    bias: bool = True
    lr: float = 5e-4

    @property
    def needs(self) -> tuple[str, ...]:
        """Scales and shifts are laid out like an item, as only a decoder can make them."""
        return ("decoder",)

    def member(self, data: DataType) -> Parts:
        """Return a classifier and a perturbator."""
        return Parts(
            classifier=nn.Sequential(data.encoder(1, bias=self.bias), nn.Flatten(0)),
            perturbator=self._perturbator(data),
        )

    def _perturbator(self, data: DataType) -> nn.Module:
        if not self.latent:
            return Direct(networks=data.transform(2, "forward", bias=self.bias))
        return Sampled(
            encoder=data.encoder(2 * self.latent, bias=self.bias),
            decoder=data.decoder(self.latent, outputs=2, bias=self.bias),
        )

    def member_losses(self, member: Parts, x: Batch) -> Tensor:
        """Return both cross-entropies, the penalty and the divergence together, ``(B,)``.

        The penalty is the mean over an item's entries of ``(a - 1)^2 + b^2``.
        """
        scale, shift, divergence = member.perturbator(x)
        penalty = self.data_.mean_entry(scale.square() + shift.square(), x)
        scale, shift = self._partly_random(x, *self._on_all_sides(x, scale, shift))
        told = self._told(member, x, self.data_.affine(x, 1 + scale, shift))
        total: Tensor = told + self.strength * penalty + self.divergence * divergence
        return total

    def perturbed(self, x: Batch, scale: Tensor, shift: Tensor) -> Batch:
        """Return ``x + s (scale x + shift)`` with random signs s, ``(B, ...)``.

        Parameters
        ----------
        scale: how far the factors are from 1, laid out like the entries of ``x``.
        """
        scale, shift = self._on_all_sides(x, scale, shift)
        return self.data_.affine(x, 1 + scale, shift)

    def _on_all_sides(self, x: Batch, scale: Tensor, shift: Tensor) -> tuple[Tensor, Tensor]:
        """Return what a perturbator says, with random signs where these are asked for."""
        if not self.surround:
            return scale, shift
        signs = self.data_.signs(x)
        return signs * scale, signs * shift

    def _partly_random(self, x: Batch, scale: Tensor, shift: Tensor) -> tuple[Tensor, Tensor]:
        """Return random shifts instead of what a perturbator says, for a share of the items.

        An item that chance would leave where it is, is left to the perturbator.
        """
        if not self.random:
            return scale, shift
        chosen = torch.rand(len(x), device=x.device) < self.random
        stray = self.data_.stray(x)
        chosen &= self.data_.mean_entry(stray.abs(), x) > 0
        everywhere = self.data_.to_entries(chosen, x)
        return torch.where(everywhere, 0, scale), torch.where(everywhere, stray, shift)

    def member_scores(self, member: Parts, x: Batch) -> Tensor:
        """Return the logit of being perturbed, ``(B,)``."""
        logits: Tensor = member.classifier(x)
        return logits

    def _told(self, member: Parts, x: Batch, moved: Batch) -> Tensor:
        """Return the cross-entropies of items and of perturbed ones, from one batch, ``(B,)``."""
        normal, perturbed = member.classifier(self.data_.join(x, moved)).split(len(x))
        return F.softplus(normal) + F.softplus(-perturbed)

    def checks(self, net: Parts, items: Batch) -> Iterator[Check]:
        """Ask whether the perturbator's items can be told apart, and lie on all sides."""
        if self.random == 1:  # it takes no part
            return
        told, sides = [], []
        for member in net.members:
            scale, shift, _ = member.perturbator(items)
            moved = self.perturbed(items, scale, shift)
            told.append(float(self._told(member, items, moved).mean()) / math.log(4))
            away = self.data_.entries(moved) - self.data_.entries(items)
            sides.append(one_sided(away.flatten(1).double()))
        yield Check(
            "tells perturbed items",
            max(told) < COLLAPSED,
            max(told),
            "cross-entropies on held-out items, over those of not telling at all",
            "nothing is displaced any more: lower strength",
        )
        yield Check(
            "perturbed on all sides",
            max(sides) < ONE_SIDED,
            max(sides),
            "mean displacement of held-out items' entries over its usual size",
            "anomalies on the other side will look normal: use surround=True",
        )

    def check(self) -> None:
        """Raise `InputError` where a parameter makes no sense."""
        super().check()
        check_least(self, 0, "strength", "divergence", "latent")
        if not 0 <= self.random <= 1:
            raise InputError(f"random={self.random}: expected a share from 0 to 1.")


class Direct(Parts):
    """A plain network from items to scales (less 1) and shifts; its divergence is 0.

    Shapes
    ------
    ``(B, ...) -> (B, ...), (B, ...), (B,)``
    """

    def forward(self, x: Batch) -> tuple[Tensor, Tensor, Tensor]:
        """Return scales less 1, shifts, and zeros."""
        scale, shift = self.networks.networks(x)
        return scale, shift, scale.new_zeros(len(x))


class Sampled(Parts):
    """A variational autoencoder from items to scales (less 1) and shifts.

    The encoder gives means and log variances of a few numbers, which are drawn and decoded; the
    divergence is that of their distribution from the standard normal one. It is what keeps
    perturbations various: without it, they become one for each item.

    Shapes
    ------
    ``(B, ...) -> (B, ...), (B, ...), (B,)``
    """

    def forward(self, x: Batch) -> tuple[Tensor, Tensor, Tensor]:
        """Return scales less 1, shifts, and divergences."""
        mean, log_variance = self.encoder(x).chunk(2, dim=1)
        usual = (log_variance / 2).clamp(max=LARGEST / 2).exp()
        drawn = mean + usual * torch.randn_like(mean)
        scale, shift = self.decoder(drawn, x).unbind(1)
        return scale, shift, divergence(mean, log_variance)


def divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Return the divergence of normal distributions from the standard one, ``(B, m) -> (B,)``.

    ``KL = -1/2 sum_j (1 + log s_j^2 - mu_j^2 - s_j^2)``

    Variances beyond ``exp(LARGEST)`` grow with their logarithm in a straight line: an untrained
    encoder says hundreds of large items, of which no exponential is finite.

    Example
    -------
    >>> divergence(torch.tensor([[1.0, 0.0]]), torch.zeros(1, 2))
    tensor([0.5000])
    """
    beyond = (log_variance - LARGEST).clamp(min=0)
    variance = log_variance.clamp(max=LARGEST).exp() * (1 + beyond)
    return (mean.square() + variance - 1 - log_variance).sum(1) / 2


def one_sided(moved: Tensor) -> float:
    """Return the size of the mean displacement over the usual size: 1 for one shift, 0 for none.

    Example
    -------
    >>> one_sided(torch.tensor([[1.0], [1.0]])), one_sided(torch.tensor([[1.0], [-1.0]]))
    (1.0, 0.0)
    """
    usual = moved.square().sum(1).mean().sqrt()
    return float(moved.mean(0).norm() / usual) if usual > 0 else 0.0

"""Deep SVDD: embeddings of normal items, drawn to one point."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from askew.data import DataType
from askew.errors import InputError
from askew.health import Check
from askew.methods.ensemble import EnsembleDetector
from askew.nets.bias import without_biases
from askew.nets.parts import Parts
from askew.parameters import check_least

LEAST_CENTER = 0.1
"""Components of a centre are kept this far from zero, which a network reaches too easily."""

LEAST_SPREAD = 0.01
"""Spread of embeddings, over the size of their mean, below which they have become one point."""


@dataclass(kw_only=True, eq=False, repr=False)
class DeepSVDD(EnsembleDetector):
    """Embeddings of normal items should lie close to one point.

    An encoder ``f`` without biases is trained to lower ``||f(x) - c||^2``, which is the score. The
    centre ``c`` is the mean embedding of the training items before training, its components kept
    away from zero, and stays. With biases, weights of zero and ``f = c`` would be the best
    network and all scores equal: they are taken out of any encoder.

    Soft: a ball of radius R around ``c`` is to be small, with a share ``nu`` of the items outside:
    ``R^2 + max(0, ||f(x) - c||^2 - R^2) / nu``. For given weights the best R is the
    ``(1 - nu)``-quantile of the distances, so in training that of the batch is used, which is the
    released code's rule without its ten epochs at R = 0; the finished R is that of all learned
    items.

    Distances of a network are in units of their mean on its learned items, so that several
    networks can be averaged; soft scores are what is beyond R^2.

    Parameters
    ----------
    dim: width of the embedding.
    soft: whether to leave a share of the items outside a ball.
    nu: in (0, 1], that share; matters only with ``soft``.
    nets: independent networks; each learns from all training items but a held-out part of its own.

    References
    ----------
    Ruff, Vandermeulen, Goernitz, Deecke, Siddiqui, Binder, Mueller, Kloft. Deep one-class
    classification. ICML 2018.

    Example
    -------
    >>> import numpy as np
    >>> rows = np.random.default_rng(0).normal(size=(200, 4))
    >>> detector = DeepSVDD(steps=50, nets=1).fit(rows)
    >>> bool(detector.decision_function(rows + 9).mean() > detector.decision_scores_.mean())
    True
    """

    dim: int = 32
    soft: bool = False
    nu: float = 0.1
    weight_decay: float = 1e-6

    def member(self, data: DataType) -> Parts:
        """Return an encoder without biases, and where its centre, radius and unit will be."""
        return Parts(
            encoder=without_biases(data.encoder(self.dim, bias=False)), ball=Ball(self.dim)
        )

    def before_training(self, member: Parts, items: Tensor) -> None:
        """Set the centre."""
        member.ball.center = center_of(self.mapped(member.encoder, items))

    def after_training(self, member: Parts, items: Tensor) -> None:
        """Measure the usual distance, and the radius."""
        distances = self.mapped(lambda x: self.distances(member, x), items).double()
        member.ball.unit = distances.mean().clamp_min(torch.finfo(torch.float32).tiny)[None]
        member.ball.radius = radius_of(distances, self.nu)[None]

    def distances(self, member: Parts, x: Tensor) -> Tensor:
        """Return ``||f(x) - c||^2``, ``(B,)``."""
        distances: Tensor = (member.encoder(x) - member.ball.center).square().sum(-1)
        return distances

    def member_losses(self, member: Parts, x: Tensor) -> Tensor:
        """Return the distances, or the soft boundary's loss, ``(B,)``."""
        distances = self.distances(member, x)
        return soft_boundary(distances, self.nu) if self.soft else distances

    def member_scores(self, member: Parts, x: Tensor) -> Tensor:
        """Return the distances in units of the usual one, less the radius where soft, ``(B,)``."""
        distances = self.distances(member, x).double()
        if self.soft:
            distances = distances - member.ball.radius
        scores: Tensor = distances / member.ball.unit
        return scores

    def checks(self, net: Parts, items: Tensor) -> Iterator[Check]:
        """Ask whether the embeddings still differ."""
        found = [self.mapped(member.encoder, items) for member in net.members]
        value = min(spread_of(embeddings) for embeddings in found)
        yield Check(
            "embeddings vary",
            len(items) < 2 or value > LEAST_SPREAD,
            value,
            "spread of the embeddings over the size of their mean",
            "all items are drawn to one point, whatever they are: lower lr or train shorter",
        )

    def check(self) -> None:
        """Raise `InputError` where a parameter makes no sense."""
        super().check()
        if not 0 < self.nu <= 1:
            raise InputError(f"nu={self.nu}: expected a share above 0 and up to 1.")
        check_least(self, 1, "dim")


class Ball(nn.Module):
    """What is measured of a network: centre ``(D,)``, squared radius, usual distance ``(1,)``."""

    center: Tensor
    radius: Tensor
    unit: Tensor

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.register_buffer("center", torch.zeros(dim))
        self.register_buffer("radius", torch.zeros(1, dtype=torch.float64))
        self.register_buffer("unit", torch.ones(1, dtype=torch.float64))


def center_of(embeddings: Tensor) -> Tensor:
    """Return the mean with components near zero pushed to 0.1 or -0.1: ``(n, D) -> (D,)``.

    A component that is exactly zero, such as that of a dead unit, stays.

    Example
    -------
    >>> center_of(torch.tensor([[0.01, -0.02, 3.0, 0.0]]))
    tensor([ 0.1000, -0.1000,  3.0000,  0.0000])
    """
    mean = embeddings.mean(0)
    return torch.where(mean.abs() < LEAST_CENTER, LEAST_CENTER * mean.sign(), mean)


def radius_of(distances: Tensor, nu: float) -> Tensor:
    """Return the squared radius that leaves a share ``nu`` outside: ``(n,) -> ()``.

    It minimises ``R^2 + mean(max(0, d - R^2)) / nu``, whose slope is 1 less the share outside
    over ``nu``; so no R is learned.
    """
    return torch.quantile(distances, 1 - nu) if nu < 1 else torch.zeros_like(distances[0])


def soft_boundary(distances: Tensor, nu: float) -> Tensor:
    """Return ``R^2 + max(0, d - R^2) / nu`` for each squared distance, ``(B,)``.

    R is the batch's own best and gets no gradient: at a minimum there is none.
    """
    radius = radius_of(distances.detach(), nu)
    return radius + (distances - radius).clamp_min(0) / nu


def spread_of(embeddings: Tensor) -> float:
    """Return how far embeddings lie from their mean, over its size: ``(n, D)`` to a number."""
    mean = embeddings.double().mean(0)
    away = (embeddings.double() - mean).norm(dim=1).square().mean().sqrt()
    return float(away / mean.norm().clamp_min(1e-300))

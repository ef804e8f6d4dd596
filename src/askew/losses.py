"""Objectives over views: each takes embeddings or logits and returns one number an item.

Letters: B items, K views, D embedding. ``h(a, b) = exp(sim(a, b) / temperature)``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable


def cosine(z: Tensor) -> Tensor:
    """Return the cosines between all rows, ``(..., N, D) -> (..., N, N)``.

    An embedding of zero length has cosine 0 with everything.
    """
    z = F.normalize(z, dim=-1)
    return z @ z.mT


def euclidean(z: Tensor) -> Tensor:
    """Return minus the distances between all rows, ``(..., N, D) -> (..., N, N)``.

    The distance is not squared (Qiu et al., TPAMI 2025, graphs), and smooth where rows coincide.
    """
    squared = (z.unsqueeze(-2) - z.unsqueeze(-3)).square().sum(-1)
    return -(squared + 1e-12).sqrt()


def contrast(
    reference: Tensor, views: Tensor, temperature: float, similarity: str = "cosine"
) -> Tensor:
    """Ask each view to be recognised as the item's own, and not as another view.

    ``l_k = -log[ h(z_k, z_0) / (h(z_k, z_0) + sum_{l != k} h(z_k, z_l)) ]``, the deterministic
    contrastive loss of NeuTraL AD, term by term. No other item enters.

    Parameters
    ----------
    reference: embeddings ``z_0`` of the untouched items, ``(B, D)``.
    views: embeddings ``z_k`` of their views, ``(B, K, D)``.
    temperature: positive; 0.1 in the paper.
    similarity: ``"cosine"`` or ``"euclidean"`` (minus the distance).

    Returns
    -------
    The terms ``l_k``, ``(B, K)``. Their sum is the paper's loss; all views alike gives ``log K``
    each, and a single view 0, whatever it does.

    Source: Qiu et al., ICML 2021, equation 2; TPAMI 2025, equation 3.

    Example
    -------
    >>> same = torch.ones(1, 4, 2)
    >>> round(float(contrast(same[:, 0], same, 0.1).sum()), 6)  # K log K
    5.545177
    """
    z = torch.cat([reference.unsqueeze(1), views], dim=1)  # (B, 1 + K, D)
    return SIMILARITIES[similarity](z, temperature)


class CosineContrast(torch.autograd.Function):
    """The terms of `contrast` by cosines, with the way back written out, which takes less time.

    With ``u`` the unit embeddings and ``p_kl`` the share of ``h(z_k, z_l)`` in the denominator of
    ``l_k``, the slope of ``l_k`` in the cosine of views k and l is ``(p_kl - [l = 0]) /
    temperature``; that in ``z`` is the part of the slope in ``u`` across ``u``, over its length.

    Shapes
    ------
    ``(B, 1 + K, D) -> (B, K)``, the item first
    """

    @staticmethod
    def forward(ctx: Any, z: Tensor, temperature: float) -> Tensor:
        """Return the terms."""
        length = torch.linalg.vector_norm(z, dim=-1, keepdim=True).clamp_min(1e-12)
        unit = z / length
        sim = torch.bmm(unit, unit.mT).div_(temperature)
        sim.diagonal(dim1=1, dim2=2).fill_(-torch.inf)
        together = sim[:, 1:].logsumexp(-1, keepdim=True)
        ctx.save_for_backward(unit, length, sim, together)
        ctx.temperature = temperature
        return (together - sim[:, 1:, :1]).squeeze(-1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor, None]:
        """Return the slope in the embeddings."""
        unit, length, sim, together = ctx.saved_tensors
        each = (slope / ctx.temperature).unsqueeze(-1)
        in_cosines = torch.zeros_like(sim)
        of_views = in_cosines[:, 1:]
        of_views.copy_((sim[:, 1:] - together).exp_().mul_(each))
        of_views[..., :1].sub_(each)
        in_unit = torch.bmm(in_cosines + in_cosines.mT, unit)
        across = in_unit.sub_(unit * (unit * in_unit).sum(-1, keepdim=True))
        return across.div_(length), None


def cosine_terms(z: Tensor, temperature: float) -> Tensor:
    """Return the terms of `contrast` by cosines, ``(B, 1 + K, D) -> (B, K)``."""
    terms: Tensor = CosineContrast.apply(z, temperature)  # type: ignore[no-untyped-call]
    return terms


def euclidean_terms(z: Tensor, temperature: float) -> Tensor:
    """Return the terms of `contrast` by minus the distance, ``(B, 1 + K, D) -> (B, K)``."""
    sim = euclidean(z)[:, 1:] / temperature  # (B, K, 1 + K)
    not_itself = z.new_zeros(z.shape[1], z.shape[1]).fill_diagonal_(-torch.inf)[1:]
    return (sim + not_itself).logsumexp(-1) - sim[..., 0]


SIMILARITIES: Mapping[str, Callable[[Tensor, float], Tensor]] = {
    "cosine": cosine_terms,
    "euclidean": euclidean_terms,
}
"""The terms of `contrast` by the name of the similarity."""


def prediction(logits: Tensor) -> Tensor:
    """Ask a classifier which view it is looking at: ``-log softmax(f(T_k x))_k``.

    Views that ignore the item altogether minimise it (Proposition 1 of the paper), so it is here
    for comparison only.

    Parameters
    ----------
    logits: ``(B, K, K)``, row k for view k.

    Returns
    -------
    The terms, ``(B, K)``.

    Source: Qiu et al., ICML 2021, equation 5.

    Example
    -------
    >>> round(float(prediction(torch.eye(4)[None]).sum()), 6)
    2.974674
    """
    return -logits.log_softmax(-1).diagonal(dim1=-2, dim2=-1)


def simclr(first: Tensor, second: Tensor, temperature: float) -> Tensor:
    """Ask two views of an item to find each other among all views of the batch.

    Both views equal to the item minimise it (Proposition 2 of the paper), and other items of the
    batch enter, so it can train views but never score an item alone.

    Parameters
    ----------
    first, second: embeddings of the two views, ``(B, D)`` each.

    Returns
    -------
    The sum over both orders, ``(B,)``.

    Source: Chen et al., ICML 2020, in the form of Qiu et al., ICML 2021, equation 6.
    """
    z = torch.cat([first, second])
    sim = cosine(z) / temperature
    count = len(first)
    sim = sim.masked_fill(torch.eye(2 * count, dtype=torch.bool, device=z.device), -torch.inf)
    partner = torch.arange(2 * count, device=z.device).roll(count)
    terms = sim.logsumexp(-1) - sim.gather(1, partner[:, None]).squeeze(1)
    return terms[:count] + terms[count:]

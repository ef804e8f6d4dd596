"""Objectives over views: each takes embeddings or logits and returns one number an item.

Letters: B items, K views, D embedding. ``h(a, b) = exp(sim(a, b) / temperature)``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor


def cosine(z: Tensor) -> Tensor:
    """Return the cosines between all rows, ``(..., N, D) -> (..., N, N)``.

    An embedding of zero length has cosine 0 with everything.
    """
    squared = z.square().sum(-1, keepdim=True).clamp_min(1e-24)
    z = z * squared.rsqrt()  # as F.normalize, whose gradient takes twice the time
    return z @ z.mT


def euclidean(z: Tensor) -> Tensor:
    """Return minus the distances between all rows, ``(..., N, D) -> (..., N, N)``.

    The distance is not squared (Qiu et al., TPAMI 2025, graphs), and smooth where rows coincide.
    """
    squared = (z.unsqueeze(-2) - z.unsqueeze(-3)).square().sum(-1)
    return -(squared + 1e-12).sqrt()


SIMILARITIES: Mapping[str, Callable[[Tensor], Tensor]] = {
    "cosine": cosine,
    "euclidean": euclidean,
}


def contrast(z: Tensor, temperature: float, similarity: str = "cosine") -> Tensor:
    """Ask each view to be recognised as the item's own, and not as another view.

    ``l_k = -log[ h(z_k, z_0) / (h(z_k, z_0) + sum_{l != k} h(z_k, z_l)) ]``, the deterministic
    contrastive loss of NeuTraL AD, term by term. No other item enters.

    Parameters
    ----------
    z: embeddings of items and of their views, ``(B, 1 + K, D)``, the untouched item ``z_0`` first.
    temperature: positive; 0.1 in the paper.
    similarity: ``"cosine"`` or ``"euclidean"`` (minus the distance).

    Returns
    -------
    The terms ``l_k``, ``(B, K)``. Their sum is the paper's loss; all views alike gives ``log K``
    each, and a single view 0, whatever it does.

    Source: Qiu et al., ICML 2021, equation 2; TPAMI 2025, equation 3.

    Example
    -------
    >>> same = torch.ones(1, 1 + 4, 2)
    >>> round(float(contrast(same, 0.1).sum()), 6)  # K log K
    5.545177
    """
    sim = SIMILARITIES[similarity](z)[:, 1:] / temperature  # (B, K, 1 + K)
    not_itself = z.new_zeros(z.shape[1], z.shape[1]).fill_diagonal_(-torch.inf)[1:]
    return (sim + not_itself).logsumexp(-1) - sim[..., 0]


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

"""Altered copies of series: reversed, shuffled, pushed in one channel; padding stays."""

from __future__ import annotations

import torch
from torch import Tensor

from askew.seeding import draw


def recorded_steps(x: Tensor) -> Tensor:
    """Return True up to the last step that is not all zeros, ``(B, C, L) -> (B, 1, L)``."""
    filled = (x != 0).any(dim=1, keepdim=True)
    return filled.flip(-1).cummax(dim=-1).values.flip(-1)


def reversed_order(recorded: Tensor) -> Tensor:
    """Return the steps of each series from its last to its first, then its padding, ``(B, L)``."""
    step = torch.arange(recorded.shape[-1], device=recorded.device)
    steps = recorded.sum(dim=-1)  # (B, 1)
    return torch.where(step < steps, steps - 1 - step, step)


def shuffled_order(recorded: Tensor, generator: torch.Generator) -> Tensor:
    """Return the steps of each series in random order, then its padding, ``(B, L)``."""
    inside = recorded[:, 0]
    keys = draw(torch.rand, inside.shape, inside.device, generator)
    return keys.masked_fill(~inside, 2.0).argsort(dim=-1, stable=True)


def reorder(x: Tensor, order: Tensor) -> Tensor:
    """Return the steps of each series in this order, all channels together."""
    return x.gather(2, order[:, None, :].expand(x.shape))


def pushed_entries(values: Tensor, recorded: Tensor, generator: torch.Generator) -> Tensor:
    """Return True for one random channel over a random quarter of each series, ``(B, C, L)``."""
    items, channels, length = values.shape
    where, which = draw(torch.rand, (2, items, 1), values.device, generator)  # (B, 1) each
    steps = recorded.sum(dim=-1)
    quarter = (steps // 4).clamp(min=1)
    start = (where * (steps - quarter + 1)).long()
    step = torch.arange(length, device=values.device)
    in_span = torch.logical_and(start <= step, step < start + quarter)  # (B, L)
    channel = torch.arange(channels, device=values.device)
    in_channel = torch.eq((which * channels).long(), channel)  # (B, C)
    return torch.logical_and(in_channel[:, :, None], in_span[:, None, :])

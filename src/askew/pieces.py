"""Look at many items a few at a time, so that memory is bounded by the batch."""

from __future__ import annotations

from torch import Tensor

NUMBERS = 2**18
"""Encoded numbers in one batch."""


def pieces(items: Tensor, most: int) -> tuple[Tensor, ...]:
    """Cut encoded items into batches of about `NUMBERS` numbers, 1 to ``most`` items each.

    Example
    -------
    >>> import torch
    >>> [len(piece) for piece in pieces(torch.zeros(5, 100_000), most=256)]
    [2, 2, 1]
    """
    numbers = max(1, items.numel() // max(1, len(items)))
    cut: tuple[Tensor, ...] = items.split(max(1, min(most, NUMBERS // numbers)))
    return cut

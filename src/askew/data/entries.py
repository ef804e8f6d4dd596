"""The numbers that items are made of: how they can be moved, and summed up item by item."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

Batch = Any
"""Encoded items: a tensor whose first axis counts them, or what behaves like one.

Asked of it are ``len``, picking by a slice, positions or a mask, ``split(size)``, ``to(device)``,
``device``, and ``numel()``. Graphs come as `askew.data.packed_graphs.PackedGraphs`.
"""

FARTHEST = 4.0
"""Random displacements are up to so many times as long, or as short, as items usually differ."""


class Entries:
    """How the entries of a batch can be moved and summed up, whatever it looks like.

    Most batches are tensors ``(B, ...)``, and these are their entries. Where a batch is something
    else, its data type says which tensor ``(E, ...)`` holds its entries, and whose each of them is.
    Whatever is random here comes from torch's own generator.
    """

    def entries(self, x: Batch) -> Tensor:
        """Return what can be moved of these items, ``(B, ...)``; or ``(E, ...)``."""
        values: Tensor = x
        return values

    def join(self, *batches: Batch) -> Batch:
        """Return the items of all batches as one batch, one after the other."""
        return torch.cat(batches)

    def to_entries(self, values: Tensor, x: Batch) -> Tensor:
        """Let one value an item reach all its entries, ``(B,) -> (B, 1, ...)``; or ``(E, 1)``."""
        return values.view(-1, *[1] * (x.ndim - 1))

    def mean_entry(self, values: Tensor, x: Batch) -> Tensor:
        """Return the mean of what was said of each item's entries, ``(B, ...) -> (B,)``."""
        return values.flatten(1).mean(1)

    def affine(self, x: Batch, scale: Tensor, shift: Tensor) -> Batch:
        """Return ``x * scale + shift``, where x is data; padding and marks stay: ``(B, ...)``."""
        return x * scale + shift

    def signs(self, x: Batch) -> Tensor:
        """Return a random 1 or -1 for each way in which items can be moved, laid out like entries.

        Each entry has a sign of its own unless a data type says that some of them go together.
        """
        entries = self.entries(x)
        return torch.randint_like(entries, 2) * 2 - 1

    def stray(self, x: Batch) -> Tensor:
        """Return random displacements, near and far, on all sides, laid out like entries.

        Half of the items are moved as they differ, half as the type scatters; by a quarter to four
        times as much.
        """
        differing = self.differing(x)
        scattered = torch.rand(len(x), device=x.device) < 0.5
        length = FARTHEST ** (2 * torch.rand(len(x), device=x.device) - 1)
        moved = torch.where(self.to_entries(scattered, x), self.scatter(x), differing)
        return self.to_entries(length, x) * moved

    def differing(self, x: Batch) -> Tensor:
        """Return random sums of the batch's differences from its mean, laid out like entries.

        Items move most where they vary most.
        """
        weights = torch.randn(len(x), len(x), device=x.device) / len(x) ** 0.5
        summed: Tensor = torch.tensordot(weights, x - x.mean(0), dims=1)
        return summed

    def scatter(self, x: Batch) -> Tensor:
        """Return normal random numbers of the size in which items differ, laid out like entries.

        Each entry has one of its own, with the sign of those that go together with it. A type whose
        neighbouring entries are alike gives numbers that are so too.
        """
        signs = self.signs(x)
        entries = self.entries(x)
        return spread_of(entries) * signs * torch.randn_like(entries).abs()


def spread_of(entries: Tensor) -> Tensor:
    """Return how much entries usually differ from their mean, one number for all: ``()``.

    Example
    -------
    >>> spread_of(torch.tensor([[1.0, 7.0], [3.0, 9.0]]))
    tensor(1.)
    """
    return (entries - entries.mean(0)).square().mean().sqrt()

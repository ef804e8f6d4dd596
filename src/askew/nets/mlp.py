"""Fully connected networks, one at a time or K side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn


class MLP(nn.Sequential):
    """Linear layers with ReLU between them.

    Parameters
    ----------
    sizes: widths from input to output, at least two.
    bias: whether the linear layers have biases. Without any, the network is positively
        homogeneous: ``f(c x) = c f(x)`` for ``c > 0``, so a cosine of its outputs cannot see size.
    norm: batch normalisation without learned scale before each ReLU.

    Shapes
    ------
    ``(B, sizes[0]) -> (B, sizes[-1])``

    Example
    -------
    >>> MLP([6, 24, 8], bias=True, norm=False)(torch.zeros(5, 6)).shape
    torch.Size([5, 8])
    """

    def __init__(self, sizes: Sequence[int], *, bias: bool, norm: bool) -> None:
        layers: list[nn.Module] = []
        for width, following in pairwise(sizes):
            layers.append(nn.Linear(width, following, bias=bias))
            if norm:
                layers.append(nn.BatchNorm1d(following, affine=False))
            layers.append(nn.ReLU())
        super().__init__(*layers[: -2 if norm else -1])


class StackedLinear(nn.Module):
    """K linear layers with weights of their own, applied in one batched product.

    Shapes
    ------
    ``(K, B, inputs) -> (K, B, outputs)``; a leading axis of 1 shares one input among all K.

    Example
    -------
    >>> StackedLinear(3, 6, 4, bias=True)(torch.zeros(1, 5, 6)).shape
    torch.Size([3, 5, 4])
    """

    def __init__(self, stack: int, inputs: int, outputs: int, *, bias: bool) -> None:
        super().__init__()
        bound = 1 / math.sqrt(inputs)  # what nn.Linear draws from
        self.weight = nn.Parameter(torch.empty(stack, inputs, outputs).uniform_(-bound, bound))
        self.bias = (
            nn.Parameter(torch.empty(stack, 1, outputs).uniform_(-bound, bound)) if bias else None
        )

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[0] == 1:
            return self._shared(x[0])
        return (
            torch.bmm(x, self.weight)
            if self.bias is None
            else torch.baddbmm(self.bias, x, self.weight)
        )

    def _shared(self, x: Tensor) -> Tensor:
        """One product for all K: the weights stand side by side, so no copy of x is made."""
        stack, inputs, outputs = self.weight.shape
        out = x @ self.weight.transpose(0, 1).reshape(inputs, stack * outputs)
        stacked: Tensor = out.unflatten(1, (stack, outputs)).transpose(0, 1)
        return stacked if self.bias is None else stacked + self.bias


class StackedMLP(nn.Sequential):
    """K multi-layer networks of one shape in one call; equal to a loop over K `MLP`.

    Shapes
    ------
    ``(1, B, sizes[0]) -> (K, B, sizes[-1])``
    """

    def __init__(self, stack: int, sizes: Sequence[int], *, bias: bool) -> None:
        layers: list[nn.Module] = []
        for width, following in pairwise(sizes):
            layers.append(StackedLinear(stack, width, following, bias=bias))
            layers.append(nn.ReLU())
        super().__init__(*layers[:-1])

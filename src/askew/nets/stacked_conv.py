"""Convolutions over three steps by K networks at once, fast on a CPU, forwards and backwards."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

CACHED_NUMBERS = 2**21
"""Numbers of intermediate results that may be in work at once."""

BLOCK_NUMBERS = 2**18
"""Numbers a block aims at where there are more: they then stay in the processor's cache."""


class StackedConv(nn.Module):
    """K convolutions over three steps, reflected at the ends, each with weights of its own.

    One batched product and two shifted additions. Large inputs go through a few networks at a
    time: memory traffic, not arithmetic, is what such a convolution costs. Grouped convolutions
    were slower than a loop at large batches.

    Shapes
    ------
    ``(K, inputs, B, L) -> (K, outputs, B, L)``; `weight` is ``(K, 3, outputs, inputs)``, its taps
    for the step before, the step itself and the step after.
    """

    def __init__(self, stack: int, inputs: int, outputs: int, *, bias: bool) -> None:
        super().__init__()
        bound = 1 / math.sqrt(3 * inputs)  # what nn.Conv1d draws from
        self.weight = nn.Parameter(torch.empty(stack, 3, outputs, inputs).uniform_(-bound, bound))
        self.bias = (
            nn.Parameter(torch.empty(stack, outputs, 1, 1).uniform_(-bound, bound))
            if bias
            else None
        )

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = Convolve.apply(self.weight, x)  # type: ignore[no-untyped-call]
        return out if self.bias is None else out + self.bias


class Convolve(torch.autograd.Function):
    """``out[t] = w0 x[t-1] + w1 x[t] + w2 x[t+1]`` for each of K networks, in blocks of them.

    Only the weights and the input are kept for the way back; the threefold intermediate results
    are made again block by block.
    """

    @staticmethod
    def forward(ctx: Any, weight: Tensor, x: Tensor) -> Tensor:
        ctx.save_for_backward(weight, x)
        stack, inputs, items, length = x.shape
        outputs = weight.shape[2]
        block = block_size(stack, 3 * outputs * items * length)
        taps = weight.reshape(stack, 3 * outputs, inputs)
        steps = x.reshape(stack, inputs, items * length)
        out = x.new_empty(stack, outputs, items, length)
        room = x.new_empty(block, 3, outputs, items, length)
        for k in range(0, stack, block):
            part = room[: min(block, stack - k)]
            flat = part.view(-1, 3 * outputs, items * length)
            torch.bmm(taps[k : k + block], steps[k : k + block], out=flat)
            add_shifted(part, out[k : k + block])
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor | None]:
        weight, x = ctx.saved_tensors
        stack, inputs, items, length = x.shape
        outputs = weight.shape[2]
        block = block_size(stack, 3 * outputs * items * length)
        taps = weight.reshape(stack, 3 * outputs, inputs).transpose(1, 2)
        steps = x.reshape(stack, inputs, items * length).transpose(1, 2)
        of_weight = torch.empty_like(weight, memory_format=torch.contiguous_format)
        of_x = x.new_empty(x.shape) if ctx.needs_input_grad[1] else None
        room = gradient.new_empty(block, 3, outputs, items, length)
        for k in range(0, stack, block):
            part = room[: min(block, stack - k)]
            spread_shifted(gradient[k : k + block], part)
            flat = part.view(-1, 3 * outputs, items * length)
            into = of_weight[k : k + block].view(-1, 3 * outputs, inputs)
            torch.bmm(flat, steps[k : k + block], out=into)
            if of_x is not None:
                into = of_x[k : k + block].view(-1, inputs, items * length)
                torch.bmm(taps[k : k + block], flat, out=into)
        return of_weight, of_x


def block_size(stack: int, numbers: int) -> int:
    """Return how many of ``stack`` networks go together, at so many numbers each."""
    return stack if stack * numbers <= CACHED_NUMBERS else max(1, BLOCK_NUMBERS // numbers)


def add_shifted(parts: Tensor, out: Tensor) -> None:
    """Sum what the three taps made, ``(K, 3, C, B, L)``, each at its own step, into ``out``."""
    before, here, after = parts.unbind(1)
    torch.add(here[..., 1:], before[..., :-1], out=out[..., 1:])
    torch.add(here[..., 0], before[..., 1], out=out[..., 0])  # reflected: left of the first step
    out[..., :-1] += after[..., 1:]
    out[..., -1] += after[..., -2]  # and right of the last


def spread_shifted(gradient: Tensor, parts: Tensor) -> None:
    """Undo `add_shifted` for gradients: hand each tap those of the steps it went to."""
    before, here, after = parts.unbind(1)
    here.copy_(gradient)
    before[..., :-1] = gradient[..., 1:]
    before[..., -1] = 0
    before[..., 1] += gradient[..., 0]
    after[..., 1:] = gradient[..., :-1]
    after[..., 0] = 0
    after[..., -2] += gradient[..., -1]

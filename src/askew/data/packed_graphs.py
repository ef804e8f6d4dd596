"""Many graphs packed end to end: a batch without padding, and without a loop over graphs."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import torch
from numpy.typing import NDArray
from torch import Tensor

Index = slice | Tensor | NDArray[Any]
"""What picks graphs: a slice, positions, or True and False for each."""


@dataclass(frozen=True, eq=False)
class PackedGraphs:
    """B graphs in a row; behaves like a tensor whose first axis counts them.

    Every graph keeps its own numbering of nodes, from 0, so picking graphs renumbers nothing.
    Edges stand in both directions, in the order of their first node, none twice and none from a
    node to itself; `askew.data.graph_set.clean_edges` sees to that.

    Attributes
    ----------
    x: features of all nodes, ``(N, F)``.
    edges: first and second node of all edges, each numbered within its graph, ``(2, E)``.
    nodes, links: how many nodes and how many entries of ``edges`` each graph has, ``(B,)``.

    Example
    -------
    >>> path = PackedGraphs(torch.eye(3), torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]]),
    ...                     torch.tensor([3]), torch.tensor([4]))
    >>> two = PackedGraphs.join([path, path])
    >>> len(two), two.pool(two.neighbours(two.x)).tolist()[1]
    (2, [1.0, 2.0, 1.0])
    """

    x: Tensor
    edges: Tensor
    nodes: Tensor
    links: Tensor

    def __len__(self) -> int:
        return len(self.nodes)

    def __getitem__(self, index: Index) -> Self:
        places = self._places(index)
        nodes, links = self.nodes[places], self.links[places]
        of_nodes = ragged(starts(self.nodes)[places], nodes)
        of_links = ragged(starts(self.links)[places], links)
        return replace(
            self, x=self.x[of_nodes], edges=self.edges[:, of_links], nodes=nodes, links=links
        )

    @classmethod
    def join(cls, parts: Sequence[PackedGraphs]) -> Self:
        """Return the graphs of all parts, one part after the other."""
        return cls(
            torch.cat([part.x for part in parts]),
            torch.cat([part.edges for part in parts], dim=1),
            torch.cat([part.nodes for part in parts]),
            torch.cat([part.links for part in parts]),
        )

    def repeat(self, times: int) -> Self:
        """Return all graphs so many times, one round after the other."""
        return replace(
            self,
            x=self.x.repeat(times, 1),
            edges=self.edges.repeat(1, times),
            nodes=self.nodes.repeat(times),
            links=self.links.repeat(times),
        )

    def with_x(self, x: Tensor) -> Self:
        """Return the same graphs with other features of their nodes, ``(N, ...)``."""
        return replace(self, x=x)

    def split(self, size: int) -> tuple[Self, ...]:
        """Cut into batches of ``size`` graphs; the last may be smaller."""
        return tuple(self[start : start + size] for start in range(0, len(self), size))

    def numel(self) -> int:
        """Return how many numbers a batch holds."""
        return self.x.numel() + self.edges.numel()

    def to(self, device: torch.device | str) -> Self:
        """Return the same graphs on a device."""
        return replace(
            self,
            x=self.x.to(device),
            edges=self.edges.to(device),
            nodes=self.nodes.to(device),
            links=self.links.to(device),
        )

    def cpu(self) -> Self:
        """Return the same graphs in main memory."""
        return self.to("cpu")

    @property
    def device(self) -> torch.device:
        """Where the numbers are."""
        return self.x.device

    @property
    def shape(self) -> tuple[int, int]:
        """Graphs, and features of a node."""
        return len(self), self.x.shape[1]

    # What networks ask of the structure.

    @cached_property
    def owner(self) -> Tensor:
        """The graph of each node, ``(N,)``."""
        return places_of(self.nodes)

    @cached_property
    def ends(self) -> Tensor:
        """Both nodes of each edge, numbered over all graphs, ``(2, E)``."""
        return self.edges + torch.repeat_interleave(starts(self.nodes), self.links)

    @cached_property
    def degrees(self) -> Tensor:
        """The number of neighbours of each node, ``(N,)``."""
        return torch.bincount(self.ends[0], minlength=len(self.x))

    @cached_property
    def adjacency(self) -> Tensor:
        """1 where two nodes are neighbours, sparse ``(N, N)``."""
        ones = torch.ones(self.edges.shape[1], dtype=self.x.dtype, device=self.device)
        rows = torch.cat([self.degrees.new_zeros(1), self.degrees.cumsum(0)])
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Sparse (CSR tensor support|invariant checks)")
            return torch.sparse_csr_tensor(rows, self.ends[1], ones, (len(self.x), len(self.x)))

    def neighbours(self, values: Tensor) -> Tensor:
        """Return for each node the sum over its neighbours, ``(N, C) -> (N, C)``."""
        summed: Tensor = SumNeighbours.apply(values, self.adjacency)  # type: ignore[no-untyped-call]
        return summed

    def pool(self, values: Tensor) -> Tensor:
        """Return for each graph the sum over its nodes, ``(N, C) -> (B, C)``."""
        empty = values.new_zeros(len(self), *values.shape[1:])
        return empty.index_add(0, self.owner, values)

    def mean(self, values: Tensor) -> Tensor:
        """Return for each graph the mean over its nodes, ``(N, C) -> (B, C)``."""
        return self.pool(values) / self.nodes.clamp(min=1)[:, None]

    def _places(self, index: Index) -> Tensor:
        if isinstance(index, slice):
            return torch.arange(*index.indices(len(self)), device=self.device)
        places = torch.as_tensor(index, device=self.device)
        if places.dtype == torch.bool:
            return places.nonzero().squeeze(1)
        return torch.where(places < 0, places + len(self), places)


class SumNeighbours(torch.autograd.Function):
    """``A x`` for a symmetric sparse A, whose way back is the same product."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, adjacency: Tensor) -> Tensor:
        """Multiply."""
        ctx.adjacency = adjacency
        return adjacency @ x

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        """Multiply the gradient by the same matrix."""
        return ctx.adjacency @ gradient.contiguous(), None


def starts(counts: Tensor) -> Tensor:
    """Return where each piece begins when pieces of these lengths stand end to end, ``(B,)``.

    Example
    -------
    >>> starts(torch.tensor([3, 0, 2])).tolist()
    [0, 3, 3]
    """
    return counts.cumsum(0) - counts


def places_of(counts: Tensor) -> Tensor:
    """Return which piece each entry belongs to, ``(sum of counts,)``.

    Example
    -------
    >>> places_of(torch.tensor([3, 0, 2])).tolist()
    [0, 0, 0, 2, 2]
    """
    return torch.repeat_interleave(torch.arange(len(counts), device=counts.device), counts)


def ragged(first: Tensor, counts: Tensor) -> Tensor:
    """Return ``first[i], first[i] + 1, ...``, ``counts[i]`` of them, for all i end to end.

    Example
    -------
    >>> ragged(torch.tensor([5, 0]), torch.tensor([2, 3])).tolist()
    [5, 6, 0, 1, 2]
    """
    shift = torch.repeat_interleave(first - starts(counts), counts)
    return shift + torch.arange(len(shift), device=counts.device)

"""What can be said of a graph without learning: how many nodes of which kind, and beside which."""

from __future__ import annotations

import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from askew.data.packed_graphs import PackedGraphs

COUNTED = 8
"""Numbers of neighbours told apart one by one; beyond, in steps of a half octave."""

BUCKETS = 24
"""Numbers of neighbours told apart in all: up to 2,000."""

SIZE_WEIGHT = 2.0
"""Weight of the sizes, against 1 for the counts of nodes and for those of edges."""


class GraphSummary(nn.Module):
    """Sizes, and counts of nodes and edges of each kind; after one round of Weisfeiler and Lehman.

    Counts come as square roots. A count of c is off by about the square root of c by chance, so its
    square root by about 1/2, whatever c is: large graphs are neither more alike than small ones,
    as with shares, nor less, as with counts. Either makes a detector blind on one side. Sums of
    attributes are divided by the square root of the number of nodes, for the same reason.

    Parameters
    ----------
    labels, attributes: how many columns of a node's features say its label, and what it measures.
    pairs: which kinds at the two ends of an edge are counted, by number: see `edge_kinds`.
    center, scale: what is subtracted and what divides.

    Shapes
    ------
    B graphs ``-> (B, D)``
    """

    center: Tensor
    scale: Tensor
    column: Tensor

    def __init__(
        self,
        labels: int,
        attributes: int,
        pairs: ArrayLike,
        center: ArrayLike = 0.0,
        scale: ArrayLike = 1.0,
    ) -> None:
        super().__init__()
        self.labels, self.attributes = labels, attributes
        kept = torch.as_tensor(pairs, dtype=torch.long)
        column = torch.full(((labels or BUCKETS) ** 2,), len(kept))  # one for all other pairs
        column[kept] = torch.arange(len(kept))
        for name, value in {"center": center, "scale": scale, "column": column}.items():
            self.register_buffer(name, torch.as_tensor(value), persistent=False)

    def forward(self, graphs: PackedGraphs) -> Tensor:
        together = torch.cat(self.blocks(graphs), dim=1)
        return ((together - self.center) / self.scale).to(graphs.x.dtype)

    def blocks(self, graphs: PackedGraphs) -> list[Tensor]:
        """Return sizes ``(B, 3)``, what nodes are like and what edges join, ``(B, ...)`` each."""
        return [sizes(graphs), self.of_nodes(graphs), self.of_edges(graphs)]

    def of_nodes(self, graphs: PackedGraphs) -> Tensor:
        """Return how many nodes there are of each label and degree, and their attributes."""
        labels = graphs.x[:, : self.labels]
        measured = graphs.x[:, self.labels : self.labels + self.attributes]
        counts = graphs.pool(torch.cat([labels, degree_columns(graphs)], dim=1))
        roots = counts.sign() * counts.abs().sqrt()
        return torch.cat([roots, graphs.mean(measured) * graphs.nodes[:, None].sqrt()], dim=1)

    def of_edges(self, graphs: PackedGraphs) -> Tensor:
        """Return how many edges there are of each kind, and of all others."""
        column = self.column[self.edge_kinds(graphs)]
        width = int(self.column.max()) + 1
        owner = graphs.owner[graphs.ends[0]]
        counts = torch.bincount(owner * width + column, minlength=len(graphs) * width)
        return counts.view(-1, width).to(graphs.x).sqrt()

    def edge_kinds(self, graphs: PackedGraphs) -> Tensor:
        """Number edges by the labels of both ends; by their degrees where there are no labels."""
        count = self.labels or BUCKETS
        kinds = (graphs.x[:, :count] if self.labels else degree_columns(graphs)).argmax(1)
        kind: Tensor = kinds[graphs.ends[0]] * count + kinds[graphs.ends[1]]
        return kind


def sizes(graphs: PackedGraphs) -> Tensor:
    """Return logarithms of nodes, edges and edges a node, ``(B, 3)``."""
    nodes, edges = graphs.nodes.to(graphs.x), graphs.links.to(graphs.x) / 2
    return torch.stack([nodes.log1p(), edges.log1p(), (edges / nodes).log1p()], dim=1)


def degree_columns(graphs: PackedGraphs) -> Tensor:
    """Return 1 in the column of each node's number of neighbours, ``(N, BUCKETS)``."""
    bucket = degree_bucket(graphs.degrees).clamp(max=BUCKETS - 1)
    return nn.functional.one_hot(bucket, BUCKETS).to(graphs.x)


def degree_bucket(degrees: Tensor) -> Tensor:
    """Number degrees one by one up to `COUNTED`, then in steps of a half octave.

    Example
    -------
    >>> degree_bucket(torch.tensor([0, 3, 8, 11, 16, 1000])).tolist()
    [0, 3, 8, 9, 10, 22]
    """
    beyond = COUNTED + (2 * (degrees / COUNTED).clamp(min=1).log2()).round().long()
    return torch.where(degrees < COUNTED, degrees, beyond)


def block_weights(blocks: list[Tensor]) -> Tensor:
    """Return what divides each column so that no block outweighs others by its width, ``(D,)``."""
    weights = [SIZE_WEIGHT, *[1.0] * (len(blocks) - 1)]
    return torch.cat(
        [
            torch.full((block.shape[1],), block.shape[1] ** 0.5 / weight, dtype=torch.float32)
            for block, weight in zip(blocks, weights, strict=True)
        ]
    )

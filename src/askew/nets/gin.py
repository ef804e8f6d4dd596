"""Graph isomorphism networks, K side by side, on packed graphs."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from askew.data.packed_graphs import PackedGraphs
from askew.nets.mlp import MLP, StackedLinear
from askew.nets.transform import TableViews

EPSILON = 1e-5
"""Added to variances."""

TOGETHER = 400_000
"""Numbers of a hidden layer computed at a time: what is larger than the cache is slower."""

LEAST = 1e-3
"""Added to sums before their square root, whose slope at 0 is infinite."""


@dataclass(frozen=True, kw_only=True)
class GINShape:
    """How graph isomorphism networks are built.

    Attributes
    ----------
    inputs: features of a node.
    width, layers: of hidden layers, and how many.
    bias: whether linear layers have biases.
    norm: bring the nodes of each graph to mean 0 and variance 1 after each layer.
    around: what divides sums over a node and its neighbours.
    roots: take the square root of sums over the nodes of a graph.
    """

    inputs: int
    width: int
    layers: int
    bias: bool
    norm: bool
    around: float
    roots: bool


class StackedGIN(nn.Module):
    """K networks of one shape over graphs, each with weights of its own, in one call.

    A layer adds to each node its neighbours and puts the sum through two linear layers with ReLU;
    after each layer, two more and the sum over the nodes make a part of the embedding.

    Linear maps commute with sums. So the first linear layer comes before the sum over neighbours,
    which is then narrower, and the last after the sum over nodes. Where there are biases, that of
    the first is counted once a neighbour, and that of the last once a graph.

    Shapes
    ------
    B graphs ``-> (K, B, dim)``; each layer has its share of ``dim``.

    Sources: Xu et al., How powerful are graph neural networks? ICLR 2019; Cai et al., GraphNorm,
    ICML 2021; their use: Qiu et al., TPAMI 2025.
    """

    def __init__(self, shape: GINShape, stack: int, dim: int) -> None:
        super().__init__()
        self.hidden = stack * shape.width
        layers = min(shape.layers, dim)
        shares = [dim // layers + (i < dim % layers) for i in range(layers)]
        inputs = [shape.inputs, *[shape.width] * (layers - 1)]
        self.layers = nn.ModuleList(GINLayer(shape, stack, columns) for columns in inputs)
        self.readouts = nn.ModuleList(Readout(shape, stack, share) for share in shares)

    def forward(self, graphs: PackedGraphs) -> Tensor:
        nodes = max(1, TOGETHER // self.hidden)
        size = max(1, nodes * len(graphs) // max(1, len(graphs.x)))
        return torch.cat([self._embedded(some) for some in graphs.split(size)], dim=1)

    def _embedded(self, graphs: PackedGraphs) -> Tensor:
        h, parts = graphs.x.unsqueeze(0), []
        for layer, readout in zip(self.layers, self.readouts, strict=True):
            h = layer(graphs, h)
            parts.append(readout(graphs, h))
        return torch.cat(parts, dim=-1)


class GINLayer(nn.Module):
    """Sum over a node and its neighbours, between two linear layers with ReLU.

    Shapes
    ------
    ``(K or 1, N, inputs) -> (K, N, width)``
    """

    def __init__(self, shape: GINShape, stack: int, inputs: int) -> None:
        super().__init__()
        self.shape, self.stack = shape, stack
        self.inner = StackedLinear(stack, inputs, shape.width, bias=shape.bias)
        self.outer = StackedLinear(stack, shape.width, shape.width, bias=shape.bias)

    def forward(self, graphs: PackedGraphs, h: Tensor) -> Tensor:
        own = side_by_side(self.inner(h))
        summed = torch.relu((own + graphs.neighbours(own)) / self.shape.around)
        out: Tensor = torch.relu(self.outer(apart(summed, self.stack)))
        return graph_norm(graphs, out) if self.shape.norm else out


class Readout(nn.Module):
    """Two linear layers with ReLU between, summed over the nodes of each graph.

    Shapes
    ------
    ``(K, N, width) -> (K, B, outputs)``
    """

    def __init__(self, shape: GINShape, stack: int, outputs: int) -> None:
        super().__init__()
        self.shape, self.stack = shape, stack
        self.inner = StackedLinear(stack, shape.width, shape.width, bias=shape.bias)
        self.outer = StackedLinear(stack, shape.width, outputs, bias=shape.bias)

    def forward(self, graphs: PackedGraphs, h: Tensor) -> Tensor:
        pooled = graphs.pool(side_by_side(torch.relu(self.inner(h))))
        if self.shape.roots:
            pooled = (pooled + LEAST).sqrt()
        out: Tensor = self.outer(apart(pooled, self.stack))
        return out


def side_by_side(h: Tensor) -> Tensor:
    """Put what K networks say of a node into one row, ``(K, N, C) -> (N, K * C)``."""
    return h.transpose(0, 1).flatten(1)


def apart(h: Tensor, stack: int) -> Tensor:
    """Undo `side_by_side`: ``(N, K * C) -> (K, N, C)``."""
    out: Tensor = h.unflatten(1, (stack, -1)).transpose(0, 1)
    return out


def graph_norm(graphs: PackedGraphs, h: Tensor) -> Tensor:
    """Bring each feature to mean 0 and variance 1 over the nodes of each graph; nothing learned.

    Shapes
    ------
    ``(K, N, C) -> (K, N, C)``
    """
    rows = side_by_side(h)
    centred = rows - graphs.mean(rows)[graphs.owner]
    variance = graphs.mean(centred.square())
    return apart(centred * (variance + EPSILON).rsqrt()[graphs.owner], len(h))


class GraphEncoder(nn.Module):
    """One graph isomorphism network: B graphs ``-> (B, dim)``."""

    def __init__(self, shape: GINShape, dim: int) -> None:
        super().__init__()
        self.gin = StackedGIN(shape, 1, dim)

    def forward(self, graphs: PackedGraphs) -> Tensor:
        embedded: Tensor = self.gin(graphs)[0]
        return embedded


class GraphEmbedding(nn.Module):
    """A graph and its K views, each through a network of its own, all in one call.

    The graph itself gets a trained vector added, so that views cannot equal it by vanishing.

    Shapes
    ------
    B graphs ``-> (B, 1 + K, dim)``, each graph before its views

    Source: Qiu et al., TPAMI 2025.
    """

    def __init__(self, shape: GINShape, views: int, dim: int) -> None:
        super().__init__()
        self.gin = StackedGIN(shape, views + 1, dim)
        self.shift = nn.Parameter(torch.randn(dim) / dim**0.5)

    def forward(self, graphs: PackedGraphs) -> Tensor:
        embedded: Tensor = self.gin(graphs)
        return torch.cat([embedded[:1] + self.shift, embedded[1:]]).transpose(0, 1)


class NodeViews(nn.Module):
    """K networks over what describes a node, for each node by itself; edges stay.

    Shapes
    ------
    B graphs ``-> views * B`` graphs, one view of all after the other
    """

    def __init__(self, shape: GINShape, views: int, kind: str, *, layers: int) -> None:
        super().__init__()
        self.views, self.kind = views, kind
        self.nodes = TableViews(
            shape.inputs, views, width=shape.width, layers=layers, kind=kind, bias=shape.bias
        )

    def forward(self, graphs: PackedGraphs) -> PackedGraphs:
        return graphs.repeat(self.views).with_x(self.nodes(graphs.x))

    def networks(self, graphs: PackedGraphs) -> Tensor:
        """Return the outputs of all networks, ``(views, N, F)``."""
        return self.nodes.networks(graphs.x)

    def masks(self, graphs: PackedGraphs) -> Tensor:
        """Return what each view does to each node, ``(N, views, F)``."""
        return self.nodes.masks(graphs.x)


class GraphDecoder(nn.Module):
    """From descriptions of graphs to answers for each node, which its neighbours have a part in.

    Shapes
    ------
    ``(B, dim)``, B graphs of N nodes in all ``-> (N, outputs, F)``
    """

    def __init__(self, shape: GINShape, dim: int, *, outputs: int) -> None:
        super().__init__()
        self.outputs = outputs
        sizes = [dim + shape.inputs, shape.width, shape.width, outputs * shape.inputs]
        self.layers = MLP(sizes, bias=shape.bias, norm=False)

    def forward(self, described: Tensor, graphs: PackedGraphs) -> Tensor:
        beside = graphs.neighbours(graphs.x) / graphs.degrees.clamp(min=1)[:, None]
        together = self.layers(torch.cat([described[graphs.owner], beside], dim=1))
        made: Tensor = together.unflatten(1, (self.outputs, -1))
        return made

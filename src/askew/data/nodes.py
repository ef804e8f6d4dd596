"""Nodes of one graph: each node is an item, seen with its neighbourhood."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from scipy import sparse
from sklearn.decomposition import PCA
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn

from askew.data.base import DataType, Raw
from askew.data.columns import level_name
from askew.data.graph_set import (
    Floats,
    Ints,
    OneGraph,
    check_keys,
    check_nodes,
    clean_edges,
    columns,
    edges_of,
    is_graph,
    level_places,
    nodes_of,
)
from askew.data.tabular import Tabular
from askew.errors import InputError
from askew.parameters import check_least, check_numbers
from askew.wording import count_of

BLOCK = 1024
"""Nodes whose neighbours' neighbours are looked at together."""
MOST_LABELS = 32
"""Labels that get a column of their own, the commonest."""


@dataclass(frozen=True, eq=False)
class NodeSet:
    """Some nodes of a graph, with all of the graph around them; picks like an array of nodes.

    Attributes
    ----------
    graph: all of it; its edges stand once in each direction.
    index: the nodes that are items, ``(n,)``.
    """

    graph: OneGraph
    index: Ints

    def __len__(self) -> int:
        return len(self.index)

    def __getitem__(self, picked: slice | Sequence[int] | NDArray[Any]) -> Self:
        return replace(self, index=self.index[picked])

    @classmethod
    def of(cls, graph: OneGraph) -> Self:
        """Take all nodes of a graph.

        Raises
        ------
        InputError: it has no nodes, or edges that lead nowhere, or features that are no numbers.
        """
        check_nodes(graph, "The graph")
        count = len(graph.attributes)
        clean = replace(graph, edges=clean_edges(graph.edges, count))
        return cls(clean, np.arange(count))


@dataclass(kw_only=True, eq=False, repr=False)
class Nodes(DataType):
    """The nodes of one graph: each is an item, normal or not.

    A node is encoded as a row of several parts: its own features; what these differ by from their
    means over its neighbours; the same for the neighbours of those, and so on; and its place: how
    many neighbours it has and how many of them are neighbours of each other, how unlike each of its
    surroundings is in all. The means themselves are left out: those of many neighbours are all
    alike, so a node with many would look normal for that alone. In sums of absolute differences
    each part counts as much as the others, however many columns it has. The rows are a table;
    `Tabular` scales them and has the networks. So a batch of any size is a plain tensor, and needs
    no graph.

    The whole graph is there when some of its nodes are learned from and when they are scored; other
    nodes count as neighbours only. Fitted on one graph, it scores another with the same features.

    Raw input: a PyTorch Geometric ``Data``; a networkx graph (node data ``label`` is a label, all
    others are features, called as in training); weights and attributes of edges are not looked at;
    a mapping with ``x`` (nodes, features) and ``edge_index`` (2, edges), or
    the path of an ``.npz`` file with these; or a `NodeSet`.

    Parameters
    ----------
    hops: how far neighbourhoods reach, 0 for the node alone.
    components: principal components that take the place of features where there are more.
    scaling: of the columns, see `Tabular`.

    Example
    -------
    >>> graph = {"x": np.eye(6)[:, :2], "edge_index": np.array([[0, 1, 2], [1, 2, 3]])}
    >>> data = Nodes(hops=1).fit(graph)
    >>> data.describe()
    '6 nodes: 2 features, neighbourhoods of 1 hop'
    >>> data.encode(graph).shape[0]
    6
    """

    has_middle: ClassVar[bool] = True

    hops: int = 2
    components: int = 64
    scaling: str = "both"

    def fit(self, X: Raw) -> Self:
        """Learn labels, directions and scales from at least two nodes.

        Raises ``InputError`` where ``X`` is no graph, or has fewer than two nodes to learn from.
        """
        self._check_parameters()
        nodes = as_node_set(X)
        self.count_, self.attributes_ = len(nodes), nodes.graph.attributes.shape[1]
        self.keys_ = list(nodes.graph.keys)
        self.levels_ = levels_of(nodes)
        self.center_, self.directions_ = self._directions(nodes)
        parts = self._parts(nodes)
        rows = pd.concat(parts, axis=1)
        self.table_ = Tabular(scaling=self.scaling).fit(rows)
        self.weights_ = self._weights([list(part.columns) for part in parts], rows)
        return self

    def count(self, X: Raw) -> int:
        """Return the number of nodes."""
        return len(as_node_set(X))

    def take(self, X: Raw, index: NDArray[np.intp]) -> NodeSet:
        """Return these nodes, with all of the graph around them."""
        return as_node_set(X)[index]

    def encode(self, X: Raw) -> Tensor:
        """Return nodes as one batch of rows ``(n, d)``.

        Raises ``InputError`` where nodes have other features than in training.
        """
        check_is_fitted(self)
        nodes = as_node_set(X)
        self._check_alike(nodes.graph)
        rows = pd.concat(self._parts(nodes), axis=1)[self.table_.columns_]
        encoded: Tensor = self.table_.encode(rows) * torch.as_tensor(self.weights_)
        return encoded

    def encoder(self, dim: int, *, bias: bool) -> nn.Module:
        """Return the encoder of a table, ``(B, d) -> (B, dim)``."""
        return self.table_.encoder(dim, bias=bias)

    def decoder(self, dim: int, *, outputs: int = 1, bias: bool) -> nn.Module:
        """Return the decoder of a table, ``(B, dim), (B, d) -> (B, outputs, d)``."""
        return self.table_.decoder(dim, outputs=outputs, bias=bias)

    def transform(self, views: int, kind: str, *, bias: bool) -> nn.Module:
        """Return the views of a table, ``(B, d) -> (views * B, d)``."""
        return self.table_.transform(views, kind, bias=bias)

    def signs(self, x: Tensor) -> Tensor:
        """Return signs as a table has them, ``(B, d)``."""
        return self.table_.signs(x)

    def features(self) -> nn.Module:
        """Return the row itself, ``(B, d) -> (B, d)``."""
        return self.table_.features()

    def alter(self, x: Tensor, generator: torch.Generator) -> Mapping[str, Tensor]:
        """Return rows that should look stranger, as for a table."""
        weights = torch.as_tensor(self.weights_).to(x)
        altered = self.table_.alter(x / weights, generator)
        return {name: rows * weights for name, rows in altered.items()}

    def groups(self, x: Tensor) -> tuple[list[str], Tensor]:
        """Return names such as 'x3' or 'x3 against 1 hop away', ``(G, d)``."""
        return self.table_.groups(x)

    def describe(self) -> str:
        """Return a line such as '2,708 nodes: 1,433 features, neighbourhoods of 2 hops'."""
        labels = f", {len(self.levels_)} labels" if self.levels_ else ""
        hops = count_of(self.hops, "hop")
        return (
            f"{self.count_:,} nodes: {self.attributes_:,} features{labels}, "
            f"neighbourhoods of {hops}"
        )

    @staticmethod
    def looks_like(X: Raw) -> bool:
        """Say whether untyped input must be the nodes of one graph."""
        mapped = isinstance(X, Mapping) and {"x", "edge_index"} <= set(X.keys())
        return isinstance(X, NodeSet) or is_graph(X) or mapped

    def _parts(self, nodes: NodeSet) -> list[pd.DataFrame]:
        """Return what a node is, how that differs from each surrounding, and its place."""
        own, edges = self._own(nodes.graph), nodes.graph.edges
        values, names = (own - self.center_) @ self.directions_.T, self._names()
        links = np.bincount(edges[0], minlength=len(own))
        closed = triangles(edges, len(own))
        parts, place = [pd.DataFrame(values, columns=names)], {"neighbours": np.log1p(links)}
        near = means(edges, np.column_stack([own, values, place["neighbours"]]), self.hops)
        for hop, mean in enumerate(near, start=1):
            away = f"{count_of(hop, 'hop')} away"
            against = [f"{name} against {away}" for name in names]
            parts.append(pd.DataFrame(values - mean[:, own.shape[1] : -1], columns=against))
            place[f"neighbours against {away}"] = place["neighbours"] - mean[:, -1]
            place[f"unlike {away}"] = unlike(own, mean[:, : own.shape[1]])
        place["triangles"] = np.log1p(closed)
        place["neighbours linked"] = closed / np.maximum(links * (links - 1) / 2, 1)
        return [part.iloc[nodes.index] for part in [*parts, pd.DataFrame(place)]]

    def _weights(self, parts: list[list[str]], rows: pd.DataFrame) -> NDArray[np.float32]:
        """Return what encoded columns are multiplied by, so that all parts sum to as much."""
        names, masks = self.table_.groups(self.table_.encode(rows.iloc[:1])[0])
        of_parts = [masks[[names.index(name) for name in part]].any(0) for part in parts]
        widths = torch.stack([mask.sum() for mask in of_parts])
        least = widths[widths > 0].min()
        weights = sum(mask * least / mask.sum().clamp_min(1) for mask in of_parts)
        found: NDArray[np.float32] = torch.as_tensor(weights).numpy().astype(np.float32)
        return found

    def _own(self, graph: OneGraph) -> Floats:
        """Return attributes and 0/1 columns of labels, ``(N, F)``."""
        if not self.levels_:
            return graph.attributes
        place = level_places(self.levels_)
        codes = [place.get(level_name(label), len(self.levels_)) for label in graph.labels or ()]
        return np.hstack([graph.attributes, np.eye(len(self.levels_) + 1)[codes]])

    def _directions(self, nodes: NodeSet) -> tuple[Floats, Floats]:
        """Return the mean, and the directions in which training nodes vary most, ``(C, F)``."""
        own = self._own(nodes.graph)[nodes.index]
        if own.shape[1] <= self.components or len(own) < 2:
            return np.zeros(own.shape[1]), np.eye(own.shape[1])
        found = PCA(min(self.components, len(own)), random_state=0).fit(own)
        return found.mean_, found.components_

    def _names(self) -> list[str]:
        count = len(self.directions_)
        if count != self.directions_.shape[1]:
            return [f"component {i}" for i in range(count)]
        labels = [f"label {level}" for level in self.levels_] + ["another label"]
        return [f"x{i}" for i in range(self.attributes_)] + labels * bool(self.levels_)

    def _check_alike(self, graph: OneGraph) -> None:
        found = graph.attributes.shape[1]
        if found != self.attributes_:
            raise InputError(f"Nodes have {found} features, in training {self.attributes_}.")
        check_keys(graph.keys, self.keys_, "The graph", "training")
        if (graph.labels is not None) != bool(self.levels_):
            raise InputError("Nodes have labels in training or now, not both: give the same.")

    def _check_parameters(self) -> None:
        check_numbers(self)
        check_least(self, 0, "hops")
        check_least(self, 1, "components")


def as_node_set(X: Any) -> NodeSet:
    """Return the nodes of a graph of any supported form.

    Raises
    ------
    InputError: it is no graph, or one that contradicts itself.
    """
    if isinstance(X, NodeSet):
        return X
    if isinstance(X, str | Path):
        from askew.files.graphs import read_network

        X = read_network(Path(X))
    if isinstance(X, Mapping):
        if "x" not in X or "edge_index" not in X:
            raise InputError(f"Nodes expects x and edge_index, found {', '.join(map(str, X))}.")
        edges = edges_of(X["edge_index"], "The graph")
        return NodeSet.of(OneGraph(None, columns(X["x"], "The graph"), edges))
    if not is_graph(X):
        raise InputError(
            f"Nodes expects one graph, of PyTorch Geometric or networkx, or a mapping with x and "
            f"edge_index; found {type(X).__name__}. For many graphs use Graphs."
        )
    return NodeSet.of(nodes_of(X, "The graph"))


def levels_of(nodes: NodeSet) -> list[str]:
    """Return the commonest labels of nodes, in order of their names; none where there are none."""
    if nodes.graph.labels is None:
        return []
    labels = [level_name(nodes.graph.labels[i]) for i in nodes.index]
    return sorted(pd.Series(labels, dtype=object).value_counts().index[:MOST_LABELS])


def means(edges: Ints, values: Floats, hops: int) -> list[Floats]:
    """Return for each hop the means over neighbours, of means over neighbours and so on.

    A node without neighbours is its own.

    Shapes
    ------
    ``edges (2, E)`` in both directions, ``values (N, F) ->`` ``hops`` times ``(N, F)``

    Example
    -------
    >>> means(np.array([[0, 1], [1, 0]]), np.array([[1.0], [3.0], [5.0]]), 2)[0].ravel().tolist()
    [3.0, 1.0, 5.0]
    """
    count = len(values)
    links = np.bincount(edges[0], minlength=count)
    alone = np.flatnonzero(links == 0)
    first, second = np.hstack([edges, [alone, alone]]).astype(np.int64)
    weight = 1 / np.maximum(links, 1)[first]
    average = sparse.csr_array((weight, (first, second)), shape=(count, count))
    found, current = [], values
    for _ in range(hops):
        current = average @ current
        found.append(current)
    return found


def triangles(edges: Ints, count: int) -> Floats:
    """Return for each node how many pairs of its neighbours are neighbours of each other, ``(N,)``.

    Edges are led from nodes with few neighbours to those with more: then no node leads to many, and
    a hub costs no more than others. Some nodes are looked at a time, so that memory is bounded.

    Shapes
    ------
    ``edges (2, E)`` in both directions, each once ``-> (N,)``

    Example
    -------
    >>> square = np.array([[0, 1, 2, 3, 0], [1, 2, 3, 0, 2]])  # with one diagonal
    >>> triangles(np.hstack([square, square[::-1]]), 5).tolist()
    [2.0, 1.0, 2.0, 1.0, 0.0]
    """
    links = np.bincount(edges[0], minlength=count)
    rank = np.argsort(np.argsort(links, kind="stable"), kind="stable")
    up = edges[:, rank[edges[0]] < rank[edges[1]]]
    ones = np.ones(up.shape[1])
    led = sparse.csr_array((ones, (up[0], up[1])), shape=(count, count))
    back = led.T.tocsr()
    found = np.zeros(count)
    for start in range(0, count, BLOCK):
        rows = slice(start, start + BLOCK)
        outer = (led[rows] @ led).multiply(led[rows])  # of a triangle a < b < c: an entry at a, c
        inner = (back[rows] @ led).multiply(led[rows])  # and one at b, c
        found[rows] += outer.sum(1) + inner.sum(1)
        found += outer.sum(0)
    return found


def unlike(own: Floats, around: Floats) -> Floats:
    """Return 1 minus the cosine between features and their surroundings, ``(N, F) -> (N,)``."""
    sizes = np.linalg.norm(own, axis=1) * np.linalg.norm(around, axis=1)
    products = (own * around).sum(1)
    result: Floats = 1 - products / np.maximum(sizes, 1e-12)
    return result

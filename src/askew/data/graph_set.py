"""Raw graphs, from files or from libraries: labels, attributes and edges, before any learning."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray

from askew.data.arrays import as_array
from askew.data.columns import level_name
from askew.data.packed_graphs import Index, PackedGraphs
from askew.errors import InputError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class GraphSet:
    """Graphs as they were given; picks like a list.

    Attributes
    ----------
    packed: the graphs; ``x`` is in float64: where nodes have labels, column 0 says which of
        ``names``; the rest are attributes.
    names: what labels are called; empty where nodes have none.
    keys: what attributes are called, in order; empty where they have no names.
    """

    packed: PackedGraphs
    names: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.packed)

    def __getitem__(self, index: Index | Sequence[int]) -> Self:
        picked = np.asarray(index) if isinstance(index, Sequence) else index
        return replace(self, packed=self.packed[picked])

    @property
    def sizes(self) -> Ints:
        """How many nodes each graph has, ``(n,)``."""
        return self.packed.nodes.numpy()

    @property
    def attributes(self) -> Floats:
        """What nodes measure, ``(N, A)``."""
        found: Floats = self.packed.x[:, bool(self.names) :].numpy()
        return found

    @property
    def labels(self) -> Ints:
        """Which of ``names`` each node is, ``(N,)``; only where nodes have labels."""
        return self.packed.x[:, 0].numpy().astype(np.int64)


@dataclass(frozen=True)
class OneGraph:
    """The nodes of one graph, and its edges between them, numbered from 0.

    Shapes
    ------
    ``labels``: a name for each node, or None; ``attributes (n, A)``; ``edges (2, e)``; ``keys``:
    what attributes are called, in order, or nothing
    """

    labels: Sequence[Hashable] | None
    attributes: Floats
    edges: Ints
    keys: tuple[str, ...] = ()


def as_graph_set(X: Any) -> GraphSet:
    """Return graphs of any supported form, packed.

    Raises
    ------
    InputError: it is none of them, a graph has no node, or graphs do not match each other.
    """
    if isinstance(X, GraphSet):
        return X
    if isinstance(X, str | Path):
        from askew.files.graphs import read_graphs

        return read_graphs(Path(X)).graphs
    if is_batch(X):
        X = X.to_data_list()
    if is_graph(X):
        raise InputError(
            "This is one graph: Graphs expects a list of them; for its nodes as items use Nodes."
        )
    if not isinstance(X, list | tuple | np.ndarray) or not all(is_graph(graph) for graph in X):
        raise InputError(
            f"Graphs expects a list of PyTorch Geometric or networkx graphs, or a TU folder; "
            f"found {type(X).__name__}"
            + (f" with {_first_other(X)} in it." if isinstance(X, list | tuple) else ".")
        )
    return pack([nodes_of(graph, f"Graph {i}") for i, graph in enumerate(X)])


def is_graph(value: Any) -> bool:
    """Say whether a value is a graph of PyTorch Geometric or networkx."""
    return hasattr(value, "edge_index") or is_networkx(value)


def is_batch(value: Any) -> bool:
    """Say whether a value is many graphs of PyTorch Geometric in one."""
    return hasattr(value, "edge_index") and hasattr(value, "to_data_list")


def is_networkx(value: Any) -> bool:
    """Say whether a value is a networkx graph."""
    return hasattr(value, "adjacency") and hasattr(value, "number_of_nodes")


def looks_like_graphs(X: Any) -> bool:
    """Say whether untyped input must be graphs: a packed set, a batch, or a list of them."""
    listed = isinstance(X, list | tuple) and len(X) > 0 and is_graph(X[0])
    return isinstance(X, GraphSet) or is_batch(X) or listed


def nodes_of(graph: Any, name: str) -> OneGraph:
    """Take one graph of a library apart; ``name`` is for errors."""
    found = from_networkx(graph, name) if is_networkx(graph) else from_geometric(graph, name)
    check_nodes(found, name)
    return found


def from_geometric(graph: Any, name: str) -> OneGraph:
    """Take ``x`` and ``edge_index`` of a PyTorch Geometric ``Data``, or of anything like it."""
    if graph.edge_index is None:
        raise InputError(f"{name} has no edge_index: give an empty one, (2, 0), for no edges.")
    values = getattr(graph, "x", None)
    count = len(values) if values is not None else int(graph.num_nodes or 0)
    empty = np.empty((count, 0))
    attributes = empty if values is None else columns(values, name)
    return OneGraph(None, attributes, edges_of(graph.edge_index, name))


def edges_of(given: Any, name: str) -> Ints:
    """Return an ``edge_index`` as whole numbers, ``(2, e)``.

    Raises
    ------
    InputError: it has another shape, or numbers that are not whole.
    """
    try:
        edges = as_array(given)
        whole = edges.astype(np.int64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name}: edge_index is no array of numbers, (2, edges).") from error
    if not edges.size:
        return np.empty((2, 0), dtype=np.int64)
    if edges.ndim != 2 or len(edges) != 2:
        raise InputError(f"{name}: edge_index has shape {edges.shape}: expected (2, edges).")
    odd = edges[whole != edges] if edges.dtype.kind != "b" else edges
    if odd.size:
        raise InputError(f"{name}: edge_index holds {odd.flat[0]}: expected numbers of nodes.")
    return whole


def from_networkx(graph: Any, name: str) -> OneGraph:
    """Take the nodes in their order: ``label`` names them, other data are attributes by name."""
    number = {node: i for i, node in enumerate(graph.nodes)}
    rows = [data for _, data in graph.nodes(data=True)]
    keys = sorted({key for row in rows for key in row}, key=str)
    lacking = [key for key in keys if any(key not in row for row in rows)]
    if lacking:
        raise InputError(f"{name}: {lacking[0]!r} is on some nodes only: put it on all or none.")
    measured = [key for key in keys if key != "label"]
    widths = {str(key): np.size(rows[0][key]) for key in measured}
    try:
        values = [
            [np.asarray(row[key], dtype=np.float64).reshape(widths[str(key)]) for key in measured]
            for row in rows
        ]
        rows_of = [np.hstack([*cells, []]) for cells in values]
        attributes = np.array(rows_of).reshape(len(rows), sum(widths.values()))
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{name}: node data {', '.join(map(repr, measured))} are not numbers of one width "
            "(only 'label' may be words)."
        ) from error
    pairs = [(number[a], number[b]) for a, b, *_ in graph.edges]
    labels = [row["label"] for row in rows] if "label" in keys else None
    edges = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    wide = [key if width == 1 else f"{key} of {width}" for key, width in widths.items()]
    return OneGraph(labels, attributes, edges, tuple(wide))


def columns(values: Any, name: str) -> Floats:
    """Return numbers with a row for each node, ``(n, A)``."""
    try:
        numbers = as_array(values).astype(np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name}: features of nodes have to be numbers.") from error
    return numbers.reshape(len(numbers), math.prod(numbers.shape[1:]))


def check_nodes(nodes: OneGraph, name: str) -> None:
    """Refuse a graph without nodes, with edges that lead nowhere, or values that are no numbers."""
    count = len(nodes.attributes)
    if not count:
        raise InputError(f"{name} has no nodes: leave empty graphs out.")
    if nodes.edges.size and not 0 <= nodes.edges.min() <= nodes.edges.max() < count:
        wrong = nodes.edges.min() if nodes.edges.min() < 0 else nodes.edges.max()
        raise InputError(f"{name} has {count} nodes, but an edge leads to number {wrong}.")
    if not np.isfinite(nodes.attributes).all():
        node, column = np.argwhere(~np.isfinite(nodes.attributes))[0]
        raise InputError(
            f"{name}: node {node} has {nodes.attributes[node, column]} as feature {column}: "
            "expected finite numbers; fill or drop it."
        )


def pack(graphs: Sequence[OneGraph]) -> GraphSet:
    """Put graphs end to end.

    Raises
    ------
    InputError: they differ in the number of attributes, or only some have labels.
    """
    if not graphs:
        return GraphSet(clean(np.empty((0, 0)), np.empty((2, 0), np.int64), np.empty(0, np.int64)))
    widths = [graph.attributes.shape[1] for graph in graphs]
    if len(set(widths)) > 1:
        other = int(np.argmax(np.array(widths) != widths[0]))
        raise InputError(
            f"Graph 0 has {widths[0]} node features, graph {other} has {widths[other]}: "
            "expected the same in all."
        )
    for i, graph in enumerate(graphs):
        check_keys(graph.keys, graphs[0].keys, f"Graph {i}", "graph 0")
    if len({graph.labels is None for graph in graphs}) > 1:
        raise InputError("Some graphs have node labels and some have none: expected all or none.")
    counts = np.array([len(graph.attributes) for graph in graphs], dtype=np.int64)
    offsets = np.cumsum(counts) - counts
    edges = [graph.edges + offset for graph, offset in zip(graphs, offsets, strict=True)]
    labels = [label for graph in graphs for label in graph.labels or ()]
    packed = graph_set(
        np.concatenate([graph.attributes for graph in graphs]),
        np.concatenate(edges, axis=1),
        counts,
        labels if graphs[0].labels is not None else None,
    )
    return replace(packed, keys=graphs[0].keys)


def check_keys(found: Sequence[str], known: Sequence[str], name: str, where: str) -> None:
    """Refuse attributes that are called otherwise than elsewhere; some have no names at all."""
    if found and known and list(found) != list(known):
        raise InputError(
            f"{name} has node data {', '.join(map(repr, found))}, but {where} has "
            f"{', '.join(map(repr, known))}: expected the same names."
        )


def graph_set(
    attributes: Floats, edges: Ints, counts: Ints, labels: Iterable[Hashable] | None
) -> GraphSet:
    """Make a set of graphs whose nodes and edges stand end to end, numbered over all of them.

    Shapes
    ------
    ``attributes (N, A)``, ``edges (2, E)``, ``counts (n,)``, ``labels``: N names or None
    """
    if labels is None:
        return GraphSet(clean(attributes, edges, counts))
    names, codes = np.unique([level_name(label) for label in labels], return_inverse=True)
    x = np.column_stack([codes.astype(np.float64), attributes])
    return GraphSet(clean(x, edges, counts), tuple(names.tolist()))


def level_places(levels: Sequence[str]) -> dict[str, int]:
    """Return the place of each label that was learned, by name.

    Before schema 8 the label 1.0 was a level of its own: it is found as 1 too.

    Example
    -------
    >>> level_places(["0.0", "1.0", "C"])["1"]
    1
    """
    places = {level: i for i, level in enumerate(levels)}
    return {level.removesuffix(".0"): i for level, i in places.items()} | places


def clean(x: Floats, edges: Ints, counts: Ints) -> PackedGraphs:
    """Pack graphs, with every edge once in each direction.

    Raises
    ------
    InputError: an edge joins two graphs.
    """
    owner = np.repeat(np.arange(len(counts)), counts)
    offsets = np.cumsum(counts) - counts
    both = clean_edges(edges, len(x))
    of = owner[both[0]]
    if (of != owner[both[1]]).any():
        wrong = both[:, int(np.argmax(of != owner[both[1]]))]
        raise InputError(f"An edge joins nodes {wrong[0]} and {wrong[1]} of different graphs.")
    return PackedGraphs(
        torch.from_numpy(np.array(x)),
        torch.from_numpy(both - offsets[of]),
        torch.from_numpy(counts.astype(np.int64)),
        torch.from_numpy(np.bincount(of, minlength=len(counts)).astype(np.int64)),
    )


def clean_edges(edges: Ints, count: int) -> Ints:
    """Return every edge in both directions, once, in order, without those of a node to itself.

    Example
    -------
    >>> clean_edges(np.array([[0, 0, 1, 2], [1, 1, 0, 2]]), 3).tolist()
    [[0, 1], [1, 0]]
    """
    apart = edges[:, edges[0] != edges[1]]
    first, second = np.concatenate([apart, apart[::-1]], axis=1)
    keys = np.unique(first * count + second)
    return np.stack([keys // max(count, 1), keys % max(count, 1)])


def _first_other(X: Sequence[Any]) -> str:
    return next(type(value).__name__ for value in X if not is_graph(value))

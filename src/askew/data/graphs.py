"""Graphs: many graphs, each an item; their nodes are the points."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn

from askew.data.base import DataType, Raw
from askew.data.graph_changes import grown, rewired, thinned, without_each
from askew.data.graph_set import (
    Floats,
    GraphSet,
    as_graph_set,
    check_keys,
    level_places,
    looks_like_graphs,
)
from askew.data.packed_graphs import PackedGraphs
from askew.errors import InputError
from askew.nets.gin import GINShape, GraphDecoder, GraphEmbedding, GraphEncoder, NodeViews
from askew.nets.graph_summary import GraphSummary, block_weights, degree_bucket
from askew.nets.mlp import MLP
from askew.nets.parts import Decoder
from askew.nets.transform import Embedding, TableViews
from askew.parameters import check_least, check_numbers, check_word
from askew.wording import count_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from askew.explain import Explanation

FAR = 1e6  # standard deviations: farther, sums of squares would overflow in float32
PAIRS = 64  # kinds of edges counted each on its own
SCALINGS = ("standard", "none")
SUMS = ("tempered", "plain")
NETWORKS = ("summary", "gin")
VIEW_LAYERS = 2
STEP_NUMBERS = 2**18  # thirteen graphs of a few hundred nodes with labels


@dataclass(kw_only=True, eq=False, repr=False)
class Graphs(DataType):
    """Many graphs: each one is an item, normal or not.

    A batch is `PackedGraphs`: the nodes of all graphs in a row. Nodes are described by their label
    (a 0/1 column for each one seen in training, one for all others) and their attributes, scaled;
    where they have neither, by the number of their neighbours. Edges count in both directions,
    once, and edges of a node to itself are dropped; their weights and attributes are not looked at.
    Graphs without edges are fine, without nodes not.

    Raw input: a list, or a ``Batch``, of PyTorch Geometric ``Data`` (``x`` holds attributes), or a
    list of networkx graphs (node data ``label`` is a label, all others are attributes, which have
    to be called alike in all); the path of a TU folder or zip; or a `GraphSet`, as
    `askew.files.graphs.read_graphs` returns it.

    Parameters
    ----------
    scaling: "standard" brings each attribute to mean 0 and standard deviation 1 over all training
        nodes; "none" leaves it.
    labels: commonest labels that get a column of their own; the rest share one.
    networks: of learned views; an encoder alone is always of the first kind. "gin": one graph
        isomorphism network for the graph and one for each view, as in the paper; these alter no
        item, so a method's ``kind`` of view does not matter. "summary": views and encoder work on
        what `features` says of a graph, as on a row of a table; much faster, but only what a node
        and its neighbours show.
    width, layers: of the networks of either kind.
    sums: of "gin". "tempered" divides sums over a node and its neighbours by how many these are on
        average in training, and takes the square root of sums over nodes, whose random part then
        does not depend on the size of the graph; "plain" sums, as in the paper, grow with it.
    norm: of "gin": bring each graph's nodes to mean 0 and variance 1 after each layer.

    Source: Qiu et al., TPAMI 2025, for the networks.

    Example
    -------
    >>> import networkx
    >>> data = Graphs().fit([networkx.cycle_graph(n) for n in (3, 4, 5)])
    >>> data.describe()
    '3 graphs: 3-5 nodes, described by their neighbours'
    >>> data.encode([networkx.path_graph(4)]).shape  # 0 to 2 neighbours, or more
    (1, 4)
    """

    scaling: str = "standard"
    labels: int = 100
    networks: str = "gin"
    width: int = 32
    layers: int = 4
    sums: str = "tempered"
    norm: bool = False

    def fit(self, X: Raw) -> Self:
        """Learn labels, scales and sizes from at least two graphs.

        Raises ``InputError`` where ``X`` holds fewer than two graphs, or what is no graph.
        """
        self._check_parameters()
        graphs = as_graph_set(X)
        if len(graphs) < 2:
            raise InputError(f"Graphs needs at least 2 graphs to learn from, found {len(graphs)}.")
        self.keys_ = list(graphs.keys)
        self.levels_ = self._levels(graphs)
        self.mean_, self.std_ = typical(graphs.attributes)
        described = bool(self.levels_) or len(self.mean_)
        self.buckets_ = 0 if described else 2 + int(degree_bucket(graphs.packed.degrees).max())
        self.around_ = 1 + float(graphs.packed.links.sum() / graphs.packed.nodes.sum())
        self.sizes_ = [int(graphs.packed.nodes.min()), int(graphs.packed.nodes.max())]
        self.count_ = len(graphs)
        items = self.encode(graphs)
        self.node_mean_ = items.x.double().mean(0).numpy()
        self._learn_summary(items)
        return self

    @property
    def step_numbers(self) -> float:
        """Encoded numbers a step: graph networks are slow on many nodes at once, summaries not."""
        return STEP_NUMBERS if self.networks == "gin" else super().step_numbers

    def count(self, X: Raw) -> int:
        """Return the number of graphs."""
        return len(X) if isinstance(X, GraphSet | list | tuple) else len(as_graph_set(X))

    def take(self, X: Raw, index: NDArray[np.intp]) -> Raw:
        """Return the graphs at these positions."""
        if isinstance(X, list | tuple):
            return [X[i] for i in index]
        return as_graph_set(X)[index]

    def encode(self, X: Raw) -> PackedGraphs:
        """Return graphs as one packed batch; each depends on itself alone.

        Raises ``InputError`` where nodes are described otherwise than in training.
        """
        check_is_fitted(self)
        graphs = as_graph_set(X)
        if len(graphs):
            self._check_alike(graphs)
        return graphs.packed.with_x(torch.from_numpy(self._described(graphs)).float())

    def encoder(self, dim: int, *, bias: bool) -> nn.Module:
        """Return a graph isomorphism network, B graphs ``-> (B, dim)``."""
        return GraphEncoder(self._shape(bias), dim)

    def transform(self, views: int, kind: str, *, bias: bool) -> nn.Module:
        """Return views of what describes nodes, B graphs ``-> views * B`` graphs.

        Those of a method that embeds its views are others: see `embedding`.
        """
        return NodeViews(self._shape(bias), views, kind, layers=VIEW_LAYERS)

    def embedding(self, views: int, kind: str, dim: int, *, bias: bool) -> nn.Module:
        """Return the networks of views; those of "gin" alter no item, whatever ``kind`` is."""
        if self.networks == "gin":
            return GraphEmbedding(self._shape(bias), views, dim)
        columns = len(self.usual_)
        alter = TableViews(
            columns, views, width=self.width, layers=VIEW_LAYERS, kind=kind, bias=bias
        )
        hidden = [self.width] * self.layers
        encoder = MLP([columns, *hidden, dim], bias=bias, norm=False)
        return nn.Sequential(self.features(), Embedding(transform=alter, encoder=encoder))

    def decoder(self, dim: int, *, outputs: int = 1, bias: bool) -> nn.Module:
        """Return a network that answers for each node, from a description and its neighbours.

        ``(B, dim)``, B graphs of N nodes in all ``-> (N, outputs, F)``
        """
        return GraphDecoder(self._shape(bias), dim, outputs=outputs)

    def entries(self, x: PackedGraphs) -> Tensor:
        """Return the features of all nodes, ``(N, F)``."""
        return x.x

    def join(self, *batches: PackedGraphs) -> PackedGraphs:
        """Return the graphs of all batches as one."""
        return PackedGraphs.join(batches)

    def to_entries(self, values: Tensor, x: PackedGraphs) -> Tensor:
        """Let one value a graph reach all its nodes, ``(B,) -> (N, 1)``."""
        return values[x.owner].unsqueeze(1)

    def mean_entry(self, values: Tensor, x: PackedGraphs) -> Tensor:
        """Return the mean of what was said of each graph's nodes, ``(N, F) -> (B,)``."""
        return x.mean(values.mean(1, keepdim=True)).squeeze(1)

    def affine(self, x: PackedGraphs, scale: Tensor, shift: Tensor) -> PackedGraphs:
        """Return the same graphs, whose nodes are ``x * scale + shift``."""
        return x.with_x(x.x * scale + shift)

    def signs(self, x: PackedGraphs) -> Tensor:
        """Return signs that most nodes of a graph share, ``(N, F)``.

        How many are turned round is drawn for each graph: none, half of them, or between.
        """
        shared = torch.randint_like(x.x[: len(x)], 2)[x.owner]  # every graph has a node, or more
        often = self.to_entries(torch.rand(len(x), device=x.device) / 2, x)
        turned = torch.rand_like(often) < often
        return 1 - 2 * ((shared + turned) % 2)

    def differing(self, x: PackedGraphs) -> Tensor:
        """Return random sums of how graphs differ on average, the same for all their nodes."""
        return super().differing(x.mean(x.x))[x.owner]

    def scatter(self, x: PackedGraphs) -> Tensor:
        """Return what turns a random share of each graph's nodes into others of the batch."""
        other = x.x[torch.randint(len(x.x), (len(x.x),), device=x.device)]
        share = self.to_entries(1 - torch.rand(len(x), device=x.device), x)  # never none
        return torch.where(torch.rand_like(share) < share, other - x.x, 0)

    def restorer(self, dim: int, *, bias: bool) -> nn.Module:
        """Return a network that restores the `features` of graphs: each is a point.

        Were it the nodes, small graphs of nodes that are all alike would be restored best.
        ``(B, dim)``, B graphs ``-> (B, 1, D)``
        """
        sizes = [dim, self.width, self.width, len(self.usual_)]
        return Decoder(MLP(sizes, bias=bias, norm=False), nn.Unflatten(1, (1, -1)))

    def target(self, x: PackedGraphs) -> Tensor:
        """Return the `features` of graphs, ``(B, D)``; what held-out ones add is their scale."""
        found: Tensor = self.features().to(x.device)(x)
        return found

    def features(self) -> nn.Module:
        """Return what nodes and their surroundings are like on average and in sum, and sizes."""
        return GraphSummary(*self._described_by, self.pairs_, self.usual_, self.unit_)

    def alter(self, x: PackedGraphs, generator: torch.Generator) -> Mapping[str, PackedGraphs]:
        """Return graphs that should look stranger, by what was done to them.

        "scaled": features of nodes three times as far from their mean. "shuffled": features dealt
        out anew among all nodes of the batch. "rewired": every edge ends at a random node. "cut":
        every edge but a quarter is gone. "grown": two more copies of the graph stand beside it,
        joined by nothing.
        """
        usual = torch.from_numpy(self.node_mean_).to(x.x)
        order = torch.randperm(len(x.x), generator=generator).to(x.device)
        return {
            "scaled": x.with_x(usual + 3 * (x.x - usual)),
            "shuffled": x.with_x(x.x[order]),
            "rewired": rewired(x, generator),
            "cut": thinned(x, 0.25, generator),
            "grown": grown(x, 3),
        }

    def groups(self, x: PackedGraphs) -> tuple[list[str], Tensor]:
        """Refuse: nodes of one graph have no place in another; see `exchange`."""
        raise InputError("Parts of a graph are its nodes: see Graphs.exchange.")

    def exchange(
        self, x: PackedGraphs, typical: PackedGraphs
    ) -> tuple[list[str], PackedGraphs, None]:
        """Give one node after the other the features of the mean training node.

        Nodes that nothing describes but their neighbours are left out instead.
        """
        count = len(x.x)
        names = [f"node {i}" for i in range(count)]
        if self.buckets_ and count > 1:
            return names, without_each(x), None
        place = torch.arange(count, device=x.device)
        values = x.x.repeat(count, 1, 1)  # (without which, node, F)
        values[place, place] = torch.from_numpy(self.node_mean_).to(values)
        return names, x.repeat(count).with_x(values.flatten(0, 1)), None

    def picture(self, X: Raw, explanation: Explanation) -> tuple[Figure, str]:
        """Draw the graph, with the nodes that made its score in red."""
        from askew import plot

        packed = self.encode(X)
        return (
            plot.graph(packed.edges.numpy(), explanation.points),
            "The graph; red nodes made its score, blue ones speak for it.",
        )

    def keep(self, items: PackedGraphs) -> dict[str, NDArray[Any]]:
        """Return encoded graphs as arrays."""
        here = items.cpu()
        return {name: getattr(here, name).numpy() for name in ("x", "edges", "nodes", "links")}

    def kept(self, saved: Mapping[str, NDArray[Any]]) -> PackedGraphs:
        """Undo `keep`."""
        return PackedGraphs(**{name: torch.as_tensor(value) for name, value in saved.items()})

    def describe(self) -> str:
        """Return a line such as '188 graphs: 10-28 nodes with 7 labels'."""
        fewest, most = self.sizes_
        nodes = f"{most}" if fewest == most else f"{fewest}-{most}"
        said = [
            count_of(count, what)
            for count, what in ((len(self.levels_), "label"), (len(self.mean_), "attribute"))
            if count
        ]
        described = f" with {' and '.join(said)}" if said else ", described by their neighbours"
        return f"{self.count_} graphs: {nodes} nodes{described}"

    @staticmethod
    def looks_like(X: Raw) -> bool:
        """Say whether untyped input must be graphs."""
        return looks_like_graphs(X)

    def _shape(self, bias: bool) -> GINShape:
        tempered = self.sums == "tempered"
        return GINShape(
            inputs=self._columns,
            width=self.width,
            layers=self.layers,
            bias=bias,
            norm=self.norm,
            around=self.around_ if tempered else 1.0,
            roots=tempered,
        )

    @property
    def _described_by(self) -> tuple[int, int]:
        """How many columns of a node's features are labels, and how many attributes."""
        return len(self.levels_) + bool(self.levels_), len(self.mean_)

    @property
    def _columns(self) -> int:
        return sum(self._described_by) + self.buckets_

    def _levels(self, graphs: GraphSet) -> list[str]:
        """Return the commonest labels of nodes, in order of their names."""
        if not graphs.names:
            return []
        counts = np.bincount(graphs.labels, minlength=len(graphs.names))
        common = np.argsort(-counts, kind="stable")[: self.labels]
        return sorted(graphs.names[i] for i in common if counts[i])

    def _described(self, graphs: GraphSet) -> Floats:
        """Return what networks see of each node, ``(N, F)``."""
        if self.buckets_:
            bucket = degree_bucket(graphs.packed.degrees).clamp(max=self.buckets_ - 1)
            columns: Floats = np.eye(self.buckets_)[bucket.numpy()]
            return columns
        center, scale = self._scales()
        blocks = [np.clip((graphs.attributes - center) / scale, -FAR, FAR)]
        if self.levels_:
            place = level_places(self.levels_)
            codes = [place.get(name, len(self.levels_)) for name in graphs.names]
            found = np.array(codes, dtype=np.intp)[graphs.labels]
            blocks.insert(0, np.eye(len(self.levels_) + 1)[found])
        return np.hstack(blocks)

    def _scales(self) -> tuple[Floats, Floats]:
        if self.scaling == "none":
            return np.zeros_like(self.mean_), np.ones_like(self.std_)
        return self.mean_, self.std_

    def _learn_summary(self, items: PackedGraphs) -> None:
        """Learn which kinds of edges are common, and what is usual among training graphs."""
        everything = GraphSummary(*self._described_by, [])
        counts = torch.bincount(everything.edge_kinds(items))
        common = counts.argsort(descending=True, stable=True)[:PAIRS]
        self.pairs_ = common[counts[common] > 0].sort().values.numpy()
        summary = GraphSummary(*self._described_by, self.pairs_)
        blocks = summary.blocks(items)
        self.usual_, spread = typical(torch.cat(blocks, dim=1).double().numpy())
        self.unit_ = spread * block_weights(blocks).double().numpy()

    def _check_alike(self, graphs: GraphSet) -> None:
        if bool(graphs.names) != bool(self.levels_):
            raise InputError(
                f"Nodes {'have' if graphs.names else 'lack'} labels, but in training it was the "
                "other way round: give the same in both."
            )
        found, trained = graphs.attributes.shape[1], len(self.mean_)
        if found != trained:
            raise InputError(f"Nodes have {found} features, in training they had {trained}.")
        check_keys(graphs.keys, self.keys_, "Graphs given now", "training")

    def _check_parameters(self) -> None:
        check_numbers(self)
        for name, allowed in {"scaling": SCALINGS, "sums": SUMS, "networks": NETWORKS}.items():
            check_word(self, name, allowed)
        check_least(self, 1, "labels", "width", "layers")


def typical(values: Floats) -> tuple[Floats, Floats]:
    """Return mean and standard deviation of columns, ``(n, C) -> (C,), (C,)``.

    A column that never changed gets the spread of one value in n that is off by one: what was
    never seen is rare, not infinitely strange.
    """
    if not len(values):
        return np.zeros(values.shape[1]), np.ones(values.shape[1])
    mean, std = values.mean(0), values.std(0)
    rounding = 1e-6 * np.abs(values).max(0, initial=0)
    return mean, np.where(std <= rounding, 1 / np.sqrt(len(values)), std)

"""Graphs made from others: with fewer or more nodes, or with other edges."""

from __future__ import annotations

import torch
from torch import Tensor

from askew.data.graph_set import clean
from askew.data.packed_graphs import PackedGraphs


def without_each(x: PackedGraphs) -> PackedGraphs:
    """Return a graph of n nodes without its first, without its second, and so on: n graphs."""
    count = len(x.x)
    left_out = torch.arange(count, device=x.device)
    copies = x.repeat(count)
    of_node, of_edge = (left_out.repeat_interleave(n) for n in (count, x.edges.shape[1]))
    kept = (copies.edges != of_edge).all(0)
    edges, of_edge = copies.edges[:, kept], of_edge[kept]
    return PackedGraphs(
        copies.x[left_out.repeat(count) != of_node],
        edges - (edges > of_edge).long(),
        copies.nodes - 1,
        torch.bincount(of_edge, minlength=count),
    )


def rewired(x: PackedGraphs, generator: torch.Generator) -> PackedGraphs:
    """Return graphs of as many edges, at most, that end at random nodes."""
    size = torch.repeat_interleave(x.nodes, x.links)
    drawn = torch.rand(x.edges.shape[1], generator=generator).to(x.device)
    kept = x.edges[0] < x.edges[1]  # each edge once
    ends = torch.stack([x.ends[0], x.ends[0] - x.edges[0] + (drawn * size).long()])
    return relinked(x, ends[:, kept])


def thinned(x: PackedGraphs, share: float, generator: torch.Generator) -> PackedGraphs:
    """Return graphs with a random share of their edges."""
    drawn = torch.rand(x.edges.shape[1], generator=generator).to(x.device)
    return relinked(x, x.ends[:, (x.edges[0] < x.edges[1]) & (drawn < share)])


def grown(x: PackedGraphs, times: int) -> PackedGraphs:
    """Return graphs that are so many copies of each graph side by side."""
    order = torch.arange(len(x), device=x.device).repeat_interleave(times)
    copies = x[order]
    return relinked(
        PackedGraphs(copies.x, copies.edges, times * x.nodes, times * x.links), copies.ends
    )


def relinked(x: PackedGraphs, ends: Tensor) -> PackedGraphs:
    """Return graphs with the same nodes and other edges, numbered over all graphs, ``(2, e)``."""
    made = clean(x.x.cpu().numpy(), ends.cpu().numpy(), x.nodes.cpu().numpy())
    return made.to(x.device)

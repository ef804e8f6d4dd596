"""Graphs: many, in a TU folder or zip; or the nodes of one, in arrays."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import is_zipfile

import numpy as np

from askew.cli.kinds.base import Kind, Part, as_truth
from askew.data import Graphs, Nodes
from askew.data.base import DataType
from askew.data.nodes import as_node_set
from askew.errors import InputError
from askew.files.arrays import load_arrays
from askew.files.graphs import has_tu_files, read_graphs, read_network

if TYPE_CHECKING:
    from askew.cli.source import Source


class GraphFiles(Kind):
    """TU folders and zips; ids are the numbers of graphs from 0."""

    def why(self, path: Path, id: str | None, time: str | None) -> str | None:
        """Claim what holds a file ``*_A.txt``; a zip that is none is nothing else either."""
        if path.suffix.lower() == ".zip" and not path.is_dir() and not is_zipfile(path):
            raise InputError(
                f"{path} is no readable zip archive: it may be cut off; copy it again."
            )
        return "it holds a file *_A.txt, the edges of a TU set" if has_tu_files(path) else None

    def data_type(self) -> DataType:
        """Return the data type."""
        return Graphs()

    def whole(self, source: Source, path: Path, *, labels: bool) -> Part:
        """Return all graphs; with ``labels``, whatever their name, those of graphs."""
        file = read_graphs(path)
        if labels and file.classes is None:
            raise InputError(f"{path.name} has no *_graph_labels.txt: leave --label out.")
        truth = as_truth(file.classes, source.label) if labels else None
        return Part(file.graphs, np.arange(len(file.graphs)), truth)


class NodeFiles(Kind):
    """``.npz`` with ``x``, ``edge_index`` and, for labels, ``y``; ids are the numbers of nodes."""

    def why(self, path: Path, id: str | None, time: str | None) -> str | None:
        """Claim arrays with edges."""
        if path.is_dir() or path.suffix.lower() != ".npz":
            return None
        return "arrays x and edge_index" if {"x", "edge_index"} <= set(load_arrays(path)) else None

    def data_type(self) -> DataType:
        """Return the data type."""
        return Nodes()

    def whole(self, source: Source, path: Path, *, labels: bool) -> Part:
        """Return all nodes."""
        arrays = read_network(path)
        nodes = as_node_set({name: arrays[name] for name in ("x", "edge_index")})
        if labels and source.label not in arrays:
            raise InputError(
                f"{path.name} has no array {source.label!r} for --label: it has "
                f"{', '.join(sorted(arrays))}."
            )
        truth = as_truth(arrays[str(source.label)].ravel(), source.label) if labels else None
        return Part(nodes, np.arange(len(nodes)), truth)

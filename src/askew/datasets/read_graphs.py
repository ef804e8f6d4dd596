"""Files of graphs, and of one graph's nodes."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from askew.datasets.kinds import Unsplit


def read_tu(file: Path, _seed: int) -> Unsplit:
    """Read a folder or zip of TU graphs, with their classes."""
    from askew.files.graphs import read_graphs

    found = read_graphs(file)
    classes = np.zeros(len(found.graphs)) if found.classes is None else found.classes
    return Unsplit(found.graphs, classes.astype(np.int64))


def read_network(file: Path, _seed: int) -> Unsplit:
    """Nodes of one graph; any label above 0 is an anomaly."""
    from askew.data.nodes import as_node_set
    from askew.files.graphs import read_network as arrays_of

    arrays = arrays_of(file)
    return Unsplit(as_node_set(arrays), (arrays["y"] > 0).astype(np.int64))

"""Files of graphs: TU folders and zips with many, arrays with one."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from askew.data.graph_set import GraphSet, OneGraph, check_nodes, graph_set
from askew.errors import InputError
from askew.files.arrays import UNREADABLE, load_arrays

EDGES = "_A.txt"
"""How the one file ends that every TU set has."""

Opener = Callable[[str], bytes | None]
"""From the end of a name, ``"_A.txt"`` say, to the file's content; None where there is none."""


@dataclass(frozen=True, eq=False)
class GraphFile:
    """Graphs of a file; ``classes``: the class of each, ``(n,)``, or None."""

    graphs: GraphSet
    classes: NDArray[np.int64] | None


def read_graphs(path: Path) -> GraphFile:
    """Read a TU set: a folder, or a zip of one, with ``NAME_A.txt`` and the files beside it.

    ``NAME_graph_indicator.txt`` has to be there; ``_node_labels``, ``_node_attributes`` and
    ``_graph_labels`` are read where they are. Labels of edges are not.

    Raises
    ------
    InputError: the files are missing, damaged, or contradict each other.
    """
    try:
        return _assemble(_of_folder(path) if path.is_dir() else _of_zip(path))
    except InputError as error:
        raise InputError(f"{path.name}: {error}") from error
    except UNREADABLE as error:
        raise InputError(f"{path.name} cannot be read as graphs: {error}.") from error


def has_tu_files(path: Path) -> bool:
    """Say whether a folder or zip holds a TU set."""
    if path.is_dir():
        return bool(_edges_in(path))
    if path.suffix.lower() != ".zip" or not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any(name.endswith(EDGES) for name in archive.namelist())


def _edges_in(folder: Path) -> list[Path]:
    """Return the files of edges in a folder, or else in those in it, as a zip may unpack."""
    return sorted(folder.glob(f"*{EDGES}")) or sorted(folder.glob(f"*/*{EDGES}"))


def _of_folder(path: Path) -> Opener:
    found = _edges_in(path)
    if not found:
        raise InputError(f"no file ends in {EDGES}: expected the folder of a TU set.")
    stem = str(found[0])[: -len(EDGES)]

    def read(end: str) -> bytes | None:
        file = Path(stem + end)
        return file.read_bytes() if file.exists() else None

    return read


def _of_zip(path: Path) -> Opener:
    with zipfile.ZipFile(path) as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(EDGES))
    if not names:
        raise InputError(f"no file in it ends in {EDGES}: expected the zip of a TU set.")
    stem = names[0][: -len(EDGES)]

    def read(end: str) -> bytes | None:
        with zipfile.ZipFile(path) as archive:
            return archive.read(stem + end) if stem + end in archive.namelist() else None

    return read


def _assemble(read: Opener) -> GraphFile:
    indicator = _numbers(read, "_graph_indicator.txt")
    if indicator is None:
        raise InputError("_graph_indicator.txt is missing: it says which graph a node belongs to.")
    owner = indicator[:, 0].astype(np.int64)
    if (np.diff(owner) < 0).any():
        raise InputError("_graph_indicator.txt is not in order: expected graph after graph.")
    ids, counts = np.unique(owner, return_counts=True)
    labels = _beside(read, "_node_labels.txt", len(owner), "node")
    measured = _beside(read, "_node_attributes.txt", len(owner), "node")
    attributes = np.empty((len(owner), 0)) if measured is None else measured
    pairs = _numbers(read, EDGES)
    edges = (np.empty((0, 2)) if pairs is None else pairs).astype(np.int64).T - 1
    check_nodes(OneGraph(None, attributes, edges), "The set")
    classes = _beside(read, "_graph_labels.txt", len(ids), "graph")
    return GraphFile(
        graph_set(attributes, edges, counts, None if labels is None else _words(labels)),
        None if classes is None else classes[:, 0].astype(np.int64),
    )


def _words(labels: NDArray[np.float64]) -> list[str]:
    """Return one label a node; several columns become one, like '3,0'."""
    return [",".join(f"{value:g}" for value in row) for row in labels.tolist()]


def _beside(read: Opener, end: str, rows: int, what: str) -> NDArray[np.float64] | None:
    found = _numbers(read, end)
    if found is not None and len(found) != rows:
        raise InputError(f"{end} has {len(found)} lines, expected one a {what}: {rows}.")
    return found


def _numbers(read: Opener, end: str) -> NDArray[np.float64] | None:
    """Return lines of numbers split by commas, ``(lines, columns)``."""
    content = read(end)
    if content is None or not content.strip():
        return None
    try:
        table = pd.read_csv(io.BytesIO(content), header=None, skipinitialspace=True)
        return table.to_numpy(dtype=np.float64)
    except ValueError as error:
        raise InputError(f"{end} has lines that are not numbers: {error}.") from error


def read_network(path: Path) -> dict[str, NDArray[Any]]:
    """Read one graph from ``.npz``: ``x`` (nodes, features), ``edge_index`` (2, edges), ``y``.

    Raises
    ------
    InputError: the arrays are missing, damaged, or of another shape.
    """
    arrays = load_arrays(path)
    for name in ("x", "edge_index"):
        if name not in arrays:
            raise InputError(
                f"{path.name} has no {name!r} but {', '.join(sorted(arrays)) or 'nothing'}: "
                "expected x (nodes, features) and edge_index (2, edges)."
            )
    return arrays

"""The types of data that the command line reads, in the order in which they claim a file."""

from __future__ import annotations

from collections.abc import Mapping

from askew.cli.kinds.base import Kind, Part
from askew.cli.kinds.graphs import GraphFiles, NodeFiles
from askew.cli.kinds.images import ImageFiles
from askew.cli.kinds.series import SeriesFiles
from askew.cli.kinds.tabular import TabularFiles
from askew.cli.kinds.text import TextFiles
from askew.cli.kinds.windows import WindowFiles

__all__ = ["KINDS", "Kind", "Part"]

KINDS: Mapping[str, Kind] = {
    "images": ImageFiles(),
    "graphs": GraphFiles(),
    "nodes": NodeFiles(),
    "text": TextFiles(),  # before those that read a file as a table, which lines of words are not
    "series": SeriesFiles(),
    "windows": WindowFiles(),
    "tabular": TabularFiles(),
}

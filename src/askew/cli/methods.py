"""``askew methods``: the methods, and which types of data each takes."""

from __future__ import annotations

from askew import data as types
from askew.cli import show
from askew.methods import METHODS, method


def run() -> None:
    """Print the ideas of the methods, then a table of methods and types of data."""
    show.table("Methods", ["name", "idea"], ((name, idea) for name, (_, idea) in METHODS.items()))
    cells = [[name, *(cell(name, kind) for kind in types.TYPES)] for name in METHODS]
    show.table("Types of data that each takes", ["", *types.TYPES], cells)


def cell(name: str, kind: str) -> str:
    """Return "yes", or why a method does not take a type of data, such as "no decoder".

    Example
    -------
    >>> cell("KNN", "Tabular")
    'yes'
    """
    return method(name)().refusal(getattr(types, kind)) or "yes"

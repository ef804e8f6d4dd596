"""Tables and numbers as a reader wants them, on a terminal or in a file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

WIDTH = 140
"""Characters a line where no terminal says how wide it is."""


def console() -> Console:
    """Return where results go: standard output."""
    found = Console(highlight=False)
    return found if found.is_terminal else Console(highlight=False, width=WIDTH, no_color=True)


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table; cells are shown as they are, whatever they contain.

    A column whose name starts with ``>`` holds numbers and is set to the right.
    """
    shown = Table(header_style="bold")
    for name in columns:
        right = name.startswith(">")
        shown.add_column(
            name.removeprefix(">"), justify="right" if right else "left", overflow="fold"
        )
    for row in rows:
        shown.add_row(*(Text(cell(value)) for value in row))
    console().print(Text(title, style="bold"), shown, sep="\n")


def line(text: str) -> None:
    """Print one line of results."""
    console().print(Text(text), soft_wrap=True)


def cell(value: object) -> str:
    """Return a value as text: numbers with four digits that count, nothing for None.

    Example
    -------
    >>> [cell(v) for v in (0.123456, 1234.5678, 12, None, "a")]
    ['0.1235', '1235', '12', '', 'a']
    """
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)

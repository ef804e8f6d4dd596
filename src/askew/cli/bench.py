"""``askew bench``: the numbers of a table, from its file."""

from __future__ import annotations

from pathlib import Path

from askew import bench
from askew.cli import show
from askew.errors import InputError
from askew.whole import check_place


def run(table: Path, seeds: int | None, out: Path | None) -> None:
    """Run what is missing of a table and print it as Markdown.

    Raises
    ------
    InputError: there is no such table, it is not one, or the place to write is wrong.
    """
    if not table.is_file():
        raise InputError(f"{table} does not exist: give a TOML file such as those in benchmarks/.")
    if out is not None:
        check_place(out)
    show.line(bench.markdown(bench.run(table, seeds=seeds, out=out)))

"""``askew bench``: the numbers of a table, from its file."""

from __future__ import annotations

from pathlib import Path

import typer

from askew import bench, bench_results
from askew.cli import show
from askew.cli.failures import WRONG_INPUT, say
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
    if seeds is not None and seeds < 1:
        raise InputError(f"--seeds {seeds}: expected at least 1.")
    if out is not None:
        check_place(out)
        if out.suffix.lower() == ".md":
            raise InputError(f"--out {out.name}: a table is written beside the JSON; name that.")
    try:
        found = bench.run(table, seeds=seeds, out=out)
    except KeyboardInterrupt:
        say("Interrupted: finished runs are kept; run the command again to go on.")
        raise typer.Exit(WRONG_INPUT) from None
    show.line(bench_results.markdown(found))

"""The command line: what the commands are called and take.

The work is in one file a command, imported when it is called, so that help needs no torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from askew import __version__
from askew.cli.failures import told

__all__ = ["app", "main"]


class Commands(TyperGroup):
    """Commands that fail in one sentence; see `askew.cli.failures`."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command."""
        with told(ctx):
            return super().invoke(ctx)


app = typer.Typer(
    cls=Commands,
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
sets = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Known public data sets.")
app.add_typer(sets, name="data")

Model = Annotated[Path, typer.Argument(metavar="MODEL", help="The folder that askew fit wrote.")]
Data = Annotated[
    Path,
    typer.Argument(
        metavar="DATA",
        help="CSV, TSV, Parquet, Feather, JSON lines, NPY or NPZ; for series also .ts, a long "
        "table, or a folder with one table a series; .txt for texts, a folder of images, a folder "
        "or zip of TU graphs.",
    ),
]

Skip = Annotated[
    bool,
    typer.Option(
        "--skip-unreadable",
        help="Leave out image files that cannot be read and rows without text, and name them.",
    ),
]

Name = Annotated[str, typer.Argument(metavar="NAME", help="See: askew data list.")]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command; ends with exit code 0, 2 (input or options are wrong) or 1."""
    app(args=arguments, prog_name="askew")


def show_version(wanted: bool) -> None:
    """Print the version and stop, where that is wanted."""
    if wanted:
        typer.echo(f"askew {__version__}")
        raise typer.Exit


@app.callback()
def askew(
    version: Annotated[
        bool,
        typer.Option("--version", callback=show_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Find what does not belong, in any kind of data, by learning what normal looks like.

    askew fit normal.csv --out model, then: askew score model new.csv
    """


@app.command()
def fit(
    data: Data,
    out: Annotated[Path, typer.Option(help="Folder to save the model in.")],
    type: Annotated[
        str | None,
        typer.Option(
            help="tabular, series, windows, text, images, graphs or nodes; guessed where left out."
        ),
    ] = None,
    method: Annotated[str, typer.Option(help="See: askew methods.")] = "NeuTraLAD",
    label: Annotated[
        str | None, typer.Option(help="Column with labels; nothing is learned from it.")
    ] = None,
    id: Annotated[
        str | None,
        typer.Option(help="Column that names items, or the series or recordings of a long table."),
    ] = None,
    alert_rate: Annotated[
        float | None, typer.Option(help="False alarms accepted on normal items; 0.01 if left out.")
    ] = None,
    set: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="A parameter: views=7, data__scaling=quantile."),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Of all that is random; 0 if left out.")] = None,
    skip: Skip = False,
) -> None:
    """Learn from normal, or mostly normal, items."""
    from askew.cli.fit import run

    run(
        data,
        out,
        kind=type,
        name=method,
        label=label,
        id=id,
        alert_rate=alert_rate,
        chosen=set or [],
        seed=seed,
        skip=skip,
    )


@app.command()
def score(
    model: Model,
    data: Data,
    out: Annotated[
        Path | None, typer.Option(help="File for one row an item: .csv, .parquet or .jsonl.")
    ] = None,
    fdr: Annotated[
        float | None,
        typer.Option(help="Also select anomalies so that at most this share of them is normal."),
    ] = None,
    label: Annotated[
        str | None, typer.Option(help="Column with labels: print metrics against them.")
    ] = None,
    skip: Skip = False,
) -> None:
    """Judge every item; show the strangest, or write all.

    The file has a row for each item: id, score, p_value, alert, reasons (of alerts; where there
    are very many, of the strangest 100 in every 65,536 rows), and with --fdr: selected. A recording
    has a row for each step, and event numbers the alerts that belong together.
    """
    from askew.cli.score import run

    run(model, data, out=out, fdr=fdr, label=label, skip=skip)


@app.command()
def explain(
    model: Model,
    data: Data,
    item: Annotated[str, typer.Option(help="Its id, or its row number from 0.")],
    skip: Skip = False,
) -> None:
    """Say why one item scored what it did.

    Which columns, or channels and steps, made its score, and which learned views found it strange.
    """
    from askew.cli.explain import run

    run(model, data, item, skip)


@app.command()
def report(
    model: Model,
    out: Annotated[Path, typer.Option(help="HTML file to write; it opens offline.")],
    data: Annotated[
        Path | None, typer.Argument(metavar="DATA", help="Items to judge and show.")
    ] = None,
    label: Annotated[
        str | None, typer.Option(help="Column with labels, if the model does not know it.")
    ] = None,
    skip: Skip = False,
) -> None:
    """Write one self-contained page for the browser.

    It shows the model, its health, and with DATA the strangest items with their reasons.
    """
    from askew.cli.report import run

    run(model, data, out, label, skip)


@app.command()
def health(model: Model) -> None:
    """Show whether a model can be trusted."""
    from askew.cli.health import run

    run(model)


@app.command()
def bench(
    table: Annotated[Path, typer.Argument(metavar="TABLE.toml", help="What to run.")],
    seeds: Annotated[
        int | None, typer.Option(min=1, help="Fewer seeds than the table asks for.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="JSON file for the results.")] = None,
) -> None:
    """Run a benchmark table; goes on where it was stopped."""
    from askew.cli.bench import run

    run(table, seeds, out)


@app.command()
def methods() -> None:
    """List the methods, their ideas, and which types of data each takes."""
    from askew.cli.methods import run

    run()


@sets.command("list")
def data_list() -> None:
    """List the data sets that askew knows."""
    from askew.cli import data as job

    job.listed()


@sets.command("path")
def data_path(name: Name) -> None:
    """Print where the checked file of a data set is; it is fetched if need be."""
    from askew.cli import data as job

    job.path(name)


@sets.command("split")
def data_split(
    name: Name,
    out: Annotated[Path, typer.Option(help="Folder for train.csv and test.csv.")],
    seed: Annotated[int, typer.Option(help="Which normal rows train.")] = 0,
) -> None:
    """Write half of the normal rows as train.csv, the rest with labels as test.csv."""
    from askew.cli import data as job

    job.split(name, out, seed)

"""``askew data``: the public data sets that askew knows."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pandas as pd

from askew import datasets
from askew.cli import show
from askew.errors import InputError
from askew.whole import whole

LABEL = "label"
"""Column of the truth in the files that `split` writes."""


def listed() -> None:
    """Print all known data sets."""
    show.table(
        "Data sets",
        ["name", "kind", "about", "here", "licence"],
        (
            (name, data.kind, data.about, "ships with askew" if data.shipped else "", data.licence)
            for name, data in sorted(datasets.DATASETS.items(), key=lambda one: "/" in one[0])
        ),
    )


def path(name: str) -> None:
    """Print where the checked file of a data set is."""
    show.line(str(datasets.path(name)))


def split(name: str, out: Path, seed: int) -> None:
    """Write half of the normal rows to train.csv and all other rows, with labels, to test.csv.

    Raises
    ------
    InputError: the data set holds series, has a column named like the label, or cannot be had.
    """
    rows, labels = datasets.load_table(name, seed=seed)
    if LABEL in rows.columns:
        raise InputError(f"{name} has a column {LABEL!r} of its own: split it with pandas.")
    train, test, truth = datasets.half_split(rows, labels, seed=seed)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{out} cannot be a folder to write to: {error.strerror}.") from error
    _write({out / "train.csv": train, out / "test.csv": test.assign(**{LABEL: truth})})
    show.line(
        f"{out / 'train.csv'}: {len(train):,} normal rows; {out / 'test.csv'}: {len(test):,} rows, "
        f"{int(truth.sum()):,} anomalous, column {LABEL!r}"
    )


def _write(tables: dict[Path, pd.DataFrame]) -> None:
    """Write all of the tables, or none."""
    with ExitStack() as stack:
        for file, table in tables.items():
            table.to_csv(stack.enter_context(whole(file)), index=False)
